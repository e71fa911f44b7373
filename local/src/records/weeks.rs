//! Sums of weeks, which are kept beside those of days, so that what is added up of a year is read in moments.
//!
//! A week is named by its first day. One of which only a part is asked for serves, too, where there was no call in the rest of it: nobody asks
//! for the days to come.

use gateway_core::accounts::{By, Days, Dimension, SumQuery, SumSource};
use rusqlite::{Connection, named_params};

/// A call from one day on and before another.
pub(super) const CALL: &str = "SELECT 1 FROM roll_up WHERE day >= :first AND day < :end LIMIT 1";

/// Days whose sums are read, or weeks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// By day.
    Days(Days),
    /// By week, each of them whole.
    Weeks(Days),
}

impl Part {
    /// Returns whose sums they are, or by what, as the table says it; none if it has nobody else's.
    pub(super) fn of(self, source: SumSource) -> Option<String> {
        match (source, self) {
            (SumSource::Own(user), _) => Some(user.to_string()),
            (SumSource::RollUps, _) => None,
            (SumSource::Days(dimension), Self::Days(_)) => Some(dimension.name().to_owned()),
            (SumSource::Days(dimension), Self::Weeks(_)) => dimension_of_weeks(dimension).map(str::to_owned),
        }
    }
}

/// Returns how a dimension is called whose sums are those of weeks; none if there are none. Where it is kept how long calls took, rows are
/// few.
pub(super) const fn dimension_of_weeks(dimension: Dimension) -> Option<&'static str> {
    match dimension {
        Dimension::User => Some("week_user"),
        Dimension::Group => Some("week_group"),
        Dimension::All | Dimension::Model => None,
    }
}

/// Returns what is to be read for a query.
pub(super) fn parts(connection: &Connection, query: &SumQuery) -> rusqlite::Result<Vec<Part>> {
    let has_weeks = match query.source {
        SumSource::Own(_) => false,
        SumSource::RollUps => true,
        SumSource::Days(dimension) => dimension_of_weeks(dimension).is_some(),
    };
    if !has_weeks || query.breakdown.has(By::Day) {
        return Ok(vec![Part::Days(query.days)]);
    }
    let [before, weeks, behind] = widened(connection, query.days)?.around_weeks();
    let days = [before, behind].into_iter().flatten().map(Part::Days);
    Ok(days.chain(weeks.map(Part::Weeks)).collect())
}

/// Adds days without calls that make weeks whole.
fn widened(connection: &Connection, days: Days) -> rusqlite::Result<Days> {
    let whole = days.widened(true, true);
    let has_calls = |first: String, end: String| {
        connection.prepare_cached(CALL)?.exists(named_params! {":first": first, ":end": end})
    };
    // What sorts between a day and the next.
    let behind = |day: String| day + "~";
    let before = has_calls(whole.first(), days.first())?;
    let after = has_calls(behind(days.last()), behind(whole.last()))?;
    Ok(days.widened(!before, !after))
}
