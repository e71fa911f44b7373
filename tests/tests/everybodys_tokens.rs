//! What administrators see of everybody's tokens, and take away.

use std::time::Duration;

use gateway_tests::{Answer, Browser, Deployment, echo};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// How long it may take until all tokens are counted, which happens by itself within seconds, on a busy machine.
const SOON: Duration = Duration::from_mins(1);

const ADMIN: &str = "admin@example.com";

/// How often to look whether tokens are counted.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

async fn list(admin: &mut Browser, query: &str) -> Answer {
    let answer = admin.get(&format!("/api/admin/tokens{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text);
    answer
}

/// Returns the names of the tokens of a list, through all of its pages.
async fn names(admin: &mut Browser, query: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut cursor = String::new();
    for _ in 0..50 {
        let page = list(admin, &format!("?{query}&limit=2&cursor={cursor}")).await;
        let tokens = page.body["tokens"].as_array().into_iter().flatten();
        names.extend(tokens.filter_map(|token| Some(token["token_name"].as_str()?.to_owned())));
        match page.body["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return names,
        }
    }
    unreachable!("the list does not end: {names:?}")
}

/// Returns how many tokens there are by how they stand, as soon as all are counted.
async fn summary(admin: &mut Browser) -> Value {
    let counted = async {
        loop {
            let summary = list(admin, "").await.body["summary"].clone();
            if !summary.is_null() {
                return summary;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(SOON, counted).await.expect("all tokens are counted")
}

async fn mint(browser: &mut Browser, name: &str, scopes: Value) -> (String, String) {
    let request = json!({"token_name": name, "scopes": scopes});
    let answer = browser.post("/api/token/generate", &request).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let text = |name: &str| answer.body[name].as_str().expect("it is a text").to_owned();
    (text("token_id"), text("token"))
}

async fn delete(browser: &Browser, path: &str) -> Answer {
    Answer::of(browser.request(Method::DELETE, path).send().await.expect("the gateway answers")).await
}

#[tokio::test]
async fn lets_administrators_alone_see_and_revoke_everybodys_tokens() {
    let gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let (id, kept) = mint(&mut ann, "laptop", json!(["llm"])).await;
    let (_, full) = mint(&mut admin, "script", json!(["llm", "admin"])).await;
    let (_, narrow) = mint(&mut admin, "calls", json!(["llm"])).await;

    let nobody = Browser::open(&gateway);
    let paths = [
        (Method::GET, "/api/admin/tokens".to_owned()),
        (Method::DELETE, format!("/api/admin/tokens/{id}")),
        (Method::POST, "/api/admin/tokens/revoke-user".to_owned()),
    ];
    let client = Client::new();
    for (method, path) in paths {
        let body = json!({"user_email": "ann@example.com"});
        let send = |request: RequestBuilder| {
            let request = if method == Method::POST { request.json(&body) } else { request };
            request.send()
        };
        let by_session = |browser: &Browser| send(browser.request(method.clone(), &path));
        let by_token = |token: &str| {
            send(client.request(method.clone(), format!("{}{path}", gateway.origin())).bearer_auth(token))
        };
        assert_eq!(by_session(&nobody).await.unwrap().status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(by_session(&ann).await.unwrap().status(), StatusCode::FORBIDDEN, "{path}");
        assert_eq!(by_token(&kept).await.unwrap().status(), StatusCode::FORBIDDEN, "{path}");
        assert_eq!(by_token(&narrow).await.unwrap().status(), StatusCode::FORBIDDEN, "{path}: without the scope");
        let from_elsewhere = admin.bare_request(method.clone(), &path).header("sec-fetch-site", "cross-site");
        let from_elsewhere = send(from_elsewhere).await.unwrap();
        assert_eq!(from_elsewhere.status() == StatusCode::FORBIDDEN, method != Method::GET, "{path}");
    }
    assert_eq!(echo(&gateway, &kept).await.status, StatusCode::OK, "nobody of them could");
    let seen = client.get(format!("{}/api/admin/tokens", gateway.origin())).bearer_auth(&full).send().await.unwrap();
    assert_eq!(seen.status(), StatusCode::OK, "with the scope and the role");
}

#[tokio::test]
async fn finds_and_counts_everybodys_tokens() {
    let gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let mut bob = Browser::sign_in(&gateway, "bob@example.com").await;
    let llm = json!(["llm"]);
    let mut ids = Vec::new();
    for (number, name) in (1..).zip(["laptop", "Desk", "laptop", "Desk"]) {
        let browser = if name == "laptop" { &mut ann } else { &mut bob };
        ids.push(mint(browser, &format!("{name}{number}"), llm.clone()).await.0);
    }
    assert_eq!(names(&mut admin, "").await, ["Desk4", "laptop3", "Desk2", "laptop1"], "newest first");
    assert_eq!(names(&mut admin, "email=bob@example.com").await, ["Desk4", "Desk2"]);
    assert_eq!(names(&mut admin, "q=desk").await, ["Desk2", "Desk4"]);
    assert_eq!(names(&mut admin, "q=BOB@").await, ["Desk2", "Desk4"], "by the owner's address");
    assert_eq!(names(&mut admin, "email=ann@example.com&q=desk").await, [] as [&str; 0]);
    assert_eq!(names(&mut admin, "email=nobody@example.com").await, [] as [&str; 0]);
    assert_eq!(summary(&mut admin).await, json!({"total": 4, "active": 4, "expired": 0, "revoked": 0}));

    ann.revoke(&ids[0]).await;
    assert_eq!(names(&mut admin, "status=revoked").await, ["laptop1"]);
    assert_eq!(names(&mut admin, "status=active").await, ["Desk4", "laptop3", "Desk2"]);
    let page = list(&mut admin, "?q=laptop1").await;
    let token = &page.body["tokens"][0];
    assert_eq!((&token["user_email"], &token["is_revoked"]), (&json!("ann@example.com"), &json!(true)));
    assert_eq!(page.body["summary"], json!({"total": 4, "active": 3, "expired": 0, "revoked": 1}), "at once");
}

#[tokio::test]
async fn revokes_one_token_or_all_of_somebodys_at_once() {
    let mut gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let mut bob = Browser::sign_in(&gateway, "bob@example.com").await;
    let llm = json!(["llm"]);
    let (first, token) = mint(&mut ann, "one", llm.clone()).await;
    let others = [mint(&mut ann, "two", llm.clone()).await.1, mint(&mut ann, "three", llm.clone()).await.1];
    let (_, bobs) = mint(&mut bob, "four", llm).await;
    summary(&mut admin).await;

    for _ in 0..2 {
        let answer = delete(&admin, &format!("/api/admin/tokens/{first}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let expected = json!({"message": "Token revoked", "token_id": first, "user_email": "ann@example.com",
            "revoked_by": ADMIN});
        assert_eq!(answer.body, expected, "revoking it again is fine");
        assert_eq!(echo(&gateway, &token).await.status, StatusCode::UNAUTHORIZED);
    }
    let request = json!({"user_email": "Ann@Example.com"});
    let answer = admin.post("/api/admin/tokens/revoke-user", &request).await;
    let expected = json!({"message": "All tokens of the user revoked", "user_email": "ann@example.com",
        "revoked_count": 2, "revoked_by": ADMIN});
    assert_eq!((answer.status, &answer.body), (StatusCode::OK, &expected));
    let summed = list(&mut admin, "").await.body["summary"].clone();
    assert_eq!(summed, json!({"total": 4, "active": 1, "expired": 0, "revoked": 3}));
    for _ in 0..2 {
        for token in &others {
            assert_eq!(echo(&gateway, token).await.anthropic_error(), ("authentication_error", "token revoked"));
        }
        assert_eq!(echo(&gateway, &bobs).await.status, StatusCode::OK, "nobody else's");
        gateway.forget_and_restart().await;
        if gateway.is_edge() || gateway.fronts() > 1 {
            admin = Browser::sign_in(&gateway, ADMIN).await;
        }
    }
    assert_eq!(summary(&mut admin).await, summed, "also when the hot state is told of them anew");
}

#[tokio::test]
async fn leaves_a_super_administrators_tokens_to_super_administrators() {
    let roles = "[roles]\nsuper_admins = [\"admin@example.com\"]\nadmins = [\"ann@example.com\"]\n";
    let gateway = Deployment::start(roles).await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let (id, token) = mint(&mut admin, "boss", json!(["llm"])).await;
    let (anns, _) = mint(&mut ann, "other", json!(["llm"])).await;
    assert_eq!(delete(&ann, &format!("/api/admin/tokens/{id}")).await.status, StatusCode::FORBIDDEN);
    let all = ann.post("/api/admin/tokens/revoke-user", &json!({"user_email": ADMIN})).await;
    assert_eq!(all.status, StatusCode::FORBIDDEN);
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    assert_eq!(delete(&admin, &format!("/api/admin/tokens/{anns}")).await.status, StatusCode::OK);
    assert_eq!(delete(&admin, &format!("/api/admin/tokens/{id}")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn refuses_what_administrators_get_wrong() {
    let gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    for name in ["a", "b", "c"] {
        mint(&mut admin, name, json!(["llm"])).await;
    }
    for query in ["?status=gone", "?email=x", "?limit=0", "?limit=201", "?cursor=AAAA", "?zzz=1", "?q=1&q=2"] {
        let answer = admin.get(&format!("/api/admin/tokens{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {}", answer.text);
    }
    let next = list(&mut admin, "?limit=1").await.body["next_cursor"].as_str().unwrap().to_owned();
    let elsewhere = admin.get(&format!("/api/admin/tokens?status=active&cursor={next}")).await;
    assert_eq!(elsewhere.status, StatusCode::BAD_REQUEST, "a cursor is good for its own question");
    for id in ["x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "%27%20OR"] {
        let answer = delete(&admin, &format!("/api/admin/tokens/{id}")).await;
        assert_eq!((answer.status, &answer.body["error"]), (StatusCode::NOT_FOUND, &json!("Token not found")), "{id}");
    }
    for (body, status) in [
        (json!({"user_email": "nobody@example.com"}), StatusCode::NOT_FOUND),
        (json!({"user_email": "a@b@c"}), StatusCode::BAD_REQUEST),
        (json!({"user_email": "a@example.com", "zzz": 1}), StatusCode::BAD_REQUEST),
        (json!({}), StatusCode::BAD_REQUEST),
    ] {
        let answer = admin.post("/api/admin/tokens/revoke-user", &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
    }
}
