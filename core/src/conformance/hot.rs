//! What every hot store must do.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::fixture::{
    START, admit, budget, email, install, lease_id, session, settlement, ticket, token_entry, token_id, user_entry,
    user_id,
};
use crate::admission::{
    Admit, Cancel, ErrorType, Install, Installed, Preclusion, Refusal, TokenEntry, UserEntry, Verdict,
};
use crate::identity::{Status, Suspension};
use crate::money::{Budget, BudgetScope, Calendar, Nanodollars, WindowKind};
use crate::ports::{Hot, SessionState, SpendingQuery};
use crate::time::Timestamp;
use crate::version::{Epoch, Generation, Version};

/// Makes a `#[test]` of each property. `$make` makes a fresh store, and something to keep while it is used; `$block_on`
/// runs a future to its end.
#[macro_export]
macro_rules! hot_conformance {
    ($block_on:path, $make:expr) => {
        $crate::hot_conformance! { @each $block_on, $make,
            admits_a_live_token,
            knows_nobody_who_was_not_installed,
            refuses_in_the_order_of_precedence,
            sees_a_revocation_in_the_next_call,
            keeps_newer_versions,
            refuses_installations_of_another_generation,
            changes_nothing_when_an_admit_is_repeated,
            settles_a_lease_once,
            opens_nothing_for_a_call_that_was_given_up,
            keeps_a_charge_that_is_cancelled_too_late,
            sweeps_only_what_is_overdue,
            corrects_a_sweep_once,
            charges_the_windows_of_the_call,
            applies_the_budgets_that_fit,
            tells_used_up_from_held,
            lets_a_persons_only_call_in,
            refuses_unpriced_models_under_a_budget,
            adds_large_amounts_exactly,
            ends_sessions_in_time,
            ends_sessions_with_their_user,
            notes_the_use_of_a_session,
            hands_one_time_values_out_once,
            keeps_usage_until_it_is_discarded,
        }
    };
    (@each $block_on:path, $make:expr, $($property:ident,)*) => {
        $(
            #[test]
            fn $property() {
                let (hot, _kept) = $make;
                $block_on($crate::conformance::hot::$property(&hot));
            }
        )*
    };
}

/// Asks for the verdict about a call.
pub async fn ask(hot: &impl Hot, admit: &Admit) -> Verdict {
    hot.admit(admit).await.expect("the store answers")
}

/// Returns the generation in which the store lives.
pub async fn generation(hot: &impl Hot) -> Generation {
    // No store lives in this one by accident: theirs are random.
    let guess = Generation(u64::MAX);
    let nothing = Install { generation: guess, user: None, token: None };
    match hot.install(&nothing).await.expect("the store answers") {
        Installed::Stale(generation) => generation,
        Installed::Done => guess,
    }
}

/// Installs the first `count` users and their tokens.
pub async fn install_all(hot: &impl Hot, count: u8) {
    let generation = generation(hot).await;
    for number in 0..count {
        let installed = hot.install(&install(number, generation)).await.expect("the store answers");
        assert_eq!(installed, Installed::Done);
    }
}

async fn learn(hot: &impl Hot, user: Option<UserEntry>, token: Option<TokenEntry>) {
    let generation = generation(hot).await;
    let installed = hot.install(&Install { generation, user, token }).await.expect("the store answers");
    assert_eq!(installed, Installed::Done);
}

/// Returns what a user spent and what is held, in the total window.
async fn money(hot: &impl Hot, number: u8) -> (i64, i64) {
    in_window(hot, number, START, WindowKind::Total).await
}

async fn in_window(hot: &impl Hot, number: u8, at: Timestamp, kind: WindowKind) -> (i64, i64) {
    let query = SpendingQuery {
        user: user_id(number),
        email: email(number),
        groups: user_entry(number).groups,
        token: None,
        calendar: Calendar::at(at, &TimeZone::UTC),
        budgets: Arc::from([]),
    };
    let spending = hot.spending(&query).await.expect("the store answers");
    let (_, spent, held) = spending.windows.into_iter().find(|(window, ..)| *window == kind).expect("all windows");
    (spent.0, held.0)
}

