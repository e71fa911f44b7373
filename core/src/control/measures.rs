//! What is measured of calls on their way into the usage log, by the names under which Prometheus knows it.

use metrics::{Unit, describe_gauge, describe_histogram, gauge, histogram};

use crate::admission::UsageEvent;

/// What was held for a call, divided by what it cost.
pub const ESTIMATE_TO_COST: &str = "llm_gateway_estimate_to_cost_ratio";

/// The buckets of that.
pub const RATIOS: [f64; 13] = [0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 2.0, 4.0, 10.0, 25.0, 100.0];

/// How many calls had something without a price, since the process started.
pub const UNPRICED_CALLS: &str = "llm_gateway_unpriced_calls";

/// Says what each of them is.
pub fn describe() {
    let text = "What was held for a call divided by what it cost, of calls that told their usage";
    describe_histogram!(ESTIMATE_TO_COST, Unit::Count, text);
    describe_gauge!(UNPRICED_CALLS, Unit::Count, "Calls of which something had no price, since the process started");
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
