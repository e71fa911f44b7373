//! Who gets a session, how long it lasts, and what nobody can do with somebody else's.

use gateway_tests::{Browser, Deployment};
use reqwest::header::{LOCATION, SET_COOKIE};
use reqwest::{Method, StatusCode};

#[tokio::test]
async fn signs_in_and_out() {
    let gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, "Ann@Example.com").await;
    let me = ann.get("/api/me").await;
    assert_eq!(me.body["user"]["email"], "ann@example.com");
    assert_eq!((&me.body["via"], &me.body["roles"]), (&"session".into(), &serde_json::json!(["user"])));
    let mut planted = ann.clone();
    let page = ann.request(Method::POST, "/oauth2/sign_out").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::FOUND);
    assert!(page.headers()[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(planted.get("/api/me").await.status, StatusCode::UNAUTHORIZED, "the ticket opens nothing any more");
}

#[tokio::test]
async fn sends_pages_to_sign_in_and_apis_away() {
    let gateway = Deployment::start("").await;
    let mut nobody = Browser::open(&gateway);
    let page = nobody.visit(&format!("{}/token-manager", gateway.origin())).await;
    assert_eq!(page.headers()[LOCATION], "/oauth2/sign_in?rd=%2Ftoken-manager");
    let api = nobody.get("/api/token/list").await;
    assert_eq!((api.status, api.header("content-type")), (StatusCode::UNAUTHORIZED, "application/problem+json"));
    assert_eq!(api.body["error"], api.body["title"]);
    assert_eq!(api.body["request_id"], api.header("x-request-id"));
    let page = nobody.visit(&format!("{}/", gateway.origin())).await;
    assert_eq!(page.status(), StatusCode::OK);
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
}

#[tokio::test]
async fn redeems_a_callback_once_and_for_the_browser_that_began() {
    let gateway = Deployment::start("").await;
    let mut ann = Browser::open(&gateway);
    let callback = ann.authenticate("ann@example.com", "/token-manager").await;
    let mut thief = Browser::open(&gateway);
    assert_eq!(thief.visit(&callback).await.status(), StatusCode::BAD_REQUEST);
    let before = ann.clone();
    assert_eq!(ann.visit(&callback).await.status(), StatusCode::FOUND, "the thief has spoilt nothing");
    assert_eq!(before.clone().visit(&callback).await.status(), StatusCode::BAD_REQUEST, "used up");
    assert_eq!(ann.get("/api/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn returns_to_our_own_pages_only() {
    let gateway = Deployment::start("").await;
    for (asked, expected) in [
        ("/token-manager?tab=1", "/token-manager?tab=1"),
        ("//evil.example", "/token-manager"),
        ("https://evil.example", "/token-manager"),
        ("/\\evil.example", "/token-manager"),
        ("/%09/evil.example", "/token-manager"),
    ] {
        let mut browser = Browser::open(&gateway);
        let callback = browser.authenticate("ann@example.com", asked).await;
        assert_eq!(browser.visit(&callback).await.headers()[LOCATION], expected, "{asked}");
    }
}

#[tokio::test]
async fn ends_the_session_that_the_browser_had() {
    let gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let mut former = ann.clone();
    ann.leave_provider();
    let callback = ann.authenticate("bob@example.com", "/").await;
    ann.visit(&callback).await;
    assert_eq!(ann.get("/api/me").await.body["user"]["email"], "bob@example.com");
    assert_eq!(former.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn marks_its_cookie_and_takes_two_for_none() {
    let gateway = Deployment::start("").await;
    let mut ann = Browser::open(&gateway);
    let callback = ann.authenticate("ann@example.com", "/").await;
    let answer = ann.visit(&callback).await;
    let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
    assert!(
        cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax") && cookie.contains("; Path=/"),
        "{cookie}"
    );
    let twice = ann.request(Method::GET, "/api/me").header("cookie", format!("llm_gateway_session={}", ann.ticket()));
    assert_eq!(twice.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn takes_changes_from_its_own_pages_only() {
    let gateway = Deployment::start("").await;
    let ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let body = serde_json::json!({"token_name": "csrf"});
    for (header, value, expected) in [
        ("x-nothing", "", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "cross-site", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "same-site", StatusCode::FORBIDDEN),
        ("origin", "null", StatusCode::FORBIDDEN),
        ("origin", "https://evil.example", StatusCode::FORBIDDEN),
        ("origin", gateway.origin(), StatusCode::CREATED),
        ("sec-fetch-site", "same-origin", StatusCode::CREATED),
    ] {
        let request = ann.bare_request(Method::POST, "/api/token/generate").header(header, value).json(&body);
        assert_eq!(request.send().await.unwrap().status(), expected, "{header}: {value}");
    }
    let got = ann.bare_request(Method::GET, "/api/token/generate").send().await.unwrap();
    assert_eq!(got.status(), StatusCode::METHOD_NOT_ALLOWED, "reading never changes");
    let form = ann.request(Method::POST, "/api/token/generate").body("token_name=x").send().await.unwrap();
    assert_eq!(form.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn keeps_sessions_across_a_crash() {
    let mut gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    gateway.kill_and_restart().await;
    assert_eq!(ann.get("/api/me").await.body["user"]["email"], "ann@example.com");
}

#[tokio::test]
async fn knows_a_person_by_their_subject() {
    let gateway = Deployment::start("").await;
    let mut first = Browser::sign_in(&gateway, "ann@example.com").await;
    let mut second = Browser::sign_in(&gateway, "ann@example.com").await;
    let mut other = Browser::sign_in(&gateway, "bob@example.com").await;
    let id = async |browser: &mut Browser| browser.get("/api/me").await.body["user"]["id"].clone();
    assert_eq!(id(&mut first).await, id(&mut second).await);
    assert_ne!(id(&mut first).await, id(&mut other).await);
}
