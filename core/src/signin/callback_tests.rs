use serde_json::json;

use super::super::testing::{Answer, Browser, ISSUER, SigningKey, World, block_on, merged};
use super::super::{FetchError, KeySetError, MetadataError, StartError, StartRequest, Started};
use super::*;

fn anyone() -> SigninConfig {
    SigninConfig { allow_anyone: true, ..World::config() }
}

fn begin_and_answer(world: &World) -> Browser {
    let browser = world.begin();
    world.answer(&SigningKey::ed("k1").sign(&world.claims(&browser.nonce)));
    browser
}

fn good(browser: &Browser) -> String {
    format!("code=c&state={}", browser.state)
}

fn start(world: &World) -> Result<Started, StartError> {
    let cookies = Cookies::default();
    block_on(world.party.start(world, &StartRequest { return_to: None, cookies: &cookies, login_again: false }))
}

#[test]
fn makes_futures_that_a_server_can_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let world = World::new();
    let (cookies, query) = (Cookies::default(), CallbackQuery::default());
    is_send(&world.party.start(&world, &StartRequest { return_to: None, cookies: &cookies, login_again: false }));
    is_send(&world.party.finish(&world, &query, &cookies));
    is_send(&world.party.sign_out_url(&world));
}

#[test]
fn signs_a_person_in() {
    let world = World::new();
    let signed_in = world
        .sign_in(&json!({"name": " Ann\u{7} A. ", "groups": ["staff"], "auth_time": 1_699_999_999, "sid": "s"}))
        .unwrap();
    let expected = SignedIn {
        account: Account { issuer: ISSUER.to_owned(), subject: "ann".to_owned() },
        email: Email::parse("ann@example.com").unwrap(),
        name: Some("Ann A.".to_owned()),
        groups: vec!["staff".to_owned()],
        auth_time: Some(Timestamp(1_699_999_999)),
        idp_session: Some("s".to_owned()),
        return_path: "/usage".to_owned(),
        login_again: false,
    };
    assert_eq!(signed_in, expected);
}

#[test]
fn sends_the_code_with_verifier_and_client_secret() {
    let world = World::new();
    world.sign_in(&json!({})).unwrap();
    let request = world.provider.last("/token");
    // RFC 6749 §2.3.1: id and secret are form-encoded before they are joined.
    assert_eq!(request.headers()["authorization"], "Basic Z2F0ZXdheTpzM2NyZXQlMkYlMkI=");
    let form: std::collections::HashMap<_, _> = url::form_urlencoded::parse(request.body()).into_owned().collect();
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["code"], "c");
    assert_eq!(form["redirect_uri"], "https://gateway.example/oauth2/callback");
    assert_eq!(form["code_verifier"].len(), 43);
    assert!(!form.contains_key("client_secret"));
}

#[test]
fn refuses_a_flow_that_was_used() {
    let world = World::new();
    let browser = begin_and_answer(&world);
    assert!(world.come_back(&browser, &good(&browser)).is_ok());
    assert!(matches!(world.come_back(&browser, &good(&browser)), Err(CallbackError::UnknownFlow)));
    assert_eq!(world.provider.count("/token"), 1);
}

#[test]
fn refuses_a_browser_without_the_flows_cookie_and_leaves_the_flow_alone() {
    let world = World::new();
    let browser = begin_and_answer(&world);
    let other = begin_and_answer(&world);
    let renamed = format!("{}={}", browser.cookie.split('=').next().unwrap(), other.cookie.split('=').nth(1).unwrap());
    let twice = format!("{0}; {0}", browser.cookie);
    for cookie in ["a=b".to_owned(), other.cookie.clone(), twice] {
        let stranger = Browser { cookie, state: browser.state.clone(), nonce: browser.nonce.clone() };
        assert!(matches!(world.come_back(&stranger, &good(&browser)), Err(CallbackError::UnknownFlow)));
    }
    let swapped = Browser { cookie: renamed, state: browser.state.clone(), nonce: browser.nonce.clone() };
    assert!(matches!(world.come_back(&swapped, &good(&browser)), Err(CallbackError::UnknownFlow)));
    assert_eq!(world.provider.count("/token"), 0);
    world.answer(&SigningKey::ed("k1").sign(&world.claims(&browser.nonce)));
    assert!(world.come_back(&browser, &good(&browser)).is_ok());
}

