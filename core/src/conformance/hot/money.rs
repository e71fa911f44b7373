//! What is held, charged and counted.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::helpers::{ask, assert_admitted, generation, in_window, install_all, money, refused, settle};
use crate::admission::{Admit, BudgetsEntry, ErrorType, Install, Installed, Refusal, UserEntry, Verdict};
use crate::conformance::fixture::{
    START, admit, book, budget, email, install, lease_id, settlement, token_id, user_entry, user_id,
};
use crate::money::{Budget, BudgetScope, BudgetSource, Calendar, Limits, Nanodollars, WindowKind};
use crate::ports::{Hot, SpendingQuery, SpendingState};
use crate::version::Version;

/// Repeats of a settlement, and a settlement of a lease that never was, change nothing.
pub async fn settles_a_lease_once(hot: &impl Hot) {
    install_all(hot, 2).await;
    ask(hot, &admit(1, 1, START, 60, &[])).await;
    for cost in [25, 25, 99] {
        settle(hot, 1, START, cost).await;
    }
    settle(hot, 2, START, 1000).await;
    assert_eq!(money(hot, 1).await, (25, 0));
    let (events, _) = hot.pending_usage(10).await.expect("the store answers");
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!((event.id, event.revision, event.user, event.token), (lease_id(1), 1, user_id(1), token_id(1)));
    assert_eq!((event.settlement.cost, event.estimate), (Nanodollars(25), Nanodollars(60)));
    assert_eq!(event.settlement, settlement(1, START, 25));
}

/// Events tell of which groups whoever called was a member, whether the groups have budgets or not, and of which conversation
/// the call was.
pub async fn tells_the_groups_of_whoever_called(hot: &impl Hot) {
    install_all(hot, 3).await;
    for (number, lease) in [(1, 1), (2, 2)] {
        ask(hot, &admit(number, lease, START, 60, &[])).await;
    }
    settle(hot, 2, START, 25).await;
    assert_eq!(hot.sweep(START.plus(200), 50).await.expect("the store answers"), 1);
    let (events, _) = hot.pending_usage(10).await.expect("the store answers");
    let told: Vec<_> = events.into_iter().map(|event| (event.member_of, event.call.session)).collect();
    let even = (vec!["even".to_owned()], Some("session-2".to_owned()));
    assert_eq!(told, [even, (Vec::new(), Some("session-1".to_owned()))]);
}

/// Leases are charged at their estimate 30 s after their expiry, oldest first, a few at a time.
pub async fn sweeps_only_what_is_overdue(hot: &impl Hot) {
    install_all(hot, 2).await;
    for lease in 1..=3 {
        ask(hot, &admit(1, lease, START.plus(i64::from(lease)), 10, &[])).await;
    }
    // The first expires at START + 61 and is overdue at START + 91.
    assert_eq!(hot.sweep(START.plus(90), 50).await.expect("the store answers"), 0);
    assert_eq!(hot.sweep(START.plus(200), 2).await.expect("the store answers"), 2);
    assert_eq!(money(hot, 1).await, (20, 10));
    assert_eq!(hot.sweep(START.plus(200), 2).await.expect("the store answers"), 1);
    assert_eq!(hot.sweep(START.plus(200), 2).await.expect("the store answers"), 0);
    assert_eq!(money(hot, 1).await, (30, 0));
    let (events, _) = hot.pending_usage(10).await.expect("the store answers");
    assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), [1, 2, 3].map(lease_id));
    for event in events {
        assert_eq!((event.revision, event.settlement.cost), (1, Nanodollars(10)));
        assert_eq!((event.settlement.error, event.settlement.estimated), (Some(ErrorType::Abandoned), true));
    }
}

/// What nobody could price is not told as priced because its process died.
pub async fn sweeps_unpriced_calls_as_unpriced(hot: &impl Hot) {
    install_all(hot, 2).await;
    ask(hot, &Admit { priced: false, ..admit(1, 1, START, 0, &[]) }).await;
    assert_eq!(hot.sweep(START.plus(200), 50).await.expect("the store answers"), 1);
    let (events, _) = hot.pending_usage(10).await.expect("the store answers");
    assert!(!events[0].settlement.priced);
}

