//! What a call of a model costs.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::rates::{Rates, RatesDocument};
use super::{Nanodollars, TokenUsage};

/// Picodollars in a nanodollar.
const PER_NANODOLLAR: u128 = 1000;

/// How a provider served a call, where that has prices of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceTier {
    /// Some time within a day.
    Batch,
    /// When there is room.
    Flex,
    /// Before others.
    Priority,
}

impl ServiceTier {
    /// Every tier.
    pub const ALL: [Self; 3] = [Self::Batch, Self::Flex, Self::Priority];

    /// Returns its name in answers and in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Priority => "priority",
        }
    }
}

/// The prices of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// What tokens cost by default.
    pub rates: Rates,
    /// What all of them cost in calls with more input than so many tokens, those of the cache included; the largest number first.
    pub above: Vec<(u64, Rates)>,
    /// What they cost where the provider says that it served a call so.
    pub tiers: BTreeMap<ServiceTier, Rates>,
    /// What each use of the provider's own tools costs, by the names under which its answers count them.
    pub uses: BTreeMap<String, Nanodollars>,
}

/// What the configuration says of a model's price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfiguredPrice {
    /// All of it, whatever the provider publishes.
    Whole(Price),
    /// What is added to what the provider publishes, or stands in its place there.
    Added(PriceAdditions),
}

/// What is added to a published price.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceAdditions {
    above: Vec<(u64, Rates)>,
    tiers: BTreeMap<ServiceTier, Rates>,
    uses: BTreeMap<String, Nanodollars>,
}

impl PriceAdditions {
    /// Returns a published price with what is added to it: thresholds take the place of all that are published, a tier and a use that
    /// of its name.
    #[must_use]
    pub fn to(&self, published: &Price) -> Price {
        let mut price = published.clone();
        if !self.above.is_empty() {
            price.above.clone_from(&self.above);
        }
        price.tiers.extend(&self.tiers);
        price.uses.extend(self.uses.clone());
        price
    }
}

/// What a call cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// The amount.
    pub amount: Nanodollars,
    /// Whether all of it has a price: a tier that has none is charged as the standard one.
    pub is_complete: bool,
}

impl Cost {
    /// What costs nothing.
    pub const NOTHING: Self = Self { amount: Nanodollars::ZERO, is_complete: true };

    /// Adds another.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        let amount = Nanodollars(self.amount.0.saturating_add(other.amount.0));
        Self { amount, is_complete: self.is_complete && other.is_complete }
    }
}

impl Price {
    /// Returns a price that is the same for every call.
    #[must_use]
    pub const fn flat(rates: Rates) -> Self {
        Self { rates, above: Vec::new(), tiers: BTreeMap::new(), uses: BTreeMap::new() }
    }

    /// Returns what a call costs: the sum over the kinds of tokens in picodollars, rounded half up once.
    ///
    /// Where a tier's prices and those of a long input apply both, each kind of tokens is charged at the higher one: no table tells what
    /// both are together.
    #[must_use]
    pub fn cost(&self, usage: &TokenUsage, tier: Option<ServiceTier>) -> Cost {
        let tiered = tier.map(|tier| self.tiers.get(&tier));
        let rates = match (self.of_long_input(usage), tiered.flatten()) {
            (Some(long), Some(tiered)) => long.highest(tiered),
            (Some(rates), None) | (None, Some(rates)) => *rates,
            (None, None) => self.rates,
        };
        let nanodollars = rates.picodollars(usage).saturating_add(PER_NANODOLLAR / 2) / PER_NANODOLLAR;
        let amount = Nanodollars(i64::try_from(nanodollars).unwrap_or(i64::MAX));
        Cost { amount, is_complete: tiered != Some(None) }
    }

    /// Returns what the uses of the provider's own tools cost.
    #[must_use]
    pub fn cost_of_uses(&self, uses: &BTreeMap<String, u64>) -> Cost {
        uses.iter().filter(|(_, times)| **times > 0).fold(Cost::NOTHING, |sum, (name, times)| {
            let Some(price) = self.uses.get(name) else { return Cost { is_complete: false, ..sum } };
            let cost = i64::try_from(*times).map_or(i64::MAX, |times| price.0.saturating_mul(times));
            Cost { amount: Nanodollars(sum.amount.0.saturating_add(cost)), ..sum }
        })
    }

    fn of_long_input(&self, usage: &TokenUsage) -> Option<&Rates> {
        let kinds = [usage.input, usage.cache_write_5m, usage.cache_write_1h, usage.cache_read];
        let input = kinds.into_iter().fold(0_u64, u64::saturating_add);
        self.above.iter().find(|(tokens, _)| input > *tokens).map(|(_, rates)| rates)
    }
}

