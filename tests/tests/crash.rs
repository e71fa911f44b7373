//! What a killed process leaves behind, and what a stopping one lets finish.

use futures_util::StreamExt as _;
use gateway_tests::{Answer, Browser, Deployment, call, echo, message};
use reqwest::StatusCode;

/// A stream that takes long enough to be in the middle of it.
const SLOW: &str = "[providers.echo]\nkind = \"echo\"\npace_ms = 100\n[models.echo]\nprovider = \"echo\"\n\
                    price = { input = \"1.00\", output = \"5.00\" }\n";

/// A call that died is charged at its estimate, exactly once.
#[tokio::test]
async fn never_leaks_a_counter_by_a_crash() {
    let mut gateway = Deployment::embedded(SLOW).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let minted = ann.mint().await;
    let body = message(&"word ".repeat(200), 400, true);
    let mut stream = call(&gateway, &minted.token, &body).await.bytes_stream();
    assert!(stream.next().await.unwrap().is_ok(), "the stream has begun");
    let estimate = ann.money().await.held;
    assert!(estimate > 0, "the call holds its estimate");

    gateway.kill_and_restart().await;
    for _ in 0..2 {
        let money = ann.money().await;
        assert_eq!((money.spent, money.held), (estimate, 0));
        gateway.kill_and_restart().await;
    }
    assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::OK, "the token is there");
    assert_eq!(ann.get("/api/me").await.body["user"]["email"], "ann@example.com", "and the session");
}

#[tokio::test]
async fn lets_running_answers_finish_when_it_is_asked_to_stop() {
    let mut gateway = Deployment::embedded(SLOW).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let minted = ann.mint().await;
    let response = call(&gateway, &minted.token, &message("one two three four", 400, true)).await;
    gateway.ask_to_stop();
    let answer = Answer::of(response).await;
    assert!(answer.text.contains("event: message_stop"), "{}", answer.text);
    gateway.wait_and_restart().await;
    // 18 bytes are 5 started tokens, in at 1,000 nanodollars and out at 5,000.
    assert_eq!(ann.settled().await, 5 * 1000 + 5 * 5000);
}
