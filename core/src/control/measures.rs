//! What is measured of calls on their way into the usage log, by the names under which Prometheus knows it.

use metrics::{Unit, describe_gauge, describe_histogram, gauge, histogram};

use crate::admission::{ErrorType, UsageEvent};

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

/// Measures a call that has ended.
pub(super) fn measure(event: &UsageEvent) {
    let (settlement, model) = (&event.settlement, &event.call.model);
    let is_told = !settlement.estimated && settlement.priced && settlement.cost.0 > 0;
    if is_told {
        histogram!(ESTIMATE_TO_COST, "model" => model.clone())
            .record(dollars(event.estimate.0) / dollars(settlement.cost.0));
    }
    // A name that a provider does not know is anything that somebody writes.
    let was_served = !matches!(settlement.error, Some(ErrorType::Refused | ErrorType::Unreachable));
    if !settlement.priced && was_served {
        tracing::warn!(model, provider = event.call.provider, "a call had something without a price");
        gauge!(UNPRICED_CALLS, "model" => model.clone()).increment(1.0);
    }
}

/// What is measured need not be exact.
#[expect(clippy::cast_precision_loss, reason = "a ratio has three digits")]
const fn dollars(nanodollars: i64) -> f64 {
    nanodollars as f64
}
