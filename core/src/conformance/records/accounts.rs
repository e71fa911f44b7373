//! What the usage log adds up to, and how often the hot state's beats were counted.

use jiff::tz::TimeZone;

use super::helpers::{ANSWERS, pages_of, put};
use crate::accounts::{RollUp, RollUpKey};
use crate::admission::{ErrorType, UsageEvent};
use crate::conformance::fixture::{START, lease_id, token_id, usage_event, user_id};
use crate::money::{Calendar, Counter, Nanodollars, WindowId, WindowKind};
use crate::ports::Records;

/// The day on which the suites begin.
const DAY: &str = "2026-11-23";

async fn spent(records: &impl Records, window: &str) -> Vec<(Counter, i64)> {
    let spent = records.spent(&[WindowId(window.to_owned())]).await.expect(ANSWERS);
    let mut spent: Vec<_> = spent.into_iter().map(|spent| (spent.key.counter, spent.amount.0)).collect();
    spent.sort();
    spent
}

fn of_first_user(amount: i64) -> Vec<(Counter, i64)> {
    vec![(Counter::User(user_id(1)), amount), (Counter::Token(token_id(1)), amount), (Counter::Org, amount)]
}

fn costing(number: u16, revision: u32, cost: i64) -> UsageEvent {
    let mut event = usage_event(number, revision);
    event.settlement.cost = Nanodollars(cost);
    event
}

/// Each event counts once, in every window, for everybody whom it concerns; a correction counts in place of it.
pub async fn adds_up_what_was_spent(records: &impl Records) {
    let grouped = UsageEvent { groups: vec!["a:b'".to_owned()], ..costing(2, 1, 1000) };
    for _ in 0..2 {
        put(records, [costing(1, 1, 70), grouped.clone()]).await;
    }
    put(records, [costing(1, 2, 7)]).await;
    put(records, [costing(1, 1, 70)]).await;
    let calendar = Calendar::at(START, &TimeZone::UTC);
    let mut expected = of_first_user(1007);
    expected.insert(2, (Counter::Group("a:b'".to_owned()), 1000));
    for kind in WindowKind::ALL {
        assert_eq!(spent(records, &calendar.window(kind).id.0).await, expected);
    }
    assert_eq!(spent(records, "daily:2026-11-22").await, []);
    let all = WindowKind::ALL.map(|kind| calendar.window(kind).id.clone());
    assert_eq!(records.spent(&all).await.expect(ANSWERS).len(), 16);
}

/// No sum turns over, or into an approximation.
pub async fn adds_up_amounts_exactly(records: &impl Records) {
    put(records, [costing(1, 1, 9_007_199_254_740_993), costing(2, 1, 9_007_199_254_740_993)]).await;
    assert_eq!(spent(records, "total").await, of_first_user(18_014_398_509_481_986));
    put(records, [costing(3, 1, i64::MAX - 5)]).await;
    assert_eq!(spent(records, "total").await, of_first_user(i64::MAX));
    let page = records.roll_ups(DAY, &pages_of(9, None)).await.expect(ANSWERS);
    assert_eq!(page.items[0].1.cost, Nanodollars(i64::MAX));
}

/// What was spent in a window is forgotten some time after its end, and never what was spent in all.
pub async fn forgets_what_was_spent_in_windows_that_ended(records: &impl Records) {
    put(records, [costing(1, 1, 5)]).await;
    let end = Calendar::at(START, &TimeZone::UTC).daily.end.expect("days end");
    assert_eq!(records.forget_spent(end.plus(-1), 9).await.expect(ANSWERS), 0);
    assert_eq!(records.forget_spent(end, 2).await.expect(ANSWERS), 2);
    assert_eq!(records.forget_spent(end, 9).await.expect(ANSWERS), 1);
    assert_eq!(spent(records, "daily:2026-11-23").await, []);
    assert_eq!(records.forget_spent(end.plus(400 * 86400), 99).await.expect(ANSWERS), 6);
    assert_eq!(spent(records, "total").await, of_first_user(5));
}

/// Days add up what was used, by person, token, model and provider; corrections count in place of what they correct.
pub async fn rolls_usage_up_by_day(records: &impl Records) {
    let mut failed = costing(1, 1, 70);
    failed.settlement.error = Some(ErrorType::Abandoned);
    (failed.settlement.estimated, failed.settlement.priced) = (true, false);
    put(records, [failed, costing(2, 1, 30)]).await;
    let key = |day: &str, model: &str| RollUpKey {
        day: day.to_owned(),
        user: user_id(1),
        token: token_id(1),
        model: model.to_owned(),
        provider: "echo".to_owned(),
    };
    let both = RollUp { requests: 2, input: 2, output: 4, cost: Nanodollars(100), ..RollUp::default() };
    let page = records.roll_ups(DAY, &pages_of(9, None)).await.expect(ANSWERS);
    let expected = RollUp { errors: 1, estimated: 1, unpriced: 1, ..both };
    assert_eq!(page.items, [(key(DAY, "echo"), expected)]);

    let mut other = costing(3, 1, 1);
    "Other '%".clone_into(&mut other.call.model);
    let mut yesterday = costing(4, 1, 2);
    yesterday.call.at.0 -= 86_400_000;
    put(records, [costing(1, 2, 8), other, yesterday]).await;
    let first = records.roll_ups(DAY, &pages_of(1, None)).await.expect(ANSWERS);
    let single = RollUp { requests: 1, input: 1, output: 2, cost: Nanodollars(1), ..RollUp::default() };
    assert_eq!(first.items, [(key(DAY, "Other '%"), single)]);
    let second = records.roll_ups(DAY, &pages_of(1, first.next)).await.expect(ANSWERS);
    assert_eq!(second.items, [(key(DAY, "echo"), RollUp { cost: Nanodollars(38), ..both })]);
    assert_eq!(second.next, None);
    let before = records.roll_ups("2026-11-22", &pages_of(9, None)).await.expect(ANSWERS);
    assert_eq!(before.items, [(key("2026-11-22", "echo"), RollUp { cost: Nanodollars(2), ..single })]);
}

/// The log says which leases ended.
pub async fn knows_what_is_in_the_log(records: &impl Records) {
    put(records, [usage_event(1, 1), usage_event(3, 1)]).await;
    let logged = records.logged(&[1, 2, 3].map(lease_id)).await.expect(ANSWERS);
    assert_eq!(logged, [1, 3].map(lease_id));
    assert_eq!(records.logged(&[]).await.expect(ANSWERS), []);
}

/// The highest count stays.
pub async fn remembers_how_often_beats_were_counted(records: &impl Records) {
    assert_eq!(records.beats().await.expect(ANSWERS), 0);
    for (count, expected) in [(3, 3), (2, 3), (7, 7)] {
        records.note_beats(count).await.expect(ANSWERS);
        assert_eq!(records.beats().await.expect(ANSWERS), expected);
    }
}
