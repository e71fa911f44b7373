//! Signing in with a certified OpenID provider, which is honest, and sometimes down.

use std::collections::HashMap;

use gateway_tests::{Browser, Deployment, OidcProvider, echo, location, refused};
use reqwest::header::LOCATION;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

const EXAMPLE: &str = "allowed_domains = [\"example.com\"]";

async fn email(browser: &mut Browser) -> Value {
    browser.get("/api/me").await.body["user"]["email"].clone()
}

/// Returns a callback with another value of a parameter, or without it.
fn with(callback: &str, name: &str, value: Option<&str>) -> String {
    let mut url = Url::parse(callback).expect("callbacks are addresses");
    let kept = url.query_pairs().into_owned().filter(|(other, _)| other != name).collect::<Vec<_>>();
    url.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(value.map(|value| (name, value)));
    url.into()
}

fn parameter(url: &str, name: &str) -> String {
    let parameters: HashMap<_, _> =
        Url::parse(url).expect("redirects lead to addresses").query_pairs().into_owned().collect();
    parameters[name].clone()
}

#[tokio::test]
async fn signs_in_and_mints_and_calls() {
    let (_provider, gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    let mut ann = Browser::open(&gateway);
    let callback = ann.authenticate("ann@example.com", "/token-manager?tab=1").await;
    assert_eq!(ann.visit(&callback).await.headers()[LOCATION], "/token-manager?tab=1");
    let me = ann.get("/api/me").await;
    assert_eq!(me.body["user"]["email"], "ann@example.com");
    assert_eq!(me.body["user"]["name"], "The person ann@example.com");
    let token = ann.mint().await.token;
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn signs_in_as_a_client_without_a_secret() {
    let provider = OidcProvider::start().await;
    let gateway = Deployment::start(&provider.signin("public", EXAMPLE)).await;
    provider.welcome(&gateway).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    assert_eq!(email(&mut ann).await, "ann@example.com");
}

#[tokio::test]
async fn says_that_a_client_with_a_wrong_secret_is_the_operators_matter() {
    let provider = OidcProvider::start().await;
    let wrong = format!("client_secret = \"other\"\n{EXAMPLE}");
    let gateway = Deployment::start(&provider.signin("gateway", &wrong)).await;
    provider.welcome(&gateway).await;
    let mut ann = Browser::open(&gateway);
    let callback = ann.authenticate("ann@example.com", "/").await;
    refused(ann.visit(&callback).await, StatusCode::SERVICE_UNAVAILABLE).await;
    gateway.prints("refused signin.client_id or signin.client_secret").await;
}

#[tokio::test]
async fn signs_out_here_and_at_the_provider() {
    let (provider, gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let mut former = ann.clone();
    let answer = ann.visit(&format!("{}/oauth2/sign_out", gateway.origin())).await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.ends_with(&format!("form-action 'self' {}", provider.issuer())), "{policy}");
    let answer = ann.submit(answer, &[]).await;
    assert_eq!(former.get("/api/me").await.status, StatusCode::UNAUTHORIZED);

    let there = location(&answer);
    assert!(there.starts_with(&format!("{}/session/end?", provider.issuer())), "{there}");
    assert_eq!(parameter(&there, "client_id"), "gateway");
    assert_eq!(parameter(&there, "post_logout_redirect_uri"), format!("{}/", gateway.origin()));
    let confirm = ann.visit(&there).await;
    assert_eq!(location(&ann.submit(confirm, &[("logout", "yes")]).await), format!("{}/", gateway.origin()));

    let callback = ann.authenticate("bob@example.com", "/").await;
    ann.visit(&callback).await;
    assert_eq!(email(&mut ann).await, "bob@example.com", "the provider's session was over");
}

#[tokio::test]
async fn signs_in_without_a_form_while_the_provider_remembers() {
    let (_provider, gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let callback = ann.authenticate("bob@example.com", "/").await;
    ann.visit(&callback).await;
    assert_eq!(email(&mut ann).await, "ann@example.com");
}

#[tokio::test]
async fn believes_the_providers_new_keys_at_once() {
    let (provider, gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    Browser::sign_in(&gateway, "ann@example.com").await;
    provider.rotate_keys().await;
    let mut bob = Browser::sign_in(&gateway, "bob@example.com").await;
    assert_eq!(email(&mut bob).await, "bob@example.com");
}

#[tokio::test]
async fn refuses_a_state_that_it_did_not_make() {
    let (_provider, gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    let mut ann = Browser::open(&gateway);
    let callback = ann.authenticate("ann@example.com", "/").await;
    for state in [None, Some(""), Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")] {
        refused(ann.visit(&with(&callback, "state", state)).await, StatusCode::BAD_REQUEST).await;
    }
    assert_eq!(ann.visit(&callback).await.status(), StatusCode::FOUND, "the flow is still good");
}

#[tokio::test]
async fn refuses_an_answer_that_names_another_issuer_or_none() {
    let (provider, gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    for issuer in [None, Some(""), Some("https://evil.example"), Some(&*format!("{}/", provider.issuer()))] {
        let mut ann = Browser::open(&gateway);
        let callback = ann.authenticate("ann@example.com", "/").await;
        assert_eq!(parameter(&callback, "iss"), provider.issuer());
        refused(ann.visit(&with(&callback, "iss", issuer)).await, StatusCode::BAD_REQUEST).await;
    }
}

#[tokio::test]
async fn refuses_a_flow_that_was_redeemed() {
    let (_provider, gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    let mut ann = Browser::open(&gateway);
    let callback = ann.authenticate("ann@example.com", "/").await;
    let mut before = ann.clone();
    assert_eq!(ann.visit(&callback).await.status(), StatusCode::FOUND);
    refused(before.visit(&callback).await, StatusCode::BAD_REQUEST).await;
    assert_eq!(email(&mut ann).await, "ann@example.com");
}

#[tokio::test]
async fn refuses_a_code_that_was_redeemed() {
    let (_provider, gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    let mut ann = Browser::open(&gateway);
    let callback = ann.authenticate("ann@example.com", "/").await;
    assert_eq!(ann.visit(&callback).await.status(), StatusCode::FOUND);
    let code = parameter(&callback, "code");
    let again = ann.authenticate("ann@example.com", "/").await;
    refused(ann.visit(&with(&again, "code", Some(&code))).await, StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn refuses_a_code_of_another_flow() {
    let (_provider, gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    let mut eve = Browser::open(&gateway);
    let code = parameter(&eve.authenticate("eve@example.com", "/").await, "code");
    let mut ann = Browser::open(&gateway);
    let callback = ann.authenticate("ann@example.com", "/").await;
    refused(ann.visit(&with(&callback, "code", Some(&code))).await, StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn refuses_a_callback_in_another_browser() {
    let (_provider, gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    let mut eve = Browser::open(&gateway);
    let callback = eve.authenticate("eve@example.com", "/").await;
    let mut stranger = Browser::open(&gateway);
    refused(stranger.visit(&callback).await, StatusCode::BAD_REQUEST).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    ann.authenticate("ann@example.com", "/").await;
    refused(ann.visit(&callback).await, StatusCode::BAD_REQUEST).await;
    assert_eq!(email(&mut ann).await, "ann@example.com", "nobody carries on as eve");
}

#[tokio::test]
async fn refuses_an_unverified_address() {
    let (provider, gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    provider.describe("ann@example.com", &json!({"email_verified": false})).await;
    let mut ann = Browser::open(&gateway);
    let callback = ann.authenticate("ann@example.com", "/").await;
    let page = refused(ann.visit(&callback).await, StatusCode::FORBIDDEN).await;
    assert!(page.text.contains("has not verified your e-mail address"), "{}", page.text);
}

#[tokio::test]
async fn refuses_an_address_of_another_domain() {
    let (provider, gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    for (account, address) in
        [("eve", "eve@badexample.com"), ("mal", "mal@sub.example.com"), ("joe", "joe@evil.example")]
    {
        provider.describe(account, &json!({"email": address})).await;
        let mut browser = Browser::open(&gateway);
        let callback = browser.authenticate(account, "/").await;
        let page = refused(browser.visit(&callback).await, StatusCode::FORBIDDEN).await;
        assert!(page.text.contains("You may not sign in here"), "{}", page.text);
        assert!(!page.text.contains(address), "what it knows of people is for the log");
    }
}

#[tokio::test]
async fn reads_address_and_groups_from_the_claims_that_are_configured() {
    let claims = "email_claim = \"mail\"\ngroups_claim = \"roles\"\nallowed_groups = [\"staff\"]";
    let (provider, gateway) = OidcProvider::with_gateway(claims).await;
    let claims = json!({"mail": "Ann@Example.org", "roles": ["staff", "Zürich"], "groups": ["nothing"]});
    provider.describe("ann@example.com", &claims).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let me = ann.get("/api/me").await.body;
    assert_eq!((&me["user"]["email"], &me["groups"]), (&json!("ann@example.org"), &json!(["staff", "Zürich"])));

    provider.describe("bob@example.com", &json!({"mail": "bob@example.org", "groups": ["staff"]})).await;
    let mut bob = Browser::open(&gateway);
    let callback = bob.authenticate("bob@example.com", "/").await;
    refused(bob.visit(&callback).await, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn tells_other_servers_who_is_signed_in() {
    let (provider, gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    provider.describe("ann@example.com", &json!({"groups": ["staff", "a,b\r\nX-Evil: 1", "Zürich"]})).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let answer = ann.get("/oauth2/auth").await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::ACCEPTED, ""));
    assert_eq!(answer.header("x-auth-request-user"), ann.get("/oauth2/userinfo").await.body["user"]);
    assert_eq!(answer.header("x-auth-request-email"), "ann@example.com");
    assert_eq!(answer.header("x-auth-request-groups"), "staff,a%2Cb%0D%0AX-Evil:%201,Z%C3%BCrich");

    // What whoever asks got from outside is no answer.
    let forged = Browser::open(&gateway).request(Method::GET, "/oauth2/auth");
    let forged = forged.header("x-auth-request-email", "ann@example.com").send().await.unwrap();
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
    assert!(!forged.headers().contains_key("x-auth-request-email"));
    let token = ann.mint().await.token;
    let bearer = ann.request(Method::GET, "/oauth2/auth").bearer_auth(token).send().await.unwrap();
    assert_eq!(bearer.status(), StatusCode::UNAUTHORIZED, "a token is no session");
    ann.clone().request(Method::POST, "/oauth2/sign_out").send().await.unwrap();
    assert_eq!(ann.get("/oauth2/auth").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn serves_those_who_are_in_while_the_provider_is_down() {
    let (mut provider, mut gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let token = ann.mint().await.token;
    let mut bob = Browser::open(&gateway);
    let callback = bob.authenticate("bob@example.com", "/").await;
    provider.stop();

    let page = refused(bob.visit(&callback).await, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(page.header("retry-after"), "1");
    gateway.kill_and_restart().await;
    let start = format!("{}/oauth2/start", gateway.origin());
    let page = refused(bob.visit(&start).await, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(page.header("retry-after"), "1");

    assert_eq!(email(&mut ann).await, "ann@example.com");
    let page = ann.visit(&format!("{}/token-manager", gateway.origin())).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    let minted = ann.mint().await.token;
    assert_eq!(echo(&gateway, &minted).await.status, StatusCode::OK);
    let out = ann.request(Method::POST, "/oauth2/sign_out").send().await.unwrap();
    assert_eq!(out.headers()[LOCATION], "/", "signing out needs nobody else");
}

#[tokio::test]
async fn signs_in_again_when_the_provider_is_back() {
    let (mut provider, gateway) = OidcProvider::with_gateway(EXAMPLE).await;
    let mut ann = Browser::open(&gateway);
    let callback = ann.authenticate("ann@example.com", "/").await;
    provider.stop();
    refused(ann.visit(&callback).await, StatusCode::SERVICE_UNAVAILABLE).await;
    provider.restart(&gateway).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    assert_eq!(email(&mut ann).await, "ann@example.com");
}
