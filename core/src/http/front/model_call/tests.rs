//! Calls to providers: what reaches them, what comes back, and what it costs, whatever happens on the way.

use std::io;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::admission::{ErrorType, Settlement};
use crate::control::Control;
use crate::http::front::testing::{Person, Reply, TestAuthority, World};
use crate::ports::{Clock as _, Contents as _, HttpError, Usage as _};
use crate::upstream::Content;

pub(super) const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream; charset=utf-8";

/// One dollar per million tokens in, five out, two and three for what is written to the cache, a tenth for what is read.
const CONFIGURATION: &str = r#"
[providers.claude]
kind = "anthropic"
api_key = "sk-claude"
[providers.gpt]
kind = "openai"
api_key = "sk-gpt"
[providers.proxy]
kind = "litellm"
api_key = "sk-proxy"
base_url = "http://litellm:4000"
[models.claude]
provider = "claude"
upstream_name = "claude-2026"
price = { input = "1.00", output = "5.00", cache_write_5m = "2.00", cache_write_1h = "3.00", cache_read = "0.10" }
[models.gpt]
provider = "gpt"
price = { input = "1.00", output = "5.00", cache_read = "0.10" }
[models.proxied]
provider = "proxy"
price = { input = "1.00", output = "5.00" }
[[passthrough]]
method = "POST"
path = "/v1/audio/{kind}"
provider = "gpt"
price = "0.01"
[upstream]
first_byte = "60s"
idle = "30s"
max_duration = "5m"
"#;

/// Somebody before a gateway with providers.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) control: Control<TestAuthority>,
    pub(super) ann: Person,
}

impl Scene {
    async fn new() -> Self {
        Self::with("").await
    }

    pub(super) async fn with(more: &str) -> Self {
        let (world, control) = World::with(&format!("{CONFIGURATION}{more}"));
        let ann = world.person(&control).await;
        Self { world, control, ann }
    }

    pub(super) fn post(&self, path: &str, body: impl Into<Body>) -> Request<Body> {
        let request = World::request(Method::POST, path).header("authorization", format!("Bearer {}", self.ann.token));
        request.header("content-type", JSON).body(body.into()).unwrap()
    }

    pub(super) async fn ask(&self, path: &str, body: &Value) -> (StatusCode, http::HeaderMap, Value) {
        self.world.ask(self.post(path, body.to_string())).await
    }

    /// Asks for a stream, and returns its pieces, and whether it broke off.
    async fn stream(&self, path: &str, body: &Value) -> (Vec<Bytes>, bool) {
        let answer = self.world.send(self.post(path, body.to_string())).await;
        assert_eq!(answer.status(), StatusCode::OK);
        self.world.while_time_passes(read(answer.into_body())).await
    }

    /// Returns how the only call since the last time ended.
    pub(super) async fn settlement(&self) -> Settlement {
        self.world.settled().await;
        let (mut events, through) = self.world.hot.pending_usage(10).await.unwrap();
        self.world.hot.discard_usage(through).await.unwrap();
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(self.control.sweep().await.unwrap(), 0);
        events.remove(0).settlement
    }
}

async fn read(mut body: Body) -> (Vec<Bytes>, bool) {
    let mut pieces = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return (pieces, true) };
        pieces.push(frame.into_data().unwrap());
    }
    (pieces, false)
}

pub(super) fn message(stream: bool) -> Value {
    json!({"model": "claude", "max_tokens": 100, "stream": stream, "messages": [{"role": "user", "content": "ping"}]})
}

fn completion(stream: bool) -> Value {
    json!({"model": "gpt", "stream": stream, "messages": [{"role": "user", "content": "ping"}]})
}

fn response(stream: bool) -> Value {
    json!({"model": "gpt", "stream": stream, "input": "ping"})
}

const MESSAGE_EVENTS: [&str; 5] = [
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-2026\",\"usage\":{\"input_tokens\":20,\"cache_read_input_tokens\":100,\"output_tokens\":1}}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"pong pong\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\" pong\"}}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":7}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
];

const COMPLETION_EVENTS: [&str; 4] = [
    "data: {\"model\":\"gpt-1\",\"choices\":[{\"delta\":{\"content\":\"pong pong\"}}],\"usage\":null}\n\n",
    "data: {\"model\":\"gpt-1\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n",
    "data: {\"model\":\"gpt-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":10}}}\n\n",
    "data: [DONE]\n\n",
];

