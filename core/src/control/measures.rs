//! What is measured of calls on their way into the usage log, by the names under which Prometheus knows it.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::admission::UsageEvent;

/// What was held for a call, divided by what it cost.
pub const ESTIMATE_TO_COST: &str = "llm_gateway_estimate_to_cost_ratio";

/// The buckets of that.
pub const RATIOS: [f64; 13] = [0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 2.0, 4.0, 10.0, 25.0, 100.0];

/// How many calls had something without a price, since the process started.
pub const UNPRICED_CALLS: &str = "llm_gateway_unpriced_calls";

/// How many seconds the oldest event waits that an exporter has not sent.
pub const EXPORT_LAG: &str = "llm_gateway_export_lag_seconds";

/// How many events exporters have sent, or passed over.
pub const EXPORT_EVENTS: &str = "llm_gateway_export_events_total";

/// What became of an event that its sink took.
pub(super) const EXPORT_SENT: &str = "sent";

/// What became of an event that its sink refuses, while it takes others.
pub(super) const EXPORT_REFUSED: &str = "refused";

/// Says what each of them is.
pub fn describe() {
    let text = "What was held for a call divided by what it cost, of calls that told their usage";
    describe_histogram!(ESTIMATE_TO_COST, Unit::Count, text);
    describe_gauge!(UNPRICED_CALLS, Unit::Count, "Calls of which something had no price, since the process started");
    describe_gauge!(
        EXPORT_LAG,
        Unit::Seconds,
        "Age of the oldest usage event that an exporter has not sent; 0 if there is none"
    );
    describe_counter!(EXPORT_EVENTS, Unit::Count, "Usage events that exporters have sent, or that their sinks refuse");
}

/// Measures how far behind an exporter is.
pub(super) fn export_lag(exporter: &str, milliseconds: u64) {
    let seconds = Duration::from_millis(milliseconds).as_secs_f64();
    gauge!(EXPORT_LAG, "exporter" => exporter.to_owned()).set(seconds);
}

/// Counts events of an exporter.
pub(super) fn exported(exporter: &str, result: &'static str, events: u64) {
    counter!(EXPORT_EVENTS, "exporter" => exporter.to_owned(), "result" => result).increment(events);
}

/// Measures a call that has ended. Those that did not end well are left out: their models' names may be anything that somebody writes.
pub(super) fn measure(event: &UsageEvent) {
    let (settlement, model) = (&event.settlement, &event.call.model);
    if settlement.error.is_some() {
        return;
    }
    if !settlement.priced {
        gauge!(UNPRICED_CALLS, "model" => model.clone()).increment(1.0);
    } else if !settlement.estimated && settlement.cost.0 > 0 {
        let ratio = dollars(event.estimate.0) / dollars(settlement.cost.0);
        histogram!(ESTIMATE_TO_COST, "model" => model.clone()).record(ratio);
    }
}

/// What is measured need not be exact.
#[expect(clippy::cast_precision_loss, reason = "a ratio has three digits")]
const fn dollars(nanodollars: i64) -> f64 {
    nanodollars as f64
}
