//! What the properties of record stores have in common.

use jiff::tz::TimeZone;

use crate::accounts::{Days, Posting};
use crate::admission::{Call, UsageEvent};
use crate::conformance::fixture::{START, usage_event, user_id};
use crate::money::Nanodollars;
use crate::ports::{AuditEntry, AuditQuery, Cursor, PageRequest, Records, TokenQuery, WriteError};
use crate::time::Millis;

/// What a store that works does.
pub(super) const ANSWERS: &str = "the store answers";

/// The day on which the suites begin.
pub(super) const DAY: &str = "2026-11-23";

/// Asks for a page.
pub(super) fn pages_of(limit: u32, cursor: Option<Cursor>) -> PageRequest {
    PageRequest { limit, cursor }
}

/// Asks for a page of the tokens of the `owner`th user.
pub(super) fn tokens_of(owner: u8, limit: u32, cursor: Option<Cursor>) -> TokenQuery {
    TokenQuery { user: user_id(owner), expired_after: START, page: pages_of(limit, cursor) }
}

/// Returns the newest audit entries of an actor, about a target.
pub(super) async fn entries(records: &impl Records, actor: Option<&str>, target: Option<&str>) -> Vec<AuditEntry> {
    let query =
        AuditQuery { actor: actor.map(str::to_owned), target: target.map(str::to_owned), page: pages_of(200, None) };
    records.entries(&query).await.expect(ANSWERS).items
}

/// Says whether a write was refused.
pub(super) fn is_conflict(written: &Result<(), WriteError>) -> bool {
    matches!(written, Err(WriteError::Conflict))
}

/// Returns a usage event, the `number`th, in a revision, as the log has it.
pub(super) fn logged_event(number: u16, revision: u32) -> UsageEvent {
    Posting::of(usage_event(number, revision), &TimeZone::UTC).event
}

/// Puts events into the log, on the calendar of UTC.
pub(super) async fn put(records: &impl Records, events: impl IntoIterator<Item = UsageEvent>) {
    let postings: Vec<Posting> = events.into_iter().map(|event| Posting::of(event, &TimeZone::UTC)).collect();
    records.put_usage(&postings).await.expect(ANSWERS);
}

/// Returns a usage event that cost so much.
pub(super) fn costing(number: u16, revision: u32, cost: i64) -> UsageEvent {
    let mut event = usage_event(number, revision);
    event.settlement.cost = Nanodollars(cost);
    event
}

/// Dates an event that many days before the suites' first.
pub(super) fn days_ago(event: UsageEvent, count: i64) -> UsageEvent {
    let call = Call { at: Millis(event.call.at.0 - count * 86_400_000), ..event.call };
    UsageEvent { call, ..event }
}

/// Returns the days from one to another.
pub(super) fn days(first: &str, last: &str) -> Days {
    let day = |text| Days::parse(text).expect("it is a day");
    Days::new(day(first), day(last)).expect("they are in order")
}