const RESPONSE_EVENTS: [&str; 3] = [
    "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"model\":\"gpt-1\"}}\n\n",
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"pong pong\"}\n\n",
    "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":20,\"output_tokens\":7}}}\n\n",
];

fn pieces(events: &[&'static str]) -> Vec<io::Result<Bytes>> {
    events.iter().map(|event| Ok(Bytes::from_static(event.as_bytes()))).collect()
}

fn broken() -> io::Result<Bytes> {
    Err(io::ErrorKind::ConnectionReset.into())
}

#[tokio::test]
async fn sends_the_bytes_that_came_with_our_own_credential() {
    let scene = Scene::new().await;
    scene.world.provider.will_answer(200, JSON, vec![Ok(Bytes::from_static(b"{}"))]);
    let body = r#" {"model" :"proxied","x":[],"y":123456789012345678901234567890,"z":1.0,"messages":[{"a":1,"a":2}]}"#;
    let mut request = scene.post("/v1/chat/completions?beta=1&x=%2F", body);
    request.headers_mut().insert("x_litellm_end_user_id", "eve@evil.example".parse().unwrap());
    request.headers_mut().insert("x-stainless-lang", "js".parse().unwrap());
    scene.world.ask(request).await;
    let sent = scene.world.provider.sent().remove(0);
    assert_eq!(sent.uri(), "http://litellm:4000/v1/chat/completions?beta=1&x=%2F");
    assert_eq!(sent.body(), body);
    let value =
        |name: &str| sent.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(value("authorization"), ["Bearer sk-proxy"]);
    assert_eq!(value("x-litellm-end-user-id"), ["ann@example.com"]);
    assert_eq!(value("accept-encoding"), ["identity"]);
    assert_eq!(value("x-stainless-lang"), ["js"]);
    assert!(!format!("{:?}{:?}", sent.headers(), sent.body()).contains(&scene.ann.token));
    assert!(!format!("{:?}", sent.headers()).contains("evil"));
}

#[tokio::test]
async fn calls_the_model_by_the_providers_name_for_it() {
    let scene = Scene::new().await;
    let answer =
        r#"{"model":"claude-2026","usage":{"input_tokens":20,"cache_read_input_tokens":100,"output_tokens":7}}"#;
    scene.world.provider.will_answer(200, JSON, vec![Ok(Bytes::from_static(answer.as_bytes()))]);
    let (status, _, body) = scene.ask("/v1/messages", &message(false)).await;
    assert_eq!((status, body), (StatusCode::OK, serde_json::from_str(answer).unwrap()));
    let sent = scene.world.provider.sent().remove(0);
    assert_eq!(
        (sent.uri().to_string().as_str(), &sent.headers()["x-api-key"]),
        ("https://api.anthropic.com/v1/messages", &"sk-claude".parse().unwrap())
    );
    let sent: Value = serde_json::from_slice(sent.body()).unwrap();
    assert_eq!(sent["model"], "claude-2026");
    let settlement = scene.settlement().await;
    // 20 × 1,000 + 100 × 100 + 7 × 5,000 nanodollars.
    assert_eq!((settlement.cost.0, settlement.estimated, settlement.error), (65_000, false, None));
    assert_eq!(settlement.model_served.as_deref(), Some("claude-2026"));
}

#[tokio::test]
async fn costs_the_same_streamed() {
    let scene = Scene::new().await;
    scene.world.provider.will_answer(200, EVENTS, pieces(&MESSAGE_EVENTS));
    let (passed, broke) = scene.stream("/v1/messages", &message(true)).await;
    assert_eq!((passed, broke), (MESSAGE_EVENTS.map(Bytes::from).to_vec(), false));
    assert_eq!((scene.settlement().await.cost.0), 65_000);
}

#[tokio::test]
async fn keeps_the_usage_to_itself_that_the_client_did_not_ask_for() {
    let scene = Scene::new().await;
    for asks in [false, true] {
        scene.world.provider.will_answer(200, EVENTS, pieces(&COMPLETION_EVENTS));
        let mut body = completion(true);
        if asks {
            body["stream_options"] = json!({"include_usage": true});
        }
        let (passed, _) = scene.stream("/v1/chat/completions", &body).await;
        let kept =
            if asks { COMPLETION_EVENTS.to_vec() } else { [&COMPLETION_EVENTS[..2], &COMPLETION_EVENTS[3..]].concat() };
        assert_eq!(passed, kept);
        let sent: Value = serde_json::from_slice(scene.world.provider.sent().remove(0).body()).unwrap();
        assert_eq!(sent["stream_options"]["include_usage"], true);
        // 10 × 1,000 + 10 × 100 + 7 × 5,000.
        assert_eq!(scene.settlement().await.cost.0, 46_000, "asks: {asks}");
    }
}

#[tokio::test]
async fn charges_what_was_seen_of_a_stream_that_broke_off_after_any_event() {
    let scene = Scene::new().await;
    let streams: [(&str, Value, &[&'static str]); 3] = [
        ("/v1/messages", message(true), &MESSAGE_EVENTS),
        ("/v1/chat/completions", completion(true), &COMPLETION_EVENTS[..2]),
        ("/v1/responses", response(true), &RESPONSE_EVENTS[..2]),
    ];
    for (path, body, events) in streams {
        for cut in 0..=events.len() {
            let mut seen = pieces(&events[..cut]);
            seen.push(broken());
            scene.world.provider.will_answer(200, EVENTS, seen);
            let (passed, broke) = scene.stream(path, &body).await;
            let last = String::from_utf8(passed.last().unwrap().to_vec()).unwrap();
            assert!(!broke && last.contains("broke off") && last.contains("error"), "{path} cut at {cut}: {last}");
            assert_eq!(passed.len(), cut + 1);
            let settlement = scene.settlement().await;
            assert!(settlement.estimated, "{path} cut at {cut}");
            assert_eq!(settlement.error, Some(ErrorType::Cut));
            // Some input has been read, and "pong pong pong" is four started tokens, unless seven were reported.
            assert!((1..=30).contains(&settlement.usage.input), "{path} cut at {cut}: {:?}", settlement.usage);
            assert!(settlement.usage.output <= 7, "{path} cut at {cut}: {:?}", settlement.usage);
            assert!(cut < 2 || settlement.usage.output >= 3, "{path} cut at {cut}: {:?}", settlement.usage);
        }
    }
}

#[tokio::test]
async fn breaks_off_where_an_event_broke_off() {
    let scene = Scene::new().await;
    let mut seen = pieces(&["event: message_start\ndata: {\"type\":\"mess"]);
    seen.push(broken());
    scene.world.provider.will_answer(200, EVENTS, seen);
    let (passed, broke) = scene.stream("/v1/messages", &message(true)).await;
    assert_eq!((passed.len(), broke), (1, true), "nothing is put into the middle of an event");
    assert_eq!(scene.settlement().await.error, Some(ErrorType::Cut));
}

#[tokio::test]
async fn ends_streams_that_pause_for_too_long_or_never_end() {
    let scene = Scene::new().await;
    let pause = || futures_util::stream::iter(pieces(&MESSAGE_EVENTS[..2])).chain(futures_util::stream::pending());
    let clock = scene.world.clock.clone();
    let endless = futures_util::stream::unfold(clock, |clock| async move {
        clock.sleep(Duration::from_secs(20)).await;
        Some((Ok::<_, io::Error>(Bytes::from_static(b": ping\n\n")), clock))
    });
    for body in [Body::from_stream(pause()), Body::from_stream(endless)] {
        let answer = Response::builder().header("content-type", EVENTS).body(body).unwrap();
        scene.world.provider.will(Reply::Answer(answer));
        let (passed, broke) = scene.stream("/v1/messages", &message(true)).await;
        let last = String::from_utf8(passed.last().unwrap().to_vec()).unwrap();
        assert!(!broke && last.contains("took too long"), "{last}");
        let settlement = scene.settlement().await;
        assert_eq!((settlement.error, settlement.estimated), (Some(ErrorType::Timeout), true));
        assert!(settlement.usage.input > 0 && settlement.duration_ms <= 310_000, "{settlement:?}");
    }
}

#[tokio::test]
async fn relays_the_providers_errors_word_for_word_and_charges_nothing() {
    let scene = Scene::new().await;
    for status in [400, 404, 413, 429, 500, 529] {
        let error = r#"{"type":"error","error":{"type":"x","message":"prompt is too long: 9 tokens > 8 maximum"}}"#;
        scene.world.provider.will_answer(status, JSON, vec![Ok(Bytes::from_static(error.as_bytes()))]);
        let (found, _, body) = scene.ask("/v1/messages", &message(false)).await;
        assert_eq!((found.as_u16(), body), (status, serde_json::from_str(error).unwrap()));
        let settlement = scene.settlement().await;
        assert_eq!((settlement.cost.0, settlement.status, settlement.error), (0, status, Some(ErrorType::Refused)));
    }
}

#[tokio::test]
async fn answers_for_itself_where_the_provider_refuses_us() {
    let scene = Scene::new().await;
    for status in [401, 403, 302] {
        let text = "{\"error\":{\"message\":\"invalid x-api-key sk-claude\"}}";
        scene.world.provider.will_answer(status, JSON, vec![Ok(Bytes::from_static(text.as_bytes()))]);
        let (found, headers, body) = scene.ask("/v1/messages", &message(false)).await;
        assert_eq!((found, &body["error"]["type"]), (StatusCode::BAD_GATEWAY, &json!("api_error")));
        assert!(!body.to_string().contains("sk-claude") && !headers.contains_key("location"), "{body}");
        assert!(!headers.contains_key("www-authenticate") && !headers.contains_key("x-should-retry"));
        let settlement = scene.settlement().await;
        assert_eq!((settlement.cost.0, settlement.status), (0, status));
    }
}

#[tokio::test]
async fn charges_nothing_for_a_provider_that_does_not_answer() {
    let scene = Scene::new().await;
    scene.world.provider.will(Reply::Error(HttpError::Unreachable("refused".into())));
    assert_eq!(scene.ask("/v1/messages", &message(false)).await.0, StatusCode::BAD_GATEWAY);
    let settlement = scene.settlement().await;
    assert_eq!((settlement.cost.0, settlement.status, settlement.error), (0, 0, Some(ErrorType::Unreachable)));
    scene.world.provider.will(Reply::Error(HttpError::Timeout));
    assert_eq!(scene.ask("/v1/chat/completions", &completion(false)).await.0, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(scene.settlement().await.error, Some(ErrorType::Timeout));
    // It takes the request and says nothing.
    let (status, _, body) = scene.ask("/v1/chat/completions", &completion(false)).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::GATEWAY_TIMEOUT, &json!("gateway_timeout")));
    let settlement = scene.settlement().await;
    assert_eq!((settlement.cost.0, settlement.error), (0, Some(ErrorType::Timeout)));
    assert!((60_000..61_000).contains(&settlement.duration_ms), "{settlement:?}");
}

#[tokio::test]
async fn charges_the_input_if_the_client_leaves_before_the_answer() {
    let scene = Scene::new().await;
    let body = message(false);
    let mut call = Box::pin(scene.ask("/v1/messages", &body));
    // It is on its way to the provider, which says nothing.
    while scene.world.provider.sent().is_empty() {
        assert!(futures_util::poll!(&mut call).is_pending());
    }
    drop(call);
    let settlement = scene.settlement().await;
    assert_eq!((settlement.error, settlement.estimated), (Some(ErrorType::ClientGone), true));
    // The body has about a hundred bytes: about 25 tokens.
    assert!((20..=30).contains(&settlement.usage.input) && settlement.usage.output == 0, "{:?}", settlement.usage);
    assert_eq!(settlement.cost.0, i64::try_from(settlement.usage.input).unwrap() * 1000);
}

#[tokio::test]
async fn charges_what_was_seen_if_the_client_leaves_in_the_middle() {
    let scene = Scene::new().await;
    scene.world.provider.will_answer(200, EVENTS, pieces(&MESSAGE_EVENTS));
    let answer = scene.world.send(scene.post("/v1/messages", message(true).to_string())).await;
    let mut body = answer.into_body();
    for _ in 0..2 {
        assert!(body.frame().await.unwrap().is_ok());
    }
    drop(body);
    let settlement = scene.settlement().await;
    assert_eq!((settlement.error, settlement.estimated), (Some(ErrorType::ClientGone), true));
    // As reported, and "pong pong" is three started tokens: 20 × 1,000 + 100 × 100 + 3 × 5,000.
    assert_eq!(settlement.cost.0, 45_000);
}

#[tokio::test]
async fn passes_encoded_answers_on_and_estimates_them() {
    let scene = Scene::new().await;
    let packed = Bytes::from_static(b"\x1f\x8b not really gzip");
    let answer = Response::builder().header("content-type", JSON).header("content-encoding", "gzip");
    scene.world.provider.will(Reply::Answer(answer.body(Body::from(packed.clone())).unwrap()));
    let answer = scene.world.send(scene.post("/v1/messages", message(false).to_string())).await;
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    assert_eq!(to_bytes(answer.into_body(), 1000).await.unwrap(), packed);
    let settlement = scene.settlement().await;
    assert!(settlement.estimated && settlement.usage.input > 0 && settlement.usage.output > 0, "{settlement:?}");
}

#[tokio::test]
async fn marks_what_has_no_price() {
    let scene = Scene::new().await;
    let answer = r#"{"usage":{"input_tokens":1,"output_tokens":1,"server_tool_use":{"web_search_requests":1}}}"#;
    scene.world.provider.will_answer(200, JSON, vec![Ok(Bytes::from_static(answer.as_bytes()))]);
    scene.ask("/v1/messages", &message(false)).await;
    let settlement = scene.settlement().await;
    assert_eq!((settlement.priced, settlement.cost.0), (false, 6000));
}

#[tokio::test]
async fn counts_tokens_for_nothing_even_when_the_budget_is_used_up() {
    let budget = "[[budgets]]\nscope = \"default_user\"\nwindow = \"total\"\namount = \"0.00\"";
    let scene = Scene::with(budget).await;
    assert_eq!(scene.ask("/v1/messages", &message(false)).await.0, StatusCode::TOO_MANY_REQUESTS);
    scene.world.provider.will_answer(200, JSON, vec![Ok(Bytes::from_static(b"{\"input_tokens\":12}"))]);
    let (status, _, body) = scene.ask("/v1/messages/count_tokens", &message(false)).await;
    assert_eq!((status, &body["input_tokens"]), (StatusCode::OK, &json!(12)));
    assert_eq!(scene.world.provider.sent().remove(0).uri().path(), "/v1/messages/count_tokens");
    let settlement = scene.settlement().await;
    assert_eq!((settlement.cost.0, settlement.priced, settlement.estimated), (0, true, false));
}

#[tokio::test]
async fn sends_each_call_to_a_provider_of_its_own_form() {
    let scene = Scene::new().await;
    for (path, body) in [
        ("/v1/messages", json!({"model": "gpt", "messages": []})),
        ("/v1/messages/count_tokens", json!({"model": "gpt", "messages": []})),
        ("/v1/chat/completions", json!({"model": "claude", "messages": []})),
        ("/v1/responses", json!({"model": "claude", "input": ""})),
        ("/v1/embeddings", json!({"model": "claude", "input": ""})),
    ] {
        let (status, _, answer) = scene.ask(path, &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(path), "{answer}");
    }
    assert!(scene.world.provider.sent().is_empty());
    assert_eq!(scene.world.settled().await, (0, 0));
}

#[tokio::test]
async fn lets_no_client_command_a_proxy() {
    let scene = Scene::new().await;
    for member in ["fallbacks", "api_base", "base_url", "api_key", "user_config", "mock_response"] {
        let body = json!({"model": "proxied", member: "x", "messages": []});
        let (status, _, answer) = scene.ask("/v1/chat/completions", &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{member}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(member), "{answer}");
    }
    assert!(scene.world.provider.sent().is_empty());
    // To others these are members like any other.
    scene.world.provider.will_answer(200, JSON, vec![Ok(Bytes::from_static(b"{}"))]);
    let body = json!({"model": "gpt", "fallbacks": [], "messages": []});
    assert_eq!(scene.ask("/v1/chat/completions", &body).await.0, StatusCode::OK);
}

#[tokio::test]
async fn passes_named_paths_through_at_a_flat_price() {
    let scene = Scene::new().await;
    for (status, cost) in [(200, 10_000_000), (500, 0)] {
        scene.world.provider.will_answer(status, "audio/mpeg", vec![Ok(Bytes::from_static(b"\xff\xfb"))]);
        let answer = scene.world.send(scene.post("/v1/audio/speech?x=1", &b"\x00not json"[..])).await;
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(&to_bytes(answer.into_body(), 100).await.unwrap()[..], b"\xff\xfb");
        let sent = scene.world.provider.sent().remove(0);
        assert_eq!(sent.uri(), "https://api.openai.com/v1/audio/speech?x=1");
        assert_eq!(
            (&sent.body()[..], &sent.headers()["authorization"]),
            (&b"\x00not json"[..], &"Bearer sk-gpt".parse().unwrap())
        );
        let settlement = scene.settlement().await;
        assert_eq!((settlement.cost.0, settlement.estimated), (cost, false));
    }
    assert_eq!(scene.ask("/v1/audio", &json!({})).await.0, StatusCode::NOT_FOUND);
    let without = World::request(Method::POST, "/v1/audio/speech").body(Body::empty()).unwrap();
    assert_eq!(scene.world.ask(without).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn lists_the_models_in_the_askers_words() {
    let scene = Scene::new().await;
    let list = async |version: Option<&str>| {
        let mut request = World::request(Method::GET, "/v1/models").header("x-api-key", &scene.ann.token);
        if let Some(version) = version {
            request = request.header("anthropic-version", version);
        }
        scene.world.ask(request.body(Body::empty()).unwrap()).await.2
    };
    let ids = |list: &Value| {
        let models = list["data"].as_array().unwrap().iter();
        models.map(|model| model["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let openai = list(None).await;
    assert_eq!((ids(&openai), &openai["object"]), (vec!["gpt".to_owned(), "proxied".to_owned()], &json!("list")));
    let anthropic = list(Some("2023-06-01")).await;
    assert_eq!(
        (ids(&anthropic), &anthropic["has_more"]),
        (vec!["claude".to_owned(), "proxied".to_owned()], &json!(false))
    );
    let (status, _, body) = scene
        .world
        .ask(World::request(Method::GET, "/v1/models").header("anthropic-version", "x").body(Body::empty()).unwrap())
        .await;
    assert_eq!((status, &body["error"]["type"]), (StatusCode::UNAUTHORIZED, &json!("authentication_error")));
}

#[tokio::test]
async fn lets_people_go_on_from_their_own_answers_only() {
    let scene = Scene::new().await;
    let eve = scene.world.somebody(&scene.control, "eve@example.com").await;
    let go_on = |id: &str| {
        let mut body = response(false);
        body["previous_response_id"] = id.into();
        body
    };
    let created =
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_streamed\"}}\n\n";
    scene.world.provider.will_answer(200, EVENTS, pieces(&[created]));
    scene.stream("/v1/responses", &response(true)).await;
    let document = Bytes::from_static(br#"{"id":"resp_whole","conversation":{"id":"conv_1"},"usage":{}}"#);
    scene.world.provider.will_answer(200, JSON, vec![Ok(document.clone())]);
    scene.ask("/v1/responses", &response(false)).await;
    let mut unkept = response(false);
    unkept["store"] = false.into();
    scene.world.provider.will_answer(200, JSON, vec![Ok(Bytes::from_static(br#"{"id":"resp_unkept"}"#))]);
    scene.ask("/v1/responses", &unkept).await;
    scene.world.settled().await;
    scene.world.provider.sent();

    for id in ["resp_streamed", "resp_whole", "conv_1"] {
        scene.world.provider.will_answer(200, JSON, vec![Ok(document.clone())]);
        assert_eq!(scene.ask("/v1/responses", &go_on(id)).await.0, StatusCode::OK, "{id}");
        assert_eq!(scene.world.provider.sent().len(), 1);
        let request = World::request(Method::POST, "/v1/responses").header("x-api-key", &eve.token);
        let (status, _, body) = scene.world.ask(request.body(Body::from(go_on(id).to_string())).unwrap()).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{id}");
        assert!(body["error"]["message"].as_str().unwrap().contains(id), "{body}");
    }
    for id in ["resp_unkept", "resp_of_nobody"] {
        assert_eq!(scene.ask("/v1/responses", &go_on(id)).await.0, StatusCode::NOT_FOUND, "{id}");
    }
    assert!(scene.world.provider.sent().is_empty());
}

/// As far as it was said: what a model had begun when the client left is as much a part of it.
#[tokio::test]
async fn keeps_what_was_said_in_a_call_whose_client_left() {
    let scene = Scene::with("[exporters.x]\nkind = \"otlp\"\nurl = \"https://x.example\"\ncontent = true\n").await;
    let mut events = pieces(&MESSAGE_EVENTS[..1]);
    events.push(Ok(Bytes::from_static(
        b"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    )));
    events.extend(pieces(&MESSAGE_EVENTS[1..]));
    scene.world.provider.will_answer(200, EVENTS, events);
    let mut answer = scene.world.send(scene.post("/v1/messages", message(true).to_string())).await.into_body();
    for _ in 0..3 {
        answer.frame().await.unwrap().unwrap();
    }
    drop(answer);
    let settlement = scene.settlement().await;
    assert_eq!(settlement.error, Some(ErrorType::ClientGone));
    let kept = scene.world.hot.contents(&[settlement.lease], scene.world.clock.now().seconds()).await.unwrap();
    let kept: Content = serde_json::from_str(kept[0].as_ref().unwrap()).unwrap();
    assert_eq!(kept.asked.messages, [json!({"role": "user", "content": "ping"})]);
    assert_eq!(kept.answered.pieces, [json!({"type": "text", "text": "pong pong"})]);
}
