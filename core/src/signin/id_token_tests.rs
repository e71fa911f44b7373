use jsonwebtoken::EncodingKey;
use serde_json::json;

use super::super::jws::MAX_TOKEN;
use super::super::keys::KeySet;
use super::super::testing::{ACCESS_TOKEN, ISSUER, SigningKey, merged};
use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000);
const ALL: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "ann", "aud": "gateway", "exp": NOW.0 + 300, "iat": NOW.0, "nonce": "n"})
}

fn key_of(key: &SigningKey, algorithm: Algorithm) -> Key {
    let set = KeySet::parse(json!({"keys": [key.jwk()]}).to_string().as_bytes()).unwrap();
    set.find(Some(&key.id), algorithm).unwrap().clone()
}

fn verify(token: &str, key: &SigningKey) -> Result<Identity, IdTokenError> {
    let token = UnverifiedIdToken::parse(token, &ALL)?;
    let algorithm = token.jws.algorithm;
    token.verify(&key_of(key, algorithm))?.check(&Expected {
        issuer: ISSUER,
        client_id: "gateway",
        nonce: "n",
        access_token: ACCESS_TOKEN,
        now: NOW,
    })
}

/// Verifies a token with these claims instead of the good ones.
fn with_claims(changes: &Value) -> Result<Identity, IdTokenError> {
    let key = SigningKey::ed("a");
    verify(&key.sign(&merged(claims(), changes)), &key)
}

/// Verifies a token with these members in the header instead of the good ones.
fn with_header(changes: &Value) -> Result<Identity, IdTokenError> {
    let key = SigningKey::ed("a");
    verify(&key.sign_with(changes, &claims()), &key)
}

#[test]
fn accepts_every_listed_algorithm() {
    let mut pss = SigningKey::rsa("a");
    pss.algorithm = Algorithm::PS256;
    for key in [SigningKey::ed("a"), SigningKey::ec("a"), SigningKey::rsa("a"), pss] {
        assert!(verify(&key.sign(&claims()), &key).is_ok(), "{:?}", key.algorithm);
    }
}

#[test]
fn tells_who_signed_in() {
    let identity = with_claims(&json!({"auth_time": 5, "sid": "s"})).unwrap();
    let expected =
        Identity { subject: "ann".to_owned(), auth_time: Some(Timestamp(5)), idp_session: Some("s".to_owned()) };
    assert_eq!(identity, expected);
}

#[test]
fn refuses_unsigned_tokens() {
    let token = SigningKey::ed("a").sign_with(&json!({"alg": "none"}), &claims());
    let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
    for token in [token, unsigned] {
        assert_eq!(verify(&token, &SigningKey::ed("a")), Err(IdTokenError::Algorithm));
    }
    for alg in ["None", "NONE", "", "HS256", "HS512", "RS512", "ES384", "eddsa"] {
        assert_eq!(with_header(&json!({"alg": alg})), Err(IdTokenError::Algorithm), "{alg}");
    }
}

#[test]
fn refuses_a_public_key_used_as_a_shared_secret() {
    let public = SigningKey::ed("a").jwk();
    for secret in [public.to_string(), public["x"].as_str().unwrap().to_owned()] {
        let key = EncodingKey::from_secret(secret.as_bytes());
        let forger = SigningKey { id: "a".to_owned(), algorithm: Algorithm::HS256, key };
        assert_eq!(verify(&forger.sign(&claims()), &SigningKey::ed("a")), Err(IdTokenError::Algorithm));
    }
}

#[test]
fn refuses_algorithms_that_the_provider_does_not_list() {
    let token = SigningKey::ed("a").sign(&claims());
    assert_eq!(UnverifiedIdToken::parse(&token, &[Algorithm::RS256]).err(), Some(IdTokenError::Algorithm));
}

#[test]
fn refuses_another_keys_signature() {
    let token = SigningKey::ed_of("a", 8).sign(&claims());
    assert_eq!(verify(&token, &SigningKey::ed("a")), Err(IdTokenError::Signature));
}

