//! What is taken away is gone at once, everywhere, and stays gone.

use gateway_tests::{Answer, Browser, Deployment, ask, echo, message};
use reqwest::StatusCode;
use serde_json::json;

const REVOKED: (&str, &str) = ("authentication_error", "token revoked");

fn assert_revoked(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
    assert_eq!(answer.anthropic_error(), REVOKED);
    assert_eq!(answer.header("x-should-retry"), "false");
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
}

#[tokio::test]
async fn refuses_the_first_call_after_a_revocation() {
    let gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let minted = ann.mint().await;
    for _ in 0..5 {
        assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::OK);
    }
    ann.revoke(&minted.id).await;
    assert_revoked(&echo(&gateway, &minted.token).await);
    assert_revoked(&ask(&gateway, &minted.token, &message("ping", 16, true)).await);
    ann.revoke(&minted.id).await;
}

#[tokio::test]
async fn keeps_a_token_revoked_across_a_crash() {
    let mut gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let (gone, kept) = (ann.mint().await, ann.mint().await);
    ann.revoke(&gone.id).await;
    gateway.kill_and_restart().await;
    assert_revoked(&echo(&gateway, &gone.token).await);
    assert_eq!(echo(&gateway, &kept.token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn revokes_all_of_a_persons_tokens_and_nobody_elses() {
    let mut gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let mut bob = Browser::sign_in(&gateway, "bob@example.com").await;
    let tokens = [ann.mint().await, ann.mint().await];
    let other = bob.mint().await;
    assert_eq!(ann.post("/api/token/revoke-all", &json!({})).await.status, StatusCode::OK);
    for _ in 0..2 {
        for minted in &tokens {
            assert_revoked(&echo(&gateway, &minted.token).await);
        }
        assert_eq!(echo(&gateway, &other.token).await.status, StatusCode::OK);
        gateway.kill_and_restart().await;
    }
    let list = ann.get("/api/token/list").await;
    let statuses: Vec<_> = list.body["tokens"].as_array().unwrap().iter().map(|token| &token["status"]).collect();
    assert_eq!(statuses, ["revoked", "revoked"]);
    assert_eq!(echo(&gateway, &ann.mint().await.token).await.status, StatusCode::OK, "newer tokens are good");
}

#[tokio::test]
async fn tells_nothing_about_tokens_that_are_none() {
    let gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let good = ann.mint().await.token;
    // Another first character of the signature: its six bits all count, unlike the last one's.
    let (message, signature) = good.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{message}.{other}{}", &signature[1..]);
    let none = "eyJhbGciOiJub25lIn0.e30.";
    for token in ["garbage", &forged, none, "a.b.c", &"x".repeat(5000)] {
        let answer = echo(&gateway, token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.anthropic_error(), ("authentication_error", "The API token is missing or not valid."));
        assert_eq!(answer.header("x-should-retry"), "false");
        assert!(!answer.text.contains(token));
    }
}

#[tokio::test]
async fn knows_no_token_that_the_records_do_not_hold() {
    let mut gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let minted = ann.mint().await;
    gateway.lose_tokens().await;
    gateway.forget_and_restart().await;
    let answer = echo(&gateway, &minted.token).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "however well it is signed");
}
