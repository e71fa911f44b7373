//! What is measured of calls on their way into the usage log, by the names under which Prometheus knows it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::admission::{ErrorType, UsageEvent};
use crate::config::Config;
use crate::money::TokenUsage;
use crate::time::Timestamp;
use crate::upstream::Format;

/// Calls that were made, by how they ended.
pub const REQUESTS: &str = "llm_gateway_requests_total";

/// The tokens that they used.
pub const TOKENS: &str = "llm_gateway_tokens_total";

/// What they cost, in dollars.
pub const COST: &str = "llm_gateway_cost_dollars";

/// How long they took.
pub const DURATION: &str = "llm_gateway_request_duration_seconds";

/// How long it took until their answers began.
pub const FIRST_BYTE: &str = "llm_gateway_first_byte_seconds";

/// Calls whose usage is an estimate.
pub const ESTIMATED_CALLS: &str = "llm_gateway_estimated_calls_total";

/// What was held for a call, divided by what it cost.
pub const ESTIMATE_TO_COST: &str = "llm_gateway_estimate_to_cost_ratio";

/// How many calls had something without a price.
pub const UNPRICED_CALLS: &str = "llm_gateway_unpriced_calls_total";

/// For how long the oldest event has been waiting for the usage log.
pub const DRAIN_LAG: &str = "llm_gateway_drain_lag_seconds";

/// How many changes the hot state may not have heard of.
pub const OUTBOX_CHANGES: &str = "llm_gateway_outbox_changes";

/// The buckets of what was held, divided by what it cost.
const RATIOS: &[f64] = &[0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 2.0, 4.0, 10.0, 25.0, 100.0];

/// The buckets of costs, in dollars: from a short question to a day's work of an agent in one call.
const COSTS: &[f64] = &[0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// The buckets of how long models take, in seconds; a call may last for an hour.
const SECONDS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0];

/// The histograms, each with its buckets.
pub const HISTOGRAMS: [(&str, &[f64]); 4] =
    [(ESTIMATE_TO_COST, RATIOS), (COST, COSTS), (DURATION, SECONDS), (FIRST_BYTE, SECONDS)];

/// How many models have numbers of their own at most: where the configuration takes every name, so do some providers.
const MOST_MODELS: usize = 200;

/// The models that have numbers of their own.
static MODELS: Names = Names::none();

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
    describe_counter!(REQUESTS, Unit::Count, "Model calls that have ended and are in the usage log");
    describe_counter!(TOKENS, Unit::Count, "Tokens that model calls used, by kind");
    describe_histogram!(COST, "What model calls cost, in dollars: its sum is what was spent");
    describe_histogram!(DURATION, Unit::Seconds, "From a model call to the end of its answer");
    describe_histogram!(FIRST_BYTE, Unit::Seconds, "From a model call to the first byte of its answer");
    describe_counter!(
        ESTIMATED_CALLS,
        Unit::Count,
        "Model calls whose usage is an estimate, because the answer was cut"
    );
    let text = "What was held for a call divided by what it cost, of calls that told their usage";
    describe_histogram!(ESTIMATE_TO_COST, Unit::Count, text);
    describe_counter!(UNPRICED_CALLS, Unit::Count, "Model calls of which something had no price");
    let text = "For how long the oldest usage event has been waiting for the usage log";
    describe_gauge!(DRAIN_LAG, Unit::Seconds, text);
    let text = "Changes that the hot state may not have heard of, 1000 at most";
    describe_gauge!(OUTBOX_CHANGES, Unit::Count, text);
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

/// Notes how long the oldest of these events has been waiting, if there is one.
pub(super) fn note_waiting(events: &[UsageEvent], now: Timestamp) {
    let ended = |event: &UsageEvent| event.settlement.at.seconds();
    let waiting = events.iter().map(ended).min().map_or(0, |oldest| now.since(oldest).max(0));
    gauge!(DRAIN_LAG).set(Duration::from_secs(waiting.unsigned_abs()).as_secs_f64());
}

/// Notes how many changes wait.
#[expect(clippy::cast_precision_loss, reason = "there are a thousand at most")]
pub(super) fn note_changes(count: usize) {
    gauge!(OUTBOX_CHANGES).set(count as f64);
}

/// Measures a call that has ended. The correction of one that was measured is left out: counters only rise.
pub(super) fn measure(event: &UsageEvent, config: &Config) {
    if event.revision > 1 {
        return;
    }
    let (call, settlement) = (&event.call, &event.settlement);
    let model = model(config, event, &MODELS).to_owned();
    let status = if settlement.status == 0 { String::new() } else { settlement.status.to_string() };
    counter!(
        REQUESTS,
        "route" => route(config, &call.route).to_owned(),
        "model" => model.clone(),
        "provider" => call.provider.clone(),
        "status" => status,
        "error" => settlement.error.map_or("", ErrorType::name),
    )
    .increment(1);
    measure_usage(&settlement.usage, &model);
    if settlement.error != Some(ErrorType::Abandoned) {
        histogram!(DURATION, "model" => model.clone()).record(seconds(settlement.duration_ms));
    }
    if let Some(first_byte) = settlement.first_byte_ms {
        histogram!(FIRST_BYTE, "model" => model.clone()).record(seconds(first_byte));
    }
    measure_money(event, model);
}

fn measure_usage(usage: &TokenUsage, model: &str) {
    for (kind, tokens) in [
        ("input", usage.input),
        ("cache_write_5m", usage.cache_write_5m),
        ("cache_write_1h", usage.cache_write_1h),
        ("cache_read", usage.cache_read),
        ("output", usage.output),
    ] {
        if tokens > 0 {
            counter!(TOKENS, "kind" => kind, "model" => model.to_owned()).increment(tokens);
        }
    }
}

