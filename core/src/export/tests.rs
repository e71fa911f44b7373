use http::Request;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::config::{Exporter, ExporterKind};
use crate::conformance::fixture::{email, usage_event};
use crate::money::{Nanodollars, TokenUsage};
use crate::time::Millis;
use crate::upstream::{Asked, Content};

/// A call at noon that streamed for two seconds and cost 1.25 cents.
fn exported() -> Exported {
    let mut event = usage_event(1, 2);
    event.member_of = vec!["eng".to_owned(), "all".to_owned()];
    event.call.at = Millis(1_764_244_800_000);
    event.call.stream = true;
    event.call.session = Some("s-1".to_owned());
    event.call.route = "/v1/messages".to_owned();
    event.settlement.at = Millis(1_764_244_802_000);
    event.settlement.first_byte_ms = Some(250);
    event.settlement.usage =
        TokenUsage { input: 1, cache_write_5m: 20, cache_write_1h: 300, cache_read: 4000, output: 7 };
    event.settlement.cost = Nanodollars(12_500_000);
    event.settlement.model_served = Some("m-1".to_owned());
    Exported { event, email: Some(email(1)), said: None }
}

/// The same call, in which somebody said "ping".
fn heard() -> Exported {
    let asked = Asked { messages: vec![json!("ping")], left_out: 2 };
    let content = Content { asked, ..Content::default() };
    let redaction = Redaction::of(&crate::config::Content::default()).unwrap();
    Exported { said: Some(Said::of(content, &redaction)), ..exported() }
}

fn exporter(kind: ExporterKind, url: &str) -> Exporter {
    let secret = |text: &str| Some(SecretString::from(text.to_owned()));
    Exporter {
        kind,
        url: url.to_owned(),
        headers: std::iter::once(("x_key".to_owned(), SecretString::from("k"))).collect(),
        public_key: secret("public"),
        secret_key: secret("secret"),
        user: Some("writer".to_owned()),
        password: secret("obviously-fake"),
        database: None,
        table: Some("calls".to_owned()),
        content: false,
    }
}

fn sent(kind: ExporterKind, exported: Exported) -> (Request<bytes::Bytes>, Value) {
    let request = request(&exporter(kind, "https://sink.example"), &[exported]).unwrap();
    let body = serde_json::from_slice(request.body()).unwrap();
    (request, body)
}

fn span(kind: ExporterKind, exported: Exported) -> Value {
    sent(kind, exported).1["resourceSpans"][0]["scopeSpans"][0]["spans"][0].clone()
}

/// Returns the value of an attribute; null if it is not there.
fn attribute(span: &Value, key: &str) -> Value {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes.iter().filter(|attribute| attribute["key"] == key).map(|attribute| &attribute["value"]);
    let found: Vec<_> = found.collect();
    assert!(found.len() < 2, "{key} is there once at most");
    found.first().map_or(Value::Null, |value| (*value).clone())
}

#[test]
fn names_a_span_after_its_event() {
    let span = span(ExporterKind::Otlp, exported());
    let id = exported().event.id;
    assert_eq!(span["traceId"], format!("{:032x}", id.bits()));
    assert_eq!(span["spanId"].as_str().unwrap().len(), 16);
    assert_eq!((&span["name"], &span["kind"]), (&json!(format!("chat {}", exported().event.call.model)), &json!(3)));
    assert_eq!(span["startTimeUnixNano"], "1764244800000000000");
    assert_eq!(span["endTimeUnixNano"], "1764244802000000000");
    assert_eq!(span["status"], json!({}));
    let other = usage_event(2, 1);
    assert_ne!(self::span(ExporterKind::Otlp, Exported { event: other, ..exported() })["spanId"], span["spanId"]);
}

#[test]
fn counts_what_is_cached_among_the_input_as_the_conventions_do() {
    let span = span(ExporterKind::Otlp, exported());
    for (key, value) in [
        ("gen_ai.usage.input_tokens", "4321"),
        ("gen_ai.usage.output_tokens", "7"),
        ("gen_ai.usage.cache_read.input_tokens", "4000"),
        ("gen_ai.usage.cache_creation.input_tokens", "320"),
        ("llm_gateway.usage.uncached_input_tokens", "1"),
        ("llm_gateway.cost_nanodollars", "12500000"),
    ] {
        assert_eq!(attribute(&span, key), json!({"intValue": value}), "{key}");
    }
    assert_eq!(attribute(&span, "gen_ai.usage.cost"), json!({"doubleValue": 0.0125}));
    assert_eq!(attribute(&span, "gen_ai.response.time_to_first_chunk"), json!({"doubleValue": 0.25}));
}

#[test]
fn tells_who_called_and_no_address_of_who_was_erased() {
    let known = span(ExporterKind::Otlp, exported());
    assert_eq!(attribute(&known, "user.id")["stringValue"], json!(exported().event.user));
    assert_eq!(attribute(&known, "user.email")["stringValue"], json!(email(1)));
    assert_eq!(attribute(&known, "llm_gateway.groups")["arrayValue"]["values"][1], json!({"stringValue": "all"}));
    for kind in [ExporterKind::Otlp, ExporterKind::Langfuse, ExporterKind::Clickhouse] {
        let (request, _) = sent(kind, Exported { email: None, ..exported() });
        assert!(!String::from_utf8_lossy(request.body()).contains('@'), "{kind:?}");
    }
}

