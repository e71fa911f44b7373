//! What tokens cost.

use serde::{Deserialize, Deserializer};

use super::{Nanodollars, TokenUsage};

/// Picodollars in a nanodollar.
const PER_NANODOLLAR: u128 = 1000;

/// The prices of a model, in picodollars (1e-12 USD) per token; 1 USD per million tokens is 1,000,000.
///
/// Configured in dollars per million tokens, as texts. A cache price that is not given is the input's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
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

impl Price {
    /// Returns what a call costs: the sum over the kinds of tokens in picodollars, rounded half up once.
    #[must_use]
    pub fn cost(&self, usage: &TokenUsage) -> Nanodollars {
        let kinds = [
            (usage.input, self.input),
            (usage.cache_write_5m, self.cache_write_5m),
            (usage.cache_write_1h, self.cache_write_1h),
            (usage.cache_read, self.cache_read),
            (usage.output, self.output),
        ];
        // Five products of 64-bit numbers: the sum may pass 128 bits only where the amount has long passed 64.
        let picodollars = kinds
            .iter()
            .fold(0_u128, |sum, (tokens, price)| sum.saturating_add(u128::from(*tokens) * u128::from(*price)));
        let nanodollars = picodollars.saturating_add(PER_NANODOLLAR / 2) / PER_NANODOLLAR;
        Nanodollars(i64::try_from(nanodollars).unwrap_or(i64::MAX))
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Document {
            input: String,
            output: String,
            cache_write_5m: Option<String>,
            cache_write_1h: Option<String>,
            cache_read: Option<String>,
        }
        let document = Document::deserialize(deserializer)?;
        let read = |name: &str, text: &str| {
            per_million(text).ok_or_else(|| {
                serde::de::Error::custom(format!(
                    "{name} must be dollars per million tokens, a text such as \"3.00\" with at most 6 decimals"
                ))
            })
        };
        let input = read("input", &document.input)?;
        let cached = |name: &str, text: Option<&String>| text.map_or(Ok(input), |text| read(name, text));
        Ok(Self {
            input,
            cache_write_5m: cached("cache_write_5m", document.cache_write_5m.as_ref())?,
            cache_write_1h: cached("cache_write_1h", document.cache_write_1h.as_ref())?,
            cache_read: cached("cache_read", document.cache_read.as_ref())?,
            output: read("output", &document.output)?,
        })
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

    fn price(document: &str) -> Price {
        toml::from_str(document).unwrap()
    }

    #[test]
    fn reads_dollars_per_million_tokens() {
        let price = price("input = \"1.00\"\noutput = \"5.00\"\ncache_read = \"0.000001\"");
        assert_eq!((price.input, price.output, price.cache_read), (1_000_000, 5_000_000, 1));
        assert_eq!(price.cache_write_5m, price.input);
    }

    #[test]
    fn names_the_price_that_cannot_be_read() {
        for output in ["\"0.0000001\"", "\"-1\"", "\"free\""] {
            let error = toml::from_str::<Price>(&format!("input = \"1\"\noutput = {output}")).unwrap_err();
            assert!(error.message().contains("output"), "{error}");
        }
    }

    #[test]
    fn adds_up_all_kinds_and_rounds_once() {
        let price = Price { input: 1, cache_write_5m: 10, cache_write_1h: 100, cache_read: 1000, output: 10_000 };
        // 499 + 1 picodollars are half a nanodollar: up.
        assert_eq!(price.cost(&TokenUsage { input: 490, cache_write_5m: 1, ..TokenUsage::default() }), Nanodollars(1));
        // 499 picodollars: down.
        assert_eq!(price.cost(&TokenUsage { input: 499, ..TokenUsage::default() }), Nanodollars(0));
        // 3 + 20 + 100 + 4,000 + 50,000 = 54,123 picodollars: 54 nanodollars.
        let usage = TokenUsage { input: 3, cache_write_5m: 2, cache_write_1h: 1, cache_read: 4, output: 5 };
        assert_eq!(price.cost(&usage), Nanodollars(54));
    }

    #[test]
    fn stops_at_the_largest_amount() {
        let price =
            Price { input: u64::MAX, cache_write_5m: u64::MAX, cache_write_1h: 0, cache_read: 0, output: u64::MAX };
        let usage = TokenUsage { input: u64::MAX, cache_write_5m: u64::MAX, output: u64::MAX, ..TokenUsage::default() };
        assert_eq!(price.cost(&usage), Nanodollars(i64::MAX));
    }
}
