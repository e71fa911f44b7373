//! What Prometheus reads: calls, money and refusals are counted, for whoever may read that, under names of which there are few.

use std::time::Duration;

use gateway_tests::provider::{Behaviour, Gate};
use gateway_tests::{Browser, Deployment, Fronted, echo, free_port};
use prom_text_format_parser::{Sample, Scrape, Type, ValueType};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

/// What Prometheus shows.
const TOKEN: &str = "obviously-fake-token-of-prometheus";

/// How long to wait for what is measured a moment later: seconds, and the rest for a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn readable() -> String {
    format!("[metrics]\ntoken = \"{TOKEN}\"\n")
}

fn question(model: &str, stream: bool) -> Value {
    json!({"model": model, "max_tokens": 100, "stream": stream, "messages": [{"role": "user", "content": "ping"}]})
}

async fn ask(gateway: &Deployment, token: Option<&str>) -> Response {
    let request = Client::new().get(format!("{}/metrics", gateway.origin()));
    let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
    request.send().await.expect("the gateway answers")
}

async fn read(gateway: &Deployment) -> String {
    let answer = ask(gateway, Some(TOKEN)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.expect("the answer is whole")
}

/// What was measured.
struct Measured(Scrape);

impl Measured {
    async fn by(gateway: &Deployment) -> Self {
        Self::of(&read(gateway).await)
    }

    fn of(text: &str) -> Self {
        Self(Scrape::parse(text).unwrap_or_else(|error| unreachable!("{error:?} in {text}")))
    }

    /// Adds up a metric's samples of that type that have these labels among theirs.
    fn sum(&self, name: &str, kind: ValueType, labels: &[(&str, &str)]) -> f64 {
        let is_asked = |sample: &&Sample| {
            let has = |(key, value): &(&str, &str)| {
                sample.labels.iter().any(|label| label.key == *key && label.value == *value)
            };
            sample.value.value_type == kind && labels.iter().all(has)
        };
        let samples = self.0.metrics.iter().filter(|metric| metric.name == name).flat_map(|metric| &metric.samples);
        samples.filter(is_asked).map(|sample| sample.value.value.as_f64()).sum()
    }

    /// Returns what a counter or gauge says.
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.sum(name, ValueType::Sample, labels)
    }

    /// Returns of how many things a histogram knows.
    fn count(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.sum(name, ValueType::Count, labels)
    }
}