/// [`Price`] as the configuration has it. Nested texts are not flattened: what is not known is refused by name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceDocument {
    input: Option<String>,
    output: Option<String>,
    cache_write_5m: Option<String>,
    cache_write_1h: Option<String>,
    cache_read: Option<String>,
    #[serde(default)]
    above: Vec<AboveDocument>,
    #[serde(default)]
    tiers: BTreeMap<ServiceTier, Rates>,
    #[serde(default)]
    uses: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AboveDocument {
    input_tokens: u64,
    input: String,
    output: String,
    cache_write_5m: Option<String>,
    cache_write_1h: Option<String>,
    cache_read: Option<String>,
}

impl AboveDocument {
    fn read(self) -> Result<(u64, Rates), String> {
        let Self { input_tokens, input, output, cache_write_5m, cache_write_1h, cache_read } = self;
        let rates = RatesDocument { input, output, cache_write_5m, cache_write_1h, cache_read }.read()?;
        Ok((input_tokens, rates))
    }
}

impl PriceDocument {
    fn read(self) -> Result<ConfiguredPrice, String> {
        let Self { input, output, cache_write_5m, cache_write_1h, cache_read, above, tiers, uses } = self;
        let has_cache = cache_write_5m.is_some() || cache_write_1h.is_some() || cache_read.is_some();
        let rates = match (input, output) {
            (Some(input), Some(output)) => {
                Some(RatesDocument { input, output, cache_write_5m, cache_write_1h, cache_read }.read()?)
            }
            (None, None) if !has_cache => None,
            (None, _) => return Err("input is missing: prices of tokens are given all or none".to_owned()),
            (_, None) => return Err("output is missing: prices of tokens are given all or none".to_owned()),
        };
        let mut above = above.into_iter().map(AboveDocument::read).collect::<Result<Vec<_>, _>>()?;
        above.sort_by_key(|(tokens, _)| std::cmp::Reverse(*tokens));
        let dollars = |(name, text): (String, String)| match Nanodollars::parse_dollars(&text) {
            Ok(amount) if amount.0 >= 0 => Ok((name, amount)),
            _ => Err(format!("uses.{name} must be dollars for each use, a text such as \"0.01\"")),
        };
        let uses = uses.into_iter().map(dollars).collect::<Result<_, _>>()?;
        Ok(match rates {
            Some(rates) => ConfiguredPrice::Whole(Price { rates, above, tiers, uses }),
            None => ConfiguredPrice::Added(PriceAdditions { above, tiers, uses }),
        })
    }
}