fn refused(verdict: Verdict) -> Refusal {
    match verdict {
        Verdict::Refused(refusal) => refusal,
        other => unreachable!("not refused: {other:?}"),
    }
}

fn assert_admitted(verdict: &Verdict) {
    assert!(matches!(verdict, Verdict::Admitted(_)), "{verdict:?}");
}

async fn settle(hot: &impl Hot, lease: u16, now: Timestamp, cost: i64) {
    hot.settle(&settlement(lease, now, cost)).await.expect("the store answers");
}

async fn cancel(hot: &impl Hot, lease: u16, now: Timestamp) {
    hot.cancel(Cancel { lease: lease_id(lease), now }).await.expect("the store answers");
}

/// A live token of an active user is admitted, and the answer has what the front needs.
pub async fn admits_a_live_token(hot: &impl Hot) {
    install_all(hot, 2).await;
    let budgets = [budget(BudgetScope::DefaultUser, WindowKind::Daily, 100)];
    let Verdict::Admitted(admitted) = ask(hot, &admit(1, 1, START, 30, &budgets)).await else {
        unreachable!("a live token is admitted")
    };
    assert_eq!(admitted.email, email(1));
    assert_eq!((admitted.budgets[0].spent, admitted.budgets[0].held), (Nanodollars(0), Nanodollars(30)));
    assert_eq!(admitted.budgets[0].reset, Calendar::at(START, &TimeZone::UTC).daily.end);
    assert_eq!(money(hot, 1).await, (0, 30));
}

/// What the records were not asked about is unknown, not refused and not let in.
pub async fn knows_nobody_who_was_not_installed(hot: &impl Hot) {
    let generation = generation(hot).await;
    assert_eq!(ask(hot, &admit(1, 1, START, 0, &[])).await, Verdict::Unknown(generation));
    learn(hot, Some(user_entry(1)), None).await;
    assert_eq!(ask(hot, &admit(1, 1, START, 0, &[])).await, Verdict::Unknown(generation));
    learn(hot, None, Some(token_entry(1))).await;
    assert_admitted(&ask(hot, &admit(1, 1, START, 0, &[])).await);
}

/// Each reason is told only if no earlier one holds.
pub async fn refuses_in_the_order_of_precedence(hot: &impl Hot) {
    let suspension = Suspension { until: Some(START.plus(50)), reason: "test".to_owned(), by: user_id(9), at: START };
    let until = suspension.until;
    let spent_up = [budget(BudgetScope::Org, WindowKind::Total, 0)];
    let mut question = admit(1, 1, START.plus(3 * 86400), 1, &spent_up);
    question.priced = false;
    question.preclusion = Some(Preclusion::Scope);

    let mut user = UserEntry { status: Status::Removed, token_epoch: Epoch(1), ..user_entry(1) };
    let mut token = TokenEntry { user: user_id(2), revoked: true, ..token_entry(1) };
    let next = async |user: &mut UserEntry, token: &mut TokenEntry, question: &Admit| {
        learn(hot, Some(user.clone()), Some(token.clone())).await;
        user.version = user.version.next();
        token.version = token.version.next();
        refused(ask(hot, question).await)
    };
    assert_eq!(next(&mut user, &mut token, &question).await, Refusal::WrongUser);
    token.user = user_id(1);
    assert_eq!(next(&mut user, &mut token, &question).await, Refusal::Expired);
    question.now = START.plus(49);
    assert_eq!(next(&mut user, &mut token, &question).await, Refusal::Removed);
    user.status = Status::Suspended(suspension);
    assert_eq!(next(&mut user, &mut token, &question).await, Refusal::Revoked);
    token.revoked = false;
    assert_eq!(next(&mut user, &mut token, &question).await, Refusal::Revoked, "its epoch is behind");
    question.epoch = Epoch(1);
    assert_eq!(next(&mut user, &mut token, &question).await, Refusal::Revoked, "the record's epoch is behind");
    token.epoch = Epoch(1);
    question.epoch = Epoch(0);
    assert_eq!(next(&mut user, &mut token, &question).await, Refusal::Revoked, "the claim's epoch is behind");
    question.epoch = Epoch(1);
    assert_eq!(next(&mut user, &mut token, &question).await, Refusal::Suspended { until });
    question.now = START.plus(50);
    assert_eq!(next(&mut user, &mut token, &question).await, Refusal::Precluded(Preclusion::Scope));
    question.preclusion = None;
    assert_eq!(next(&mut user, &mut token, &question).await, Refusal::Unpriced);
    question.priced = true;
    assert!(matches!(next(&mut user, &mut token, &question).await, Refusal::Exhausted(_)));
    question.budgets = Arc::from([]);
    assert_admitted(&ask(hot, &question).await);
}

