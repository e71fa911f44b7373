//! Other systems are told of every call, whatever happens to them or to the gateway meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use gateway_tests::{Answer, Browser, ClickHouse, Deployment, Sink, Told, ask, call, echo, message, place};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use reqwest::StatusCode;
use serde_json::{Value, json};

fn otlp(sink: &Sink) -> String {
    let headers = "headers = { x_api_key = \"obviously-fake\" }";
    format!("[exporters.traces]\nkind = \"otlp\"\nurl = \"{}\"\n{headers}\n", sink.url())
}

fn clickhouse(sink: &Sink) -> String {
    let keys = "user = \"gateway\"\npassword = \"obviously-fake\"\ndatabase = \"usage_of\"\ntable = \"calls\"";
    format!("[exporters.rows]\nkind = \"clickhouse\"\nurl = \"{}\"\n{keys}\n", sink.url())
}

/// Returns the spans of all requests, by the crate that the specification's types are made of.
fn spans(told: &[Told]) -> Vec<Span> {
    let decoded = told.iter().map(|told| serde_json::from_str::<ExportTraceServiceRequest>(&told.text).expect("OTLP"));
    let scopes = decoded.flat_map(|request| request.resource_spans).flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

fn attribute(span: &Span, key: &str) -> Option<AnyValue> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    found.value.clone()?.value
}

fn text(span: &Span, key: &str) -> String {
    match attribute(span, key) {
        Some(AnyValue::StringValue(text)) => text,
        other => unreachable!("{key}: {other:?}"),
    }
}

fn integer(span: &Span, key: &str) -> i64 {
    match attribute(span, key) {
        Some(AnyValue::IntValue(integer)) => integer,
        other => unreachable!("{key}: {other:?}"),
    }
}

fn distinct(told: &[Told]) -> usize {
    spans(told).into_iter().map(|span| span.trace_id).collect::<BTreeSet<_>>().len()
}

/// Returns how many lines there are in all bodies.
fn lines(told: &[Told]) -> usize {
    told.iter().map(|told| told.text.lines().count()).sum()
}

/// Returns the rows that are left when each id counts once, in its highest revision.
fn deduplicated(rows: Vec<Value>) -> BTreeMap<String, Value> {
    let mut kept: BTreeMap<String, Value> = BTreeMap::new();
    for row in rows {
        let id = row["id"].as_str().expect("it has one").to_owned();
        if kept.get(&id).is_none_or(|other| other["revision"].as_u64() <= row["revision"].as_u64()) {
            kept.insert(id, row);
        }
    }
    kept
}

fn is_row_of(told: &[Told], is_it: impl Fn(&Value) -> bool) -> bool {
    let mut lines = told.iter().flat_map(|told| told.text.lines());
    lines.any(|line| is_it(&serde_json::from_str(line).expect("a row is JSON")))
}

/// "ping" costs 6,000 nanodollars.
#[tokio::test]
async fn tells_a_collector_by_the_conventions_of_opentelemetry() {
    let mut sink = Sink::down();
    sink.answer(200).await;
    let gateway = Deployment::start(&otlp(&sink)).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let minted = ann.mint().await;
    assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::OK);
    sink.until_taken(|told| !told.is_empty()).await;
    let told = sink.taken();
    assert_eq!(
        (told[0].uri.path(), &told[0].headers["content-type"]),
        ("/v1/traces", &"application/json".parse().unwrap())
    );
    assert_eq!(told[0].headers["x-api-key"], "obviously-fake");
    let spans = spans(&told);
    let span = &spans[0];
    assert_eq!((span.name.as_str(), span.kind()), ("chat echo", SpanKind::Client));
    assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
    assert!(span.start_time_unix_nano > 0 && span.end_time_unix_nano >= span.start_time_unix_nano);
    assert_eq!(text(span, "gen_ai.operation.name"), "chat");
    assert_eq!(text(span, "gen_ai.provider.name"), "echo");
    assert_eq!(text(span, "gen_ai.request.model"), "echo");
    assert_eq!(text(span, "user.email"), "ann@example.com");
    assert_eq!(text(span, "llm_gateway.token.id"), minted.id);
    assert_eq!(integer(span, "llm_gateway.cost_nanodollars"), 6000);
    assert_eq!(attribute(span, "gen_ai.usage.cost"), Some(AnyValue::DoubleValue(0.000_006)));
    let told = sink.taken().iter().map(|told| told.text.clone()).collect::<String>();
    assert!(!told.contains("ping"), "what people say is not sent");
}

