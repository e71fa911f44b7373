//! The bridge that stands in for Upstash: its own client with it, and what comes with which status.

use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use gateway_tests::upstash::{Options, UpstashBridge};
use gateway_tests::{Process, Redis, free_port, place};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How long a server or a client may take: seconds, and the rest for a machine that compiles something else meanwhile.
const PATIENCE: Duration = Duration::from_mins(1);

const TOKEN: &str = "a-token-of-this-test";

fn options(redis: &Redis) -> Options {
    Options {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        redis: redis.url(),
        password: Some(redis.password().to_owned()),
        token: TOKEN.to_owned(),
        delay: Duration::ZERO,
        deadline: PATIENCE,
    }
}

async fn bridge(options: Options) -> UpstashBridge {
    UpstashBridge::start(options).await.expect("a port is free")
}

fn request(bridge: &UpstashBridge, method: Method, path: &str) -> RequestBuilder {
    Client::new().request(method, format!("{}{path}", bridge.url())).bearer_auth(TOKEN)
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.timeout(PATIENCE).send().await.expect("the bridge answers");
    (answer.status(), answer.json().await.expect("every answer is JSON"))
}

async fn post(bridge: &UpstashBridge, path: &str, body: Value) -> (StatusCode, Value) {
    answer(request(bridge, Method::POST, path).json(&body)).await
}

