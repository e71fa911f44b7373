//! What is the Worker's own: the deployments share all else.

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use gateway_tests::edge::{EdgeWorker, Runtime};
use gateway_tests::provider::{Behaviour, Gate, INPUT_TOKENS, TIMES};
use gateway_tests::{Answer, Deployment, Fronted, OidcProvider, assert_alive, free_port};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A hot state that is held may answer this late.
const PATIENT: &str = "[admission]\ndeadline_ms = 30000\n";

fn message(stream: bool) -> Value {
    json!({"model": "plain", "max_tokens": 1000, "stream": stream, "messages": [{"role": "user", "content": "ping"}]})
}

#[tokio::test]
async fn says_that_it_lives() {
    let deployment = Deployment::edge("").await;
    assert_alive(deployment.origin()).await;
}

#[tokio::test]
async fn asks_the_provider_before_the_verdict_comes_and_passes_nothing_on_without_it() {
    let mut scene = Fronted::bare_edge(PATIENT).await;
    assert_eq!(scene.ask("/v1/messages", &message(false)).await.status, StatusCode::OK);
    scene.ann.settled().await;

    scene.gateway.bridge().hold(true);
    let body = message(true);
    let mut call = Box::pin(scene.call("/v1/messages", &body));
    tokio::select! {
        _ = &mut call => unreachable!("nobody has said yet that it may be answered"),
        () = scene.provider.completed(2) => {}
    }
    // What the Worker had passed on by now would be here before the answer to another request.
    assert_alive(scene.gateway.origin()).await;
    assert!((&mut call).now_or_never().is_none(), "the provider has said all, and the client nothing heard");
    scene.gateway.bridge().hold(false);
    let answer = Answer::of(call.await).await;
    assert!(answer.status == StatusCode::OK && answer.text.contains("message_stop"), "{}", answer.text);
}

#[tokio::test]
async fn aborts_a_call_that_is_refused_while_the_provider_is_asked() {
    let mut scene = Fronted::bare_edge(PATIENT).await;
    let token = scene.ann.mint().await;
    let client = Client::new();
    let post = || client.post(format!("{}/v1/messages", scene.gateway.origin())).bearer_auth(&token.token);
    assert_eq!(post().json(&message(false)).send().await.unwrap().status(), StatusCode::OK);
    scene.ann.clone().revoke(&token.id).await;

    let gate = Gate::closed();
    scene.provider.next(Behaviour::text("word ").events(9).stall_after(3, &gate));
    scene.gateway.bridge().hold(true);
    let call = tokio::spawn(post().json(&message(true)).send());
    gate.reached().await;
    scene.gateway.bridge().hold(false);
    let answer = Answer::of(call.await.unwrap().unwrap()).await;
    assert_eq!((answer.status, answer.anthropic_error().1), (StatusCode::UNAUTHORIZED, "token revoked"));
    scene.provider.aborted(1).await;
}

#[tokio::test]
async fn asks_the_hot_state_twice_for_each_call() {
    let mut scene = Fronted::bare_edge("").await;
    for stream in [false, true] {
        assert_eq!(scene.ask("/v1/messages", &message(stream)).await.status, StatusCode::OK);
    }
    scene.ann.settled().await;
    let before = scene.gateway.bridge().requests();
    for calls in 1..=10 {
        assert_eq!(scene.ask("/v1/messages", &message(calls % 2 == 0)).await.status, StatusCode::OK);
        // One admit and one settle each; the latter comes a moment after the answer.
        scene.gateway.bridge().received(before + 2 * calls).await;
        assert_eq!(scene.gateway.bridge().requests() - before, 2 * calls);
    }
}