#[test]
fn refuses_unknown_and_missing_states() {
    let world = World::new();
    let browser = begin_and_answer(&world);
    for query in ["code=c", "code=c&state=", "code=c&state=other"] {
        assert!(matches!(world.come_back(&browser, query), Err(CallbackError::UnknownFlow)), "{query}");
    }
}

#[test]
fn refuses_a_flow_that_took_too_long() {
    let world = World::new();
    let browser = begin_and_answer(&world);
    world.advance(600);
    assert!(matches!(world.come_back(&browser, &good(&browser)), Err(CallbackError::UnknownFlow)));
}

#[test]
fn refuses_repeated_parameters() {
    for query in ["code=a&code=b", "state=a&state=b", "iss=a&iss=b", "error=a&error=b"] {
        assert!(matches!(CallbackQuery::parse(query), Err(CallbackError::Malformed)), "{query}");
    }
}

#[test]
fn refuses_an_answer_without_a_code() {
    let world = World::new();
    for query in ["", "code=&"] {
        let browser = begin_and_answer(&world);
        let result = world.come_back(&browser, &format!("{query}state={}", browser.state));
        assert!(matches!(result, Err(CallbackError::Malformed)), "{query}");
    }
}

#[test]
fn refuses_another_issuers_answer() {
    let world = World::new();
    for issuer in ["https://evil.example", "https://id.example/", ""] {
        let browser = begin_and_answer(&world);
        let result = world.come_back(&browser, &format!("{}&iss={issuer}", good(&browser)));
        assert!(matches!(result, Err(CallbackError::OtherIssuer)), "{issuer}");
    }
    assert_eq!(world.provider.count("/token"), 0);
    let browser = begin_and_answer(&world);
    assert!(world.come_back(&browser, &format!("{}&iss={ISSUER}", good(&browser))).is_ok());
}

#[test]
fn requires_the_issuer_of_a_provider_that_always_names_itself() {
    let world = World::new();
    world.provider.describe(&json!({"authorization_response_iss_parameter_supported": true}));
    let browser = begin_and_answer(&world);
    assert!(matches!(world.come_back(&browser, &good(&browser)), Err(CallbackError::OtherIssuer)));
}

#[test]
fn passes_on_the_providers_refusal_without_its_words() {
    let world = World::new();
    let browser = world.begin();
    let query = "error=access_denied&error_description=%3Cscript%3E";
    let error = world.come_back(&browser, query).unwrap_err();
    assert!(matches!(error, CallbackError::Denied));
    assert!(!format!("{error} {error:?}").contains("script"));
    for (code, expected) in [
        ("login_required", "UnknownFlow"),
        ("temporarily_unavailable", "Provider(Unwell)"),
        ("unauthorized_client", "Provider(ClientRefused)"),
        ("anything", "Denied"),
    ] {
        let error = world.come_back(&browser, &format!("error={code}&{}", good(&browser))).unwrap_err();
        assert_eq!(format!("{error:?}"), expected);
    }
}

#[test]
fn refuses_people_who_are_not_let_in() {
    let world = World::new();
    for email in ["eve@evil.example", "ann@sub.example.com", "ann@badexample.com"] {
        let result = world.sign_in(&json!({"email": email}));
        assert!(matches!(result, Err(CallbackError::NotAdmitted { .. })), "{email}");
    }
}

#[test]
fn refuses_addresses_that_are_none() {
    let world = World::with(anyone());
    for email in [json!(null), json!(7), json!(""), json!(["ann@example.com"]), json!("a@evil.com@example.com")] {
        let result = world.sign_in(&json!({"email": email}));
        assert!(matches!(result, Err(CallbackError::NoEmail)), "{email}");
    }
}

#[test]
fn refuses_unverified_addresses() {
    let world = World::with(anyone());
    for verified in [json!(null), json!(false), json!("true"), json!(1)] {
        let result = world.sign_in(&json!({"email_verified": verified}));
        assert!(matches!(result, Err(CallbackError::EmailUnverified)), "{verified}");
    }
}

#[test]
fn trusts_unverified_addresses_where_told_to() {
    let world = World::with(SigninConfig { email_verified: EmailVerified::Trusted, ..anyone() });
    assert!(world.sign_in(&json!({"email_verified": null})).is_ok());
}

