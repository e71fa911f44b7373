//! How events are booked: each once, whoever crashes when.

use futures_util::future::join_all;
use gateway_core::accounts::Posting;
use gateway_core::admission::UsageEvent;
use gateway_core::conformance::fixture::{usage_event, user_id};
use gateway_core::money::{Counter, Nanodollars, WindowId};
use gateway_core::ports::{Accounts as _, PageRequest, UsageLog as _, UsageQuery};
use gateway_native::dynamodb::DynamoRecords;
use gateway_tests::dynamodb::Fault;
use jiff::tz::TimeZone;

use crate::support::{block_on, store};

fn costing(number: u16, revision: u32, cost: i64) -> Posting {
    let mut event = usage_event(number, revision);
    event.settlement.cost = Nanodollars(cost);
    Posting::of(event, &TimeZone::UTC)
}

/// Returns what the person spent in all, by the sums and by the log.
async fn spent(records: &DynamoRecords) -> (i64, i64) {
    let sums = records.spent(&[WindowId("total".to_owned())]).await.expect("the store answers");
    let sum = sums.iter().find(|spent| spent.key.counter == Counter::User(user_id(1)));
    let (mut logged, mut cursor) = (0, None);
    loop {
        let query = UsageQuery { after: None, page: PageRequest { limit: 200, cursor } };
        let page = records.usage(&query).await.expect("the store answers");
        logged += page.items.iter().map(|event: &UsageEvent| event.settlement.cost.0).sum::<i64>();
        cursor = page.next;
        if cursor.is_none() {
            return (sum.map_or(0, |sum| sum.amount.0), logged);
        }
    }
}

#[test]
fn books_once_what_several_book_at_once() {
    let (records, _table) = store();
    block_on(async {
        let postings: Vec<Posting> = (1..=120).map(|number| costing(number, 1, i64::from(number))).collect();
        // Three processes that were given overlapping parts of the same stream.
        let parts = [&postings[..80], &postings[40..], &postings[..]];
        for booked in join_all(parts.map(|part| records.put_usage(part))).await {
            booked.unwrap();
        }
        assert_eq!(spent(&records).await, (7260, 7260));
    });
}

/// However far somebody got with a batch who then died, the next one ends it first.
#[test]
fn ends_what_somebody_began_who_died() {
    let postings = [costing(1, 2, 7), costing(2, 1, 20)];
    let mut died = 0;
    for passing in 0.. {
        let (records, table) = store();
        let is_whole = block_on(async {
            records.put_usage(&[costing(1, 1, 1000)]).await.unwrap();
            let _ = table.shim.take_counts();
            table.shim.meet_after(passing, "UpdateItem", Fault::Lost);
            let is_whole = records.put_usage(&postings).await.is_ok();
            table.shim.meet_nothing();
            let sent = table.shim.take_counts()["UpdateItem"];
            assert!(is_whole || sent > passing, "so many writes were made, and then none");

            let (sum, logged) = spent(&records).await;
            assert!(sum == 1000 || sum == 27, "one sum changes in one step: {sum}");
            assert!(logged == 1000 || sum == 27, "the sums are never behind the log: {sum} {logged}");
            records.put_usage(&[costing(3, 1, 300)]).await.unwrap();
            let (sum, logged) = spent(&records).await;
            assert_eq!(sum, logged, "after {passing}");
            assert!(sum == 1300 || sum == 327, "all of it or nothing: {sum}");
            records.put_usage(&postings).await.unwrap();
            assert_eq!(spent(&records).await, (327, 327), "after {passing}");
            is_whole
        });
        if is_whole {
            break;
        }
        died += 1;
    }
    assert_eq!(died, 21, "begun, 12 sums, a roll-up, three of the day, two events, their arrival, over");
}

/// One event concerns more sums than a transaction has items.
#[test]
fn books_for_a_person_in_many_groups() {
    let (records, _table) = store();
    block_on(async {
        let mut posting = costing(1, 1, 5);
        posting.event.groups = (0..60).map(|number| format!("group {number} {}", "of many ".repeat(200))).collect();
        records.put_usage(&[posting]).await.unwrap();
        let sums = records.spent(&[WindowId("total".to_owned())]).await.unwrap();
        assert_eq!(sums.len(), 63);
        assert!(sums.iter().all(|spent| spent.amount == Nanodollars(5)));
    });
}
