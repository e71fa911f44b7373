//! Prices: LiteLLM's are dollars per token, ours are dollars per million.

use gateway_core::money::Nanodollars;

use super::yaml::Node;

/// LiteLLM's names of the prices that have a counterpart here (docs.litellm.ai, "Custom LLM Pricing"), and ours.
const KEYS: [(&str, &str); 5] = [
    ("input_cost_per_token", "input"),
    ("output_cost_per_token", "output"),
    ("cache_read_input_token_cost", "cache_read"),
    ("cache_creation_input_token_cost", "cache_write_5m"),
    ("cache_creation_input_token_cost_above_1hr", "cache_write_1h"),
];

/// How many decimal places there are between a token and a million of them.
const MILLION: i32 = 6;

/// The smallest part of a dollar per million tokens that a price can have, in nanodollars: six decimals.
const STEP: i64 = 1000;

/// A price as the configuration has it: our names, and dollars per million tokens.
pub(super) type Price = Vec<(&'static str, String)>;

/// Says whether a key is one of the prices that can be taken over.
pub(super) fn is_price(key: &str) -> bool {
    KEYS.iter().any(|(theirs, _)| *theirs == key)
}

/// Reads the price of a deployment, which LiteLLM takes from either of two places. Returns it with why it is not whole.
pub(super) fn read(places: [Option<&Node>; 2]) -> (Option<Price>, Vec<String>) {
    let mut price = Price::new();
    let mut flaws = Vec::new();
    for (theirs, ours) in KEYS {
        let Some(value) = places.iter().flatten().find_map(|place| place.get(theirs)) else { continue };
        match value.text().and_then(per_million) {
            Some(dollars) => price.push((ours, dollars)),
            None => flaws.push(format!("{theirs} is no amount with at most 6 decimals of a dollar per million tokens")),
        }
    }
    let has = |name: &str| price.iter().any(|(key, _)| *key == name);
    if has("input") && has("output") {
        return (Some(price), flaws);
    }
    if !price.is_empty() {
        flaws.push("a price needs both input_cost_per_token and output_cost_per_token".to_owned());
    }
    (None, flaws)
}

/// Returns dollars per million tokens, exactly, or `None` for what a price cannot be.
fn per_million(per_token: &str) -> Option<String> {
    let literal = per_token.trim_start_matches('+');
    let (mantissa, exponent) = match literal.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (literal, 0),
    };
    let whole = if mantissa.starts_with('.') && mantissa.len() > 1 { "0" } else { "" };
    let fraction = if mantissa.ends_with('.') && mantissa.len() > 1 { "0" } else { "" };
    let exponent = exponent.checked_add(MILLION)?;
    let dollars = Nanodollars::parse_dollars(&format!("{whole}{mantissa}{fraction}e{exponent}")).ok()?;
    (dollars.0 % STEP == 0).then(|| dollars.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_without_floating_point() {
        for (per_token, dollars) in [
            ("3e-06", "3.00"),
            ("3E-6", "3.00"),
            ("0.000003", "3.00"),
            (".000015", "15.00"),
            ("1.5e-05", "15.00"),
            ("3.75e-6", "3.75"),
            ("+7.5e-08", "0.075"),
            ("0.1e-6", "0.10"),
            ("1e-12", "0.000001"),
            ("0", "0.00"),
            ("0.", "0.00"),
            ("0.000421", "421.00"),
        ] {
            assert_eq!(per_million(per_token).as_deref(), Some(dollars), "{per_token}");
        }
    }

    #[test]
    fn refuses_what_a_price_cannot_be() {
        let literals =
            ["1e-13", "3.0000000000000001e-06", "-1e-6", "free", ".nan", ".inf", "1e99", "1e2147483647", "", "."];
        for literal in literals {
            assert_eq!(per_million(literal), None, "{literal}");
        }
    }
}
