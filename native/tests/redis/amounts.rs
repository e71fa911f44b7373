//! Amounts that no Lua number holds.

use gateway_core::admission::{Refusal, Verdict};
use gateway_core::conformance::fixture::{START, admit, budget, settlement, user_id};
use gateway_core::conformance::hot::install_all;
use gateway_core::money::{Budget, BudgetScope, Calendar, Counter, Nanodollars, WindowKind};
use gateway_core::ports::{Admission as _, Totals, Usage as _};
use jiff::tz::TimeZone;

use crate::support::{Store, block_on, refused, store};

const AMOUNTS: [i64; 7] = [
    100_000_000,
    300_000_000,
    100_000_000_000_001,
    9_007_199_254_740_991,
    9_007_199_254_740_993,
    4_611_686_018_427_387_903,
    9_000_000_000_000_000_001,
];

fn org(limit: i64) -> [Budget; 1] {
    [budget(BudgetScope::Org, WindowKind::Total, limit)]
}

async fn total(hot: &Store) -> (i64, i64) {
    let calendar = Calendar::at(START, &TimeZone::UTC);
    let totals = hot.totals(&calendar, &[(WindowKind::Total, Counter::User(user_id(1)))]).await;
    let Totals { spent, held } = totals.expect("the store answers")[0];
    (spent.0, held.0)
}

#[test]
fn fills_a_large_budget_to_the_last_nanodollar() {
    for amount in AMOUNTS {
        let (hot, _redis) = store();
        block_on(async {
            install_all(&hot, 1).await;
            let half = amount / 2;
            hot.admit(&admit(0, 1, START, half, &org(amount))).await.unwrap();
            let rest = amount - half;
            let Refusal::Reserved(state) =
                refused(hot.admit(&admit(0, 2, START, rest + 1, &org(amount))).await.unwrap())
            else {
                unreachable!("one too many")
            };
            assert_eq!((state.spent.0, state.held.0), (0, half));
            let Verdict::Admitted(admitted) = hot.admit(&admit(0, 3, START, rest, &org(amount))).await.unwrap() else {
                unreachable!("there is room for {rest} of {amount}")
            };
            assert_eq!(admitted.budgets[0].held, Nanodollars(amount));
            for (lease, cost) in [(1, half), (3, rest - 1)] {
                hot.settle(&settlement(lease, START, cost)).await.unwrap();
            }
            hot.admit(&admit(0, 4, START, 1, &org(amount))).await.unwrap();
            hot.settle(&settlement(4, START, 1)).await.unwrap();
            assert!(matches!(
                refused(hot.admit(&admit(0, 5, START, 0, &org(amount))).await.unwrap()),
                Refusal::Exhausted(_)
            ));
        });
    }
}

#[test]
fn stops_at_the_most_that_there_is() {
    let (hot, _redis) = store();
    block_on(async {
        install_all(&hot, 2).await;
        for lease in 1..=2 {
            hot.admit(&admit(1, lease, START, 5, &[])).await.unwrap();
            hot.settle(&settlement(lease, START, i64::MAX - 1)).await.unwrap();
        }
        assert_eq!(total(&hot).await, (i64::MAX, 0));
        assert_eq!(hot.pending_usage(9).await.unwrap().0.len(), 2);
    });
}
