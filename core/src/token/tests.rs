//! The verification policy, attacked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::*;
use crate::id::{TokenId, UserId};
use crate::time::{Millis, Timestamp};
use crate::version::Epoch;

const NOW: Timestamp = Timestamp(1_800_000_000);
const LIFETIME: i64 = 3600;

fn seed(first: u8) -> [u8; 32] {
    std::array::from_fn(|index| first.wrapping_add(u8::try_from(index).unwrap().wrapping_mul(37)))
}

fn keys() -> KeySet {
    KeySet::new(NOW, seed(1), seed(2))
}

fn policy() -> TokenPolicy {
    TokenPolicy { issuer: "https://gw.example.com".to_owned(), max_lifetime: 90 * 86400 }
}

fn record() -> Token {
    Token {
        id: TokenId::new(Millis(NOW.0 * 1000), [3; 10]),
        user: UserId::new(Millis(NOW.0 * 1000), [4; 10]),
        name: TokenName::parse("laptop").unwrap(),
        scopes: Scopes::default(),
        created: NOW,
        expiry: NOW.plus(LIFETIME),
        epoch: Epoch(5),
        state: TokenState::Live,
        minted_for: None,
        last_used: None,
    }
}

fn minted(keys: &KeySet) -> String {
    sign(&record(), &policy(), &keys.signer().unwrap()).unwrap().expose_secret().to_owned()
}

fn check(text: &str) -> Result<Verified, VerifyError> {
    verify(text, &keys().public().unwrap(), &policy(), NOW)
}

/// Signs a header and payload of the test's making with the real key.
fn forge(header: &str, payload: &str) -> String {
    let message = [URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload)].join(".");
    let signature = keys().signer().unwrap().sign(&message).unwrap();
    format!("{message}.{signature}")
}

fn part(token: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

fn header() -> Value {
    part(&minted(&keys()), 0)
}

fn payload() -> Value {
    part(&minted(&keys()), 1)
}

fn with(mut value: Value, name: &str, member: Value) -> String {
    value[name] = member;
    value.to_string()
}

#[test]
fn accepts_what_it_signs() {
    let verified = check(&minted(&keys())).unwrap();
    let token = record();
    assert_eq!(
        verified,
        Verified { user: token.user, token: token.id, expiry: token.expiry, scopes: token.scopes, epoch: token.epoch }
    );
}

#[test]
fn forges_pass_when_nothing_is_changed() {
    assert!(check(&forge(&header().to_string(), &payload().to_string())).is_ok());
}

#[test]
fn refuses_token_at_its_exact_expiry() {
    let token = minted(&keys());
    let public = keys().public().unwrap();
    assert!(verify(&token, &public, &policy(), NOW.plus(LIFETIME - 1)).is_ok());
    assert_eq!(verify(&token, &public, &policy(), NOW.plus(LIFETIME)), Err(VerifyError::Expired));
}

#[test]
fn refuses_token_of_another_key() {
    let other = KeySet::new(NOW, seed(9), seed(10));
    assert_eq!(check(&minted(&other)), Err(VerifyError::UnknownKey));
}

#[test]
fn refuses_key_of_another_under_a_known_kid() {
    let other = KeySet::new(NOW, seed(9), seed(10));
    let message =
        [URL_SAFE_NO_PAD.encode(header().to_string()), URL_SAFE_NO_PAD.encode(payload().to_string())].join(".");
    let signature = other.signer().unwrap().sign(&message).unwrap();
    assert_eq!(check(&format!("{message}.{signature}")), Err(VerifyError::Invalid));
}

#[test]
fn refuses_headers_that_ask_for_another_check() {
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("alg", json!("eddsa")),
        ("alg", json!(["EdDSA"])),
        ("typ", json!("JWT")),
        ("typ", json!("at+JWT")),
        ("typ", json!("application/at+jwt")),
        ("kid", json!("../../etc/passwd")),
        ("kid", json!("' OR 1=1 --")),
        ("kid", json!("")),
        ("kid", json!(7)),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("enc", json!("A256GCM")),
        ("zip", json!("DEF")),
        ("jku", json!("https://evil.example/jwks")),
        ("jwk", json!({"kty":"OKP"})),
        ("x5u", json!("https://evil.example/x5u")),
        ("x5c", json!(["MII"])),
    ] {
        let token = forge(&with(header(), name, value.clone()), &payload().to_string());
        assert_eq!(check(&token), Err(VerifyError::Invalid), "{name}: {value}");
    }
}