#[tokio::test]
async fn serves_upstashs_own_client() {
    let redis = Redis::start().await;
    let bridge = bridge(options(&redis)).await;
    let script = place("LLM_GATEWAY_ROOT").unwrap().join("tests/node/upstash.mjs");
    let mut command = tokio::process::Command::new("node");
    command.arg(script).args([bridge.url(), TOKEN]).arg(place("LLM_GATEWAY_NODE").unwrap()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("the script ends").unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{error}", output.status);
}

#[tokio::test]
async fn answers_each_failure_with_its_status() {
    let redis = Redis::start().await;
    let bridge = bridge(options(&redis)).await;
    let not_allowed =
        |name: &str| format!("ERR Command \"{name}\" is not allowed in REST or it has a special context path");
    let bad = |error: &str| (StatusCode::BAD_REQUEST, json!({"error": error}));
    let stranger = Client::new().post(bridge.url()).bearer_auth("another").json(&json!(["SET", "a", 1]));
    let unauthorized = (StatusCode::UNAUTHORIZED, json!({"error": "Unauthorized"}));
    assert_eq!(answer(stranger).await, unauthorized);
    assert_eq!(answer(Client::new().get(format!("{}/get/a", bridge.url()))).await, unauthorized);
    assert_eq!(post(&bridge, "/", json!(["GET", "a"])).await, (StatusCode::OK, json!({"result": null})));
    let arity = "ERR wrong number of arguments for 'get' command";
    assert_eq!(post(&bridge, "/", json!(["GET"])).await, bad(arity));
    assert_eq!(post(&bridge, "/", json!({})).await, bad("ERR failed to parse command"));
    assert_eq!(post(&bridge, "/pipeline", json!([])).await, bad("ERR empty pipeline request"));
    assert_eq!(post(&bridge, "/", json!(["MULTI"])).await, bad(&not_allowed("MULTI")));
    assert_eq!(post(&bridge, "/multi-exec", json!([["SET", "a", 1], ["HELLO"]])).await, bad(&not_allowed("HELLO")));
    let discarded = "EXECABORT Transaction discarded because of previous errors.";
    assert_eq!(post(&bridge, "/multi-exec", json!([["SET", "a", 1], ["GET"]])).await, bad(discarded));
    let mixed = post(&bridge, "/pipeline", json!([["GET"], ["WATCH", "a"], ["EXISTS", "a"]])).await;
    let [first, second] = [arity, &not_allowed("WATCH")].map(|error| json!({"error": error}));
    assert_eq!(mixed, (StatusCode::OK, json!([first, second, {"result": 0}])));
    assert_eq!(answer(request(&bridge, Method::DELETE, "/get/a")).await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn takes_commands_in_the_path() {
    let redis = Redis::start().await;
    let bridge = bridge(options(&redis)).await;
    let set = request(&bridge, Method::POST, "/set/a%2Fb?EX=100").body("of the body");
    assert_eq!(answer(set).await, (StatusCode::OK, json!({"result": "OK"})));
    let get = || request(&bridge, Method::GET, "/get/a%2Fb");
    assert_eq!(answer(get()).await, (StatusCode::OK, json!({"result": "of the body"})));
    let encoded = get().header("upstash-encoding", "base64");
    assert_eq!(answer(encoded).await, (StatusCode::OK, json!({"result": "b2YgdGhlIGJvZHk="})));
    let left = answer(request(&bridge, Method::GET, "/ttl/a%2Fb")).await.1["result"].as_i64().unwrap();
    assert!((1..=100).contains(&left), "{left}");
}

#[tokio::test]
async fn counts_requests_and_not_the_commands_in_them() {
    let redis = Redis::start().await;
    let bridge = bridge(options(&redis)).await;
    let count = || Client::new().get(format!("{}/test/count", bridge.url()));
    assert_eq!(answer(count()).await, (StatusCode::OK, json!({"requests": 0})));
    post(&bridge, "/pipeline", json!([["PING"], ["PING"]])).await;
    post(&bridge, "/", json!(["NOSUCH"])).await;
    assert_eq!(answer(count()).await, (StatusCode::OK, json!({"requests": 2})));
    assert_eq!(bridge.requests(), 2);
}

#[tokio::test]
async fn answers_later_by_its_delay() {
    let redis = Redis::start().await;
    let delayed = bridge(Options { delay: PATIENCE, ..options(&redis) }).await;
    let asked = post(&delayed, "/", json!(["PING"]));
    // Without a delay the answer takes a few milliseconds; with it, no machine is so slow that this fails.
    let answered = tokio::time::timeout(Duration::from_millis(250), asked).await;
    assert!(answered.is_err(), "{answered:?}");
    let prompt = bridge(Options { delay: Duration::from_millis(1), ..options(&redis) }).await;
    assert_eq!(post(&prompt, "/", json!(["PING"])).await, (StatusCode::OK, json!({"result": "PONG"})));
}

#[tokio::test]
async fn says_that_redis_is_unavailable_and_never_waits_for_it() {
    let redis = Redis::start().await;
    let unavailable = |error: &str| (StatusCode::SERVICE_UNAVAILABLE, json!({"error": error}));
    let nowhere = format!("redis://127.0.0.1:{}", free_port().unwrap());
    let alone = bridge(Options { redis: nowhere, ..options(&redis) }).await;
    for (path, body) in [("/", json!(["PING"])), ("/pipeline", json!([["PING"]])), ("/multi-exec", json!([["PING"]]))] {
        assert_eq!(post(&alone, path, body).await, unavailable("redis is unavailable"), "{path}");
    }

    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = format!("redis://{}", silent.local_addr().unwrap());
    let waiting = bridge(Options { deadline: Duration::from_millis(1), redis: address, ..options(&redis) }).await;
    assert_eq!(post(&waiting, "/", json!(["PING"])).await, unavailable("redis did not answer in time"));

    let wrong = bridge(Options { password: Some("another".to_owned()), ..options(&redis) }).await;
    assert_eq!(post(&wrong, "/", json!(["PING"])).await, unavailable("redis refuses the password"));
}

#[tokio::test]
async fn runs_as_a_program() {
    let redis = Redis::start().await;
    let listen = format!("127.0.0.1:{}", free_port().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_upstash-bridge"));
    command
        .args(["--listen", &listen, "--redis", &redis.url(), "--token", TOKEN])
        .env("REDIS_PASSWORD", redis.password());
    let mut process = Process::start(&mut command).unwrap();
    process.answers(&format!("http://{listen}/test/count"), PATIENCE).await.unwrap();
    let ping = Client::new().get(format!("http://{listen}/ping")).bearer_auth(TOKEN);
    assert_eq!(answer(ping).await, (StatusCode::OK, json!({"result": "PONG"})));
}
