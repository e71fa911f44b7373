//! What a store does that has lost its memory, or went back to an older one.

use jiff::tz::TimeZone;

use super::helpers::{ask, assert_admitted, generation, in_window, install_all, money, recovery, refused, settle};
use crate::accounts::{Spent, SpentKey};
use crate::admission::{Installed, Refusal, Verdict};
use crate::conformance::fixture::{START, admit, budget, install, lease_id, user_id};
use crate::money::{BudgetScope, Calendar, Counter, Nanodollars, WindowKind};
use crate::ports::{Hot, Loss, Recovery};
use crate::version::Generation;

async fn begin(hot: &impl Hot) -> Generation {
    hot.begin_generation().await.expect("the store answers")
}

async fn loss(hot: &impl Hot) -> Loss {
    hot.loss().await.expect("the store answers").expect("it has lost its memory")
}

async fn recovers(hot: &impl Hot, recovery: &Recovery) -> bool {
    hot.recover(recovery).await.expect("the store answers")
}

fn spent(kind: WindowKind, counter: Counter, amount: i64) -> Spent {
    let window = Calendar::at(START, &TimeZone::UTC).window(kind).id.clone();
    Spent { key: SpentKey { window, counter }, amount: Nanodollars(amount) }
}

/// A new store knows nobody and lets nobody be told, until it knows what was spent.
pub async fn is_told_what_was_spent_before_anybody_is_known(hot: &impl Hot) {
    let Loss { generation, through, has_pending, open } = loss(hot).await;
    assert_eq!((through, has_pending, open), (0, false, Vec::new()));
    assert_eq!(hot.install(&install(1, generation)).await.expect("the store answers"), Installed::Unrecovered);
    assert_eq!(ask(hot, &admit(1, 1, START, 0, &[])).await, Verdict::Unknown(generation));
    assert!(recovers(hot, &recovery(&loss(hot).await, Vec::new())).await);
    assert_eq!(hot.loss().await.expect("the store answers"), None);
    assert_eq!(hot.install(&install(1, generation)).await.expect("the store answers"), Installed::Done);
    assert_admitted(&ask(hot, &admit(1, 1, START, 0, &[])).await);
}

/// In another generation nobody is known any more, whatever version they were known in.
pub async fn knows_nobody_in_another_generation(hot: &impl Hot) {
    install_all(hot, 2).await;
    let first = generation(hot).await;
    let mut newer = install(1, first);
    let token = &mut newer.tokens[0];
    (token.revoked, token.version) = (true, token.version.next());
    hot.install(&newer).await.expect("the store answers");
    let second = begin(hot).await;
    assert_ne!(first, second);
    assert_eq!(ask(hot, &admit(1, 1, START, 0, &[])).await, Verdict::Unknown(second));
    assert_eq!(hot.install(&install(1, first)).await.expect("the store answers"), Installed::Stale(second));
    assert_eq!(generation(hot).await, second);
    // An older version counts now: the one that was there may be of a future that was lost.
    assert_eq!(hot.install(&install(1, second)).await.expect("the store answers"), Installed::Done);
    assert_admitted(&ask(hot, &admit(1, 1, START, 0, &[])).await);
}

/// What was spent is what the records say; what running calls hold stays.
pub async fn takes_over_what_was_spent(hot: &impl Hot) {
    install_all(hot, 2).await;
    for lease in 1..=2 {
        assert_admitted(&ask(hot, &admit(1, lease, START, 60, &[])).await);
    }
    settle(hot, 1, START, 25).await;
    let (events, through) = hot.pending_usage(9).await.expect("the store answers");
    assert_eq!(events.len(), 1);
    hot.discard_usage(through).await.expect("the store answers");
    begin(hot).await;
    let user = Counter::User(user_id(1));
    let spent =
        vec![spent(WindowKind::Daily, user.clone(), 1000), spent(WindowKind::Total, user, 9_007_199_254_740_993)];
    assert!(recovers(hot, &recovery(&loss(hot).await, spent)).await);
    assert_eq!(money(hot, 1).await, (9_007_199_254_740_993, 60));
    assert_eq!(in_window(hot, 1, START, WindowKind::Daily).await, (1000, 60));
    assert_eq!(in_window(hot, 1, START, WindowKind::Monthly).await, (0, 60), "the records know of nothing");

    install_all(hot, 2).await;
    let daily = budget(BudgetScope::DefaultUser, WindowKind::Daily, 1000);
    let refusal = refused(ask(hot, &admit(1, 3, START, 1, &[daily])).await);
    assert!(matches!(refusal, Refusal::Exhausted(state) if state.spent == Nanodollars(1000)));
    settle(hot, 2, START, 7).await;
    assert_eq!(in_window(hot, 1, START, WindowKind::Daily).await, (1007, 0));
}