#[test]
fn refuses_claims_of_another_value_or_type() {
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("iss", json!(["https://gw.example.com"])),
        ("aud", json!("https://other.example")),
        ("aud", json!(["https://gw.example.com"])),
        ("sub", json!("")),
        ("sub", json!("admin")),
        ("sub", json!(payload()["sub"].as_str().unwrap().to_lowercase())),
        ("jti", json!("x")),
        ("jti", json!(null)),
        ("iat", json!(NOW.0 + 61)),
        ("iat", json!(1_800_000_000.5)),
        ("iat", json!("1800000000")),
        ("nbf", json!(NOW.0 + 1)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(NOW.0 + 90 * 86400 + 1)),
        ("exp", json!(1e300)),
        ("exp", json!(NOW.0)),
        ("exp", json!(NOW.0 - 1)),
        ("ep", json!(-1)),
        ("ep", json!(1.0)),
        ("scope", json!("llm superuser")),
        ("scope", json!("")),
        ("scope", json!("llm  admin")),
        ("scope", json!(["llm"])),
        ("client_id", json!("another")),
        ("email", json!("ann@example.com")),
    ] {
        let token = forge(&header().to_string(), &with(payload(), name, value.clone()));
        assert_eq!(check(&token), Err(VerifyError::Invalid), "{name}: {value}");
    }
}

#[test]
fn refuses_token_without_any_one_claim() {
    let claims = payload();
    for name in claims.as_object().unwrap().keys() {
        let mut fewer = claims.clone();
        fewer.as_object_mut().unwrap().remove(name);
        assert_eq!(check(&forge(&header().to_string(), &fewer.to_string())), Err(VerifyError::Invalid), "{name}");
    }
}

