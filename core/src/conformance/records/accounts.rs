//! What the usage log adds up to, and how often the hot state's beats were counted.

use std::future::Future;

use jiff::tz::TimeZone;

use super::helpers::{ANSWERS, pages_of, put};
use crate::accounts::{Days, Dimension, Histogram, Latency, RollUp, RollUpKey};
use crate::admission::{Call, ErrorType, UsageEvent};
use crate::conformance::fixture::{START, lease_id, token_id, usage_event, user_id};
use crate::id::LeaseId;
use crate::money::{Calendar, Counter, Nanodollars, WindowId, WindowKind};
use crate::ports::{Page, PageRequest, Records, Unavailable, UsageQuery};
use crate::time::Millis;

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

fn days(first: &str, last: &str) -> Days {
    let day = |text| Days::parse(text).expect("it is a day");
    Days::new(day(first), day(last)).expect("they are in order")
}

/// Reads a list to its end, a few rows at a time.
async fn all<T, F>(read: impl Fn(PageRequest) -> F) -> Vec<T>
where
    F: Future<Output = Result<Page<T>, Unavailable>>,
{
    let (mut rows, mut cursor) = (Vec::new(), None);
    loop {
        let page = read(pages_of(2, cursor)).await.expect(ANSWERS);
        assert!(page.items.len() <= 2, "it is asked for no more");
        rows.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return rows;
        }
    }
}

/// Returns the sums of some days: day, name, calls and cost, by name within a day.
async fn sums(records: &impl Records, dimension: Dimension, days: Days) -> Vec<(String, String, i64, i64)> {
    let read = all(|page| async move { records.day_sums(dimension, days, &page).await }).await;
    let in_order: Vec<String> = read.iter().map(|(key, _)| key.day.clone()).collect();
    assert!(in_order.is_sorted(), "{in_order:?}");
    assert!(read.iter().all(|(key, _)| key.dimension == dimension));
    let told = read.into_iter().map(|(key, sum)| (key.day, key.name, sum.usage.requests, sum.usage.cost.0));
    let mut told: Vec<_> = told.collect();
    told.sort();
    told
}

/// An event of that many days before the suites' first.
fn days_ago(event: UsageEvent, count: i64) -> UsageEvent {
    let call = Call { at: Millis(event.call.at.0 - count * 86_400_000), ..event.call };
    UsageEvent { call, ..event }
}

/// Whoever looks at what they spent reads their own roll-ups only, of the days that they ask for.
pub async fn finds_a_persons_roll_ups_by_day(records: &impl Records) {
    let others = UsageEvent { user: user_id(2), token: token_id(2), ..costing(9, 1, 1000) };
    let mut second = costing(2, 1, 2);
    second.token = token_id(3);
    let mut third = costing(3, 1, 4);
    "Other '%".clone_into(&mut third.call.model);
    let before = [(4, 1), (5, 2), (6, 3)].map(|(number, days)| days_ago(costing(number, 1, 100), days));
    put(records, [costing(1, 1, 1), second, third, others].into_iter().chain(before)).await;
    put(records, [days_ago(costing(4, 2, 10), 1)]).await;
    let read = async |user: u8, days: Days| {
        let rows = all(|page| async move { records.user_roll_ups(user_id(user), days, &page).await }).await;
        rows.into_iter().map(|(key, sum)| (key.day, sum.cost.0)).collect::<Vec<_>>()
    };
    let two_days = read(1, days("2026-11-22", DAY)).await;
    let told: Vec<&str> = two_days.iter().map(|(day, _)| day.as_str()).collect();
    assert_eq!(told, ["2026-11-22", DAY, DAY, DAY]);
    let mut costs: Vec<i64> = two_days.iter().map(|(_, cost)| *cost).collect();
    costs.sort_unstable();
    assert_eq!(costs, [1, 2, 4, 10], "a correction counts in place of what it corrects");
    let day = |text: &str, cost| (text.to_owned(), cost);
    assert_eq!(read(1, days("2026-11-20", "2026-11-21")).await, [day("2026-11-20", 100), day("2026-11-21", 100)]);
    assert_eq!(read(2, days("2026-01-01", "2027-01-01")).await, [day(DAY, 1000)]);
    assert_eq!(read(3, days("2026-01-01", "2027-01-01")).await, []);
    let page = records.user_roll_ups(user_id(2), days(DAY, DAY), &pages_of(9, None)).await.expect(ANSWERS);
    let key = RollUpKey {
        day: DAY.to_owned(),
        user: user_id(2),
        token: token_id(2),
        model: "echo".to_owned(),
        provider: "echo".to_owned(),
    };
    let sum = RollUp { requests: 1, input: 1, output: 2, cost: Nanodollars(1000), ..RollUp::default() };
    assert_eq!(page.items, [(key, sum)]);
}