#[test]
fn refuses_a_changed_payload() {
    let token = SigningKey::ed("a").sign(&claims());
    let parts: Vec<_> = token.split('.').collect();
    let payload = URL_SAFE_NO_PAD.encode(merged(claims(), &json!({"sub": "bob"})).to_string());
    let forged = format!("{}.{payload}.{}", parts[0], parts[2]);
    assert_eq!(verify(&forged, &SigningKey::ed("a")), Err(IdTokenError::Signature));
}

#[test]
fn refuses_what_is_not_three_parts_of_strict_base64url() {
    let token = SigningKey::ed("a").sign(&claims());
    let (message, signature) = token.rsplit_once('.').unwrap();
    // 64 bytes leave four bits unused in the last character: another one decodes alike where decoders are lax.
    let other_tail = format!("{}{}", &token[..token.len() - 1], if token.ends_with('A') { 'B' } else { 'A' });
    for token in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        message.to_owned(),
        format!("{token}.a"),
        format!(".{token}"),
        format!("{token}="),
        format!("{token} "),
        format!("{token}\n"),
        format!("{message}=.{signature}"),
        format!("{message}.{}+", &signature[..signature.len() - 1]),
        format!("{token}{}", "A".repeat(MAX_TOKEN)),
    ] {
        assert_eq!(verify(&token, &SigningKey::ed("a")), Err(IdTokenError::Malformed), "{token}");
    }
    assert!(verify(&other_tail, &SigningKey::ed("a")).is_err());
}

