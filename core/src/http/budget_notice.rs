//! How budgets are told to clients of Anthropic's API, as the gateway that comes with Claude Code tells its own: like the limits of
//! a subscription whose use beyond it is paid for. Claude Code shows them to its user.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::money::{BudgetScope, BudgetState, Nanodollars, WindowKind};
use crate::ports::Spending;
use crate::time::Timestamp;

/// The parts of a budget after which clients warn, in hundredths, the largest first.
const WARNED_PAST: [u8; 2] = [95, 75];

/// Nanodollars in a cent.
const PER_CENT: i64 = 10_000_000;

const STATUS: &str = "anthropic-ratelimit-unified-status";
const RESET: &str = "anthropic-ratelimit-unified-reset";
const CLAIM: &str = "anthropic-ratelimit-unified-representative-claim";
const OVERAGE_STATUS: &str = "anthropic-ratelimit-unified-overage-status";
const OVERAGE_RESET: &str = "anthropic-ratelimit-unified-overage-reset";
const UTILIZATION: &str = "anthropic-ratelimit-unified-overage-utilization";
const SURPASSED: &str = "anthropic-ratelimit-unified-overage-surpassed-threshold";
const PERIOD: &str = "anthropic-ratelimit-unified-overage-period";
const SCOPE: &str = "anthropic-ratelimit-unified-overage-scope";
const DISABLED_REASON: &str = "anthropic-ratelimit-unified-overage-disabled-reason";

/// Says in the head of an answer how full the fullest budget is; nothing if there is none.
pub(super) fn tell(headers: &mut HeaderMap, budgets: &[BudgetState]) {
    let Some(state) = BudgetState::binding(budgets) else { return };
    let warned = WARNED_PAST.into_iter().find(|percent| state.is_past(*percent));
    let status = if warned.is_some() { "allowed_warning" } else { "allowed" };
    // What this call costs is not known yet: it is let in, so it is told that there is room.
    let percent = state.percent().min(99);
    set(headers, STATUS, status);
    set(headers, CLAIM, "overage");
    set(headers, OVERAGE_STATUS, status);
    set(headers, UTILIZATION, &format!("0.{percent:02}"));
    if let Some(passed) = warned {
        set(headers, SURPASSED, &format!("0.{passed}"));
    }
    set_reset(headers, state.reset);
}

/// Says in the head of a refusal that a budget is used up. Without a claim and a status of their own clients show our sentence instead
/// of theirs.
pub(super) fn tell_exhausted(headers: &mut HeaderMap, state: &BudgetState) {
    set(headers, STATUS, "rejected");
    set(headers, UTILIZATION, "1");
    set(headers, SURPASSED, "1");
    set(headers, DISABLED_REASON, "org_spend_cap_reached");
    if state.budget.window != WindowKind::Total {
        set(headers, PERIOD, state.budget.window.name());
    }
    if matches!(state.budget.scope, BudgetScope::Group(_)) {
        set(headers, SCOPE, "group_pool");
    }
    set_reset(headers, state.reset);
}

/// Returns what `GET /api/oauth/usage` tells: amounts in cents, of the budget that binds, and all budgets in hundredths; without a
/// budget what was spent.
pub(super) fn usage(spending: &Spending) -> Value {
    let Some(binding) = BudgetState::binding(&spending.budgets) else {
        let spent = |kind| {
            let window = spending.windows.iter().find(|(window, _)| *window == kind);
            cents(window.map_or(Nanodollars::ZERO, |(_, totals)| totals.spent))
        };
        let unlimited = |kind| json!({"limit": null, "used_credits": spent(kind), "utilization": null});
        return json!({
            "extra_usage": {
                "is_enabled": true,
                "monthly_limit": null,
                "used_credits": spent(WindowKind::Monthly),
                "utilization": null,
                "currency": "USD",
                "daily": unlimited(WindowKind::Daily),
                "weekly": unlimited(WindowKind::Weekly),
            },
            "limits": [],
        });
    };
    let limit = |state: &BudgetState| {
        json!({
            "kind": "spend",
            "group": state.budget.window.name(),
            "percent": state.percent(),
            "resets_at": state.reset.map(Timestamp::rfc3339),
            "severity": severity(state),
            "is_active": std::ptr::eq(state, binding),
        })
    };
    json!({
        "extra_usage": {
            "is_enabled": true,
            "monthly_limit": cents(binding.budget.limit),
            "used_credits": cents(binding.spent),
            "utilization": binding.percent(),
            "currency": "USD",
        },
        "limits": spending.budgets.iter().map(limit).collect::<Vec<_>>(),
    })
}

fn severity(state: &BudgetState) -> &'static str {
    match WARNED_PAST.into_iter().position(|percent| state.is_past(percent)) {
        _ if state.is_exhausted() => "critical",
        Some(0) => "critical",
        Some(_) => "warning",
        None => "normal",
    }
}

const fn cents(amount: Nanodollars) -> i64 {
    amount.0.div_euclid(PER_CENT)
}