/// Days add up by everything, by person, by model and by each group that somebody is in.
pub async fn adds_days_up_by_one_thing(records: &impl Records) {
    let long = "of many ".repeat(200);
    let groups = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let first = UsageEvent { member_of: groups(&["a:b'", "even", "even"]), ..costing(1, 1, 70) };
    let second = UsageEvent { user: user_id(2), member_of: groups(&["even", &long]), ..costing(2, 1, 5) };
    let mut third = costing(3, 1, 9);
    "Other '%".clone_into(&mut third.call.model);
    let corrected = UsageEvent { member_of: first.member_of.clone(), ..costing(1, 2, 7) };
    for _ in 0..2 {
        put(records, [first.clone(), second.clone(), days_ago(third.clone(), 1)]).await;
    }
    put(records, [corrected]).await;
    put(records, [first]).await;
    let both = days("2026-11-22", DAY);
    let row = |day: &str, name: &str, requests, cost| (day.to_owned(), name.to_owned(), requests, cost);
    let before = "2026-11-22";
    assert_eq!(sums(records, Dimension::All, both).await, [row(before, "", 1, 9), row(DAY, "", 2, 12)]);
    let ids = [1, 2].map(|number| user_id(number).to_string());
    let people = [row(before, &ids[0], 1, 9), row(DAY, &ids[0], 1, 7), row(DAY, &ids[1], 1, 5)];
    assert_eq!(sums(records, Dimension::User, both).await, people);
    let models = [row(before, "Other '%", 1, 9), row(DAY, "echo", 2, 12)];
    assert_eq!(sums(records, Dimension::Model, both).await, models);
    let of_groups = [row(DAY, "a:b'", 1, 7), row(DAY, "even", 2, 12), row(DAY, &long, 1, 5)];
    assert_eq!(sums(records, Dimension::Group, both).await, of_groups);
    assert_eq!(sums(records, Dimension::Group, days(before, before)).await, []);
    assert_eq!(sums(records, Dimension::All, days("2026-11-24", "2027-11-24")).await, []);
}

/// No sum of a day turns over, or into an approximation.
pub async fn adds_days_up_exactly(records: &impl Records) {
    put(records, [costing(1, 1, 9_007_199_254_740_993), costing(2, 1, 9_007_199_254_740_993)]).await;
    let today = days(DAY, DAY);
    assert_eq!(sums(records, Dimension::All, today).await[0].3, 18_014_398_509_481_986);
    put(records, [costing(3, 1, i64::MAX - 5)]).await;
    for dimension in [Dimension::All, Dimension::User, Dimension::Model] {
        assert_eq!(sums(records, dimension, today).await[0].3, i64::MAX);
    }
}

/// It is counted how long calls took, by model and in all: those that ended well until the first byte, those whose end was seen until
/// then. A correction takes back what it corrects.
pub async fn counts_how_long_calls_took(records: &impl Records) {
    let taking = |number, revision, (first_byte, duration), error| {
        let mut event = costing(number, revision, 1);
        event.member_of = vec!["even".to_owned()];
        event.settlement.first_byte_ms = first_byte;
        event.settlement.duration_ms = duration;
        event.settlement.error = error;
        event
    };
    let latency = async |dimension| {
        let page = records.day_sums(dimension, days(DAY, DAY), &pages_of(9, None)).await.expect(ANSWERS);
        page.items.into_iter().next().expect("there is a sum").1.latency
    };
    let counted = async |dimension| {
        let Latency { first_byte, duration } = latency(dimension).await;
        let told = |sum: &Histogram| (sum.count(), sum.percentile(50), sum.percentile(99));
        (told(&first_byte), told(&duration))
    };
    let abandoned = taking(2, 1, (None, 9_000_000), Some(ErrorType::Abandoned));
    put(records, [taking(1, 1, (Some(7), 7), None), abandoned]).await;
    put(records, [taking(3, 1, (Some(3000), 5), Some(ErrorType::Cut))]).await;
    for dimension in [Dimension::All, Dimension::Model] {
        let expected = ((1, Some(7), Some(7)), (2, Some(5), Some(7)));
        assert_eq!(counted(dimension).await, expected, "{dimension:?}");
    }
    for _ in 0..2 {
        put(records, [taking(2, 2, (Some(3), 4), None), taking(1, 2, (None, 6), Some(ErrorType::Timeout))]).await;
    }
    for dimension in [Dimension::All, Dimension::Model] {
        let expected = ((1, Some(3), Some(3)), (3, Some(5), Some(6)));
        assert_eq!(counted(dimension).await, expected, "{dimension:?}");
    }
    for dimension in [Dimension::User, Dimension::Group] {
        assert_eq!(latency(dimension).await, Latency::default(), "{dimension:?}");
    }
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
    assert_eq!(sums(records, Dimension::All, before).await, [("2026-11-22".to_owned(), String::new(), 5, 25)]);
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
