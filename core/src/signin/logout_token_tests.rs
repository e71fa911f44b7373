use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;

use super::super::IdTokenError;
use super::super::id_token::UnverifiedIdToken;
use super::super::testing::{Answer, ISSUER, SigningKey, World, block_on, merged};
use super::*;

fn claims(world: &World) -> Value {
    json!({
        "iss": ISSUER, "aud": "gateway", "iat": world.now().0, "exp": world.now().0 + 120, "jti": "t1",
        "events": {EVENT: {}}, "sub": "ann",
    })
}

fn check_in(world: &World, token: &str) -> Result<LogoutToken, LogoutTokenRefusal> {
    match block_on(world.party.check_logout_token(world, token)) {
        Ok(token) => Ok(token),
        Err(LogoutTokenError::Refused(refusal)) => Err(refusal),
        Err(LogoutTokenError::Provider(error)) => panic!("{error}"),
    }
}

fn check_text(token: &str) -> Result<LogoutToken, LogoutTokenRefusal> {
    check_in(&World::new(), token)
}

/// Checks a token with these claims instead of the good ones; `null` takes one away.
fn with_claims(changes: &Value) -> Result<LogoutToken, LogoutTokenRefusal> {
    let world = World::new();
    check_in(&world, &SigningKey::ed("k1").sign(&merged(claims(&world), changes)))
}

/// Checks a token with these members in the header instead of the good ones.
fn with_header(changes: &Value) -> Result<LogoutToken, LogoutTokenRefusal> {
    let world = World::new();
    check_in(&world, &SigningKey::ed("k1").sign_with(changes, &claims(&world)))
}

/// Checks a token in whose claims one text is another.
fn with_text(from: &str, to: &str) -> Result<LogoutToken, LogoutTokenRefusal> {
    let world = World::new();
    let text = claims(&world).to_string();
    assert!(text.contains(from));
    let header = r#"{"alg":"EdDSA","kid":"k1"}"#;
    check_in(&world, &SigningKey::ed("k1").sign_text(header, &text.replacen(from, to, 1)))
}

#[test]
fn tells_whose_sessions_are_over() {
    let world = World::new();
    let token = check_in(&world, &SigningKey::ed("k1").sign(&claims(&world))).unwrap();
    let expected = LogoutToken {
        account_subject: Some("ann".to_owned()),
        session: None,
        id: "t1".to_owned(),
        expiry: world.now().plus(120),
        issuer: ISSUER.to_owned(),
    };
    assert_eq!(token, expected);
}

#[test]
fn tells_which_session_is_over() {
    let token = with_claims(&json!({"sub": null, "sid": "s"})).unwrap();
    assert_eq!((token.account_subject, token.session.as_deref()), (None, Some("s")));
}

#[test]
fn tells_both_person_and_session() {
    let token = with_claims(&json!({"sid": "s"})).unwrap();
    assert_eq!((token.account_subject.as_deref(), token.session.as_deref()), (Some("ann"), Some("s")));
}

#[test]
fn refuses_a_token_without_person_and_session() {
    assert_eq!(with_claims(&json!({"sub": null})), Err(LogoutTokenRefusal::Subject));
}

#[test]
fn refuses_people_and_sessions_that_cannot_be_kept() {
    for name in ["sub", "sid"] {
        for text in [String::new(), "a".repeat(256)] {
            assert_eq!(with_claims(&json!({name: text})), Err(LogoutTokenRefusal::Subject), "{name}");
        }
        assert!(with_claims(&json!({name: "a".repeat(255)})).is_ok(), "{name}");
    }
}

#[test]
fn accepts_every_kind_of_token_that_a_logout_token_may_be_called() {
    for typ in [json!(null), json!("JWT"), json!("logout+jwt"), json!("Logout+JWT"), json!("jwt")] {
        assert!(with_header(&json!({"typ": typ})).is_ok(), "{typ}");
    }
    for typ in ["at+jwt", "application/logout+jwt", ""] {
        assert_eq!(with_header(&json!({"typ": typ})), Err(LogoutTokenRefusal::Malformed), "{typ}");
    }
}

#[test]
fn refuses_unsigned_tokens() {
    let world = World::new();
    let token = SigningKey::ed("k1").sign_with(&json!({"alg": "none"}), &claims(&world));
    let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
    for token in [token, unsigned] {
        assert_eq!(check_in(&world, &token), Err(LogoutTokenRefusal::Algorithm));
    }
}

