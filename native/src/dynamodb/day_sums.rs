//! What everybody's calls add up to by day. What is counted of their latency stands beside it, each class as an attribute.

use gateway_core::accounts::{DaySum, DaySumKey, Dimension, Histogram, Latency};
use gateway_core::ports::Unavailable;

use super::accounts::{NOT_BOOKED, SEPARATOR, add_usage, usage, usage_values};
use super::call::Change;
use super::item::{Item, body, json, number, number_of};
use super::key::{Key, hash};

/// How attributes are called that count first bytes, before the class.
const FIRST_BYTE: &str = "f";

/// The same of durations.
const DURATION: &str = "d";

/// Returns the change that adds to a day's sum, for the books' batch of this number.
///
/// An update has room for 4 KB. A batch of a hundred events counts in two hundred classes at most, of ten bytes each.
pub(super) fn add_day_sum(key: &DaySumKey, added: &DaySum, batch: u64) -> Change {
    let first_byte = added.latency.first_byte.counts().map(|(class, count)| (format!("{FIRST_BYTE}{class}"), count));
    let duration = added.latency.duration.counts().map(|(class, count)| (format!("{DURATION}{class}"), count));
    let own = [(":booked", number(batch)), (":body", json(key))];
    Change {
        // Groups' names are of any length.
        key: Key::new(partition(key.dimension), format!("{}{SEPARATOR}{}", key.day, hash(&[&key.name]))),
        update: concat!("SET booked = :booked, body = :body ", add_usage!()),
        condition: Some(NOT_BOOKED),
        values: own.into_iter().chain(usage_values(&added.usage)).collect(),
        added: first_byte.chain(duration).collect(),
    }
}

pub(super) fn partition(dimension: Dimension) -> String {
    format!("SUM#{}", dimension.name())
}

pub(super) fn day_sum(item: &Item) -> Result<(DaySumKey, DaySum), Unavailable> {
    let latency = Latency { first_byte: histogram(item, FIRST_BYTE)?, duration: histogram(item, DURATION)? };
    Ok((body(item)?, DaySum { usage: usage(item)?, latency }))
}

fn histogram(item: &Item, kind: &str) -> Result<Histogram, Unavailable> {
    let mut histogram = Histogram::default();
    for name in item.keys() {
        if let Some(class) = name.strip_prefix(kind).and_then(|class| class.parse().ok()) {
            histogram.add(class, number_of(item, name)?);
        }
    }
    Ok(histogram)
}
