//! What the kinds of tokens cost.

use serde::{Deserialize, Deserializer};

use super::{Nanodollars, TokenUsage};

/// Prices of the kinds of tokens, in picodollars (1e-12 USD) per token; 1 USD per million tokens is 1,000,000.
///
/// Configured in dollars per million tokens, as texts. A cache price that is not given is the input's; that of an hour where one of five
/// minutes is given is twice the input's, as Anthropic has it: never that of five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Input that was not cached.
    pub input: u64,
    /// Written to the cache for five minutes.
    pub cache_write_5m: u64,
    /// Written to the cache for an hour.
    pub cache_write_1h: u64,
    /// Read from the cache.
    pub cache_read: u64,
    /// Output.
    pub output: u64,
}

impl Rates {
    /// Returns of each kind the higher price.
    #[must_use]
    pub fn highest(&self, other: &Self) -> Self {
        Self {
            input: self.input.max(other.input),
            cache_write_5m: self.cache_write_5m.max(other.cache_write_5m),
            cache_write_1h: self.cache_write_1h.max(other.cache_write_1h),
            cache_read: self.cache_read.max(other.cache_read),
            output: self.output.max(other.output),
        }
    }

    /// Returns what tokens cost, in picodollars: at most the largest number.
    #[must_use]
    pub fn picodollars(&self, usage: &TokenUsage) -> u128 {
        let kinds = [
            (usage.input, self.input),
            (usage.cache_write_5m, self.cache_write_5m),
            (usage.cache_write_1h, self.cache_write_1h),
            (usage.cache_read, self.cache_read),
            (usage.output, self.output),
        ];
        // Five products of 64-bit numbers: the sum may pass 128 bits only where the amount has long passed 64.
        kinds.iter().fold(0_u128, |sum, (tokens, price)| sum.saturating_add(u128::from(*tokens) * u128::from(*price)))
    }
}

/// [`Rates`] as the configuration has them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RatesDocument {
    pub(super) input: String,
    pub(super) output: String,
    pub(super) cache_write_5m: Option<String>,
    pub(super) cache_write_1h: Option<String>,
    pub(super) cache_read: Option<String>,
}

impl RatesDocument {
    /// Reads the texts; the error names the one that is no price.
    pub(super) fn read(&self) -> Result<Rates, String> {
        let read = |name: &str, text: &str| {
            per_million(text).ok_or_else(|| {
                format!("{name} must be dollars per million tokens, a text such as \"3.00\" with at most 6 decimals")
            })
        };
        let input = read("input", &self.input)?;
        let cached = |name: &str, text: Option<&String>, untold: u64| text.map_or(Ok(untold), |text| read(name, text));
        let cache_write_5m = cached("cache_write_5m", self.cache_write_5m.as_ref(), input)?;
        let writes_cost_more = self.cache_write_5m.is_some();
        let an_hour = if writes_cost_more { input.saturating_mul(2).max(cache_write_5m) } else { input };
        Ok(Rates {
            input,
            cache_write_5m,
            cache_write_1h: cached("cache_write_1h", self.cache_write_1h.as_ref(), an_hour)?,
            cache_read: cached("cache_read", self.cache_read.as_ref(), input)?,
            output: read("output", &self.output)?,
        })
    }
}

impl<'de> Deserialize<'de> for Rates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RatesDocument::deserialize(deserializer)?.read().map_err(serde::de::Error::custom)
    }
}

/// Returns the picodollars per token. A dollar per million tokens is 1,000 nanodollars per token times 1,000.
fn per_million(text: &str) -> Option<u64> {
    let nanodollars = u64::try_from(Nanodollars::parse_dollars(text).ok()?.0).ok()?;
    (nanodollars % 1000 == 0).then_some(nanodollars / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dollars_per_million_tokens() {
        let rates: Rates = toml::from_str("input = \"1.00\"\noutput = \"5.00\"\ncache_read = \"0.000001\"").unwrap();
        assert_eq!((rates.input, rates.output, rates.cache_read), (1_000_000, 5_000_000, 1));
        assert_eq!((rates.cache_write_5m, rates.cache_write_1h), (rates.input, rates.input));
    }

    #[test]
    fn takes_no_price_of_five_minutes_for_that_of_an_hour() {
        let rates: Rates = toml::from_str("input = \"3\"\noutput = \"15\"\ncache_write_5m = \"3.75\"").unwrap();
        assert_eq!((rates.cache_write_5m, rates.cache_write_1h), (3_750_000, 6_000_000));
    }

    #[test]
    fn names_the_price_that_cannot_be_read() {
        for output in ["\"0.0000001\"", "\"-1\"", "\"free\""] {
            let error = toml::from_str::<Rates>(&format!("input = \"1\"\noutput = {output}")).unwrap_err();
            assert!(error.message().contains("output"), "{error}");
        }
    }
}
