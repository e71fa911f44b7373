//! Usage events as spans of OpenTelemetry, by its semantic conventions for generative AI.
//!
//! In JSON rather than Protobuf (OTLP 1.x, "JSON Protobuf Encoding"): receivers take both, and this one needs nothing.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Exported;
use super::attribute::Attributes;

/// A call to another server, among the kinds of spans.
const CLIENT: u8 = 3;

/// An error, among the states of spans.
const ERROR: u8 = 2;

/// The name of the gateway, as whoever sends.
const NAME: &str = "llm-gateway";

/// Returns the body of a request that tells of these events. What a sink wants to know besides is added by `more`.
pub(super) fn body(events: &[Exported], more: impl Fn(&Exported, &mut Attributes)) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let mut resource = Attributes::default();
    resource.text("service.name", NAME);
    resource.text("service.version", version);
    let spans: Vec<Value> = events.iter().map(|exported| span(exported, &more)).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": resource.into_json()},
        "scopeSpans": [{"scope": {"name": NAME, "version": version}, "spans": spans}],
    }]})
}

/// Returns the name of the span, which is also that of the trace.
pub(super) fn name(exported: &Exported) -> String {
    let call = &exported.event.call;
    let operation = operation(&call.route);
    if call.model.is_empty() { operation.to_owned() } else { format!("{operation} {}", call.model) }
}

/// Returns one span: its ids are the event's, so that one which is sent again is the same.
fn span(exported: &Exported, more: &impl Fn(&Exported, &mut Attributes)) -> Value {
    let (id, call, settlement) = (exported.event.id, &exported.event.call, &exported.event.settlement);
    let mut attributes = Attributes::default();
    model(exported, &mut attributes);
    usage(exported, &mut attributes);
    caller(exported, &mut attributes);
    own(exported, &mut attributes);
    more(exported, &mut attributes);
    let status = exported.error().map_or_else(|| json!({}), |error| json!({"code": ERROR, "message": error}));
    json!({
        "traceId": format!("{:032x}", id.bits()),
        "spanId": span_id(&id.to_string()),
        "name": name(exported),
        "kind": CLIENT,
        "startTimeUnixNano": nanoseconds(call.at.0),
        "endTimeUnixNano": nanoseconds(settlement.at.0.max(call.at.0)),
        "attributes": attributes.into_json(),
        "status": status,
    })
}

/// Adds what was said, as JSON: the conventions let it be a text where attributes are not structured.
pub(super) fn add_said(exported: &Exported, attributes: &mut Attributes) {
    if let Some(said) = &exported.said {
        attributes.text("gen_ai.input.messages", said.input.to_string());
        attributes.text("gen_ai.output.messages", said.output.to_string());
        attributes.count("llm_gateway.messages_left_out", said.left_out as u64);
    }
}

fn model(exported: &Exported, attributes: &mut Attributes) {
    let (call, settlement) = (&exported.event.call, &exported.event.settlement);
    attributes.text("gen_ai.operation.name", operation(&call.route));
    attributes.optional("gen_ai.provider.name", Some(&call.provider));
    attributes.optional("gen_ai.request.model", Some(&call.model));
    attributes.optional("gen_ai.response.model", settlement.model_served.as_deref());
    attributes.flag("gen_ai.request.stream", call.stream);
    attributes.optional("gen_ai.conversation.id", call.session.as_deref());
    if let (true, Some(first)) = (call.stream, settlement.first_byte_ms) {
        attributes.double("gen_ai.response.time_to_first_chunk", seconds(first));
    }
    if settlement.status != 0 {
        attributes.integer("http.response.status_code", settlement.status.into());
    }
    attributes.optional("error.type", exported.error());
}

/// The conventions count what is cached among the input, too; they know no cost, and this is the name that receivers read.
fn usage(exported: &Exported, attributes: &mut Attributes) {
    let (usage, cost) = (&exported.event.settlement.usage, exported.event.settlement.cost);
    attributes.count("gen_ai.usage.input_tokens", exported.input_tokens());
    attributes.count("gen_ai.usage.output_tokens", usage.output);
    attributes.count("gen_ai.usage.cache_read.input_tokens", usage.cache_read);
    let written = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
    attributes.count("gen_ai.usage.cache_creation.input_tokens", written);
    attributes.double("gen_ai.usage.cost", exported.dollars());
    attributes.integer("llm_gateway.cost_nanodollars", cost.0);
    attributes.count("llm_gateway.usage.uncached_input_tokens", usage.input);
    attributes.count("llm_gateway.usage.cache_write_5m_tokens", usage.cache_write_5m);
    attributes.count("llm_gateway.usage.cache_write_1h_tokens", usage.cache_write_1h);
}

fn caller(exported: &Exported, attributes: &mut Attributes) {
    attributes.text("user.id", exported.event.user.to_string());
    attributes.optional("user.email", exported.email.as_ref().map(crate::identity::Email::as_str));
    attributes.optional("user_agent.original", Some(&exported.event.call.user_agent));
}

fn own(exported: &Exported, attributes: &mut Attributes) {
    let (event, settlement) = (&exported.event, &exported.event.settlement);
    attributes.text("llm_gateway.event.id", event.id.to_string());
    attributes.integer("llm_gateway.event.revision", event.revision.into());
    attributes.text("llm_gateway.token.id", event.token.to_string());
    attributes.texts("llm_gateway.groups", &event.member_of);
    attributes.text("llm_gateway.route", &event.call.route);
    attributes.optional("llm_gateway.request.id", Some(&event.call.request));
    attributes.flag("llm_gateway.priced", settlement.priced);
    attributes.flag("llm_gateway.estimated", settlement.estimated);
    if let Some(first) = settlement.first_byte_ms {
        attributes.count("llm_gateway.first_byte_ms", first);
    }
}

/// Returns what a path of the API does, in the words of the conventions where they have one.
fn operation(route: &str) -> &'static str {
    match route {
        "/v1/messages" | "/v1/chat/completions" | "/v1/responses" => "chat",
        "/v1/embeddings" => "embeddings",
        "/v1/messages/count_tokens" => "count_tokens",
        _ => "passthrough",
    }
}

fn span_id(id: &str) -> String {
    let digest = Sha256::digest(id).iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    format!("{digest:016x}")
}

fn nanoseconds(milliseconds: i64) -> String {
    milliseconds.max(0).saturating_mul(1_000_000).to_string()
}

#[expect(clippy::cast_precision_loss, reason = "no call lasts for 2^53 milliseconds")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}
