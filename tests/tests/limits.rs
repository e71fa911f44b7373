//! Rate limits hold, however many calls come at once, and open again when they said. Rules of access hold for people and tokens.

use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use gateway_tests::provider::{Behaviour, Gate};
use gateway_tests::{Answer, Browser, Deployment, Fronted, ask, echo, message};
use reqwest::StatusCode;
use serde_json::json;

/// However slow the machine is, a store has time to answer.
const PATIENT: &str = "[admission]\ndeadline_ms = 30000\n";

fn limit(scope: &str, most: &str) -> String {
    format!("[[rate_limits]]\nscope = \"{scope}\"\n{most}\n")
}

/// Returns the time since the epoch, on the clock that the gateway goes by.
fn now() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().expect("it is later than 1970")
}

fn minute() -> u64 {
    now().as_secs() / 60
}

fn assert_limited(answer: &Answer, text: &str) -> Duration {
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{}", answer.text);
    let (kind, message) = answer.anthropic_error();
    assert_eq!(kind, "rate_limit_error");
    assert!(message.contains(text), "{message}");
    let seconds = answer.header("retry-after").parse().expect("it says when to try again");
    assert!((1..=60).contains(&seconds), "{seconds}");
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn holds_requests_in_parallel_and_opens_at_the_promised_second() {
    let gateway = Deployment::start(&(limit("default_user", "requests_per_minute = 20") + PATIENT)).await;
    let token = Browser::sign_in(&gateway, "ann@example.com").await.mint().await.token;
    let began = minute();
    let answers = join_all((0..200).map(async |_| (echo(&gateway, &token).await, now()))).await;
    let minutes = usize::try_from(minute() - began + 1).unwrap();
    let (passed, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(answer, _)| answer.status == StatusCode::OK);
    assert!(passed.len() >= 20 && passed.len() <= 20 * minutes, "{} in {minutes} minutes", passed.len());
    let opens = refused.iter().map(|(answer, came)| *came + assert_limited(answer, "20 requests in a minute"));
    // The last of them: on a slow machine some were let in when it had opened before.
    let opens = opens.max().expect("most are refused");
    // Somebody else is not held up by it.
    let other = Browser::sign_in(&gateway, "bob@example.com").await.mint().await.token;
    assert_eq!(echo(&gateway, &other).await.status, StatusCode::OK);
    tokio::time::sleep(opens.saturating_sub(now())).await;
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK, "it is the second that was promised");
}

#[tokio::test]
async fn holds_calls_in_flight_in_parallel_and_lets_the_next_in_when_one_ends() {
    let mut scene = Fronted::start(&(limit("default_token", "calls_in_flight = 3") + PATIENT)).await;
    let gate = Gate::closed();
    let question = json!({
        "model": "plain", "max_tokens": 100, "stream": true, "messages": [{"role": "user", "content": "ping"}],
    });
    let mut running = Vec::new();
    for _ in 0..3 {
        scene.provider.next(Behaviour::text("pong").events(9).stall_after(4, &gate));
        let mut response = scene.call("/v1/messages", &question).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.chunk().await.expect("it goes on").expect("it has not ended");
        running.push(response);
    }
    for answer in join_all((0..200).map(|_| scene.ask("/v1/messages", &question))).await {
        assert_limited(&answer, "3 calls at once");
    }
    // One client leaves, and the others' answers end.
    running.pop();
    gate.open();
    for response in running {
        response.text().await.expect("it ends");
    }
    scene.ann.settled().await;
    let answers = join_all((0..3).map(|_| scene.ask("/v1/messages", &question))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
}

#[tokio::test]
async fn counts_tokens() {
    let gateway = Deployment::start(&limit("org", "model = \"ec*\"\ntokens_per_minute = 30")).await;
    let token = Browser::sign_in(&gateway, "ann@example.com").await.mint().await.token;
    // Each is 50 tokens in and out: the first of a minute is let in, and a minute may end once.
    let body = message(&"word ".repeat(40), 50, false);
    let mut answers = Vec::new();
    while answers.last().is_none_or(|answer: &Answer| answer.status == StatusCode::OK) {
        answers.push(ask(&gateway, &token, &body).await);
        assert!(answers.len() <= 3, "it does not hold");
    }
    assert_limited(answers.last().expect("there are some"), "30 tokens in a minute of ec*");
}

#[tokio::test]
async fn refuses_models_and_scopes_that_are_not_allowed() {
    let more = "[[access]]\nscope = \"default_user\"\nmodels = [\"plain\"]\nscopes = [\"llm\"]\n\
                [[access]]\nscope = \"user:bob@example.com\"\nmodels = [\"*\"]\n";
    let mut scene = Fronted::start(more).await;
    let question =
        |model: &str| json!({"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "ping"}]});
    assert_eq!(scene.ask("/v1/messages", &question("plain")).await.status, StatusCode::OK);
    let answer = scene.ask("/v1/chat/completions", &question("plain-gpt")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    assert!(answer.text.contains("You may not call the model \\\"plain-gpt\\\""), "{}", answer.text);
    let body = json!({"token_name": "reader", "scopes": ["usage:read"]});
    let answer = scene.ann.post("/api/token/generate", &body).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    assert!(answer.text.contains("usage:read"), "{}", answer.text);
}