#[test]
fn refuses_extensions() {
    for header in [
        json!({"crit": ["exp"]}),
        json!({"crit": []}),
        json!({"b64": false}),
        json!({"enc": "A256GCM"}),
        json!({"zip": "DEF"}),
    ] {
        assert_eq!(with_header(&header), Err(IdTokenError::Extension), "{header}");
    }
    let key = SigningKey::ed("a");
    let token = key.sign_text(r#"{"alg":"EdDSA","kid":"a","crit":null}"#, &claims().to_string());
    assert_eq!(verify(&token, &key), Err(IdTokenError::Extension));
}

#[test]
fn never_uses_a_key_that_the_token_brings() {
    let forger = SigningKey::ed_of("a", 8);
    for header in [json!({"jwk": forger.jwk()}), json!({"jku": "https://evil.example"}), json!({"x5u": "https://evil"})]
    {
        assert_eq!(verify(&forger.sign_with(&header, &claims()), &SigningKey::ed("a")), Err(IdTokenError::Signature));
        assert!(with_header(&header).is_ok(), "{header}");
    }
}

#[test]
fn refuses_other_kinds_of_tokens() {
    for typ in ["at+jwt", "logout+jwt", "application/jwt", ""] {
        assert_eq!(with_header(&json!({"typ": typ})), Err(IdTokenError::Malformed), "{typ}");
    }
    assert!(with_header(&json!({"typ": null})).is_ok());
}

#[test]
fn refuses_repeated_members() {
    let key = SigningKey::ed("a");
    let twice = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    let header = r#"{"alg":"EdDSA","kid":"a"}"#;
    let claims = merged(claims(), &json!({"email": "a@b"})).to_string();
    for token in [
        key.sign_text(&twice(header, r#""alg":"RS256""#), &claims),
        key.sign_text(header, &twice(&claims, r#""sub":"bob""#)),
        key.sign_text(header, &twice(&claims, r#""email":"c@d""#)),
    ] {
        assert_eq!(verify(&token, &key), Err(IdTokenError::Malformed));
    }
    assert!(verify(&key.sign_text(header, &claims), &key).is_ok());
}

#[test]
fn refuses_claims_of_other_types() {
    for changes in [
        json!({"iss": [ISSUER]}),
        json!({"sub": 7}),
        json!({"sub": null}),
        json!({"aud": null}),
        json!({"aud": {"gateway": true}}),
        json!({"aud": ["gateway", 7]}),
        json!({"exp": "1700000300"}),
        json!({"exp": 1_700_000_300.5}),
        json!({"exp": u64::MAX}),
        json!({"exp": null}),
        json!({"iat": null}),
        json!({"iat": true}),
        json!({"nonce": null}),
        json!({"nonce": ["n"]}),
        json!({"azp": 7}),
        json!({"at_hash": 7}),
        json!({"auth_time": "now"}),
    ] {
        assert_eq!(with_claims(&changes), Err(IdTokenError::Malformed), "{changes}");
    }
    let key = SigningKey::ed("a");
    let header = r#"{"alg":"EdDSA","kid":"a"}"#;
    for claims in ["[]", "null", "\"\"", "", "{}", "{} {}"] {
        assert_eq!(verify(&key.sign_text(header, claims), &key), Err(IdTokenError::Malformed), "{claims}");
    }
}

#[test]
fn refuses_another_issuer() {
    for issuer in ["https://id.example/", "https://ID.example", "https://evil.example", ""] {
        assert_eq!(with_claims(&json!({"iss": issuer})), Err(IdTokenError::Issuer), "{issuer}");
    }
}

#[test]
fn refuses_another_audience() {
    for changes in [
        json!({"aud": "other"}),
        json!({"aud": "gateway2"}),
        json!({"aud": []}),
        json!({"aud": ["other"]}),
        json!({"aud": ["gateway", "other"]}),
        json!({"aud": ["gateway", "other"], "azp": "other"}),
        json!({"aud": "gateway", "azp": "other"}),
        json!({"aud": ["gateway"], "azp": "other"}),
        json!({"aud": "other", "azp": "gateway"}),
    ] {
        assert_eq!(with_claims(&changes), Err(IdTokenError::Audience), "{changes}");
    }
    for changes in [json!({"aud": ["gateway"]}), json!({"aud": ["other", "gateway"], "azp": "gateway"})] {
        assert!(with_claims(&changes).is_ok(), "{changes}");
    }
}

#[test]
fn refuses_another_nonce() {
    for nonce in ["m", "", "nn", "N"] {
        assert_eq!(with_claims(&json!({"nonce": nonce})), Err(IdTokenError::Nonce), "{nonce}");
    }
}

#[test]
fn refuses_other_times_than_now() {
    let refused = [
        json!({"exp": NOW.0 - 60}),
        json!({"exp": i64::MIN}),
        json!({"iat": NOW.0 + 61}),
        json!({"iat": i64::MAX}),
        json!({"nbf": NOW.0 + 61}),
    ];
    for changes in refused {
        assert_eq!(with_claims(&changes), Err(IdTokenError::Time), "{changes}");
    }
    let accepted = [json!({"exp": NOW.0 - 59}), json!({"iat": NOW.0 + 60}), json!({"nbf": NOW.0 + 60})];
    for changes in accepted {
        assert!(with_claims(&changes).is_ok(), "{changes}");
    }
}

#[test]
fn refuses_subjects_that_cannot_be_kept() {
    for subject in [String::new(), "a".repeat(256)] {
        assert_eq!(with_claims(&json!({"sub": subject})), Err(IdTokenError::Subject));
    }
    assert!(with_claims(&json!({"sub": "a".repeat(255)})).is_ok());
}

#[test]
fn refuses_another_access_tokens_hash() {
    for hash in [access_token_hash("other", Algorithm::EdDSA), access_token_hash(ACCESS_TOKEN, Algorithm::RS256)] {
        assert_eq!(with_claims(&json!({"at_hash": hash})), Err(IdTokenError::AccessTokenHash));
    }
    assert_eq!(with_claims(&json!({"at_hash": ""})), Err(IdTokenError::AccessTokenHash));
    assert!(with_claims(&json!({"at_hash": access_token_hash(ACCESS_TOKEN, Algorithm::EdDSA)})).is_ok());
}

#[test]
fn hashes_access_tokens_as_the_specification_does() {
    // OpenID Connect Core, appendix A.4.
    let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    assert_eq!(access_token_hash(token, Algorithm::RS256), "77QmUPtjPfzWtF2AnpK9RQ");
}
