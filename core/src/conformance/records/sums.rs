//! What calls add up to by day, person, token, model, provider and group.

use super::helpers::{ANSWERS, DAY, costing, days, days_ago, put};
use crate::accounts::{Breakdown, DaySum, Days, Facts, Histogram, Latency, RollUp, Row, SumQuery};
use crate::admission::{ErrorType, UsageEvent};
use crate::conformance::fixture::{token_id, user_id};
use crate::money::Nanodollars;
use crate::ports::Records;

/// Returns what is asked for, which is not too much.
async fn sums(records: &impl Records, query: &SumQuery) -> Vec<Row> {
    let mut rows = records.sums(query).await.expect(ANSWERS).expect("so much may be read");
    rows.sort_by(|one, other| one.facts.cmp(&other.facts));
    rows
}

/// Asks for everybody's sums by something.
pub(super) fn by(things: &str, days: Days) -> SumQuery {
    let things = if things.is_empty() { Breakdown::default() } else { Breakdown::parse(things).expect("it is known") };
    SumQuery::of_everybody(&things, days, 99)
}

/// Returns sums as their texts in the order of [`Facts`], calls and cost.
pub(super) async fn told(records: &impl Records, query: &SumQuery) -> Vec<(Vec<String>, i64, i64)> {
    let texts = |facts: Facts| {
        let Facts { day, user, token, model, provider, group } = facts;
        let ids = [user.map(|id| id.to_string()), token.map(|id| id.to_string())];
        [day].into_iter().chain(ids).chain([model, provider, group]).flatten().collect()
    };
    let rows = sums(records, query).await.into_iter();
    rows.map(|row| (texts(row.facts), row.sum.usage.requests, row.sum.usage.cost.0)).collect()
}

/// Days add up what was used, by person, token, model and provider; corrections count in place of what they correct.
pub async fn rolls_usage_up_by_day(records: &impl Records) {
    let all = |first| by("day,user,token,model,provider", days(first, DAY));
    let facts = |day: &str, model: &str| Facts {
        day: Some(day.to_owned()),
        user: Some(user_id(1)),
        token: Some(token_id(1)),
        model: Some(model.to_owned()),
        provider: Some("echo".to_owned()),
        group: None,
    };
    let row = |facts, usage| Row { facts, sum: DaySum { usage, ..DaySum::default() } };
    let mut failed = costing(1, 1, 70);
    failed.settlement.error = Some(ErrorType::Abandoned);
    (failed.settlement.estimated, failed.settlement.priced) = (true, false);
    put(records, [failed, costing(2, 1, 30)]).await;
    let both = RollUp { requests: 2, input: 2, output: 4, cost: Nanodollars(100), ..RollUp::default() };
    let expected = RollUp { errors: 1, estimated: 1, unpriced: 1, ..both };
    assert_eq!(sums(records, &all("2026-11-22")).await, [row(facts(DAY, "echo"), expected)]);

    let mut other = costing(3, 1, 1);
    "Other '%".clone_into(&mut other.call.model);
    put(records, [costing(1, 2, 8), other, days_ago(costing(4, 1, 2), 1)]).await;
    let single = RollUp { requests: 1, input: 1, output: 2, cost: Nanodollars(1), ..RollUp::default() };
    let today =
        [row(facts(DAY, "Other '%"), single), row(facts(DAY, "echo"), RollUp { cost: Nanodollars(38), ..both })];
    assert_eq!(sums(records, &all(DAY)).await, today);
    let before = row(facts("2026-11-22", "echo"), RollUp { cost: Nanodollars(2), ..single });
    assert_eq!(sums(records, &all("2026-11-22")).await, [&[before], &today[..]].concat());
}

