//! What the usage log adds up to, and how often the hot state's beats were counted.

use jiff::tz::TimeZone;

use super::helpers::{ANSWERS, DAY, costing, days, days_ago, pages_of, put};
use super::sums::{by, told};
use crate::admission::UsageEvent;
use crate::conformance::fixture::{START, lease_id, token_id, usage_event, user_id};
use crate::id::LeaseId;
use crate::money::{Calendar, Counter, WindowId, WindowKind};
use crate::ports::{Records, UsageQuery};
use crate::time::Millis;

async fn spent(records: &impl Records, window: &str) -> Vec<(Counter, i64)> {
    let spent = records.spent(&[WindowId(window.to_owned())]).await.expect(ANSWERS);
    let mut spent: Vec<_> = spent.into_iter().map(|spent| (spent.key.counter, spent.amount.0)).collect();
    spent.sort();
    spent
}

fn of_first_user(amount: i64) -> Vec<(Counter, i64)> {
    vec![(Counter::User(user_id(1)), amount), (Counter::Token(token_id(1)), amount), (Counter::Org, amount)]
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
    assert_eq!(told(records, &by("provider", days(DAY, DAY))).await, [(vec!["echo".to_owned()], 3, i64::MAX)]);
    put(records, [days_ago(costing(4, 1, i64::MAX), 1)]).await;
    for things in ["day,token", "provider", "token,user"] {
        let sums = told(records, &by(things, days("2026-11-22", DAY))).await;
        assert!(sums.iter().all(|(_, _, cost)| *cost == i64::MAX), "{things}: {sums:?}");
    }
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

/// Old calls are forgotten, and what they add up to is not.
pub async fn forgets_usage_that_is_old(records: &impl Records) {
    let old = |number: u16| {
        let id = LeaseId::new(Millis((START.0 - 86_400) * 1000 + i64::from(number)), [3; 10]);
        UsageEvent { id, ..days_ago(costing(number, 1, 5), 1) }
    };
    let kept = [1, 2, 3].map(|number| costing(number, 1, 1));
    put(records, (4..=8).map(old).chain(kept)).await;
    assert_eq!(records.forget_usage(START.plus(-86_400), 9).await.expect(ANSWERS), 0);
    assert_eq!(records.forget_usage(START, 2).await.expect(ANSWERS), 2);
    assert_eq!(records.forget_usage(START, 9).await.expect(ANSWERS), 3);
    assert_eq!(records.forget_usage(START, 9).await.expect(ANSWERS), 0);
    let query = UsageQuery { after: None, page: pages_of(9, None) };
    let left: Vec<LeaseId> = records.usage(&query).await.expect(ANSWERS).items.iter().map(|event| event.id).collect();
    assert_eq!(left, [1, 2, 3].map(lease_id));
    let before = days("2026-11-22", "2026-11-22");
    assert_eq!(told(records, &by("day", before)).await, [(vec!["2026-11-22".to_owned()], 5, 25)]);
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
