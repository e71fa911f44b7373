//! What a sink's answer means.

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

/// The longest time that a sink may ask us to wait, in seconds.
const LONGEST_WAIT: i64 = 3600;

/// What became of events that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The sink has them.
    Taken,
    /// It will never take them like this: something among them, or their number.
    Condemned,
    /// It has trouble of its own, or we are not let in: they are sent again later, after so many seconds if it says so.
    Later(Option<i64>),
}

impl Verdict {
    /// Reads it from the head of an answer.
    pub(crate) fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        match status.as_u16() {
            200..=299 => Self::Taken,
            400 | 413 | 422 => Self::Condemned,
            _ => Self::Later(wait(headers)),
        }
    }
}

/// Returns the seconds of `Retry-After` (RFC 9110, section 10.2.3). A date there is not read: our own pauses are as good.
fn wait(headers: &HeaderMap) -> Option<i64> {
    let seconds: i64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(seconds.clamp(0, LONGEST_WAIT))
}

/// Returns how many spans a receiver of OTLP says it did not keep, although it took the request. They are not to be sent again
/// (OTLP, "Partial Success").
pub(crate) fn rejected(body: &[u8]) -> u64 {
    let Ok(answer) = serde_json::from_slice::<serde_json::Value>(body) else { return 0 };
    let count = &answer["partialSuccess"]["rejectedSpans"];
    count.as_u64().or_else(|| count.as_str()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, wait: &str) -> Verdict {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, wait.parse().unwrap())]);
        Verdict::of(StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn tells_bad_events_from_a_sink_in_trouble() {
        for status in [200, 202, 204] {
            assert_eq!(verdict(status, "5"), Verdict::Taken);
        }
        for status in [400, 413, 422] {
            assert_eq!(verdict(status, "5"), Verdict::Condemned);
        }
        for status in [301, 401, 403, 404, 408, 429, 500, 502, 503] {
            assert_eq!(verdict(status, "5"), Verdict::Later(Some(5)));
        }
    }

    #[test]
    fn waits_no_longer_than_an_hour_whatever_a_sink_says() {
        assert_eq!(verdict(429, "999999999"), Verdict::Later(Some(3600)));
        assert_eq!(verdict(429, "-5"), Verdict::Later(Some(0)));
        assert_eq!(verdict(429, "Fri, 31 Dec 1999 23:59:59 GMT"), Verdict::Later(None));
    }

    #[test]
    fn counts_what_was_not_kept() {
        assert_eq!(rejected(br#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}"#), 3);
        assert_eq!(rejected(br#"{"partialSuccess":{"rejectedSpans":2}}"#), 2);
        for none in ["", "{}", "{\"partialSuccess\":{}}", "ok"] {
            assert_eq!(rejected(none.as_bytes()), 0);
        }
    }
}
