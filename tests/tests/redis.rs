//! A gateway whose hot state is on a Redis server: what outlives the gateway, and what happens when the server does not.

use std::time::Duration;

use gateway_tests::{Browser, Deployment, echo};
use reqwest::StatusCode;

/// Far more than a call takes on a machine that compiles something else meanwhile.
const PATIENT: &str = "[admission]\ndeadline_ms = 5000\n";

/// How long the gateway may take to find a server that is back: a moment, and the rest for a busy machine.
const RECONNECTING: Duration = Duration::from_mins(1);

#[tokio::test]
async fn keeps_sessions_and_money_across_a_crash() {
    let mut gateway = Deployment::on_redis(PATIENT).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let minted = ann.mint().await;
    assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::OK);
    let spent = ann.settled().await;
    assert!(spent > 0, "the call cost something");
    gateway.kill_and_restart().await;
    assert_eq!(ann.money().await.spent, spent);
    assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::OK);
    assert!(!gateway.data().join("hot.db").exists(), "nothing is kept twice");
}

#[tokio::test]
async fn forgets_no_revocation_when_the_server_loses_its_memory() {
    let mut gateway = Deployment::on_redis(PATIENT).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let (gone, kept) = (ann.mint().await, ann.mint().await);
    ann.revoke(&gone.id).await;
    gateway.redis().stop();
    let answer = echo(&gateway, &kept.token).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert!(!answer.text.contains("redis"), "callers are not told what is behind: {}", answer.text);

    gateway.redis().start_again().await;
    let admitted = async { while echo(&gateway, &kept.token).await.status != StatusCode::OK {} };
    tokio::time::timeout(RECONNECTING, admitted).await.expect("the gateway connects again");
    assert_eq!(echo(&gateway, &gone.token).await.anthropic_error(), ("authentication_error", "token revoked"));
    assert_eq!(ann.get("/api/me").await.status, StatusCode::UNAUTHORIZED, "sessions are gone");
}

#[tokio::test]
async fn does_not_start_without_the_servers_password() {
    let gateway = Deployment::on_redis("").await;
    let mut command = gateway.program();
    command.env("LLM_GATEWAY__SERVER__LISTEN", "127.0.0.1:0").env("LLM_GATEWAY__HOT__PASSWORD", "not-the-password");
    let output = command.arg("serve").output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(text.contains("cannot use the redis server 127.0.0.1") && !text.contains("not-the-password"), "{text}");
}