/// The records know of an event only once it is in their log: while one waits, or came since, nothing is taken over.
pub async fn takes_nothing_over_while_more_happens(hot: &impl Hot) {
    install_all(hot, 2).await;
    for lease in 1..=2 {
        assert_admitted(&ask(hot, &admit(1, lease, START, 60, &[])).await);
    }
    settle(hot, 1, START, 25).await;
    begin(hot).await;
    assert!(loss(hot).await.has_pending);
    assert!(!recovers(hot, &recovery(&loss(hot).await, Vec::new())).await, "an event waits");
    assert_eq!(money(hot, 1).await, (25, 60));
    let (_, through) = hot.pending_usage(9).await.expect("the store answers");
    hot.discard_usage(through).await.expect("the store answers");
    let before = loss(hot).await;
    settle(hot, 2, START, 7).await;
    let (_, through) = hot.pending_usage(9).await.expect("the store answers");
    hot.discard_usage(through).await.expect("the store answers");
    assert!(!recovers(hot, &recovery(&before, Vec::new())).await, "an event came since");
    let other = Loss { generation: Generation(before.generation.0.wrapping_add(1)), ..loss(hot).await };
    assert!(!recovers(hot, &recovery(&other, Vec::new())).await, "another generation");
    assert_eq!(money(hot, 1).await, (32, 0));
    assert!(!loss(hot).await.has_pending);
    assert!(recovers(hot, &recovery(&loss(hot).await, Vec::new())).await);
    assert_eq!(money(hot, 1).await, (0, 0));
}

/// A lease that is in the log was closed: an older copy of the store takes it for open.
pub async fn closes_leases_that_the_log_has(hot: &impl Hot) {
    install_all(hot, 2).await;
    for lease in 1..=2 {
        assert_admitted(&ask(hot, &admit(1, lease, START, 60, &[])).await);
    }
    begin(hot).await;
    let lost = loss(hot).await;
    assert_eq!(lost.open, [1, 2].map(lease_id));
    let recovery = Recovery { closed: vec![lease_id(1)], ..recovery(&lost, Vec::new()) };
    assert!(recovers(hot, &recovery).await);
    assert_eq!(money(hot, 1).await, (0, 60));
    settle(hot, 1, START, 25).await;
    assert_eq!(money(hot, 1).await, (0, 60), "it is charged already");
    assert_eq!(hot.sweep(START.plus(1000), 9).await.expect("the store answers"), 1);
    assert_eq!(money(hot, 1).await, (60, 0));
}

/// A store that counted less than it once said is an older copy of itself.
pub async fn notices_that_it_has_gone_back(hot: &impl Hot) {
    let first = generation(hot).await;
    let count = hot.beat(0).await.expect("the store answers");
    assert_eq!(hot.beat(count).await.expect("the store answers"), count + 1);
    assert_eq!(hot.beat(count).await.expect("the store answers"), count + 2, "somebody else counts, too");
    assert_eq!(generation(hot).await, first);
    assert_eq!(hot.beat(count + 50).await.expect("the store answers"), count + 51);
    let lost = loss(hot).await;
    assert_ne!(lost.generation, first);
    let recovery = Recovery { beats: count + 99, ..recovery(&lost, Vec::new()) };
    assert!(recovers(hot, &recovery).await);
    assert_eq!(hot.beat(count + 99).await.expect("the store answers"), count + 100, "it was told");
    assert_eq!(hot.loss().await.expect("the store answers"), None);
}