fn set_reset(headers: &mut HeaderMap, reset: Option<Timestamp>) {
    let Some(reset) = reset else { return };
    for name in [RESET, OVERAGE_RESET] {
        set(headers, name, &reset.0.to_string());
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Budget, BudgetSource};
    use crate::ports::Totals;

    const RESET_AT: Timestamp = Timestamp(1_798_761_600);

    fn state(scope: BudgetScope, window: WindowKind, spent: i64, limit: i64) -> BudgetState {
        let reset = (window != WindowKind::Total).then_some(RESET_AT);
        let budget = Budget { scope, window, limit: Nanodollars(limit) };
        BudgetState { budget, source: BudgetSource::Api, spent: Nanodollars(spent), held: Nanodollars(1), reset }
    }

    fn own(spent: i64, limit: i64) -> BudgetState {
        state(BudgetScope::DefaultUser, WindowKind::Monthly, spent, limit)
    }

    fn told(budgets: &[BudgetState]) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        tell(&mut headers, budgets);
        sorted(&headers)
    }

    fn sorted(headers: &HeaderMap) -> Vec<(String, String)> {
        let text = |value: &HeaderValue| value.to_str().expect("it was a text").to_owned();
        let short = |name: &HeaderName| name.as_str().trim_start_matches("anthropic-ratelimit-unified-").to_owned();
        let mut all: Vec<_> = headers.iter().map(|(name, value)| (short(name), text(value))).collect();
        all.sort();
        all
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn tells_nothing_where_there_is_no_budget() {
        assert!(told(&[]).is_empty());
    }

    #[test]
    fn warns_past_three_quarters_and_past_nineteen_twentieths() {
        for (spent, utilization, threshold) in [
            (7500, "0.75", None),
            (7501, "0.75", Some("0.75")),
            (9500, "0.95", Some("0.75")),
            (9501, "0.95", Some("0.95")),
        ] {
            let status = if threshold.is_some() { "allowed_warning" } else { "allowed" };
            let mut expected = vec![
                ("overage-reset", "1798761600"),
                ("overage-status", status),
                ("overage-utilization", utilization),
                ("representative-claim", "overage"),
                ("reset", "1798761600"),
                ("status", status),
            ];
            expected.extend(threshold.map(|threshold| ("overage-surpassed-threshold", threshold)));
            expected.sort_unstable();
            assert_eq!(told(&[own(spent, 10_000)]), pairs(&expected), "{spent}");
        }
    }

    #[test]
    fn tells_of_the_fullest_and_never_that_nothing_is_left() {
        let total = state(BudgetScope::Org, WindowKind::Total, 9999, 10_000);
        let headers = told(&[own(1, 10), total]);
        assert!(headers.contains(&("overage-utilization".to_owned(), "0.99".to_owned())));
        assert!(!headers.iter().any(|(name, _)| name.ends_with("reset")), "it never starts afresh: {headers:?}");
    }

    #[test]
    fn leaves_the_claim_out_of_a_refusal() {
        let refused = |state: &BudgetState| {
            let mut headers = HeaderMap::new();
            tell_exhausted(&mut headers, state);
            sorted(&headers)
        };
        let mut expected = vec![
            ("overage-disabled-reason", "org_spend_cap_reached"),
            ("overage-period", "monthly"),
            ("overage-reset", "1798761600"),
            ("overage-surpassed-threshold", "1"),
            ("overage-utilization", "1"),
            ("reset", "1798761600"),
            ("status", "rejected"),
        ];
        assert_eq!(refused(&own(10, 10)), pairs(&expected));
        expected.insert(3, ("overage-scope", "group_pool"));
        let pool = state(BudgetScope::Group("g".to_owned()), WindowKind::Monthly, 11, 10);
        assert_eq!(refused(&pool), pairs(&expected));
    }

    #[test]
    fn tells_usage_in_cents_of_the_budget_that_binds() {
        let windows = WindowKind::ALL.map(|kind| (kind, Totals::default())).to_vec();
        let daily = state(BudgetScope::DefaultUser, WindowKind::Daily, 1, 1_000_000_000);
        let monthly = own(271_409_999_999, 500_000_000_000);
        let told = usage(&Spending { windows, budgets: vec![daily, monthly] });
        let extra = json!({"is_enabled": true, "monthly_limit": 50_000, "used_credits": 27_140, "utilization": 54, "currency": "USD"});
        assert_eq!(told["extra_usage"], extra);
        let limit = json!({
            "kind": "spend", "group": "monthly", "percent": 54, "resets_at": "2027-01-01T00:00:00Z", "severity": "normal",
            "is_active": true,
        });
        assert_eq!((&told["limits"][1], &told["limits"][0]["is_active"]), (&limit, &json!(false)));
    }

    #[test]
    fn tells_what_was_spent_where_there_is_no_budget() {
        let spent = |cents: i64| Totals { spent: Nanodollars(cents * PER_CENT), held: Nanodollars::ZERO };
        let windows = vec![
            (WindowKind::Daily, spent(1)),
            (WindowKind::Weekly, spent(2)),
            (WindowKind::Monthly, spent(3)),
            (WindowKind::Total, spent(4)),
        ];
        let told = usage(&Spending { windows, budgets: Vec::new() });
        assert_eq!((&told["limits"], &told["extra_usage"]["used_credits"]), (&json!([]), &json!(3)));
        assert_eq!(told["extra_usage"]["daily"], json!({"limit": null, "used_credits": 1, "utilization": null}));
        assert_eq!(told["extra_usage"]["weekly"]["used_credits"], json!(2));
    }
}
