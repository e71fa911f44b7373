//! The prices that providers publish, taken along: `core/data/prices.txt`.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Price, Rates, ServiceTier};

const TABLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/prices.txt"));

/// How many prices a group has: input, output, writes to the cache for five minutes and an hour, and reads from it.
const GROUP: usize = 5;

/// Published prices by vendor and model.
#[derive(Debug, Default)]
pub struct PriceTable(HashMap<&'static str, HashMap<&'static str, Arc<Price>>>);

impl PriceTable {
    /// Reads the prices of these vendors.
    #[must_use]
    pub fn of(vendors: &[&str]) -> Self {
        let mut table: HashMap<_, HashMap<_, _>> = HashMap::new();
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            if let Some((vendor, model, price)) = row(line, vendors) {
                table.entry(vendor).or_default().insert(model, Arc::new(price));
            }
        }
        Self(table)
    }

    /// Returns the published price of a vendor's model.
    #[must_use]
    pub fn price(&self, vendor: &str, model: &str) -> Option<&Arc<Price>> {
        self.0.get(vendor)?.get(model)
    }
}

fn row(line: &'static str, vendors: &[&str]) -> Option<(&'static str, &'static str, Price)> {
    let mut words = line.split(' ');
    let (vendor, model) = (words.next()?, words.next()?);
    if !vendors.contains(&vendor) {
        return None;
    }
    let words: Vec<&str> = words.collect();
    let rates = rates(words.get(..GROUP)?, None)?;
    let mut price = Price::flat(rates);
    for group in words[GROUP..].chunks(GROUP + 1) {
        let (name, group) = group.split_first()?;
        let rates = self::rates(group, Some(&rates))?;
        if let Some(tokens) = name.strip_prefix('>') {
            price.above.push((tokens.parse().ok()?, rates));
        } else {
            let tier = ServiceTier::ALL.into_iter().find(|tier| tier.name() == *name)?;
            price.tiers.insert(tier, rates);
        }
    }
    Some((vendor, model, price))
}

/// Reads a group. What is not told is what it is by default, or the group's input where that is dearer than by default: no less than it
/// can be.
fn rates(words: &[&str], default: Option<&Rates>) -> Option<Rates> {
    let [input, output, five_minutes, an_hour, cache_read] = <[&str; GROUP]>::try_from(words).ok()?;
    let read = |word: &str, untold: Option<u64>| if word == "-" { untold } else { word.parse().ok() };
    let input = read(input, default.map(|rates| rates.input))?;
    let untold = |of: fn(&Rates) -> u64| match default {
        Some(rates) if input > rates.input => of(rates).max(input),
        Some(rates) => of(rates),
        None => input,
    };
    let cache_write_5m = read(five_minutes, Some(untold(|rates| rates.cache_write_5m)))?;
    Some(Rates {
        input,
        output: read(output, default.map(|rates| rates.output))?,
        cache_write_5m,
        cache_write_1h: read(an_hour, Some(untold(|rates| rates.cache_write_1h).max(cache_write_5m)))?,
        cache_read: read(cache_read, Some(untold(|rates| rates.cache_read)))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Cost, Nanodollars, TokenUsage};

    const VENDORS: [&str; 6] = ["anthropic", "deepseek", "gemini", "mistral", "openai", "xai"];

    #[test]
    fn reads_every_row() {
        let lines: Vec<&str> = TABLE.lines().filter(|line| !line.starts_with('#')).collect();
        for line in &lines {
            assert!(row(line, &VENDORS).is_some(), "{line}");
        }
        let read: usize = PriceTable::of(&VENDORS).0.values().map(HashMap::len).sum();
        assert_eq!(read, lines.len(), "no model is there twice");
        assert!(PriceTable::of(&["anthropic"]).price("openai", "gpt-5").is_none());
    }

    #[test]
    fn charges_an_hours_cache_at_the_hours_price() {
        let table = PriceTable::of(&VENDORS);
        let price = table.price("anthropic", "claude-haiku-4-5").unwrap();
        let cost = |usage| price.cost(&usage, None);
        let exact = |amount| Cost { amount: Nanodollars(amount), is_complete: true };
        // Claude Haiku 4.5 per million: 1 dollar in, 1.25 written for five minutes, 2 for an hour, 0.10 read, 5 out.
        assert_eq!(cost(TokenUsage { cache_write_5m: 1000, ..TokenUsage::default() }), exact(1_250_000));
        assert_eq!(cost(TokenUsage { cache_write_1h: 1000, ..TokenUsage::default() }), exact(2_000_000));
        assert_eq!(cost(TokenUsage { cache_read: 1000, ..TokenUsage::default() }), exact(100_000));
        assert_eq!(cost(TokenUsage { input: 1000, output: 1000, ..TokenUsage::default() }), exact(6_000_000));
    }

    #[test]
    fn takes_no_less_than_it_can_be_for_what_a_group_does_not_tell() {
        let line = "openai m 10 20 - - 5 >100 30 - - - - batch 4 8 - - -";
        let (_, _, price) = row(line, &VENDORS).unwrap();
        assert_eq!(price.rates, Rates { input: 10, output: 20, cache_write_5m: 10, cache_write_1h: 10, cache_read: 5 });
        let dearer = Rates { input: 30, output: 20, cache_write_5m: 30, cache_write_1h: 30, cache_read: 30 };
        assert_eq!(price.above, [(100, dearer)]);
        assert_eq!(price.tiers[&ServiceTier::Batch], Rates { input: 4, output: 8, ..price.rates });
        assert_eq!(row("openai m 10", &VENDORS), None);
        assert_eq!(row("openai m 10 20 - - 5 sometimes 1 2 3 4 5", &VENDORS), None);
    }
}