#[test]
fn reads_the_claims_that_are_configured() {
    let config =
        SigninConfig { email_claim: "mail".to_owned(), groups_claim: "https://a/roles".to_owned(), ..anyone() };
    let world = World::with(config);
    let signed_in =
        world.sign_in(&json!({"email": null, "mail": "bob@example.com", "https://a/roles": "staff"})).unwrap();
    assert_eq!((signed_in.email.as_str(), signed_in.groups), ("bob@example.com", vec!["staff".to_owned()]));
}

#[test]
fn refuses_groups_that_are_none() {
    let world = World::with(anyone());
    for groups in [json!({"staff": true}), json!([7]), json!(true)] {
        let result = world.sign_in(&json!({"groups": groups}));
        assert!(matches!(result, Err(CallbackError::IdToken(IdTokenError::Malformed))), "{groups}");
    }
}

#[test]
fn refuses_a_token_of_another_sign_in() {
    let world = World::new();
    let result = world.sign_in(&json!({"nonce": "other"}));
    assert!(matches!(result, Err(CallbackError::IdToken(IdTokenError::Nonce))));
}

#[test]
fn tells_a_refused_code_from_a_refused_client() {
    let world = World::new();
    for (status, answer, expected) in [
        (400, r#"{"error":"invalid_grant","error_description":"s3cret"}"#, "UnknownFlow"),
        (401, r#"{"error":"invalid_client"}"#, "Provider(ClientRefused)"),
        (400, r#"{"error":"other"}"#, "Provider(TokenAnswer)"),
        (500, "<html>s3cret</html>", "Provider(TokenAnswer)"),
        (200, "{}", "Provider(TokenAnswer)"),
        (200, r#"{"access_token":"s3cret","token_type":"Bearer"}"#, "Provider(TokenAnswer)"),
    ] {
        let browser = world.begin();
        world.provider.set("/token", Answer::Json(status, answer.to_owned()));
        let error = world.come_back(&browser, &good(&browser)).unwrap_err();
        assert_eq!(format!("{error:?}"), expected);
    }
}

#[test]
fn follows_no_redirect_and_reads_no_endless_answer() {
    let world = World::new();
    let answers = [
        Answer::Redirect("https://evil.example/token"),
        Answer::Json(200, " ".repeat(64 * 1024 + 1)),
        Answer::Unreachable,
    ];
    for answer in answers {
        let browser = world.begin();
        world.provider.set("/token", answer);
        assert!(matches!(world.come_back(&browser, &good(&browser)), Err(CallbackError::Provider(_))));
    }
}

#[test]
fn gives_up_on_a_provider_that_takes_too_long() {
    for answer in [Answer::Silence, Answer::HeadOnly] {
        let world = World::new();
        let browser = world.begin();
        world.provider.set("/token", answer);
        let before = world.now();
        let error = world.come_back(&browser, &good(&browser)).unwrap_err();
        assert!(matches!(error, CallbackError::Provider(ProviderError::Fetch(FetchError::TooSlow))));
        assert_eq!(world.now().since(before), 5);
    }
}

#[test]
fn says_when_the_store_is_down() {
    let world = World::new();
    let browser = begin_and_answer(&world);
    world.break_store();
    assert!(matches!(world.come_back(&browser, &good(&browser)), Err(CallbackError::Unavailable(_))));
}

#[test]
fn refuses_a_discovery_document_of_somebody_else() {
    let world = World::new();
    world.provider.describe(&json!({"issuer": "https://evil.example"}));
    let result = start(&world);
    assert!(matches!(result, Err(StartError::Provider(ProviderError::Metadata(MetadataError::OtherIssuer)))));
}

#[test]
fn refuses_key_sets_that_are_huge_or_ambiguous() {
    let world = World::new();
    world.provider.set("/jwks", Answer::Json(200, " ".repeat(256 * 1024 + 1)));
    let error = world.sign_in(&json!({})).unwrap_err();
    assert!(matches!(error, CallbackError::Provider(ProviderError::Fetch(FetchError::TooLarge(_)))));

    world.provider.publish(&[SigningKey::ed("k1").jwk(), SigningKey::ed_of("k1", 8).jwk()]);
    let error = world.sign_in(&json!({})).unwrap_err();
    assert!(matches!(error, CallbackError::Provider(ProviderError::Keys(KeySetError::Ambiguous))));
}

#[test]
fn finds_a_new_key_at_once_and_the_next_after_half_a_minute() {
    let world = World::new();
    world.sign_in(&json!({})).unwrap();
    assert_eq!(world.provider.count("/jwks"), 1);
    let sign_in_with = |key: &SigningKey| {
        world.provider.publish(&[key.jwk()]);
        let browser = world.begin();
        world.answer(&key.sign(&world.claims(&browser.nonce)));
        world.come_back(&browser, &good(&browser))
    };
    assert!(sign_in_with(&SigningKey::ed_of("k2", 8)).is_ok());
    assert_eq!(world.provider.count("/jwks"), 2);
    let third = SigningKey::ed_of("k3", 9);
    assert!(matches!(sign_in_with(&third), Err(CallbackError::IdToken(IdTokenError::Key))));
    assert_eq!(world.provider.count("/jwks"), 2);
    world.advance(30);
    assert!(sign_in_with(&third).is_ok());
    assert_eq!(world.provider.count("/jwks"), 3);
}

#[test]
fn makes_do_with_older_keys_for_a_day() {
    let world = World::new();
    world.sign_in(&json!({})).unwrap();
    world.provider.set("/jwks", Answer::Unreachable);
    world.provider.set("/.well-known/openid-configuration", Answer::Json(500, String::new()));
    world.advance(12 * 60 * 60);
    assert!(world.sign_in(&json!({})).is_ok());
    world.advance(12 * 60 * 60);
    assert!(matches!(start(&world), Err(StartError::Provider(ProviderError::Status(500)))));
}

#[test]
fn lets_no_page_wait_twice_for_a_provider_that_hangs() {
    let world = World::new();
    let discovery = "/.well-known/openid-configuration";
    world.provider.set(discovery, Answer::Silence);
    let before = world.now();
    for _ in 0..3 {
        assert_eq!(block_on(world.party.sign_out_url(&world)), None);
    }
    assert_eq!((world.provider.count(discovery), world.now().since(before)), (1, 5));
    world.advance(30);
    assert_eq!(block_on(world.party.sign_out_url(&world)), None);
    assert_eq!(world.provider.count(discovery), 2);

    world.provider.describe(&json!({}));
    assert!(start(&world).is_ok(), "who signs in asks anew");
    assert!(block_on(world.party.sign_out_url(&world)).is_some());
}

#[test]
fn asks_for_discovery_and_keys_every_ten_minutes() {
    let world = World::new();
    for _ in 0..3 {
        world.sign_in(&json!({})).unwrap();
    }
    assert_eq!((world.provider.count("/.well-known/openid-configuration"), world.provider.count("/jwks")), (1, 1));
    world.advance(600);
    world.sign_in(&json!({})).unwrap();
    assert_eq!((world.provider.count("/.well-known/openid-configuration"), world.provider.count("/jwks")), (2, 2));
}

#[test]
fn accepts_a_token_without_a_key_id_only_if_there_is_one_key() {
    let world = World::new();
    let attempt = |world: &World| {
        let browser = world.begin();
        let token = SigningKey::ed("k1").sign_with(&json!({"kid": null}), &world.claims(&browser.nonce));
        world.answer(&token);
        world.come_back(&browser, &good(&browser))
    };
    assert!(attempt(&world).is_ok());
    let world = World::new();
    world.provider.publish(&[SigningKey::ed("k1").jwk(), SigningKey::ed_of("k2", 8).jwk()]);
    assert!(matches!(attempt(&world), Err(CallbackError::IdToken(IdTokenError::Key))));
}

#[test]
fn puts_the_secret_into_the_body_where_the_provider_wants_it() {
    let world = World::new();
    world.provider.describe(&json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]}));
    world.sign_in(&json!({})).unwrap();
    let request = world.provider.last("/token");
    assert!(!request.headers().contains_key("authorization"));
    assert!(String::from_utf8_lossy(request.body()).contains("client_secret=s3cret%2F%2B"));
}

#[test]
fn merges_nothing_from_outside_into_the_identity() {
    let world = World::new();
    let browser = world.begin();
    let claims = merged(world.claims(&browser.nonce), &json!({"name": "a".repeat(500)}));
    world.answer(&SigningKey::ed("k1").sign(&claims));
    let signed_in = world.come_back(&browser, &format!("{}&name=eve&email=eve@evil", good(&browser))).unwrap();
    assert_eq!(signed_in.email.as_str(), "ann@example.com");
    assert_eq!(signed_in.name.unwrap().len(), 200);
}