/// A process that was thought dead settles after all: the difference is charged, once.
pub async fn corrects_a_sweep_once(hot: &impl Hot) {
    install_all(hot, 2).await;
    ask(hot, &admit(1, 1, START, 60, &[])).await;
    assert_eq!(hot.sweep(START.plus(100), 50).await.expect("the store answers"), 1);
    assert_eq!(money(hot, 1).await, (60, 0));
    for _ in 0..2 {
        settle(hot, 1, START.plus(110), 25).await;
    }
    assert_eq!(money(hot, 1).await, (25, 0));
    let (events, _) = hot.pending_usage(10).await.expect("the store answers");
    assert_eq!(events.iter().map(|event| event.revision).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(events[1].settlement.cost, Nanodollars(25));
}

/// A call that runs past midnight counts in the day in which it was admitted.
pub async fn charges_the_windows_of_the_call(hot: &impl Hot) {
    install_all(hot, 2).await;
    let (evening, morning) = (START.plus(43_000), START.plus(43_300));
    ask(hot, &admit(1, 1, evening, 60, &[])).await;
    settle(hot, 1, morning, 25).await;
    assert_eq!(in_window(hot, 1, evening, WindowKind::Daily).await, (25, 0));
    assert_eq!(in_window(hot, 1, morning, WindowKind::Daily).await, (0, 0));
    assert_eq!(in_window(hot, 1, morning, WindowKind::Weekly).await, (25, 0));
}

/// Each scope counts what it is about, and a person's own budget replaces the default one of its window.
pub async fn applies_the_budgets_that_fit(hot: &impl Hot) {
    install_all(hot, 4).await;
    let all: [Budget; 6] = [
        budget(BudgetScope::DefaultUser, WindowKind::Daily, 1000),
        budget(BudgetScope::User(email(2)), WindowKind::Daily, 2000),
        budget(BudgetScope::DefaultUser, WindowKind::Weekly, 3000),
        budget(BudgetScope::Group("even".to_owned()), WindowKind::Daily, 4000),
        budget(BudgetScope::Org, WindowKind::Total, 5000),
        budget(BudgetScope::Token(token_id(1)), WindowKind::Total, 6000),
    ];
    let limits = async |number: u8, lease: u16| match ask(hot, &admit(number, lease, START, 100, &all)).await {
        Verdict::Admitted(admitted) => {
            let states = admitted.budgets.into_iter();
            states.map(|state| (state.budget.limit.0, state.held.0)).collect::<Vec<_>>()
        }
        other => unreachable!("{other:?}"),
    };
    assert_eq!(limits(1, 1).await, [(1000, 100), (3000, 100), (5000, 100), (6000, 100)]);
    assert_eq!(limits(2, 2).await, [(2000, 100), (3000, 100), (4000, 100), (5000, 200)]);
    assert_eq!(limits(0, 3).await, [(1000, 100), (3000, 100), (4000, 200), (5000, 300)]);
    assert_eq!(limits(3, 4).await, [(1000, 100), (3000, 100), (5000, 400)]);
}

/// What administrators decide holds in the next call: in the book, and about one person. The configuration stands above the same
/// scope and window, and what is about one person above what is about everybody.
pub async fn applies_what_administrators_decide(hot: &impl Hot) {
    install_all(hot, 3).await;
    let generation = generation(hot).await;
    let configured = [budget(BudgetScope::Org, WindowKind::Daily, 5000)];
    let states = async |number: u8, lease: u16| match ask(hot, &admit(number, lease, START, 100, &configured)).await {
        Verdict::Admitted(admitted) => {
            let states = admitted.budgets.into_iter();
            states.map(|state| (state.source, state.budget.limit.0, state.held.0)).collect::<Vec<_>>()
        }
        other => unreachable!("{other:?}"),
    };
    let (config, api) = (BudgetSource::Config, BudgetSource::Api);
    assert_eq!(states(1, 1).await, [(config, 5000, 100)]);

    let decided = [
        budget(BudgetScope::DefaultUser, WindowKind::Daily, 1000),
        budget(BudgetScope::DefaultUser, WindowKind::Monthly, 1500),
        budget(BudgetScope::Group("even".to_owned()), WindowKind::Weekly, 2000),
        budget(BudgetScope::Org, WindowKind::Daily, 1),
        budget(BudgetScope::Org, WindowKind::Total, 3000),
        budget(BudgetScope::Token(token_id(1)), WindowKind::Total, 4000),
    ];
    let limits = Limits::from([(WindowKind::Daily, Nanodollars(700)), (WindowKind::Weekly, Nanodollars(800))]);
    let person = UserEntry { limits, version: Version(2), ..user_entry(1) };
    let decision = |version, budgets: &[Budget]| {
        let budgets = Some(book(version, budgets));
        Install { users: vec![person.clone()], budgets, ..Install::nothing(generation) }
    };
    for install in [decision(2, &decided), decision(1, &[])] {
        assert_eq!(hot.install(&install).await.expect("the store answers"), Installed::Done);
    }
    let expected = [(config, 5000), (api, 700), (api, 800), (api, 1500), (api, 3000), (api, 4000)];
    let held = [200, 200, 200, 200, 200, 200];
    let stood = states(1, 2).await;
    assert_eq!(
        stood,
        expected.into_iter().zip(held).map(|((source, limit), held)| (source, limit, held)).collect::<Vec<_>>()
    );
    assert_eq!(
        states(2, 3).await,
        [(config, 5000, 300), (api, 1000, 100), (api, 1500, 100), (api, 2000, 100), (api, 3000, 300)]
    );
    let query = SpendingQuery {
        user: user_id(1),
        token: Some(token_id(1)),
        calendar: Calendar::at(START, &TimeZone::UTC),
        budgets: configured.clone().into(),
    };
    let SpendingState::Known(spending) = hot.spending(&query).await.expect("the store answers") else {
        unreachable!("they were installed")
    };
    let limits: Vec<_> = spending.budgets.iter().map(|state| (state.source, state.budget.limit.0)).collect();
    assert_eq!(limits, expected);
    assert_eq!(spending.budgets[1].budget.scope, BudgetScope::User(email(1)));
    assert_eq!(spending.windows.len(), 4);

    assert_eq!(hot.install(&decision(3, &[])).await.expect("the store answers"), Installed::Done);
    assert_eq!(states(2, 4).await, [(config, 5000, 400)]);
}

/// Nobody is admitted past budgets that were forgotten.
pub async fn admits_nobody_before_it_knows_the_budgets(hot: &impl Hot) {
    let generation = generation(hot).await;
    let without = Install { budgets: None, ..install(1, generation) };
    assert_eq!(hot.install(&without).await.expect("the store answers"), Installed::Done);
    assert_eq!(ask(hot, &admit(1, 1, START, 10, &[])).await, Verdict::Unknown(generation));
    let query = SpendingQuery {
        user: user_id(1),
        token: None,
        calendar: Calendar::at(START, &TimeZone::UTC),
        budgets: [].into(),
    };
    assert_eq!(hot.spending(&query).await.expect("the store answers"), SpendingState::Unknown(generation));
    let book = Install { budgets: Some(BudgetsEntry::default()), ..Install::nothing(generation) };
    assert_eq!(hot.install(&book).await.expect("the store answers"), Installed::Done);
    assert_admitted(&ask(hot, &admit(1, 1, START, 10, &[])).await);
}

/// A budget that is spent is final until its window ends; room that is only held comes back.
pub async fn tells_used_up_from_held(hot: &impl Hot) {
    install_all(hot, 2).await;
    let budgets = [budget(BudgetScope::Org, WindowKind::Daily, 100)];
    assert_admitted(&ask(hot, &admit(1, 1, START, 60, &budgets)).await);
    let Refusal::Reserved(state) = refused(ask(hot, &admit(0, 2, START, 60, &budgets)).await) else {
        unreachable!("60 of 100 are held")
    };
    assert_eq!((state.spent, state.held), (Nanodollars(0), Nanodollars(60)));
    settle(hot, 1, START, 40).await;
    assert_admitted(&ask(hot, &admit(0, 3, START, 60, &budgets)).await);
    settle(hot, 3, START, 75).await;
    let Refusal::Exhausted(state) = refused(ask(hot, &admit(0, 4, START, 0, &budgets)).await) else {
        unreachable!("115 of 100 are spent")
    };
    assert_eq!((state.spent, state.held), (Nanodollars(115), Nanodollars(0)));
    assert_admitted(&ask(hot, &admit(0, 5, START.plus(86400), 60, &budgets)).await);
}

/// A person under their budget with no running call gets in, whatever the estimate; a pool has no such rule.
pub async fn lets_a_persons_only_call_in(hot: &impl Hot) {
    install_all(hot, 3).await;
    let own = [budget(BudgetScope::DefaultUser, WindowKind::Daily, 100)];
    assert_admitted(&ask(hot, &admit(1, 1, START, 1_000_000, &own)).await);
    assert!(matches!(refused(ask(hot, &admit(1, 2, START, 1, &own)).await), Refusal::Reserved(_)));
    settle(hot, 1, START, 99).await;
    assert_admitted(&ask(hot, &admit(1, 3, START, 1_000_000, &own)).await);
    settle(hot, 3, START, 1).await;
    assert!(matches!(refused(ask(hot, &admit(1, 4, START, 0, &own)).await), Refusal::Exhausted(_)));
    let pool = [budget(BudgetScope::Group("even".to_owned()), WindowKind::Daily, 100)];
    assert!(matches!(refused(ask(hot, &admit(2, 5, START, 101, &pool)).await), Refusal::Reserved(_)));
}

/// A model without a price never counts as zero.
pub async fn refuses_unpriced_models_under_a_budget(hot: &impl Hot) {
    install_all(hot, 2).await;
    let budgets = [budget(BudgetScope::Org, WindowKind::Daily, 100)];
    let unpriced = Admit { priced: false, ..admit(1, 1, START, 0, &budgets) };
    assert_eq!(refused(ask(hot, &unpriced).await), Refusal::Unpriced);
    assert_admitted(&ask(hot, &Admit { budgets: Arc::from([]), ..unpriced }).await);
}

/// No amount goes through a number that cannot hold it.
pub async fn adds_large_amounts_exactly(hot: &impl Hot) {
    install_all(hot, 2).await;
    let amounts = [100_000_000, 300_000_000, 100_000_000_000_001, 9_007_199_254_740_991];
    let mut sum = 0;
    for (lease, amount) in (1..).zip(amounts) {
        ask(hot, &admit(1, lease, START, amount, &[])).await;
        assert_eq!(money(hot, 1).await, (sum, amount));
        settle(hot, lease, START, amount).await;
        sum += amount;
        assert_eq!(money(hot, 1).await, (sum, 0));
    }
}

/// Events wait in order until somebody says that they are in the log.
pub async fn keeps_usage_until_it_is_discarded(hot: &impl Hot) {
    install_all(hot, 2).await;
    for lease in 1..=3 {
        ask(hot, &admit(1, lease, START, 10, &[])).await;
        settle(hot, lease, START, i64::from(lease)).await;
    }
    let costs = async || {
        let (events, through) = hot.pending_usage(2).await.expect("the store answers");
        (events.iter().map(|event| event.settlement.cost.0).collect::<Vec<_>>(), through)
    };
    let (first, through) = costs().await;
    assert_eq!(first, [1, 2]);
    assert_eq!(costs().await.0, [1, 2]);
    for _ in 0..2 {
        hot.discard_usage(through).await.expect("the store answers");
        assert_eq!(costs().await.0, [3]);
    }
}