/// Days, and whatever else is not told apart, are added up.
pub async fn adds_up_what_is_not_told_apart(records: &impl Records) {
    let others = UsageEvent { user: user_id(2), token: token_id(2), ..costing(5, 1, 1000) };
    let mut second = UsageEvent { token: token_id(3), ..costing(2, 1, 2) };
    "b".clone_into(&mut second.call.model);
    let mut third = days_ago(costing(3, 1, 4), 1);
    "a".clone_into(&mut third.call.provider);
    put(records, [costing(1, 1, 1), second, third, days_ago(costing(4, 1, 8), 1), others]).await;
    let both = days("2026-11-22", DAY);
    let [one, two] = [1, 2].map(|number| user_id(number).to_string());
    let [first, second, third] = [1, 2, 3].map(|number| token_id(number).to_string());
    let row = |texts: &[&str], requests, cost| {
        (texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), requests, cost)
    };
    assert_eq!(told(records, &by("provider", both)).await, [row(&["a"], 1, 4), row(&["echo"], 4, 1011)]);
    let whose = [row(&[&one, &first], 3, 13), row(&[&one, &third], 1, 2), row(&[&two, &second], 1, 1000)];
    for things in ["token", "user,token"] {
        assert_eq!(told(records, &by(things, both)).await, whose, "{things}: whose a token is goes with it");
    }
    let models = [row(&[&one, "b"], 1, 2), row(&[&one, "echo"], 3, 13), row(&[&two, "echo"], 1, 1000)];
    assert_eq!(told(records, &by("user,model", both)).await, models);
    let by_day = [row(&["2026-11-22", "a"], 1, 4), row(&["2026-11-22", "echo"], 1, 8), row(&[DAY, "echo"], 3, 1003)];
    assert_eq!(told(records, &by("provider,day", both)).await, by_day);
    assert_eq!(told(records, &by("provider", days(DAY, DAY))).await, [row(&["echo"], 3, 1003)]);
    assert_eq!(told(records, &by("user", both)).await, [row(&[&one], 4, 15), row(&[&two], 1, 1000)]);
    assert_eq!(told(records, &by("", both)).await, [row(&[], 5, 1015)]);
    assert_eq!(told(records, &by("", days("2026-11-24", "2026-11-30"))).await, []);
}

/// However many days are asked for, and wherever they begin, each of them counts once, also with what was corrected later.
pub async fn adds_up_any_days(records: &impl Records) {
    let of = |(number, ago): (u16, i64), revision| {
        let mut event = costing(number, revision, 1 << number << (revision * 20));
        if number.is_multiple_of(3) {
            (event.user, event.token) = (user_id(2), token_id(2));
        }
        days_ago(event, ago)
    };
    put(records, [(1, -1), (2, 1), (3, 6)].map(|which| of(which, 1))).await;
    put(records, [of((2, 1), 2)]).await;
    let ends = ["2026-11-24", "2026-11-22", "2026-11-16"];
    for (first, last) in ends.iter().flat_map(|last| ends.iter().map(move |first| (first, last))) {
        if first > last {
            continue;
        }
        let asked = days(first, last);
        for things in ["user", "token"] {
            let by_day = sums(records, &by(&format!("{things},day"), asked)).await;
            let mut expected = Breakdown::parse(things).expect("it is known").rows(by_day);
            expected.sort_by(|one, other| one.facts.cmp(&other.facts));
            assert_eq!(sums(records, &by(things, asked)).await, expected, "{things} from {first} to {last}");
        }
    }
}

