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

    #[test]
    fn days_that_change_the_clock_are_not_24_hours() {
        let calendar = at("2026-03-29T10:00:00Z", "Europe/Berlin");
        let Some(end) = calendar.daily.end else { panic!("daily windows end") };
        let start = "2026-03-28T23:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
        assert_eq!(end.0 - start, 23 * 3600);
    }
}