#[test]
fn refuses_duplicate_members() {
    let claims = payload().to_string().replacen('{', r#"{"sub":"01ARZ3NDEKTSV4RRFFQ69G5FAV","#, 1);
    assert_eq!(check(&forge(&header().to_string(), &claims)), Err(VerifyError::Invalid));
    let twice = header().to_string().replacen('{', r#"{"alg":"none","#, 1);
    assert_eq!(check(&forge(&twice, &payload().to_string())), Err(VerifyError::Invalid));
}

#[test]
fn refuses_other_spellings_of_a_good_token() {
    let token = minted(&keys());
    let (message, signature) = token.rsplit_once('.').unwrap();
    // 64 bytes leave 4 unused bits in the last of 86 characters: another character there decodes to the same bytes in a
    // lenient decoder.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let sibling = alphabet.chars().nth(alphabet.find(last).unwrap() ^ 1).unwrap();
    let tail = format!("{message}.{}{sibling}", &signature[..signature.len() - 1]);
    for text in [
        tail,
        format!("{token}="),
        format!("{token}."),
        format!("{token} "),
        format!(" {token}"),
        format!("{token}\n"),
        token.replacen('.', "..", 1),
        message.to_owned(),
        format!("{message}."),
        token.replace('.', "%2E"),
        String::new(),
        "..".to_owned(),
    ] {
        assert_eq!(check(&text), Err(VerifyError::Invalid), "{text}");
    }
}

#[test]
fn refuses_long_tokens_before_decoding_them() {
    let claims = with(payload(), "scope", json!("llm ".repeat(MAX_TOKEN)));
    assert_eq!(check(&forge(&header().to_string(), &claims)), Err(VerifyError::Invalid));
    assert_eq!(check(&"a.".repeat(5_000_000)), Err(VerifyError::Invalid));
}

#[test]
fn older_keys_verify_until_their_last_token_has_expired() {
    let token = minted(&keys());
    let rotated = keys().rotate(NOW.plus(10), policy().max_lifetime, seed(3));
    assert!(verify(&token, &rotated.public().unwrap(), &policy(), NOW.plus(11)).is_ok());

    let later = NOW.plus(i64::from(policy().max_lifetime) + 7200);
    let pruned = rotated.rotate(later, policy().max_lifetime, seed(4));
    assert_eq!(verify(&token, &pruned.public().unwrap(), &policy(), NOW.plus(11)), Err(VerifyError::UnknownKey));
}

#[test]
fn rotation_signs_with_the_key_that_was_published_ahead() {
    let before = keys();
    let after = before.clone().rotate(NOW, policy().max_lifetime, seed(3));
    let token = minted(&after);
    assert!(check(&token).is_ok(), "whoever has only the older set knows the next key");
    assert_ne!(before.signer().unwrap().kid(), after.signer().unwrap().kid());
}

#[test]
fn key_file_reads_what_it_wrote() {
    let set = keys();
    let read = KeySet::parse(set.to_json().expose_secret()).unwrap();
    assert!(read.public().unwrap().same_as(&set.public().unwrap()));
    assert_eq!(read.signer().unwrap().kid(), set.signer().unwrap().kid());
}

#[test]
fn refuses_weak_or_ambiguous_key_files() {
    let good: Value = serde_json::from_str(keys().to_json().expose_secret()).unwrap();
    let change = |path: &str, value: Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(path).unwrap() = value;
        KeySet::parse(&bad.to_string()).unwrap_err()
    };
    assert_eq!(change("/keys/0/seed", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")), KeyError::Weak);
    assert_eq!(change("/keys/0/seed", json!("c2hvcnQ")), KeyError::Weak);
    assert_eq!(change("/keys/0/kid", good["keys"][1]["kid"].clone()), KeyError::KeyId);
    assert_eq!(change("/keys/0/kid", json!("a b")), KeyError::KeyId);
    assert_eq!(change("/keys/0/stage", json!("next")), KeyError::Stages);
    assert_eq!(change("/keys", json!([])), KeyError::Stages);
    assert_eq!(KeySet::parse("{}").unwrap_err(), KeyError::Malformed);
}

#[test]
fn published_keys_hold_nothing_private() {
    let set = keys();
    let published = serde_json::to_string(&set.public().unwrap()).unwrap();
    let file: Value = serde_json::from_str(set.to_json().expose_secret()).unwrap();
    assert!(!published.contains(file["keys"][0]["seed"].as_str().unwrap()));
    let debug = format!("{set:?} {:?} {:?}", set.signer().unwrap(), set.public().unwrap());
    assert!(!debug.contains(file["keys"][0]["seed"].as_str().unwrap()));
}

#[test]
fn remembered_tokens_expire_like_others() {
    let verifier = Verifier::new(policy(), keys().public().unwrap());
    let token = minted(&keys());
    assert!(verifier.verify(&token, NOW).is_ok());
    assert!(verifier.verify(&token, NOW.plus(LIFETIME - 1)).is_ok());
    assert_eq!(verifier.verify(&token, NOW.plus(LIFETIME)), Err(VerifyError::Expired));
}

#[test]
fn remembers_whole_tokens_only() {
    let verifier = Verifier::new(policy(), keys().public().unwrap());
    let token = minted(&keys());
    assert!(verifier.verify(&token, NOW).is_ok());
    let (message, _) = token.rsplit_once('.').unwrap();
    let other = format!("{message}.{}", URL_SAFE_NO_PAD.encode([7; 64]));
    assert_eq!(verifier.verify(&other, NOW), Err(VerifyError::Invalid));
}

#[test]
fn forgets_what_withdrawn_keys_had_verified() {
    let verifier = Verifier::new(policy(), keys().public().unwrap());
    let token = minted(&keys());
    assert!(verifier.verify(&token, NOW).is_ok());
    verifier.replace_keys(KeySet::new(NOW, seed(9), seed(10)).public().unwrap());
    assert_eq!(verifier.verify(&token, NOW), Err(VerifyError::UnknownKey));
}
