//! A person's own tokens: minting, reading, paging.

use std::process::Command;

use gateway_tests::{Browser, Deployment, echo};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn mints_a_token_that_is_shown_once() {
    let gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let minted = ann.post("/api/token/generate", &json!({"token_name": " laptop ", "expires_in": 3600})).await;
    assert_eq!(minted.status, StatusCode::CREATED);
    let body = &minted.body;
    assert_eq!((&body["token_name"], &body["expires_in"]), (&json!("laptop"), &json!(3600)));
    assert_eq!(body["expires_at"].as_i64().unwrap() - body["created_at"].as_i64().unwrap(), 3600);
    assert_eq!((&body["scopes"], &body["user_email"]), (&json!(["llm"]), &json!("ann@example.com")));
    let token = body["token"].as_str().unwrap();
    for (client, text) in body["usage_instructions"].as_object().unwrap() {
        let text = text.as_str().unwrap();
        assert!(text.contains(gateway.origin()) && !text.contains(token), "{client}: {text}");
    }
    assert_eq!(minted.header("cache-control"), "no-store");
    let list = ann.get("/api/token/list").await;
    assert!(!list.text.contains(token));
    assert_eq!(list.body["tokens"][0]["status"], "active");
    let info = ann.get(&format!("/api/token/info?token_id={}", body["token_id"].as_str().unwrap())).await;
    assert_eq!(info.body["token_info"], list.body["tokens"][0]);
}

#[tokio::test]
async fn refuses_lifetimes_that_are_no_whole_seconds_and_mints_nothing() {
    let gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    for literal in
        ["7775999.5", "0", "-1", "1e300", "59", "7776001", "\"3600\"", "3600.0", "18446744073709551616", "true"]
    {
        let body = format!("{{\"token_name\":\"x\",\"expires_in\":{literal}}}");
        let request = ann.request(Method::POST, "/api/token/generate").header("content-type", "application/json");
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{literal}");
        assert!(answer.text().await.unwrap().contains("detail"));
    }
    let list = ann.get("/api/token/list").await;
    assert_eq!((&list.body["tokens"], &list.body["count"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn refuses_what_it_does_not_understand_by_name() {
    let gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    for (body, named) in [
        (json!({"token_name": ""}), "token_name"),
        (json!({"token_name": "a\nb"}), "token_name"),
        (json!({"token_name": "x".repeat(65)}), "token_name"),
        (json!({}), "token_name"),
        (json!({"token_name": "x", "admin": true}), "admin"),
        (json!({"token_name": "x", "scopes": ["root"]}), "scopes"),
        (json!({"token_name": "x", "scopes": []}), "scopes"),
    ] {
        let answer = ann.post("/api/token/generate", &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.body["detail"].as_str().unwrap().contains(named), "{}", answer.text);
    }
    let markup = "<img src=x onerror=alert(1)>";
    let answer = ann.post("/api/token/generate", &json!({"token_name": markup})).await;
    assert_eq!(answer.body["token_name"], markup, "a text like any other");
    for path in [
        "/api/token/list?limt=1",
        "/api/token/list?limit=0",
        "/api/token/list?limit=201",
        "/api/token/list?limit=1&limit=1",
    ] {
        assert_eq!(ann.get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn gives_the_scope_admin_to_administrators_only() {
    let gateway =
        Deployment::start("[roles]\nadmin_domains = [\"company.com\"]\nsuper_admins = [\"admin@example.com\"]\n").await;
    let body = json!({"token_name": "x", "scopes": ["llm", "admin"]});
    for (email, expected) in [
        ("ann@company.com", StatusCode::CREATED),
        ("admin@example.com", StatusCode::CREATED),
        ("eve@evil.company.com", StatusCode::FORBIDDEN),
        ("eve@companyxcom", StatusCode::FORBIDDEN),
        ("eve@badcompany.com", StatusCode::FORBIDDEN),
    ] {
        let answer = Browser::sign_in(&gateway, email).await.post("/api/token/generate", &body).await;
        assert_eq!(answer.status, expected, "{email}");
    }
}

#[tokio::test]
async fn hides_other_peoples_tokens() {
    let gateway = Deployment::start("").await;
    let minted = Browser::sign_in(&gateway, "ann@example.com").await.mint().await;
    let mut eve = Browser::sign_in(&gateway, "eve@example.com").await;
    for id in [minted.id.as_str(), "01ARZ3NDEKTSV4RRFFQ69G5FAV", "x", "' OR 1=1 --"] {
        let info = eve.get(&format!("/api/token/info?token_id={}", id.replace(' ', "+").replace('\'', "%27"))).await;
        let revoke = eve.post("/api/token/revoke", &json!({"token_id": id})).await;
        for answer in [info, revoke] {
            assert_eq!((answer.status, &answer.body["error"]), (StatusCode::NOT_FOUND, &json!("Token not found")));
        }
    }
    assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn pages_without_gaps_and_takes_no_forged_cursor() {
    let gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let mut minted = Vec::new();
    for _ in 0..5 {
        minted.push(ann.mint().await.id);
    }
    minted.reverse();
    let mut found = Vec::new();
    let mut path = "/api/token/list?limit=2".to_owned();
    let first_cursor = loop {
        let page = ann.get(&path).await;
        found.extend(
            page.body["tokens"].as_array().unwrap().iter().map(|token| token["token_id"].as_str().unwrap().to_owned()),
        );
        match &page.body["next_cursor"] {
            Value::String(cursor) => path = format!("/api/token/list?limit=2&cursor={cursor}"),
            _ => break path.rsplit('=').next().unwrap().to_owned(),
        }
    };
    assert_eq!(found, minted);
    let mut eve = Browser::sign_in(&gateway, "eve@example.com").await;
    let foreign = eve.get(&format!("/api/token/list?cursor={first_cursor}")).await;
    let forged = ann.get("/api/token/list?cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAA").await;
    assert_eq!((foreign.status, forged.status), (StatusCode::BAD_REQUEST, StatusCode::BAD_REQUEST));
}

#[tokio::test]
async fn keeps_tokens_good_when_keys_are_rotated() {
    let mut gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let old = ann.mint().await;
    let keys = async |browser: &mut Browser| {
        let answer = browser.get("/.well-known/jwks.json").await;
        assert!(!answer.text.contains("\"d\""));
        answer.body["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let before = keys(&mut ann).await;
    gateway.rotate_keys().await;
    gateway.kill_and_restart().await;
    let after = keys(&mut ann).await;
    assert_eq!((before.len(), after.len()), (2, 3));
    assert!(before.iter().all(|kid| after.contains(kid)), "the key that signs now had been published before");
    let new = ann.mint().await;
    for minted in [old, new] {
        assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn keeps_keys_for_the_owner_only() {
    let gateway = Deployment::embedded("").await;
    gateway.rotate_keys().await;
    let mode = Command::new("stat").args(["-c", "%a"]).arg(gateway.data().join("keys.json")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&mode.stdout).trim(), "600");
}

#[tokio::test]
async fn notes_the_day_of_the_last_use() {
    let gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let minted = ann.mint().await;
    assert_eq!(ann.get("/api/token/list").await.body["tokens"][0]["last_used"], Value::Null);
    echo(&gateway, &minted.token).await;
    let noted = async {
        loop {
            let list = ann.get("/api/token/list").await;
            if let Some(day) = list.body["tokens"][0]["last_used"].as_i64() {
                return day;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let day = tokio::time::timeout(std::time::Duration::from_secs(30), noted).await.expect("usage is drained");
    assert_eq!(day % 86400, 0);
}