#[test]
fn tells_an_error_as_the_state_of_the_span() {
    let mut failed = exported();
    failed.event.settlement.error = Some(ErrorType::ClientGone);
    let span = span(ExporterKind::Langfuse, failed);
    assert_eq!(span["status"], json!({"code": 2, "message": "client_gone"}));
    assert_eq!(attribute(&span, "error.type"), json!({"stringValue": "client_gone"}));
    assert_eq!(attribute(&span, "langfuse.observation.level"), json!({"stringValue": "ERROR"}));
}

#[test]
fn tells_langfuse_what_it_reads() {
    let (request, _) = sent(ExporterKind::Langfuse, exported());
    assert_eq!(request.uri(), "https://sink.example/api/public/otel/v1/traces");
    assert_eq!(request.headers()["authorization"], "Basic cHVibGljOnNlY3JldA==");
    assert_eq!(request.headers()["x-langfuse-ingestion-version"], "4");
    let span = span(ExporterKind::Langfuse, exported());
    let text = |key: &str| attribute(&span, key)["stringValue"].as_str().unwrap().to_owned();
    assert_eq!(text("langfuse.user.id"), email(1).to_string());
    assert_eq!(text("langfuse.session.id"), "s-1");
    assert_eq!(text("langfuse.observation.type"), "generation");
    assert_eq!(text("langfuse.observation.level"), "DEFAULT");
    assert_eq!(text("langfuse.observation.completion_start_time"), "2025-11-27T12:00:00.250Z");
    let usage: Value = serde_json::from_str(&text("langfuse.observation.usage_details")).unwrap();
    assert_eq!((&usage["input"], &usage["input_cache_read"], &usage["output"]), (&json!(1), &json!(4000), &json!(7)));
    let cost: Value = serde_json::from_str(&text("langfuse.observation.cost_details")).unwrap();
    assert_eq!(cost, json!({"total": 0.0125}));
}

#[test]
fn tells_clickhouse_a_row() {
    let (request, row) = sent(ExporterKind::Clickhouse, exported());
    assert_eq!(request.uri(), "https://sink.example/?query=INSERT+INTO+llm_gateway.calls+FORMAT+JSONEachRow");
    assert_eq!(request.headers()["x-clickhouse-user"], "writer");
    assert_eq!(request.headers()["x-clickhouse-key"], "obviously-fake");
    assert_eq!(row["cost_nanodollars"], json!(12_500_000));
    assert_eq!((&row["revision"], &row["at"], &row["stream"]), (&json!(2), &json!(1_764_244_800), &json!(1)));
    assert_eq!(row["groups"], json!(["eng", "all"]));
}

#[test]
fn writes_exactly_the_columns_of_the_documented_table() {
    let schema = include_str!("../../../docs/clickhouse/schema.sql");
    let columns = schema.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| !line.contains(" ALIAS "));
    let columns: Vec<&str> = columns.filter_map(|line| line.split(' ').next()).collect();
    let (_, row) = sent(ExporterKind::Clickhouse, heard());
    let mut written: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
    let mut columns_sorted = columns.clone();
    columns_sorted.sort_unstable();
    written.sort_unstable();
    assert_eq!(written, columns_sorted);
}

/// Whoever is not told of it has a table without their columns, or one that is kept for longer.
#[test]
fn names_what_was_said_only_where_it_is_told() {
    let input = json!([{"role": "user", "parts": [{"type": "text", "content": "ping"}]}]).to_string();
    let told = |key: &str, kind, exported| attribute(&span(kind, exported), key)["stringValue"].clone();
    for (kind, key, other) in [
        (ExporterKind::Otlp, "gen_ai.input.messages", "langfuse.observation.input"),
        (ExporterKind::Langfuse, "langfuse.observation.input", "gen_ai.input.messages"),
    ] {
        assert_eq!(told(key, kind, heard()), json!(input));
        assert_eq!(told(other, kind, heard()), Value::Null, "once is enough");
        assert_eq!(told(key, kind, exported()), Value::Null);
    }
    let row = |exported| sent(ExporterKind::Clickhouse, exported).1;
    assert_eq!((&row(heard())["input_messages"], &row(heard())["output_messages"]), (&json!(input), &json!("[]")));
    assert_eq!(row(exported()).get("input_messages"), None);
}

#[test]
fn writes_one_row_a_line() {
    let sink = exporter(ExporterKind::Clickhouse, "https://sink.example");
    let mut odd = exported();
    odd.event.call.user_agent = "two\nlines \"quoted\"".to_owned();
    let request = request(&sink, &[odd, exported()]).unwrap();
    let lines: Vec<&str> = std::str::from_utf8(request.body()).unwrap().lines().collect();
    assert_eq!(lines.len(), 2);
    let row: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(row["user_agent"], "two\nlines \"quoted\"");
}

#[test]
fn adds_the_path_that_a_receiver_has_unless_it_is_there() {
    let uri = |url: &str| request(&exporter(ExporterKind::Otlp, url), &[]).unwrap().uri().to_string();
    assert_eq!(uri("https://c.example:4318"), "https://c.example:4318/v1/traces");
    assert_eq!(uri("https://c.example/otlp/"), "https://c.example/otlp/v1/traces");
    assert_eq!(uri("https://c.example/v1/traces"), "https://c.example/v1/traces");
    assert_eq!(request(&exporter(ExporterKind::Otlp, "https://c.example"), &[]).unwrap().headers()["x-key"], "k");
}
