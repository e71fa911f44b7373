//! Durations as people write them.

use jiff::{Span, SpanRelativeTo};
use serde::{Deserialize, Deserializer};

/// A duration in whole seconds, written such as `"30s"`, `"8h"`, `"90d"` or `"1h 30m"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub u32);

impl Seconds {
    /// Returns it as a signed number, for adding to times.
    #[must_use]
    pub fn get(self) -> i64 {
        i64::from(self.0)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map(Self).ok_or_else(|| {
            serde::de::Error::custom("a duration is written such as \"30s\", \"15m\", \"8h\" or \"90d\"")
        })
    }
}

fn parse(text: &str) -> Option<u32> {
    let span: Span = text.parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    if duration.subsec_nanos() != 0 {
        return None;
    }
    u32::try_from(duration.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, seconds) in [
            ("30s", 30),
            ("15m", 900),
            ("8h", 28800),
            ("90d", 7_776_000),
            ("1h 30m", 5400),
            ("2w", 1_209_600),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn refuses_fractions_and_the_past() {
        for text in ["", "30", "1.5s", "-1s", "500ms", "forever", "1000y"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
