//! Usage events as rows of `docs/clickhouse/schema.sql`, one a line (`ClickHouse`, format `JSONEachRow`).

use serde_json::{Value, json};

use super::Exported;
use crate::identity::Email;

/// Returns the lines of these events.
pub(super) fn lines(events: &[Exported]) -> String {
    events.iter().map(|exported| row(exported).to_string() + "\n").collect()
}

/// Returns a row. Flags are 0 and 1, and times whole seconds, as every version of the server reads them.
fn row(exported: &Exported) -> Value {
    let (event, call, settlement) = (&exported.event, &exported.event.call, &exported.event.settlement);
    let mut row = json!({
        "id": event.id,
        "revision": event.revision,
        "at": call.at.seconds().0.max(0),
        "ended_at": settlement.at.seconds().0.max(0),
        "user_id": event.user,
        "user_email": exported.email.as_ref().map_or("", Email::as_str),
        "token_id": event.token,
        "groups": event.member_of,
        "provider": call.provider,
        "model": call.model,
        "model_served": settlement.model_served.as_deref().unwrap_or_default(),
        "route": call.route,
        "stream": u8::from(call.stream),
        "session": call.session.as_deref().unwrap_or_default(),
        "request_id": call.request,
        "user_agent": call.user_agent,
        "status": settlement.status,
        "error": exported.error().unwrap_or_default(),
        "priced": u8::from(settlement.priced),
        "estimated": u8::from(settlement.estimated),
        "input_tokens": settlement.usage.input,
        "cache_write_5m_tokens": settlement.usage.cache_write_5m,
        "cache_write_1h_tokens": settlement.usage.cache_write_1h,
        "cache_read_tokens": settlement.usage.cache_read,
        "output_tokens": settlement.usage.output,
        "cost_nanodollars": settlement.cost.0,
        "estimate_nanodollars": event.estimate.0,
        "first_byte_ms": settlement.first_byte_ms,
        "duration_ms": settlement.duration_ms,
    });
    // Named only where there is something to say: a table may do without their columns.
    if let Some(said) = &exported.said {
        row["input_messages"] = said.input.to_string().into();
        row["output_messages"] = said.output.to_string().into();
    }
    row
}