#[test]
fn refuses_a_public_key_used_as_a_shared_secret() {
    let world = World::new();
    let public = SigningKey::ed("k1").jwk();
    for secret in [public.to_string(), public["x"].as_str().unwrap().to_owned()] {
        let key = EncodingKey::from_secret(secret.as_bytes());
        let forger = SigningKey { id: "k1".to_owned(), algorithm: Algorithm::HS256, key };
        assert_eq!(check_in(&world, &forger.sign(&claims(&world))), Err(LogoutTokenRefusal::Algorithm));
    }
}

#[test]
fn refuses_algorithms_that_are_not_accepted() {
    for alg in ["RS512", "ES384", "eddsa", ""] {
        assert_eq!(with_header(&json!({"alg": alg})), Err(LogoutTokenRefusal::Algorithm), "{alg}");
    }
}

#[test]
fn refuses_algorithms_that_the_provider_does_not_list() {
    let world = World::new();
    world.provider.describe(&json!({"id_token_signing_alg_values_supported": ["RS256"]}));
    let token = SigningKey::ed("k1").sign(&claims(&world));
    assert_eq!(check_in(&world, &token), Err(LogoutTokenRefusal::Algorithm));
}

#[test]
fn refuses_extensions() {
    for header in [json!({"crit": ["exp"]}), json!({"b64": false}), json!({"enc": "A256GCM"}), json!({"zip": "DEF"})] {
        assert_eq!(with_header(&header), Err(LogoutTokenRefusal::Extension), "{header}");
    }
}

#[test]
fn refuses_unknown_keys() {
    let world = World::new();
    let token = SigningKey::ed("k2").sign(&claims(&world));
    assert_eq!(check_in(&world, &token), Err(LogoutTokenRefusal::Key));
}

#[test]
fn asks_for_keys_anew_when_one_is_unknown() {
    let world = World::new();
    check_in(&world, &SigningKey::ed("k1").sign(&claims(&world))).unwrap();
    world.provider.publish(&[SigningKey::ed("k2").jwk()]);
    world.advance(31);
    assert!(check_in(&world, &SigningKey::ed("k2").sign(&claims(&world))).is_ok());
}

#[test]
fn refuses_another_keys_signature() {
    let world = World::new();
    let token = SigningKey::ed_of("k1", 8).sign(&claims(&world));
    assert_eq!(check_in(&world, &token), Err(LogoutTokenRefusal::Signature));
}

#[test]
fn refuses_what_is_no_token() {
    let world = World::new();
    let token = SigningKey::ed("k1").sign(&claims(&world));
    for token in [String::new(), "..".to_owned(), format!("{token}.a"), format!("{token}="), token.repeat(60)] {
        assert_eq!(check_text(&token), Err(LogoutTokenRefusal::Malformed), "{token}");
    }
}

#[test]
fn refuses_tokens_without_the_logout_event() {
    let other = "http://schemas.openid.net/event/other";
    for events in [json!(null), json!({}), json!({other: {}})] {
        assert_eq!(with_claims(&json!({"events": events})), Err(LogoutTokenRefusal::Event), "{events}");
    }
}

#[test]
fn refuses_events_of_other_types() {
    for event in [json!(true), json!("{}"), json!([]), json!(null)] {
        assert_eq!(with_claims(&json!({"events": {EVENT: event}})), Err(LogoutTokenRefusal::Event), "{event}");
    }
    for events in [json!([EVENT]), json!(EVENT)] {
        assert_eq!(with_claims(&json!({"events": events})), Err(LogoutTokenRefusal::Malformed), "{events}");
    }
}

#[test]
fn refuses_a_nonce_of_any_value() {
    for nonce in [r#""nonce":"n""#, r#""nonce":"""#, r#""nonce":null"#, r#""nonce":{}"#] {
        assert_eq!(with_text("{", &format!("{{{nonce},")), Err(LogoutTokenRefusal::Nonce), "{nonce}");
    }
}

#[test]
fn refuses_another_issuer() {
    for issuer in ["https://id.example/", "https://ID.example", "https://evil.example", ""] {
        assert_eq!(with_claims(&json!({"iss": issuer})), Err(LogoutTokenRefusal::Issuer), "{issuer}");
    }
}

