//! Budgets hold, however many calls run at once, and let in whom they should.

use futures_util::future::join_all;
use gateway_tests::{Browser, Deployment, ask, call, echo, message};
use reqwest::StatusCode;

/// "ping" is one token in and one out: 1,000 and 5,000 nanodollars.
const PING: i64 = 6000;

fn budget(amount: &str) -> String {
    format!("[[budgets]]\nscope = \"default_user\"\nwindow = \"monthly\"\namount = \"{amount}\"\n")
}

#[tokio::test]
async fn never_overruns_in_parallel() {
    // 40 words of 4 letters and a space: 200 bytes, 50 tokens in and out, 300,000 nanodollars. Room for 20.
    // Nor does it matter here how slow the machine is.
    let patient = "[admission]\ndeadline_ms = 30000\n";
    let gateway = Deployment::start(&(budget("0.006") + patient)).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let token = ann.mint().await.token;
    let body = message(&"word ".repeat(40), 50, false);
    let answers = join_all((0..200).map(|_| ask(&gateway, &token, &body))).await;

    let limit = 6_000_000;
    let cost = 300_000;
    let (passed, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == StatusCode::OK);
    let spent = ann.settled().await;
    assert_eq!(spent, cost * i64::try_from(passed.len()).unwrap());
    assert!(spent <= limit + cost, "{spent}");
    assert!(!passed.is_empty() && !refused.is_empty());
    for answer in refused {
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{}", answer.text);
        assert!(["rate_limit_error", "billing_error"].contains(&answer.anthropic_error().0));
    }
    // Room that was only held has come back: one after the other they fit until the budget is used up.
    while echo(&gateway, &token).await.status == StatusCode::OK {
        assert!(ann.settled().await < limit + cost);
    }
    assert!(ann.settled().await >= limit);
}

#[tokio::test]
async fn never_starves_a_burst_by_reserving_the_worst_case() {
    let gateway = Deployment::start(&budget("25.00")).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let token = ann.mint().await.token;
    let body = message("ping", 64_000, false);
    for answer in join_all((0..10).map(|_| ask(&gateway, &token, &body))).await {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
    assert_eq!(ann.settled().await, 10 * PING);
}

#[tokio::test]
async fn says_what_is_used_up_until_when() {
    let gateway = Deployment::start(&budget("0.000006")).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let token = ann.mint().await.token;
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK, "the only call is let in, whatever its estimate");
    assert_eq!(ann.settled().await, PING);
    let answer = echo(&gateway, &token).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let (kind, text) = answer.anthropic_error();
    assert_eq!(kind, "billing_error");
    assert!(text.contains("monthly budget") && text.contains("$0.000006"), "{text}");
    assert_eq!(answer.header("x-should-retry"), "false");
    assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
    assert_eq!(ann.settled().await, PING, "refusals cost nothing");
    let budgets = ann.get("/api/usage/me").await.body["budgets"].clone();
    assert_eq!((budgets[0]["limit"].as_str(), budgets[0]["spent"].as_str()), (Some("0.000006"), Some("0.000006")));
}

#[tokio::test]
async fn never_lets_an_unpriced_model_be_free_under_a_budget() {
    let unpriced = "[providers.echo]\nkind = \"echo\"\n[models.echo]\nprovider = \"echo\"\n";
    let gateway = Deployment::start(&(budget("1.00") + unpriced)).await;
    let token = Browser::sign_in(&gateway, "ann@example.com").await.mint().await.token;
    let answer = echo(&gateway, &token).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.anthropic_error().1.contains("\"echo\" has no price"), "{}", answer.text);

    let gateway = Deployment::start(unpriced).await;
    let token = Browser::sign_in(&gateway, "ann@example.com").await.mint().await.token;
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn settles_what_was_seen_when_the_client_leaves() {
    let slow = "[providers.echo]\nkind = \"echo\"\npace_ms = 50\n[models.echo]\nprovider = \"echo\"\n\
                price = { input = \"1.00\", output = \"5.00\" }\n";
    let gateway = Deployment::start(slow).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let token = ann.mint().await.token;
    let whole = 50 * 6000;
    let mut response = call(&gateway, &token, &message(&"word ".repeat(40), 400, true)).await;
    let mut seen = String::new();
    while !seen.contains("word") {
        seen.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
    }
    assert!(ann.money().await.held > 0);
    drop(response);
    let spent = ann.settled().await;
    // All of the input, and some of the output.
    assert!((50 * 1000 + 1..whole).contains(&spent), "{spent}");
}