/// Once an installation is answered, no call is admitted against it.
pub async fn sees_a_revocation_in_the_next_call(hot: &impl Hot) {
    install_all(hot, 3).await;
    assert_admitted(&ask(hot, &admit(1, 1, START, 0, &[])).await);
    learn(hot, None, Some(TokenEntry { revoked: true, version: Version(2), ..token_entry(1) })).await;
    assert_eq!(refused(ask(hot, &admit(1, 2, START, 0, &[])).await), Refusal::Revoked);
    learn(hot, Some(UserEntry { token_epoch: Epoch(1), version: Version(2), ..user_entry(2) }), None).await;
    assert_eq!(refused(ask(hot, &admit(2, 3, START, 0, &[])).await), Refusal::Revoked);
    assert_admitted(&ask(hot, &admit(0, 4, START, 0, &[])).await);
}

/// An installation that comes late does not undo a newer one.
pub async fn keeps_newer_versions(hot: &impl Hot) {
    learn(hot, Some(user_entry(1)), Some(TokenEntry { revoked: true, version: Version(2), ..token_entry(1) })).await;
    learn(hot, None, Some(token_entry(1))).await;
    assert_eq!(refused(ask(hot, &admit(1, 1, START, 0, &[])).await), Refusal::Revoked);
}

/// What was read before the store lost its memory may be older than what it knew.
pub async fn refuses_installations_of_another_generation(hot: &impl Hot) {
    let current = generation(hot).await;
    let other = install(1, Generation(current.0.wrapping_add(1)));
    assert_eq!(hot.install(&other).await.expect("the store answers"), Installed::Stale(current));
    assert_eq!(ask(hot, &admit(1, 1, START, 0, &[])).await, Verdict::Unknown(current));
}

/// An admit whose answer was lost can be asked again.
pub async fn changes_nothing_when_an_admit_is_repeated(hot: &impl Hot) {
    install_all(hot, 2).await;
    let budgets = [budget(BudgetScope::DefaultUser, WindowKind::Daily, 100)];
    let question = admit(1, 1, START, 60, &budgets);
    let first = ask(hot, &question).await;
    assert_eq!(ask(hot, &question).await, first);
    assert_eq!(money(hot, 1).await, (0, 60));
    settle(hot, 1, START, 10).await;
    assert_eq!(refused(ask(hot, &question).await), Refusal::Closed);
    assert_eq!(money(hot, 1).await, (10, 0));
}

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

/// A cancel frees what is held, and stops an admit that comes after it.
pub async fn opens_nothing_for_a_call_that_was_given_up(hot: &impl Hot) {
    install_all(hot, 2).await;
    ask(hot, &admit(1, 1, START, 60, &[])).await;
    cancel(hot, 1, START).await;
    cancel(hot, 1, START).await;
    assert_eq!(money(hot, 1).await, (0, 0));
    cancel(hot, 2, START).await;
    assert_eq!(refused(ask(hot, &admit(1, 2, START.plus(300), 60, &[])).await), Refusal::Closed);
    settle(hot, 1, START, 5).await;
    settle(hot, 2, START, 5).await;
    assert_eq!(money(hot, 1).await, (0, 0));
    assert!(hot.pending_usage(10).await.expect("the store answers").0.is_empty());
}