/// Nobody reads more than was allowed, and nobody is told a part of a sum.
pub async fn adds_up_no_more_rows_than_it_may(records: &impl Records) {
    let of = |number: u16| {
        let mut event = costing(number, 1, 1);
        event.call.model = format!("model {number}");
        event
    };
    put(records, (1..=3).map(of)).await;
    let today = days(DAY, DAY);
    let queries = [by("provider", today), by("model", today), SumQuery::of_person(user_id(1), today, 99)];
    for query in queries {
        assert!(!sums(records, &SumQuery { most: 3, ..query.clone() }).await.is_empty(), "{query:?}");
        let refused = records.sums(&SumQuery { most: 2, ..query.clone() }).await.expect(ANSWERS);
        assert_eq!(refused, None, "{query:?}");
    }
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
        let rows = sums(records, &SumQuery::of_person(user_id(user), days, 99)).await;
        rows.into_iter().map(|row| (row.facts.day.unwrap_or_default(), row.sum.usage.cost.0)).collect::<Vec<_>>()
    };
    let two_days = read(1, days("2026-11-22", DAY)).await;
    let told: Vec<&str> = two_days.iter().map(|(day, _)| day.as_str()).collect();
    assert_eq!(told, ["2026-11-22", DAY, DAY, DAY]);
    let mut costs: Vec<i64> = two_days.iter().map(|(_, cost)| *cost).collect();
    costs.sort_unstable();
    assert_eq!(costs, [1, 2, 4, 10], "a correction counts in place of what it corrects");
    let day = |text: &str, cost| (text.to_owned(), cost);
    assert_eq!(read(1, days("2026-11-20", "2026-11-21")).await, [day("2026-11-20", 100), day("2026-11-21", 100)]);
    assert_eq!(read(2, days("2026-11-22", DAY)).await, [day(DAY, 1000)]);
    assert_eq!(read(3, days("2026-11-22", DAY)).await, []);
    let rows = sums(records, &SumQuery::of_person(user_id(2), days(DAY, DAY), 99)).await;
    let facts = Facts {
        day: Some(DAY.to_owned()),
        user: Some(user_id(2)),
        token: Some(token_id(2)),
        model: Some("echo".to_owned()),
        provider: Some("echo".to_owned()),
        group: None,
    };
    let usage = RollUp { requests: 1, input: 1, output: 2, cost: Nanodollars(1000), ..RollUp::default() };
    assert_eq!(rows, [Row { facts, sum: DaySum { usage, ..DaySum::default() } }]);
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
    let row = |texts: &[&str], requests, cost| {
        (texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), requests, cost)
    };
    let before = "2026-11-22";
    assert_eq!(told(records, &by("day", both)).await, [row(&[before], 1, 9), row(&[DAY], 2, 12)]);
    let ids = [1, 2].map(|number| user_id(number).to_string());
    let people = [row(&[before, &ids[0]], 1, 9), row(&[DAY, &ids[0]], 1, 7), row(&[DAY, &ids[1]], 1, 5)];
    assert_eq!(told(records, &by("user,day", both)).await, people);
    let models = [row(&[before, "Other '%"], 1, 9), row(&[DAY, "echo"], 2, 12)];
    assert_eq!(told(records, &by("model,day", both)).await, models);
    let of_groups = [row(&["a:b'"], 1, 7), row(&["even"], 2, 12), row(&[&long], 1, 5)];
    assert_eq!(told(records, &by("group", both)).await, of_groups);
    assert_eq!(told(records, &by("group", days(before, before))).await, []);
    assert_eq!(told(records, &by("day", days("2026-11-24", "2027-11-24"))).await, []);
}

/// No sum of a day turns over, or into an approximation.
pub async fn adds_days_up_exactly(records: &impl Records) {
    put(records, [costing(1, 1, 9_007_199_254_740_993), costing(2, 1, 9_007_199_254_740_993)]).await;
    let today = days(DAY, DAY);
    assert_eq!(told(records, &by("day", today)).await[0].2, 18_014_398_509_481_986);
    put(records, [costing(3, 1, i64::MAX - 5), days_ago(costing(4, 1, i64::MAX), 1)]).await;
    for days in [today, days("2026-11-22", DAY)] {
        for things in ["", "user", "model"] {
            assert_eq!(told(records, &by(things, days)).await[0].2, i64::MAX, "{things}");
        }
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
    let latency = async |things| {
        let rows = sums(records, &by(things, days("2026-11-22", DAY))).await;
        rows.into_iter().next().expect("there is a sum").sum.latency
    };
    let counted = async |things| {
        let Latency { first_byte, duration } = latency(things).await;
        let told = |sum: &Histogram| (sum.count(), sum.percentile(50), sum.percentile(99));
        (told(&first_byte), told(&duration))
    };
    let abandoned = taking(2, 1, (None, 9_000_000), Some(ErrorType::Abandoned));
    put(records, [taking(1, 1, (Some(7), 7), None), abandoned]).await;
    put(records, [taking(3, 1, (Some(3000), 5), Some(ErrorType::Cut))]).await;
    for things in ["", "model"] {
        let expected = ((1, Some(7), Some(7)), (2, Some(5), Some(7)));
        assert_eq!(counted(things).await, expected, "{things}");
    }
    for _ in 0..2 {
        put(records, [taking(2, 2, (Some(3), 4), None), taking(1, 2, (None, 6), Some(ErrorType::Timeout))]).await;
    }
    for things in ["", "model"] {
        let expected = ((1, Some(3), Some(3)), (3, Some(5), Some(6)));
        assert_eq!(counted(things).await, expected, "{things}");
    }
    for things in ["user", "group", "token"] {
        assert_eq!(latency(things).await, Latency::default(), "{things}");
    }
    put(records, [days_ago(taking(4, 1, (Some(3), 4), None), 1)]).await;
    for things in ["", "model"] {
        let expected = ((2, Some(3), Some(3)), (4, Some(4), Some(6)));
        assert_eq!(counted(things).await, expected, "{things}: days are added up");
    }
}