fn measure_money(event: &UsageEvent, model: String) {
    let settlement = &event.settlement;
    if settlement.cost.0 > 0 {
        histogram!(COST, "model" => model.clone()).record(dollars(settlement.cost.0));
    }
    if settlement.estimated {
        counter!(ESTIMATED_CALLS, "model" => model.clone()).increment(1);
    }
    if !settlement.priced {
        counter!(UNPRICED_CALLS, "model" => model).increment(1);
    } else if settlement.error.is_none() && !settlement.estimated && settlement.cost.0 > 0 {
        let ratio = dollars(event.estimate.0) / dollars(settlement.cost.0);
        histogram!(ESTIMATE_TO_COST, "model" => model).record(ratio);
    }
}

/// Returns the name under which a call's model is counted: none where it may be anything that somebody writes, because neither the
/// configuration has it nor was it served.
fn model<'a>(config: &Config, event: &'a UsageEvent, names: &Names) -> &'a str {
    let asked = event.call.model.as_str();
    let is_alias = || config.models.values().any(|model| model.aliases.iter().any(|alias| alias == asked));
    if config.models.contains_key(asked) || is_alias() {
        return asked;
    }
    if event.settlement.error.is_none() && names.has_room_for(asked) { asked } else { "" }
}

/// Returns a route as it is configured: the path of a call may name somebody's file.
fn route<'a>(config: &'a Config, path: &'a str) -> &'a str {
    if Format::of(path).is_some() {
        return path;
    }
    let patterns = config.passthrough.iter().map(|entry| entry.path.as_str());
    // As the router does: what is written out goes before what a name in braces stands for.
    patterns.filter(|pattern| fits(pattern, path)).min_by_key(|pattern| pattern.matches('{').count()).unwrap_or("")
}

fn fits(pattern: &str, path: &str) -> bool {
    let is_same = |(wanted, found): (&str, &str)| wanted == found || wanted.starts_with('{');
    pattern.split('/').count() == path.split('/').count() && pattern.split('/').zip(path.split('/')).all(is_same)
}

/// What is measured need not be exact.
#[expect(clippy::cast_precision_loss, reason = "fifteen digits are there")]
fn dollars(nanodollars: i64) -> f64 {
    nanodollars as f64 / 1e9
}

fn seconds(milliseconds: u64) -> f64 {
    Duration::from_millis(milliseconds).as_secs_f64()
}

/// Names, as many as there is room for.
struct Names(Mutex<BTreeSet<String>>);

impl Names {
    const fn none() -> Self {
        Self(Mutex::new(BTreeSet::new()))
    }

    /// Says whether a name is among them, now or already.
    fn has_room_for(&self, name: &str) -> bool {
        // Nothing panics while it is held.
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.contains(name) || (names.len() < MOST_MODELS && names.insert(name.to_owned()))
    }
}

#[cfg(test)]
#[cfg(feature = "test-support")]
mod tests {
    use super::*;
    use crate::conformance::fixture::usage_event;

    fn config() -> Config {
        let document = "[providers.p]\nkind = \"anthropic\"\napi_key = \"obviously-fake\"
            [models.named]\nprovider = \"p\"\naliases = [\"alias\"]\n[models.\"any-*\"]\nprovider = \"p\"
            [[passthrough]]\nmethod = \"GET\"\npath = \"/v1/files/{id}\"\nprovider = \"p\"\nunmetered = true
            [[passthrough]]\nmethod = \"GET\"\npath = \"/v1/files/all\"\nprovider = \"p\"\nunmetered = true\n";
        Config::load(document, &()).unwrap()
    }

    fn event(model: &str, error: Option<ErrorType>) -> UsageEvent {
        let mut event = usage_event(1, 1);
        model.clone_into(&mut event.call.model);
        event.settlement.error = error;
        event
    }

    #[test]
    fn counts_only_names_that_are_configured_or_were_served() {
        let (config, names) = (config(), Names::none());
        for (asked, error, counted) in [
            ("named", Some(ErrorType::Refused), "named"),
            ("alias", Some(ErrorType::Timeout), "alias"),
            ("any-good", None, "any-good"),
            ("any-made-up", Some(ErrorType::Refused), ""),
            ("any-*", Some(ErrorType::Refused), "any-*"),
            ("", None, ""),
        ] {
            assert_eq!(model(&config, &event(asked, error), &names), counted, "{asked}");
        }
    }

    #[test]
    fn has_room_for_so_many_names_and_no_more() {
        let names = Names::none();
        assert!((0..MOST_MODELS).all(|number| names.has_room_for(&number.to_string())));
        assert!(!names.has_room_for("one more"));
        assert!(names.has_room_for("0"), "it is there already");
    }

    #[test]
    fn counts_routes_as_they_are_configured() {
        let config = config();
        for (path, counted) in [
            ("/v1/messages", "/v1/messages"),
            ("/v1/files/f-1", "/v1/files/{id}"),
            ("/v1/files/all", "/v1/files/all"),
            ("/v1/files/f-1/content", ""),
        ] {
            assert_eq!(route(&config, path), counted, "{path}");
        }
    }

    #[test]
    fn names_errors_as_the_log_does() {
        use ErrorType::{Abandoned, ClientGone, Cut, Refused, Timeout, Unreachable};
        for kind in [Unreachable, Timeout, Refused, Cut, ClientGone, Abandoned] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