impl<'de> Deserialize<'de> for ConfiguredPrice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PriceDocument::deserialize(deserializer)?.read().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a price that is all there.
    fn whole(document: &str) -> Price {
        match toml::from_str(document) {
            Ok(ConfiguredPrice::Whole(price)) => price,
            other => unreachable!("{other:?}"),
        }
    }

    const RATES: Rates = Rates { input: 1, cache_write_5m: 10, cache_write_1h: 100, cache_read: 1000, output: 10_000 };

    fn amount(price: &Price, usage: TokenUsage) -> Nanodollars {
        price.cost(&usage, None).amount
    }

    #[test]
    fn adds_up_all_kinds_and_rounds_once() {
        let price = Price::flat(RATES);
        // 490 + 10 picodollars are half a nanodollar: up.
        assert_eq!(
            amount(&price, TokenUsage { input: 490, cache_write_5m: 1, ..TokenUsage::default() }),
            Nanodollars(1)
        );
        // 499 picodollars: down.
        assert_eq!(amount(&price, TokenUsage { input: 499, ..TokenUsage::default() }), Nanodollars(0));
        // 3 + 20 + 100 + 4,000 + 50,000 = 54,123 picodollars: 54 nanodollars.
        let usage = TokenUsage { input: 3, cache_write_5m: 2, cache_write_1h: 1, cache_read: 4, output: 5 };
        assert_eq!(amount(&price, usage), Nanodollars(54));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for (more, named) in [
            ("inputs = \"1\"", "inputs"),
            ("[[above]]\ninput_tokens = 1\ninput = \"1\"\noutput = \"1\"\ncache = \"1\"", "cache"),
            ("[[above]]\ninput_tokens = 1\ninput = \"1\"", "output"),
            ("[tiers.slow]\ninput = \"1\"\noutput = \"1\"", "slow"),
            ("[uses]\nweb_search_requests = \"-1\"", "web_search_requests"),
            ("[tiers.flex]\ninput = \"1\"\noutput = \"free\"", "output"),
        ] {
            let error =
                toml::from_str::<ConfiguredPrice>(&format!("input = \"1\"\noutput = \"1\"\n{more}")).unwrap_err();
            assert!(error.message().contains(named), "{error}");
        }
    }

    #[test]
    fn stops_at_the_largest_amount() {
        let rates =
            Rates { input: u64::MAX, cache_write_5m: u64::MAX, cache_write_1h: 0, cache_read: 0, output: u64::MAX };
        let usage = TokenUsage { input: u64::MAX, cache_write_5m: u64::MAX, output: u64::MAX, ..TokenUsage::default() };
        assert_eq!(amount(&Price::flat(rates), usage), Nanodollars(i64::MAX));
    }

    #[test]
    fn charges_all_of_a_call_at_the_price_of_its_long_input() {
        let price = whole(
            "input = \"1\"\noutput = \"2\"\n[[above]]\ninput_tokens = 100\ninput = \"10\"\noutput = \"20\"\ncache_read = \"5\"\n\
             [[above]]\ninput_tokens = 1000\ninput = \"100\"\noutput = \"200\"",
        );
        let usage = |input, cache_read| TokenUsage { input, cache_read, output: 1, ..TokenUsage::default() };
        // Dollars a million tokens are microdollars a token: 50 + 50 in at 1, 1 out at 2, in thousands of nanodollars.
        assert_eq!(amount(&price, usage(50, 50)), Nanodollars(102_000));
        // Past the threshold with what was cached: 51 at 10, 50 at 5, 1 at 20.
        assert_eq!(amount(&price, usage(51, 50)), Nanodollars(510_000 + 250_000 + 20_000));
        assert_eq!(amount(&price, usage(1001, 0)), Nanodollars(100_100_000 + 200_000));
    }

    #[test]
    fn charges_each_use_of_a_tool_and_says_where_it_has_no_price() {
        let price = whole("input = \"1\"\noutput = \"1\"\n[uses]\nweb_search_requests = \"0.01\"");
        let cost = |uses: &[(&str, u64)]| {
            price.cost_of_uses(&uses.iter().map(|(name, times)| ((*name).to_owned(), *times)).collect())
        };
        // 3 at a cent.
        assert_eq!(cost(&[("web_search_requests", 3)]), Cost { amount: Nanodollars(30_000_000), is_complete: true });
        assert_eq!(cost(&[("web_search_requests", 0), ("other", 0)]), Cost::NOTHING);
        let partly = Cost { amount: Nanodollars(10_000_000), is_complete: false };
        assert_eq!(cost(&[("web_search_requests", 1), ("web_fetch_requests", 1)]), partly);
    }

    #[test]
    fn charges_a_tier_at_its_own_price_and_says_where_it_has_none() {
        let document = "input = \"2\"\noutput = \"4\"\n[tiers.batch]\ninput = \"1\"\noutput = \"2\"";
        let price = whole(document);
        let usage = TokenUsage { input: 10, output: 10, ..TokenUsage::default() };
        let cost = |tier| price.cost(&usage, tier);
        assert_eq!(cost(None), Cost { amount: Nanodollars(60_000), is_complete: true });
        assert_eq!(cost(Some(ServiceTier::Batch)), Cost { amount: Nanodollars(30_000), is_complete: true });
        assert_eq!(cost(Some(ServiceTier::Flex)), Cost { amount: Nanodollars(60_000), is_complete: false });
    }

    #[test]
    fn charges_the_higher_price_where_a_tier_and_a_long_input_meet() {
        let price = whole(
            "input = \"1\"\noutput = \"2\"\n[[above]]\ninput_tokens = 9\ninput = \"10\"\noutput = \"20\"\n\
             [tiers.priority]\ninput = \"4\"\noutput = \"30\"",
        );
        let usage = |input| TokenUsage { input, output: 1, ..TokenUsage::default() };
        // 10 × 10 + 30; and 9 × 4 + 30 where it is not long.
        let cost = |input| price.cost(&usage(input), Some(ServiceTier::Priority)).amount;
        assert_eq!((cost(10), cost(9)), (Nanodollars(130_000), Nanodollars(66_000)));
    }

    #[test]
    fn adds_to_what_is_published() {
        let added = toml::from_str("[uses]\nsearch = \"0.01\"\n[tiers.flex]\ninput = \"1\"\noutput = \"2\"");
        let Ok(ConfiguredPrice::Added(added)) = added else { unreachable!("{added:?}") };
        let published = whole(
            "input = \"3\"\noutput = \"4\"\n[[above]]\ninput_tokens = 9\ninput = \"6\"\noutput = \"8\"\n\
             [tiers.flex]\ninput = \"2\"\noutput = \"3\"\n[tiers.batch]\ninput = \"1\"\noutput = \"2\"",
        );
        let price = added.to(&published);
        assert_eq!((price.rates, &price.above), (published.rates, &published.above));
        assert_eq!((price.tiers.len(), price.tiers[&ServiceTier::Flex].input), (2, 1_000_000));
        assert_eq!(price.uses["search"], Nanodollars(10_000_000));
        for half in ["input = \"1\"", "output = \"1\"", "cache_read = \"1\""] {
            assert!(toml::from_str::<ConfiguredPrice>(half).unwrap_err().message().contains("is missing"), "{half}");
        }
    }
}