/// Reads until something is so.
async fn until(gateway: &Deployment, is_so: impl Fn(&Measured) -> bool) -> Measured {
    let waiting = async {
        loop {
            let measured = Measured::by(gateway).await;
            if is_so(&measured) {
                return measured;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    match waited {
        Ok(measured) => measured,
        Err(_) => unreachable!("it never is so: {}", read(gateway).await),
    }
}

fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[tokio::test]
async fn counts_calls_tokens_and_dollars() {
    let scene = Fronted::start(&readable()).await;
    let usage = json!({
        "input_tokens": 100,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "cache_read_input_tokens": 1000,
        "output_tokens": 7,
    });
    for stream in [false, true] {
        scene.provider.next(Behaviour::text("pong").usage(&usage));
        assert_eq!(scene.ask("/v1/messages", &question("plain", stream)).await.status, StatusCode::OK);
    }
    scene.provider.next(Behaviour::refusal(529, "overloaded_error", "busy"));
    scene.ask("/v1/messages", &question("plain", false)).await;
    let all = "llm_gateway_requests_total";
    let measured = until(&scene.gateway, |measured| measured.value(all, &[]) >= 3.0).await;
    let of_plain = [("route", "/v1/messages"), ("model", "plain"), ("provider", "anthropic")];
    assert_near(measured.value(all, &[&of_plain[..], &[("status", "200"), ("error", "")]].concat()), 2.0);
    assert_near(measured.value(all, &[&of_plain[..], &[("status", "529"), ("error", "refused")]].concat()), 1.0);
    for (kind, tokens) in
        [("input", 200.0), ("cache_write_5m", 20.0), ("cache_write_1h", 40.0), ("cache_read", 2000.0), ("output", 14.0)]
    {
        assert_near(measured.value("llm_gateway_tokens_total", &[("kind", kind), ("model", "plain")]), tokens);
    }
    // Twice 100 × 1,000 + 10 × 2,000 + 20 × 3,000 + 1,000 × 100 + 7 × 5,000 nanodollars.
    assert_near(measured.sum("llm_gateway_cost_dollars", ValueType::Sum, &[("model", "plain")]), 0.00063);
    assert_near(measured.count("llm_gateway_request_duration_seconds", &[("model", "plain")]), 3.0);
    assert!(measured.count("llm_gateway_first_byte_seconds", &[("model", "plain")]) >= 2.0);
    assert_near(measured.count("llm_gateway_estimate_to_cost_ratio", &[("model", "plain")]), 2.0);
    assert!(measured.count("llm_gateway_store_operation_seconds", &[("store", "hot"), ("operation", "admit")]) >= 3.0);
    assert!(measured.value("llm_gateway_drain_lag_seconds", &[]) < PATIENCE.as_secs_f64());
}

#[tokio::test]
async fn counts_refusals_by_their_reason() {
    let budget = "[[budgets]]\nscope = \"default_user\"\nwindow = \"daily\"\namount = \"0.000001\"\n";
    let mut scene = Fronted::start(&(readable() + budget)).await;
    assert_eq!(scene.ask("/v1/messages", &question("plain", false)).await.status, StatusCode::OK);
    scene.ann.settled().await;
    let spent = scene.ask("/v1/messages", &question("plain", false)).await;
    assert_eq!(spent.status, StatusCode::TOO_MANY_REQUESTS);
    let unknown = scene.ask("/v1/messages", &question("no-such-model", false)).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let gone = scene.ann.mint().await;
    scene.ann.revoke(&gone.id).await;
    for (token, reason) in [(gone.token.as_str(), "revoked"), ("nonsense", "unauthenticated")] {
        assert_eq!(echo(&scene.gateway, token).await.status, StatusCode::UNAUTHORIZED, "{reason}");
    }
    let measured = Measured::by(&scene.gateway).await;
    for reason in ["budget_exhausted", "unknown_model", "revoked", "unauthenticated"] {
        assert_near(measured.value("llm_gateway_refused_calls_total", &[("reason", reason)]), 1.0);
    }
    assert_near(measured.value("llm_gateway_refused_calls_total", &[]), 4.0);
}

/// Whatever somebody writes, it makes no numbers of its own.
#[tokio::test]
async fn counts_nothing_under_a_name_that_a_client_made_up() {
    let scene = Fronted::start(&readable()).await;
    let client = Client::new();
    scene.provider.next(Behaviour::refusal(404, "not_found_error", "there is no such model"));
    scene.ask("/v1/messages", &question("claude-made-up", false)).await;
    scene.ask("/v1/messages", &question("made-up", false)).await;
    for path in ["/made-up", "/assets/made-up.js", "/v1/made-up", "/scim/v2/Users/made-up"] {
        client.get(format!("{}{path}", scene.gateway.origin())).send().await.expect("the gateway answers");
    }
    let method = reqwest::Method::from_bytes(b"MADE-UP").expect("it is a word");
    client.request(method, scene.gateway.origin()).send().await.expect("the gateway answers");
    let all = "llm_gateway_requests_total";
    let measured = until(&scene.gateway, |measured| measured.value(all, &[]) >= 1.0).await;
    assert_near(measured.value(all, &[("model", ""), ("status", "404"), ("error", "refused")]), 1.0);
    let responses = "llm_gateway_http_responses_total";
    assert_near(measured.value(responses, &[("route", "/assets/{name}"), ("status", "404")]), 1.0);
    assert!(measured.value(responses, &[("route", ""), ("status", "404")]) >= 2.0);
    let text = read(&scene.gateway).await.to_ascii_lowercase();
    assert!(!text.contains("made-up"), "{text}");
    assert!(!text.contains("ann@example.com"), "{text}");
}

#[tokio::test]
async fn tells_of_calls_that_are_open_and_what_they_hold() {
    let mut scene = Fronted::start(&readable()).await;
    let gate = Gate::closed();
    scene.provider.next(Behaviour::text("pong").events(9).stall_after(4, &gate));
    let response = scene.call("/v1/messages", &question("plain", true)).await;
    let measured = Measured::by(&scene.gateway).await;
    assert_near(measured.value("llm_gateway_open_calls", &[]), 1.0);
    assert!(measured.value("llm_gateway_held_dollars", &[]) > 0.0);
    gate.open();
    response.text().await.expect("the answer is whole");
    scene.ann.settled().await;
    let measured = until(&scene.gateway, |measured| measured.value("llm_gateway_open_calls", &[]) < 1.0).await;
    assert_near(measured.value("llm_gateway_held_dollars", &[]), 0.0);
}

#[tokio::test]
async fn lets_only_those_read_who_show_the_token() {
    let gateway = Deployment::embedded(&readable()).await;
    for wrong in [None, Some("obviously-fake-token-of-somebody-else"), Some("")] {
        let answer = ask(&gateway, wrong).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert!(answer.headers()["www-authenticate"].to_str().expect("it is ASCII").starts_with("Bearer"));
        let text = answer.text().await.expect("the answer is whole");
        assert!(!text.contains("llm_gateway_"), "{text}");
    }
    // Whoever may call models may not read what others do.
    let mut admin = Browser::sign_in(&gateway, "admin@example.com").await;
    let minted = admin.mint().await;
    assert_eq!(ask(&gateway, Some(&minted.token)).await.status(), StatusCode::UNAUTHORIZED);
    let answer = ask(&gateway, Some(TOKEN)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
}

#[tokio::test]
async fn lets_whoever_reaches_the_address_of_its_own_read() {
    let port = free_port().expect("a port is free");
    let gateway = Deployment::embedded(&format!("[metrics]\nlisten = \"127.0.0.1:{port}\"\n")).await;
    assert_eq!(ask(&gateway, None).await.status(), StatusCode::NOT_FOUND);
    let answer = reqwest::get(format!("http://127.0.0.1:{port}/metrics")).await.expect("it listens");
    let measured = Measured::of(&answer.text().await.expect("the answer is whole"));
    assert_near(measured.value("llm_gateway_build_info", &[]), 1.0);
}

/// Prometheus' rules for names: <https://prometheus.io/docs/practices/naming/>.
#[tokio::test]
async fn names_and_describes_everything_as_prometheus_would_have_it() {
    let mut scene = Fronted::start(&readable()).await;
    assert_eq!(scene.ask("/v1/messages", &question("plain", false)).await.status, StatusCode::OK);
    scene.ann.get("/api/token/list").await;
    let all = "llm_gateway_requests_total";
    let measured = until(&scene.gateway, |measured| measured.value(all, &[]) >= 1.0).await;
    for metric in &measured.0.metrics {
        let name = metric.name.as_str();
        assert!(name.starts_with("llm_gateway_") || name.starts_with("process_"), "{name}");
        assert!(metric.help_desc.as_ref().is_some_and(|text| text.len() > 10), "{name} is not described");
        assert_eq!(metric.kind == Type::Counter, name.ends_with("_total"), "{name}");
        assert_ne!(metric.kind, Type::Untyped, "{name}");
        assert!(metric.samples.len() < 1000, "{name} has {} samples", metric.samples.len());
    }
    assert!(measured.value("process_resident_memory_bytes", &[]) > 1e6);
}

#[tokio::test]
async fn tells_of_a_hot_state_that_does_not_answer() {
    let mut gateway = Deployment::on_redis(&readable()).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let token = ann.mint().await.token;
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    gateway.redis().stop();
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let measured = Measured::by(&gateway).await;
    assert!(measured.value("llm_gateway_store_errors_total", &[("store", "hot"), ("operation", "admit")]) >= 1.0);
    assert_near(measured.value("llm_gateway_refused_calls_total", &[("reason", "unavailable")]), 1.0);
}
