//! The windows in which budgets count. A window is a function of the time: nothing is ever reset.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How long a budget's money has to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowKind {
    /// From midnight to midnight.
    Daily,
    /// From Monday's midnight.
    Weekly,
    /// From the first of the month.
    Monthly,
    /// For ever.
    Total,
}

impl WindowKind {
    /// Every kind, shortest first.
    pub const ALL: [Self; 4] = [Self::Daily, Self::Weekly, Self::Monthly, Self::Total];

    /// Returns its name in the API and in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Total => "total",
        }
    }
}

/// Names one window: its kind and the first day of it, such as `daily:2026-11-23`; `total` has none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WindowId(pub String);

/// One window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its name.
    pub id: WindowId,
    /// The first second of the next one; none for `total`.
    pub end: Option<Timestamp>,
}

/// The four windows that are running at one moment, on one time zone's calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// Today.
    pub daily: Window,
    /// This week.
    pub weekly: Window,
    /// This month.
    pub monthly: Window,
    /// All time.
    pub total: Window,
}

impl Calendar {
    /// Returns the windows that are running at `now` in `zone`.
    ///
    /// A midnight that the zone skips (daylight saving) moves to the first moment that exists.
    #[must_use]
    pub fn at(now: Timestamp, zone: &TimeZone) -> Self {
        let local = jiff::Timestamp::from_second(now.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
        let today = local.date();
        let monday = today.saturating_sub(i64::from(today.weekday().since(Weekday::Monday)).days());
        let first = today.first_of_month();
        Self {
            daily: window("daily", today, today.saturating_add(1.day()), &local),
            weekly: window("weekly", monday, monday.saturating_add(7.days()), &local),
            monthly: window("monthly", first, first.saturating_add(1.month()), &local),
            total: Window { id: WindowId("total".to_owned()), end: None },
        }
    }

    /// Returns today's date, such as `2026-11-23`.
    #[must_use]
    pub fn day(&self) -> &str {
        self.daily.id.0.split_once(':').map_or("", |(_, day)| day)
    }

    /// Returns the running window of a kind.
    #[must_use]
    pub const fn window(&self, kind: WindowKind) -> &Window {
        match kind {
            WindowKind::Daily => &self.daily,
            WindowKind::Weekly => &self.weekly,
            WindowKind::Monthly => &self.monthly,
            WindowKind::Total => &self.total,
        }
    }
}

fn window(kind: &str, first: jiff::civil::Date, next: jiff::civil::Date, local: &Zoned) -> Window {
    let end = next.to_zoned(local.time_zone().clone()).map_or(i64::MAX, |start| start.timestamp().as_second());
    Window { id: WindowId(format!("{kind}:{first}")), end: Some(Timestamp(end)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, zone: &str) -> Calendar {
        let zone = TimeZone::get(zone).unwrap();
        Calendar::at(Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_second()), &zone)
    }

    fn seconds(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_second())
    }

    #[test]
    fn names_the_running_windows() {
        let calendar = at("2026-11-29T23:59:59Z", "UTC");
        assert_eq!(calendar.daily.id.0, "daily:2026-11-29");
        assert_eq!(calendar.weekly.id.0, "weekly:2026-11-23");
        assert_eq!(calendar.monthly.id.0, "monthly:2026-11-01");
        assert_eq!(calendar.total.id.0, "total");
    }

    #[test]
    fn ends_at_the_next_first_second() {
        let calendar = at("2026-12-31T12:00:00Z", "UTC");
        assert_eq!(calendar.daily.end, Some(seconds("2027-01-01T00:00:00Z")));
        assert_eq!(calendar.weekly.end, Some(seconds("2027-01-04T00:00:00Z")));
        assert_eq!(calendar.monthly.end, Some(seconds("2027-01-01T00:00:00Z")));
        assert_eq!(calendar.total.end, None);
    }

    #[test]
    fn follows_the_zones_calendar() {
        let calendar = at("2026-11-22T15:30:00Z", "Asia/Tokyo");
        assert_eq!(calendar.daily.id.0, "daily:2026-11-23");
        assert_eq!(calendar.weekly.id.0, "weekly:2026-11-23");
        assert_eq!(calendar.daily.end, Some(seconds("2026-11-23T15:00:00Z")));
    }

    /// Whoever adds 24 hours, or forgets whose midnight it is, gives people tomorrow's money today or keeps it from them.
    #[test]
    fn never_resets_a_budget_at_the_wrong_hour() {
        for (zone, moment, kind, end) in [
            // An hour is skipped that night: midnight in Berlin is 23:00 before, and 22:00 after.
            ("Europe/Berlin", "2026-03-29T00:59:59Z", WindowKind::Daily, "2026-03-29T22:00:00Z"),
            ("Europe/Berlin", "2026-03-28T22:59:59Z", WindowKind::Daily, "2026-03-28T23:00:00Z"),
            // An hour comes twice: the day has 25.
            ("Europe/Berlin", "2026-10-25T00:30:00Z", WindowKind::Daily, "2026-10-25T23:00:00Z"),
            ("America/New_York", "2026-11-01T04:00:00Z", WindowKind::Daily, "2026-11-02T05:00:00Z"),
            ("America/New_York", "2026-11-01T03:59:59Z", WindowKind::Daily, "2026-11-01T04:00:00Z"),
            // The night in which there is no midnight: the day begins at one.
            ("Africa/Cairo", "2026-04-23T12:00:00Z", WindowKind::Daily, "2026-04-23T22:00:00Z"),
            ("Africa/Cairo", "2026-04-24T12:00:00Z", WindowKind::Daily, "2026-04-24T21:00:00Z"),
            // Zones that are not whole hours away, and those in which it is another day.
            ("Asia/Kathmandu", "2026-06-01T00:00:00Z", WindowKind::Daily, "2026-06-01T18:15:00Z"),
            ("Pacific/Kiritimati", "2026-12-31T10:00:00Z", WindowKind::Monthly, "2027-01-31T10:00:00Z"),
            ("Pacific/Honolulu", "2027-01-01T09:59:59Z", WindowKind::Monthly, "2027-01-01T10:00:00Z"),
            // A week from Monday to Monday, and a month, across a change of the clock.
            ("Europe/Berlin", "2026-03-23T00:00:00Z", WindowKind::Weekly, "2026-03-29T22:00:00Z"),
            ("Europe/Berlin", "2026-10-31T12:00:00Z", WindowKind::Monthly, "2026-10-31T23:00:00Z"),
            ("UTC", "2028-02-29T23:59:59Z", WindowKind::Monthly, "2028-03-01T00:00:00Z"),
        ] {
            let window = at(moment, zone).window(kind).clone();
            assert_eq!(window.end, Some(seconds(end)), "{zone} {moment} {kind:?}");
            // The next one begins there, and not a second before.
            let end = window.end.expect("it ends");
            let zone = TimeZone::get(zone).unwrap();
            assert_eq!(Calendar::at(end.plus(-1), &zone).window(kind).id, window.id);
            assert_ne!(Calendar::at(end, &zone).window(kind).id, window.id);
        }
    }

    #[test]
    fn days_that_change_the_clock_are_not_24_hours() {
        let calendar = at("2026-03-29T10:00:00Z", "Europe/Berlin");
        let Some(end) = calendar.daily.end else { panic!("daily windows end") };
        let start = "2026-03-28T23:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
        assert_eq!(end.0 - start, 23 * 3600);
    }
}
