//! A range of days.

use jiff::ToSpan as _;
use jiff::civil::Date;

/// Some days of the configured time zone's calendar, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    first: Date,
    last: Date,
}

impl Days {
    /// Returns the days from `first` to `last`, both of them included; `None` if there are none.
    #[must_use]
    pub fn new(first: Date, last: Date) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// Returns the `count` days up to `last`, at least one.
    #[must_use]
    pub fn up_to(last: Date, count: u32) -> Self {
        let before = i64::from(count.saturating_sub(1));
        Self { first: last.saturating_sub(before.days()), last }
    }

    /// Reads a day as it is written here: `2026-11-23`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Date> {
        let day: Date = text.parse().ok()?;
        (day.to_string() == text).then_some(day)
    }

    /// Returns the first day, such as `2026-11-23`.
    #[must_use]
    pub fn first(self) -> String {
        self.first.to_string()
    }

    /// Returns the last day.
    #[must_use]
    pub fn last(self) -> String {
        self.last.to_string()
    }

    /// Returns how many days there are.
    #[must_use]
    pub fn count(self) -> usize {
        self.each().count()
    }

    /// Returns each day by itself.
    pub fn each(self) -> impl Iterator<Item = Self> {
        let mut next = Some(self.first);
        std::iter::from_fn(move || {
            let day = next.filter(|day| *day <= self.last)?;
            next = day.tomorrow().ok();
            Some(Self { first: day, last: day })
        })
    }

    /// Returns the first day of the week that a day is in, a Monday; `None` if it is not written as a day is.
    #[must_use]
    pub fn week_of(day: &str) -> Option<String> {
        Self::parse(day).map(|day| monday(day).to_string())
    }

    /// Returns the same days with the rest of the first one's week before them, of the last one's week behind them, or both.
    #[must_use]
    pub fn widened(self, before: bool, behind: bool) -> Self {
        let first = if before { monday(self.first) } else { self.first };
        let last = if behind { monday(self.last).saturating_add(6.days()) } else { self.last };
        Self { first, last }
    }

    /// Returns the same days in parts: those before the first week that is whole, weeks, and those behind the last.
    #[must_use]
    pub fn around_weeks(self) -> [Option<Self>; 3] {
        let begin = monday(self.first.saturating_add(6.days()));
        let next = monday(self.last.saturating_add(1.days()));
        match Self::new(begin, next.saturating_sub(1.days())) {
            Some(weeks) => {
                let before = Self::new(self.first, begin.saturating_sub(1.days()));
                [before, Some(weeks), Self::new(next, self.last)]
            }
            None => [Some(self), None, None],
        }
    }

    /// Returns the same days in at most so many parts of about one size.
    #[must_use]
    pub fn split(self, parts: usize) -> Vec<Self> {
        let days: Vec<Self> = self.each().collect();
        let size = days.len().div_ceil(parts.max(1)).max(1);
        days.chunks(size).map(|part| Self { first: part[0].first, last: part[part.len() - 1].last }).collect()
    }
}

/// Returns the first day of a day's week.
fn monday(day: Date) -> Date {
    day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        Days::parse(text).unwrap()
    }

    #[test]
    fn has_both_ends() {
        let days = Days::new(day("2026-12-30"), day("2027-01-02")).unwrap();
        let each: Vec<String> = days.each().map(Days::first).collect();
        assert_eq!(each, ["2026-12-30", "2026-12-31", "2027-01-01", "2027-01-02"]);
        assert_eq!(days, Days::up_to(day("2027-01-02"), 4));
        assert_eq!(Days::new(day("2027-01-02"), day("2026-12-30")), None);
        let end = day("9999-12-31");
        assert_eq!(Days::new(end, end).unwrap().count(), 1);
    }

    #[test]
    fn splits_without_losing_a_day() {
        let days = Days::up_to(day("2026-11-30"), 30);
        for parts in [0, 1, 7, 8, 30, 99] {
            let split = days.split(parts);
            assert!(split.len() <= parts.max(1));
            let each: Vec<Days> = split.into_iter().flat_map(Days::each).collect();
            assert_eq!(each, days.each().collect::<Vec<_>>(), "{parts}");
        }
    }

    #[test]
    fn has_whole_weeks_between_other_days() {
        let days = |first, last| Days::new(day(first), day(last));
        let around = |first, last| days(first, last).unwrap().around_weeks();
        let week = days("2026-11-23", "2026-11-29");
        assert_eq!(around("2026-11-23", "2026-11-29"), [None, week, None]);
        let before = days("2026-11-17", "2026-11-22");
        assert_eq!(around("2026-11-17", "2026-11-30"), [before, week, days("2026-11-30", "2026-11-30")]);
        assert_eq!(around("2026-11-24", "2026-11-30"), [days("2026-11-24", "2026-11-30"), None, None]);
        for (first, last) in [("2026-11-28", "2026-12-05"), ("9999-12-28", "9999-12-31")] {
            assert_eq!(around(first, last), [days(first, last), None, None]);
        }
        let midweek = days("2026-11-25", "2026-12-02").unwrap();
        assert_eq!(Some(midweek.widened(true, false)), days("2026-11-23", "2026-12-02"));
        assert_eq!(Some(midweek.widened(false, true)), days("2026-11-25", "2026-12-06"));
        assert_eq!(Days::week_of("2026-11-29").as_deref(), Some("2026-11-23"));
        assert_eq!(Days::week_of("2026-11-23").as_deref(), Some("2026-11-23"));
        assert_eq!(Days::week_of("today"), None);
    }

    #[test]
    fn reads_one_spelling_only() {
        for text in ["", "2026-2-3", "20261123", "2026-11-31", "2026-11-23T00:00", " 2026-11-23", "+002026-11-23"] {
            assert_eq!(Days::parse(text), None, "{text}");
        }
    }
}