#[test]
fn refuses_another_audience() {
    for audience in [json!("other"), json!("gateway2"), json!([]), json!(["other"])] {
        assert_eq!(with_claims(&json!({"aud": audience})), Err(LogoutTokenRefusal::Audience), "{audience}");
    }
    for audience in [json!(["gateway"]), json!(["other", "gateway"])] {
        assert!(with_claims(&json!({"aud": audience})).is_ok(), "{audience}");
    }
}

#[test]
fn refuses_expired_tokens() {
    let now = World::new().now().0;
    for expiry in [now - 60, i64::MIN] {
        assert_eq!(with_claims(&json!({"exp": expiry})), Err(LogoutTokenRefusal::Time), "{expiry}");
    }
    assert!(with_claims(&json!({"exp": now - 59})).is_ok());
}

#[test]
fn refuses_tokens_from_the_future() {
    let now = World::new().now().0;
    for name in ["iat", "nbf"] {
        assert_eq!(with_claims(&json!({name: now + 61})), Err(LogoutTokenRefusal::Time), "{name}");
        assert!(with_claims(&json!({name: now + 60})).is_ok(), "{name}");
    }
}

#[test]
fn refuses_tokens_without_a_usable_id() {
    for id in [json!(null), json!(""), json!("a".repeat(256))] {
        assert_eq!(with_claims(&json!({"jti": id})), Err(LogoutTokenRefusal::Id), "{id}");
    }
    assert!(with_claims(&json!({"jti": "a".repeat(255)})).is_ok());
}

#[test]
fn refuses_claims_that_are_missing_or_of_other_types() {
    for changes in [
        json!({"iss": null}),
        json!({"aud": null}),
        json!({"iat": null}),
        json!({"exp": null}),
        json!({"iat": "1"}),
        json!({"exp": 1.5}),
        json!({"jti": 7}),
        json!({"sub": 7}),
        json!({"sid": ["s"]}),
    ] {
        assert_eq!(with_claims(&changes), Err(LogoutTokenRefusal::Malformed), "{changes}");
    }
    assert_eq!(with_text(r#""sub":"ann""#, r#""sub":null,"sid":"s""#), Err(LogoutTokenRefusal::Malformed));
}

#[test]
fn refuses_repeated_members() {
    for member in [r#""sub":"bob""#, r#""jti":"t1""#, r#""events":{}"#] {
        assert_eq!(with_text("{", &format!("{{{member},")), Err(LogoutTokenRefusal::Malformed), "{member}");
    }
}

#[test]
fn refuses_id_tokens() {
    let world = World::new();
    let id_token = SigningKey::ed("k1").sign(&world.claims("n"));
    assert_eq!(check_in(&world, &id_token), Err(LogoutTokenRefusal::Event));
}

#[test]
fn is_never_taken_for_an_id_token() {
    let world = World::new();
    let changes = json!({"alg": "EdDSA", "typ": "logout+jwt"});
    let named = SigningKey::ed("k1").sign_with(&changes, &claims(&world));
    let refused = UnverifiedIdToken::parse(&named, &[Algorithm::EdDSA]).err();
    assert_eq!(refused, Some(IdTokenError::Malformed));

    let browser = world.begin();
    world.answer(&SigningKey::ed("k1").sign(&claims(&world)));
    let result = world.come_back(&browser, &format!("code=c&state={}", browser.state));
    assert!(matches!(result, Err(super::super::CallbackError::IdToken(IdTokenError::Malformed))));
}

#[test]
fn is_to_be_remembered_for_as_long_as_it_would_be_believed() {
    let world = World::new();
    let text = SigningKey::ed("k1").sign(&claims(&world));
    let token = check_in(&world, &text).unwrap();
    let left = token.remember_until().since(world.now());
    world.advance(u64::try_from(left).unwrap() - 1);
    assert!(check_in(&world, &text).is_ok());
    world.advance(1);
    assert_eq!(check_in(&world, &text), Err(LogoutTokenRefusal::Time));
}

#[test]
fn says_when_the_provider_cannot_be_asked() {
    let world = World::new();
    world.provider.set("/jwks", Answer::Unreachable);
    let token = SigningKey::ed("k1").sign(&claims(&world));
    let result = block_on(world.party.check_logout_token(&world, &token));
    assert!(matches!(result, Err(LogoutTokenError::Provider(_))));
}

#[test]
fn makes_a_future_that_a_server_can_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let world = World::new();
    is_send(&world.party.check_logout_token(&world, ""));
}
