//! What Langfuse wants to know of a span besides, by the names that it reads first (Langfuse, "OpenTelemetry", attribute mapping).

use serde_json::json;

use super::attribute::Attributes;
use super::{Exported, otlp};

/// How a time is written with milliseconds (RFC 3339).
const INSTANT: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

/// Adds what Langfuse reads.
pub(super) fn add(exported: &Exported, attributes: &mut Attributes) {
    let (event, call) = (&exported.event, &exported.event.call);
    // People look for each other's addresses.
    let user = exported.email.as_ref().map_or_else(|| event.user.to_string(), ToString::to_string);
    attributes.text("langfuse.trace.name", otlp::name(exported));
    attributes.text("langfuse.user.id", user);
    attributes.optional("langfuse.session.id", call.session.as_deref());
    attributes.texts("langfuse.trace.tags", &event.member_of);
    attributes.text("langfuse.observation.type", "generation");
    let served = event.settlement.model_served.as_deref().unwrap_or(&call.model);
    attributes.optional("langfuse.observation.model.name", Some(served));
    attributes.text("langfuse.observation.usage_details", usage_details(exported));
    attributes.text("langfuse.observation.cost_details", json!({"total": exported.dollars()}).to_string());
    attributes.text("langfuse.observation.level", level(exported));
    attributes.optional("langfuse.observation.status_message", exported.error());
    let begun = exported.first_byte_at().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    attributes.optional(
        "langfuse.observation.completion_start_time",
        begun.map(|at| at.strftime(INSTANT).to_string()).as_deref(),
    );
    if let Some(said) = &exported.said {
        attributes.text("langfuse.observation.input", said.input.to_string());
        attributes.text("langfuse.observation.output", said.output.to_string());
    }
    metadata(exported, attributes);
}

/// Each kind of tokens by itself: Langfuse adds up what has `input` in its name, and what has `output`.
fn usage_details(exported: &Exported) -> String {
    let usage = &exported.event.settlement.usage;
    let details = json!({
        "input": usage.input,
        "input_cache_write_5m": usage.cache_write_5m,
        "input_cache_write_1h": usage.cache_write_1h,
        "input_cache_read": usage.cache_read,
        "output": usage.output,
    });
    details.to_string()
}

fn level(exported: &Exported) -> &'static str {
    let settlement = &exported.event.settlement;
    match (exported.error(), settlement.priced && !settlement.estimated) {
        (Some(_), _) => "ERROR",
        (None, false) => "WARNING",
        (None, true) => "DEFAULT",
    }
}

/// What can be filtered by.
fn metadata(exported: &Exported, attributes: &mut Attributes) {
    let (event, settlement) = (&exported.event, &exported.event.settlement);
    for (key, value) in [
        ("provider", event.call.provider.clone()),
        ("requested_model", event.call.model.clone()),
        ("route", event.call.route.clone()),
        ("request_id", event.call.request.clone()),
        ("token_id", event.token.to_string()),
        ("user_id", event.user.to_string()),
        ("status", settlement.status.to_string()),
        ("priced", settlement.priced.to_string()),
        ("estimated", settlement.estimated.to_string()),
    ] {
        attributes.optional(&format!("langfuse.observation.metadata.{key}"), Some(&value));
    }
}
