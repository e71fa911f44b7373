//! Budgets.

use gateway_core::money::Nanodollars;

use super::note::Notes;
use super::yaml::Node;

/// LiteLLM's budgets for everybody and for each person: scope here, amount, and how long a window is. The budget of end
/// users has no window of its own: it counts all that they ever spent.
const KEYS: [(&str, &str, Option<&str>); 3] = [
    ("org", "max_budget", Some("budget_duration")),
    ("default_user", "max_internal_user_budget", Some("internal_user_budget_duration")),
    ("default_user", "max_end_user_budget", None),
];

/// A budget.
pub(super) struct Budget {
    pub(super) scope: &'static str,
    pub(super) window: &'static str,
    pub(super) amount: String,
}

/// Says whether the key was read here.
pub(super) fn is_budget(key: &str) -> bool {
    KEYS.iter().any(|(_, amount, duration)| *amount == key || *duration == Some(key))
}

/// Reads the budgets of `litellm_settings`.
pub(super) fn read(root: &Node, notes: &mut Notes) -> Vec<Budget> {
    let mut budgets: Vec<Budget> = Vec::new();
    let Some(settings) = root.get("litellm_settings") else { return budgets };
    for (scope, key, duration) in KEYS {
        let Some(amount) = settings.get(key) else { continue };
        let lasts = duration.and_then(|duration| settings.get(duration));
        let read = amount.text().and_then(|text| Nanodollars::parse_dollars(text).ok());
        let reason = match (read, window(lasts)) {
            (None, _) => "it is no amount of dollars with at most 9 decimals",
            (_, None) => "budgets run for a day, a week, a month, or for ever",
            (Some(_), Some(window)) if budgets.iter().any(|other| other.scope == scope && other.window == window) => {
                "there is another for the same people and time"
            }
            (Some(amount), Some(window)) => {
                budgets.push(Budget { scope, window, amount: amount.to_string() });
                continue;
            }
        };
        notes.not_taken(format!("litellm_settings.{key}: {reason}"));
    }
    budgets
}

/// Returns the window of a duration, if there is one. LiteLLM's also follow the calendar.
fn window(duration: Option<&Node>) -> Option<&'static str> {
    let Some(duration) = duration else { return Some("total") };
    match duration.text()? {
        "1d" | "24h" | "1440m" | "86400s" | "daily" => Some("daily"),
        "7d" | "168h" | "1w" | "weekly" => Some("weekly"),
        "30d" | "720h" | "1mo" | "monthly" => Some("monthly"),
        _ => None,
    }
}