#[tokio::test]
async fn serves_the_pages_as_the_program_does() {
    let provider = OidcProvider::start().await;
    let signin = provider.signin("public", "allow_anyone = true");
    let (edge, local) = (Deployment::bare_edge(&signin).await, Deployment::embedded(&signin).await);
    let get = async |deployment: &Deployment, path: &str, etag: &str| {
        let request = Client::new().get(format!("{}{path}", deployment.origin())).header("sec-fetch-mode", "navigate");
        let answer = Answer::of(request.header("if-none-match", etag).send().await.unwrap()).await;
        let mut headers: Vec<_> = answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        // Another moment, another request.
        headers.retain(|header| !header.starts_with("date:") && !header.starts_with("x-request-id:"));
        headers.sort();
        let id = answer.header("x-request-id").to_owned();
        let text = answer.text.replace(deployment.origin(), "").replace(&id, "");
        (answer.status, headers, text, answer.header("etag").to_owned())
    };
    for path in ["/", "/oauth2/sign_in", "/oauth2/sign_out", "/nothing", "/assets/nothing", "/assets/app.css"] {
        assert_eq!(get(&edge, path, "").await, get(&local, path, "").await, "{path}");
    }
    let etag = get(&edge, "/assets/app.css", "").await.3;
    let (status, _, text, _) = get(&edge, "/assets/app.css", &etag).await;
    assert_eq!((status, text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(get(&edge, "/assets/app.css", &etag).await, get(&local, "/assets/app.css", &etag).await);
}

#[tokio::test]
async fn names_a_missing_secret_in_the_log_only() {
    let variables = [
        ("SERVER", "{public_url = \"https://llm.example.com\"}"),
        ("CONTROL", "{url = \"https://control.example.com\"}"),
        ("HOT", "{upstash = \"https://obviously-fake.upstash.io\", token = \"obviously-fake\"}"),
        ("SIGNIN", "{issuer = \"https://login.example.com/\", client_id = \"gw\", allow_anyone = true}"),
    ];
    let variables = variables.map(|(section, value)| (format!("LLM_GATEWAY__{section}"), value.into()));
    let port = free_port().unwrap();
    let worker = EdgeWorker::start(Runtime::Bare, port, &variables.into_iter().collect()).await.unwrap();
    for path in ["/healthz", "/", "/v1/messages"] {
        let answer = Answer::of(reqwest::get(format!("http://127.0.0.1:{port}{path}")).await.unwrap()).await;
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
        assert!(!answer.text.to_lowercase().contains("control"), "{}", answer.text);
        let dialect = if path == "/v1/messages" { &answer.body["error"]["type"] } else { &answer.body["title"] };
        assert!(
            ["api_error", "Service unavailable"].contains(&dialect.as_str().unwrap_or_default()),
            "{}",
            answer.text
        );
        assert!(answer.header("x-request-id").starts_with("req_"));
    }
    worker.prints("LLM_GATEWAY__CONTROL__KEY").await;
}

#[tokio::test]
async fn passes_on_what_fetch_does_not_decode() {
    let mut scene = Fronted::bare_edge("").await;
    for coding in ["zstd", "GZIP"] {
        scene.provider.next(Behaviour::answer(200, "not what it says").header("content-encoding", coding));
        let answer = scene.ask("/v1/messages", &message(false)).await;
        assert_eq!((answer.header("content-encoding"), answer.text.as_str()), (coding, "not what it says"));
    }
    assert!(scene.ann.settled().await > 0, "its input is estimated");
}

/// Calls as somebody whose connection breaks, which a proxy tells as it is and a plain close does not: the other direction
/// might go on.
async fn leave(scene: &Fronted, stream: bool, when: impl Future<Output = ()>) {
    let body = message(stream).to_string();
    let address = scene.gateway.origin().trim_start_matches("http://").replace("localhost", "127.0.0.1");
    let mut connection = TcpStream::connect(&address).await.expect("the worker listens");
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        scene.gateway.origin().trim_start_matches("http://"),
        scene.token,
        body.len()
    );
    connection.write_all(request.as_bytes()).await.expect("the worker reads");
    when.await;
    if stream {
        assert!(connection.read_u8().await.is_ok(), "the answer has begun");
    }
    connection.set_zero_linger().expect("a socket can be told");
}

#[tokio::test]
async fn aborts_the_call_of_a_client_that_leaves() {
    let mut scene = Fronted::bare_edge("[admission]\nfreshness = \"0s\"\n").await;
    let gate = Gate::closed();
    scene.provider.next(Behaviour::text("word ").events(100).stall_after(3, &gate));
    leave(&scene, true, gate.reached()).await;
    scene.provider.aborted(1).await;
    let seen = scene.ann.settled().await;
    assert!(seen > 0, "what was seen is paid for");

    // Before the first byte, the input has been read all the same.
    let gate = Gate::closed();
    scene.provider.next(Behaviour::default().hold(&gate));
    leave(&scene, false, scene.provider.received(2).map(drop)).await;
    scene.provider.aborted(2).await;
    let more = scene.ann.settled().await - seen;
    assert!((10_000..50_000).contains(&more), "{more} nanodollars for about 30 tokens");
}

#[tokio::test]
async fn takes_eight_bodies_of_the_largest_size_at_once() {
    // This is about room, not about time.
    let mut scene = Fronted::watched_edge("[admission]\ndeadline_ms = 10000\n").await;
    let frame = message(false).to_string().replace("ping", "");
    let padding = "x".repeat(scene.gateway.largest_body() - frame.len());
    let body = message(false).to_string().replace("ping", &padding);
    assert_eq!(body.len(), scene.gateway.largest_body());
    let calls = (0..8).map(|_| scene.post("/v1/messages").body(body.clone()).send());
    let statuses: Vec<_> = join_all(calls).await.into_iter().map(|answer| answer.unwrap().status()).collect();
    assert_eq!(statuses, [StatusCode::OK; 8]);
    assert!(scene.provider.requests().iter().all(|request| request.body == body.as_bytes()));
    scene.ann.settled().await;
    // An isolate has 128 MB for that, and for what the runtime holds of it: each body is there hardly more than once.
    let (_, bytes) = scene.gateway.instances().await;
    assert!(bytes < 96 << 20, "{bytes} bytes for eight bodies of 8 MiB");
}

#[tokio::test]
async fn needs_no_more_memory_for_long_streams() {
    let scene = Fronted::watched_edge("").await;
    let read = async |events: usize| {
        scene.provider.next(Behaviour::text(&"word ".repeat(20)).events(events));
        let answer = scene.ask("/v1/messages", &message(true)).await;
        assert!(answer.text.contains("message_stop"));
        scene.gateway.instances().await.1
    };
    let short = read(100).await;
    let long = read(10_000).await;
    assert!(long <= short + (1 << 20), "{short} bytes after 100 events, {long} after 10,000");
}

#[tokio::test]
async fn serves_everybody_else_while_one_request_panics() {
    const OTHERS: usize = 199;
    let mut scene = Fronted::watched_edge(PATIENT).await;
    assert_eq!(scene.ask("/v1/messages", &message(false)).await.status, StatusCode::OK);
    let gate = Gate::closed();
    let streams = (0..OTHERS).map(|_| {
        scene.provider.next(Behaviour::text("word ").events(10).stall_after(3, &gate));
        let call = scene.post("/v1/messages").json(&message(true)).send();
        tokio::spawn(async move { Answer::of(call.await.unwrap()).await })
    });
    let streams: Vec<_> = streams.collect();
    scene.provider.received(OTHERS as u64 + 1).await;
    let spent = scene.ann.money().await.spent;

    let broken = scene.post("/v1/messages").header("x-test-panic", "1").json(&message(false)).send().await.unwrap();
    let broken = Answer::of(broken).await;
    assert_eq!((broken.status, broken.anthropic_error().0), (StatusCode::INTERNAL_SERVER_ERROR, "api_error"));
    scene.gateway.prints("nothing is safe without").await;
    assert_eq!(scene.gateway.instances().await.0, 1);
    assert_eq!(scene.ask("/v1/messages", &message(false)).await.status, StatusCode::OK);
    assert_eq!(scene.gateway.instances().await.0, 2, "a new instance serves");

    gate.open();
    for stream in streams {
        let answer = stream.await.unwrap();
        assert!(answer.status == StatusCode::OK && answer.text.contains("message_stop"), "{}", answer.text);
    }
    // Ten events are ten tokens out, at five dollars per million; of input the provider tells the same each time.
    let input = i64::try_from(INPUT_TOKENS).unwrap() * 1000;
    let (streamed, whole) = (input + 10 * 5000, input + i64::try_from(TIMES).unwrap() * 5000);
    assert_eq!(scene.ann.settled().await - spent, i64::try_from(OTHERS).unwrap() * streamed + whole);
}
