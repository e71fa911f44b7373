//! A gateway whose hot state is on a Redis server, over TCP and over Upstash's REST API: what outlives the gateway, and what
//! happens when the server stops, slows down, forgets, or is an older copy of itself.

use std::process::{Command, Output};
use std::time::Duration;

use gateway_tests::{Answer, Browser, Deployment, Minted, echo, message};
use reqwest::{Client, Method, RequestBuilder, StatusCode};

/// Far more than a call takes on a machine that compiles something else meanwhile.
const PATIENT: &str = "[admission]\ndeadline_ms = 5000\n";

/// How long the gateway may take to find a server that is back: a moment, and the rest for a busy machine.
const RECONNECTING: Duration = Duration::from_mins(1);

/// What "ping" costs, in nanodollars.
const PING: i64 = 6000;

/// Makes two tests of one: over TCP, and over HTTP.
macro_rules! over_both {
    ($($name:ident($configuration:expr);)*) => {
        mod over_tcp {
            use super::*;
            $(#[tokio::test] async fn $name() { super::$name(Deployment::on_redis($configuration).await).await; })*
        }
        mod over_http {
            use super::*;
            $(#[tokio::test] async fn $name() { super::$name(Deployment::on_upstash($configuration).await).await; })*
        }
    };
}

over_both! {
    answers_503_in_time_on_every_route_while_the_server_is_down("");
    answers_503_in_time_on_every_route_while_the_server_is_slow("");
    forgets_nothing_that_matters_when_the_server_is_wiped(&budgeted());
    forgets_nothing_that_matters_when_the_server_starts_from_an_old_snapshot(&budgeted());
    forgets_nothing_that_matters_when_a_stale_copy_takes_over(&budgeted());
}

fn budgeted() -> String {
    format!("{PATIENT}[[budgets]]\nscope = \"default_user\"\nwindow = \"daily\"\namount = \"0.000012\"\n")
}

/// Somebody with two tokens, one of which will be revoked, and money for one call more.
struct Scene {
    gateway: Deployment,
    ann: Browser,
    gone: Minted,
    kept: Minted,
    /// Somebody who is about to come back from the identity provider.
    late: Browser,
    callback: String,
}

impl Scene {
    async fn new(gateway: Deployment) -> Self {
        let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
        let (gone, kept) = (ann.mint().await, ann.mint().await);
        let mut late = Browser::open(&gateway);
        let callback = late.authenticate("late@example.com", "/").await;
        Self { gateway, ann, gone, kept, late, callback }
    }

    /// Makes a call.
    async fn call(&mut self) {
        assert_eq!(echo(&self.gateway, &self.gone.token).await.status, StatusCode::OK);
        assert_eq!(self.ann.settled().await, PING);
    }

    /// Waits until what was spent is in the log: what is not may be lost.
    async fn drained(&mut self, events: i64) {
        let records = rusqlite::Connection::open(self.gateway.data().join("records.db")).expect("the file is there");
        let counted = async {
            loop {
                let count = "SELECT count(*) FROM usage";
                let count: i64 = records.query_row(count, [], |row| row.get(0)).expect("the table is there");
                if count == events {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(RECONNECTING, counted).await.expect("usage is drained");
    }

    /// What was revoked stays so in the first answer that the gateway gives, what was not is good, and the budget has room for
    /// one call, not for two.
    async fn forgot_nothing_that_matters(&self) {
        let first = async {
            loop {
                let answer = echo(&self.gateway, &self.gone.token).await;
                if answer.status != StatusCode::SERVICE_UNAVAILABLE {
                    return answer;
                }
            }
        };
        let first = tokio::time::timeout(RECONNECTING, first).await.expect("the gateway finds the server");
        assert_eq!(first.anthropic_error(), ("authentication_error", "token revoked"), "{}", first.text);
        assert_eq!(echo(&self.gateway, &self.kept.token).await.status, StatusCode::OK);
        let spent = async {
            loop {
                let answer = echo(&self.gateway, &self.kept.token).await;
                if answer.status != StatusCode::OK && !answer.text.contains("held by calls") {
                    return answer;
                }
            }
        };
        let refused = tokio::time::timeout(RECONNECTING, spent).await.expect("the budget is used up at last");
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(refused.text.contains("$0.000012 of $0.000012"), "{}", refused.text);
    }
}

async fn forgets_nothing_that_matters_when_the_server_is_wiped(gateway: Deployment) {
    let mut scene = Scene::new(gateway).await;
    scene.call().await;
    scene.ann.revoke(&scene.gone.id).await;
    scene.drained(1).await;
    scene.gateway.redis().forget().await;
    scene.forgot_nothing_that_matters().await;
    assert_eq!(scene.ann.get("/api/me").await.status, StatusCode::UNAUTHORIZED, "sessions are gone");
}

async fn forgets_nothing_that_matters_when_the_server_starts_from_an_old_snapshot(gateway: Deployment) {
    let mut scene = Scene::new(gateway).await;
    scene.call().await;
    // The call is not in the log yet, perhaps, and waits in the snapshot; the next one is not in the snapshot.
    scene.gateway.redis().save().await;
    scene.ann.revoke(&scene.gone.id).await;
    scene.drained(1).await;
    scene.gateway.redis().stop();
    scene.gateway.redis().start_again().await;
    scene.forgot_nothing_that_matters().await;
    assert_eq!(scene.ann.settled().await, 2 * PING, "the session is there, and what was spent");
}

async fn forgets_nothing_that_matters_when_a_stale_copy_takes_over(gateway: Deployment) {
    let mut scene = Scene::new(gateway).await;
    let copy = scene.gateway.redis().copy().await;
    scene.call().await;
    scene.ann.revoke(&scene.gone.id).await;
    scene.drained(1).await;
    scene.gateway.way_to_redis().lead_to(&[copy.port()]);
    scene.forgot_nothing_that_matters().await;
    assert_eq!(scene.ann.settled().await, 2 * PING, "the session is there, and what was spent");
}

/// Every kind of request that needs the hot state.
fn requests(scene: &Scene) -> Vec<(&'static str, RequestBuilder)> {
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client needs nothing");
    let at = |method: Method, path: &str| client.request(method, format!("{}{path}", scene.gateway.origin()));
    let called = |path: &str| at(Method::POST, path).bearer_auth(&scene.kept.token).json(&message("ping", 9, false));
    let post = |path: &str, body: serde_json::Value| {
        let request = at(Method::POST, path).header("cookie", scene.ann.cookie_header());
        request.header("sec-fetch-site", "same-origin").json(&body)
    };
    let get = |path: &str| at(Method::GET, path).header("cookie", scene.ann.cookie_header());
    let late = client.get(&scene.callback).header("cookie", scene.late.cookie_header());
    vec![
        ("a message", called("/v1/messages")),
        ("a completion", called("/v1/chat/completions")),
        ("count_tokens", called("/v1/messages/count_tokens")),
        ("the models", at(Method::GET, "/v1/models").bearer_auth(&scene.kept.token)),
        ("a mint", post("/api/token/generate", serde_json::json!({"token_name": "x"}))),
        ("a revocation", post("/api/token/revoke", serde_json::json!({"token_id": scene.kept.id}))),
        ("the list", get("/api/token/list")),
        ("the person", get("/api/me")),
        ("the usage", get("/api/usage/me")),
        ("the check for other servers", get("/oauth2/auth")),
        ("the start of a sign-in", get("/oauth2/start")),
        ("who is signed in", get("/oauth2/userinfo")),
        ("the token page", get("/token-manager")),
        ("the end of a session", post("/oauth2/sign_out", serde_json::json!({}))),
        ("the end of a sign-in", late),
        ("readiness", at(Method::GET, "/readyz")),
    ]
}

/// Nobody waits longer than the deadline and a second, nobody is told that the credential is bad, and nobody is charged.
async fn answers_503_in_time(scene: &Scene) {
    const BOUND: Duration = Duration::from_millis(250 + 1000);
    for (name, request) in requests(scene) {
        let answer =
            tokio::time::timeout(BOUND, async { Answer::of(request.send().await.expect("the gateway answers")).await });
        let answer = answer.await.unwrap_or_else(|_| unreachable!("{name} has waited for more than {BOUND:?}"));
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{name}: {}", answer.text);
        assert_eq!(answer.header("retry-after"), "1", "{name}");
        assert!(!answer.text.contains("redis"), "callers are not told what is behind: {}", answer.text);
    }
}

async fn answers_503_in_time_on_every_route_while_the_server_is_down(gateway: Deployment) {
    let mut scene = Scene::new(gateway).await;
    scene.call().await;
    scene.drained(1).await;
    scene.gateway.redis().stop();
    answers_503_in_time(&scene).await;
    scene.gateway.redis().start_again().await;
    let admitted = async { while echo(&scene.gateway, &scene.kept.token).await.status != StatusCode::OK {} };
    tokio::time::timeout(RECONNECTING, admitted).await.expect("the gateway connects again");
    scene.drained(2).await;
    let mut ann = Browser::sign_in(&scene.gateway, "ann@example.com").await;
    assert_eq!(ann.settled().await, 2 * PING, "no call was charged that was answered 503");
}

async fn answers_503_in_time_on_every_route_while_the_server_is_slow(gateway: Deployment) {
    let mut scene = Scene::new(gateway).await;
    scene.call().await;
    scene.drained(1).await;
    scene.gateway.way_to_redis().delay(Duration::from_secs(2));
    answers_503_in_time(&scene).await;
    scene.gateway.way_to_redis().delay(Duration::ZERO);
    let admitted = async { while echo(&scene.gateway, &scene.kept.token).await.status != StatusCode::OK {} };
    tokio::time::timeout(RECONNECTING, admitted).await.expect("the server is fast again");
    assert_eq!(scene.ann.settled().await, 2 * PING, "no call was charged that was answered 503");
}

/// Runs a command to its end, while the test's own servers go on.
async fn output(mut command: Command) -> Output {
    let run = tokio::task::spawn_blocking(move || command.output());
    run.await.expect("waiting does not panic").expect("the program runs")
}

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
async fn rebuilds_what_an_operator_has_lost() {
    let mut scene = Scene::new(Deployment::on_redis(PATIENT).await).await;
    scene.call().await;
    scene.drained(1).await;
    scene.gateway.redis().rename("gw:{main}:spent:total", "lost").await;
    assert_eq!(scene.ann.money().await.spent, 0);
    let mut command = scene.gateway.program();
    command.args(["hot", "rebuild"]);
    let output = output(command).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let again = async {
        while scene.ann.get("/api/usage/me").await.status != StatusCode::OK {}
        scene.ann.money().await.spent
    };
    assert_eq!(tokio::time::timeout(RECONNECTING, again).await.expect("it answers"), PING);
    assert_eq!(echo(&scene.gateway, &scene.kept.token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn does_not_start_without_the_servers_password() {
    for (gateway, variable, server, why) in [
        (Deployment::on_redis("").await, "LLM_GATEWAY__HOT__PASSWORD", "the redis server 127.0.0.1", "Password"),
        (Deployment::on_upstash("").await, "LLM_GATEWAY__HOT__TOKEN", "the upstash database 127.0.0.1", "our token"),
    ] {
        let mut command = gateway.program();
        command.env("LLM_GATEWAY__SERVER__LISTEN", "127.0.0.1:0").env(variable, "not-the-password");
        command.arg("serve");
        let output = output(command).await;
        let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success());
        assert!([server, why].iter().all(|part| text.contains(part)) && !text.contains("not-the-password"), "{text}");
    }
}