/// The messages of a streamed call and of one that is not, as OpenTelemetry's conventions have them, without what is nobody's business; and
/// nothing of it for a sink that was not meant.
#[tokio::test]
async fn tells_what_was_said_where_that_is_switched_on() {
    let (mut traces, mut rows) = (Sink::down(), Sink::down());
    traces.answer(200).await;
    rows.answer(200).await;
    let rule = "[content]\nredact = [{ pattern = 'EMP-\\d{4}', replacement = \"[employee]\" }]\n";
    let gateway = Deployment::start(&(otlp(&traces) + "content = true\n" + &clickhouse(&rows) + rule)).await;
    let token = Browser::sign_in(&gateway, "ann@example.com").await.mint().await.token;
    for is_stream in [false, true] {
        let body = message("I am EMP-1234, bob@example.com", 64, is_stream);
        assert_eq!(ask(&gateway, &token, &body).await.status, StatusCode::OK);
    }
    traces.until_taken(|told| distinct(told) == 2).await;
    rows.until_taken(|told| lines(told) >= 2).await;
    let parts = json!([{"type": "text", "content": "I am [employee], [email]"}]);
    for span in spans(&traces.taken()) {
        let said = |key: &str| serde_json::from_str::<Value>(&text(&span, key)).expect("it is JSON");
        assert_eq!(said("gen_ai.input.messages"), json!([{"role": "user", "parts": parts}]));
        let answer = json!([{"role": "assistant", "parts": parts, "finish_reason": "stop"}]);
        assert_eq!(said("gen_ai.output.messages"), answer);
    }
    let told = rows.taken().iter().map(|told| told.text.clone()).collect::<String>();
    assert!(!told.contains("I am"), "{told}");
}

/// First nobody listens, then the sink has trouble, then all is well; and calls go on all the time.
#[tokio::test]
async fn brings_every_event_to_sinks_that_were_down() {
    let (mut traces, mut rows) = (Sink::down(), Sink::down());
    let gateway = Deployment::start(&(otlp(&traces) + &clickhouse(&rows))).await;
    let token = Browser::sign_in(&gateway, "ann@example.com").await.mint().await.token;
    let calls = async |count: usize| {
        for _ in 0..count {
            assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
        }
    };
    calls(3).await;
    traces.answer(503).await;
    rows.answer(503).await;
    traces.until_refused(1).await;
    rows.until_refused(1).await;
    calls(3).await;
    traces.answer(200).await;
    rows.answer(200).await;
    calls(3).await;
    traces.until_taken(|told| distinct(told) == 9).await;
    rows.until_taken(|told| lines(told) >= 9).await;
    let told = rows.taken();
    assert_eq!(told[0].uri.query(), Some("query=INSERT+INTO+usage_of.calls+FORMAT+JSONEachRow"));
    assert_eq!(
        (&told[0].headers["x-clickhouse-user"], &told[0].headers["x-clickhouse-key"]),
        (&"gateway".parse().unwrap(), &"obviously-fake".parse().unwrap())
    );
    let kept = deduplicated(rows.rows());
    assert_eq!(kept.len(), 9);
    assert!(kept.values().all(|row| row["cost_nanodollars"] == 6000 && row["user_email"] == "ann@example.com"));
}

#[tokio::test]
async fn goes_on_where_it_stood_after_a_crash() {
    let mut sink = Sink::down();
    sink.answer(200).await;
    let mut gateway = Deployment::start(&clickhouse(&sink)).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let token = ann.mint().await.token;
    for _ in 0..3 {
        assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    }
    sink.until_taken(|told| lines(told) >= 3).await;
    sink.answer(503).await;
    for _ in 0..3 {
        assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    }
    sink.until_refused(1).await;
    // A call that died would be told of much later where its process does not keep the hot state.
    ann.settled().await;
    gateway.kill_and_restart().await;
    sink.answer(200).await;
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    sink.until_taken(|told| lines(told) >= 7).await;
    assert_eq!(deduplicated(sink.rows()).len(), 7);
}

