//! Signing in with a certified OpenID provider, which is honest, and sometimes down.

use gateway_tests::{Answer, Browser, Deployment, OidcProvider, echo, location};
use reqwest::header::{LOCATION, SET_COOKIE};
use reqwest::{Method, Response, StatusCode};
use serde_json::json;
use url::Url;

const EXAMPLE: &str = "allowed_domains = [\"example.com\"]";

/// Checks that a page tells a refusal, and that nobody is signed in by it.
async fn assert_refused(answer: Response, status: StatusCode) -> Answer {
    let answer = Answer::of(answer).await;
    assert_eq!(answer.status, status, "{}", answer.text);
    assert!(answer.header("content-type").starts_with("text/html"), "a person reads it");
    let cookies: Vec<_> = answer.headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert!(!cookies.iter().any(|cookie| cookie.starts_with("llm_gateway_session=")), "{cookies:?}");
    answer
}

async fn email(browser: &mut Browser) -> serde_json::Value {
    browser.get("/api/me").await.body["user"]["email"].clone()
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