/// A cancel that comes after the settlement takes nothing back.
pub async fn keeps_a_charge_that_is_cancelled_too_late(hot: &impl Hot) {
    install_all(hot, 2).await;
    ask(hot, &admit(1, 1, START, 60, &[])).await;
    settle(hot, 1, START, 25).await;
    cancel(hot, 1, START).await;
    assert_eq!(money(hot, 1).await, (25, 0));
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

async fn state(hot: &impl Hot, number: u8, now: Timestamp) -> SessionState {
    hot.session(&ticket(number).hash(), now).await.expect("the store answers")
}

async fn is_live(hot: &impl Hot, number: u8, now: Timestamp) -> bool {
    matches!(state(hot, number, now).await, SessionState::Live(_))
}

/// Unused sessions end, used ones end too, and ended ones are over.
pub async fn ends_sessions_in_time(hot: &impl Hot) {
    install_all(hot, 3).await;
    for number in 0..3 {
        hot.open_session(&session(number)).await.expect("the store answers");
    }
    assert_eq!(state(hot, 9, START).await, SessionState::Over);
    assert!(is_live(hot, 1, START.plus(3599)).await);
    assert!(!is_live(hot, 2, START.plus(3600)).await, "idle");
    let mut now = START.plus(3599);
    while now < START.plus(86399) {
        assert!(is_live(hot, 1, now).await);
        now = now.plus(3000);
    }
    assert!(is_live(hot, 1, START.plus(86399)).await);
    assert!(!is_live(hot, 1, START.plus(86400)).await, "absolute");
    let id = ticket(0).hash().session();
    assert!(hot.end_session(&id).await.expect("the store answers"));
    assert!(!is_live(hot, 0, START).await);
    assert!(!hot.end_session(&id).await.expect("the store answers"));
}

/// A session is no better than its user.
pub async fn ends_sessions_with_their_user(hot: &impl Hot) {
    hot.open_session(&session(1)).await.expect("the store answers");
    let generation = generation(hot).await;
    assert_eq!(state(hot, 1, START).await, SessionState::Unknown { user: user_id(1), generation });
    learn(hot, Some(user_entry(1)), None).await;
    assert!(is_live(hot, 1, START).await);
    let suspension = Suspension { until: Some(START.plus(9)), reason: String::new(), by: user_id(9), at: START };
    let suspended = UserEntry { status: Status::Suspended(suspension), version: Version(2), ..user_entry(1) };
    learn(hot, Some(suspended), None).await;
    assert_eq!(state(hot, 1, START.plus(8)).await, SessionState::Over);
    assert!(is_live(hot, 1, START.plus(9)).await);
    learn(hot, Some(UserEntry { session_epoch: Epoch(1), version: Version(3), ..user_entry(1) }), None).await;
    assert_eq!(state(hot, 1, START.plus(9)).await, SessionState::Over);
}

/// Uses are noted to the minute.
pub async fn notes_the_use_of_a_session(hot: &impl Hot) {
    install_all(hot, 2).await;
    hot.open_session(&session(1)).await.expect("the store answers");
    let last_seen = async |now: Timestamp| match state(hot, 1, now).await {
        SessionState::Live(session) => session.last_seen,
        other => unreachable!("{other:?}"),
    };
    last_seen(START.plus(59)).await;
    assert_eq!(last_seen(START.plus(59)).await, START);
    last_seen(START.plus(60)).await;
    assert_eq!(last_seen(START.plus(61)).await, START.plus(60));
}

/// A value is handed out once, and never past its time.
pub async fn hands_one_time_values_out_once(hot: &impl Hot) {
    let keep = async |kind: &str, id: &str, value: &str, now: Timestamp| {
        hot.keep(kind, id, value, now, now.plus(600)).await.expect("the store answers")
    };
    let redeem = async |kind: &str, id: &str, now: Timestamp| hot.redeem(kind, id, now).await.expect("it answers");
    assert!(keep("flow", "a", "first", START).await);
    assert!(!keep("flow", "a", "second", START.plus(599)).await, "the id is taken");
    assert!(keep("replay", "a", "other", START).await, "another kind");
    assert_eq!(redeem("flow", "a", START.plus(599)).await.as_deref(), Some("first"));
    assert_eq!(redeem("flow", "a", START.plus(599)).await, None);
    assert_eq!(redeem("replay", "a", START.plus(600)).await, None, "its time is over");
    assert!(keep("replay", "a", "again", START.plus(600)).await, "the id is free again");
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