/// A stream that takes long enough to be in the middle of it.
const SLOW: &str = "[providers.echo]\nkind = \"echo\"\npace_ms = 100\n[models.echo]\nprovider = \"echo\"\n\
                    price = { input = \"1.00\", output = \"5.00\" }\n";

/// A call that died is charged at its estimate, and told of like all others: at once where the process keeps its hot state itself.
#[tokio::test]
async fn tells_of_a_call_that_died_with_its_process() {
    let mut sink = Sink::down();
    sink.answer(200).await;
    let mut gateway = Deployment::embedded(&(clickhouse(&sink) + SLOW)).await;
    let token = Browser::sign_in(&gateway, "ann@example.com").await.mint().await.token;
    let mut stream = call(&gateway, &token, &message(&"word ".repeat(200), 400, true)).await.bytes_stream();
    assert!(stream.next().await.unwrap().is_ok(), "the stream has begun");
    gateway.kill_and_restart().await;
    sink.until_taken(|told| is_row_of(told, |row| row["error"] == "abandoned")).await;
    let kept = deduplicated(sink.rows());
    let row = kept.values().next().unwrap();
    assert_eq!((&row["estimated"], &row["revision"]), (&1.into(), &1.into()));
    assert!(row["cost_nanodollars"].as_i64().unwrap() > 0);
}

/// A process that was stopped for long goes on with a call that was given up meanwhile: both are told, with one id. The functions do the
/// upkeep when they are invoked, so nobody waits for it.
#[tokio::test]
async fn corrects_a_call_that_was_given_up_and_told_its_usage_late() {
    let mut sink = Sink::down();
    sink.answer(200).await;
    let mut gateway = Deployment::serverless(&(clickhouse(&sink) + SLOW)).await;
    let token = Browser::sign_in(&gateway, "ann@example.com").await.mint().await.token;
    let response = call(&gateway, &token, &message(&"word ".repeat(200), 400, true)).await;
    gateway.redis().outdate_leases().await;
    sink.until_taken(|told| is_row_of(told, |row| row["error"] == "abandoned")).await;
    let given_up = sink.rows().remove(0);
    assert_eq!((&given_up["revision"], &given_up["estimated"]), (&1.into(), &1.into()));
    let answer = Answer::of(response).await;
    assert!(answer.text.contains("event: message_stop"), "the call ends after it was given up: {}", answer.text);
    sink.until_taken(|told| is_row_of(told, |row| row["revision"] == 2)).await;
    let kept = deduplicated(sink.rows());
    let corrected = &kept[given_up["id"].as_str().unwrap()];
    assert_eq!((&corrected["revision"], &corrected["estimated"], kept.len()), (&2.into(), &0.into(), 1));
    assert!(corrected["cost_nanodollars"].as_i64().unwrap() < given_up["cost_nanodollars"].as_i64().unwrap());
}

/// A real server takes the documented table, the rows, and every documented question.
#[tokio::test]
async fn fills_the_documented_table_of_a_real_server() {
    let Some(server) = ClickHouse::start().await else { return };
    let root = place("LLM_GATEWAY_ROOT").expect("scripts/test says where that is").join("docs/clickhouse");
    let read = |name: &str| std::fs::read_to_string(root.join(name)).expect("it is there");
    // The table is missing at first: that is the server's trouble, and no event is passed over.
    let gateway = Deployment::start(&server.exporter("first")).await;
    let token = Browser::sign_in(&gateway, "ann@example.com").await.mint().await.token;
    for _ in 0..3 {
        assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    }
    server.run(&read("schema.sql")).await;
    let question =
        "SELECT toString(sum(cost_nanodollars)) AS cost, toString(count()) AS calls FROM llm_gateway.usage FINAL";
    let filled = async {
        while server.run(question).await[0][0] != json!({"cost": "18000", "calls": "3"}) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), filled).await.expect("they arrive");
    let answers = server.run(&read("queries.sql")).await;
    assert_eq!(answers.len(), 8);
    assert_eq!(answers[1][0]["email"], "ann@example.com");
}
