//! Somebody is told when budgets run out, once, and never in the way of a call.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateway_tests::{Browser, Deployment, Webhook, echo};
use hmac::{Hmac, Mac as _};
use reqwest::StatusCode;
use serde_json::json;
use sha2::Sha256;

const SECRET: &str = "obviously-fake-webhook-secret";

fn configuration(webhook: &Webhook, more: &str) -> String {
    let url = webhook.url();
    format!("[roles]\nadmins = [\"admin@example.com\"]\n[alerts]\nwebhook = \"{url}\"\n{more}")
}

/// "ping" costs 6,000 nanodollars: half of 12,000, and then all of it.
#[tokio::test]
async fn tells_of_each_part_of_a_budget_once_although_the_webhook_fails() {
    let webhook = Webhook::start().await;
    webhook.answer_next(503);
    let gateway = Deployment::start(&configuration(&webhook, &format!("secret = \"{SECRET}\"\n"))).await;
    let mut admin = Browser::sign_in(&gateway, "admin@example.com").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let budget = json!({"scope": "user:ann@example.com", "window": "monthly", "amount": "0.000012"});
    assert_eq!(admin.put("/api/admin/budgets", &budget).await.status, StatusCode::OK);
    let token = ann.mint().await.token;
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    // The first time it is not taken.
    let posted = webhook.until_posted(2).await;
    assert_eq!(
        (posted[0].body.clone(), &posted[0].headers["webhook-id"]),
        (posted[1].body.clone(), &posted[1].headers["webhook-id"])
    );
    let body = &posted[1].body;
    assert_eq!(
        (&body["type"], &body["percent"], &body["scope"]),
        (&json!("budget.threshold"), &json!(50), &json!("user"))
    );
    assert_eq!((&body["name"], &body["window"]), (&json!("ann@example.com"), &json!("monthly")));
    assert_eq!((&body["spent"], &body["limit"]), (&json!("0.000006"), &json!("0.000012")));
    let header = |name: &str| posted[1].headers[name].to_str().unwrap().to_owned();
    let signed = format!("{}.{}.{}", header("webhook-id"), header("webhook-timestamp"), posted[1].text);
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(header("webhook-signature"), format!("v1,{signature}"));

    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    let posted = webhook.until_posted(3).await;
    assert_eq!(posted[2].body["percent"], json!(100));
    assert!(posted[2].body["text"].as_str().unwrap().starts_with("Used up: the monthly budget of ann@example.com"));
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::TOO_MANY_REQUESTS);
    // Another amount is another budget, and everything before it was told once.
    let budget = json!({"scope": "user:ann@example.com", "window": "monthly", "amount": "0.000018"});
    assert_eq!(admin.put("/api/admin/budgets", &budget).await.status, StatusCode::OK);
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    let posted = webhook.until_posted(4).await;
    assert_eq!((&posted[3].body["percent"], &posted[3].body["limit"]), (&json!(100), &json!("0.000018")));
}

#[tokio::test]
async fn tells_slack_in_a_sentence() {
    let webhook = Webhook::start().await;
    let budget =
        "format = \"slack\"\n[[budgets]]\nscope = \"default_user\"\nwindow = \"total\"\namount = \"0.000008\"\n";
    let gateway = Deployment::start(&configuration(&webhook, budget)).await;
    let token = Browser::sign_in(&gateway, "ann@example.com").await.mint().await.token;
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    let posted = webhook.until_posted(1).await;
    // 6,000 of 8,000 are three quarters.
    let text = "75 % of the total budget of ann@example.com are spent ($0.000006 of $0.000008).";
    assert_eq!(posted[0].body, json!({"text": text}));
    assert!(!posted[0].headers.contains_key("webhook-signature"), "there is nothing to sign with");
}
