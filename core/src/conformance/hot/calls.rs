//! Who is admitted, and who is not.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::helpers::{ask, assert_admitted, cancel, generation, install_all, learn, money, refused, settle};
use crate::admission::{Admit, Installed, Preclusion, Refusal, TokenEntry, UserEntry, Verdict};
use crate::conformance::fixture::{START, admit, budget, email, install, token_entry, user_entry, user_id};
use crate::identity::{Status, Suspension};
use crate::money::{BudgetScope, Calendar, Nanodollars, WindowKind};
use crate::ports::Hot;
use crate::version::{Epoch, Generation, Version};

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
    question.signed_in_since = Some(START.plus(1));

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
    question.signed_in_since = Some(START.plus(11));
    assert_eq!(next(&mut user, &mut token, &question).await, Refusal::SignInTooOld);
    user.last_sign_in = None;
    question.signed_in_since = Some(START.plus(10));
    assert_eq!(next(&mut user, &mut token, &question).await, Refusal::SignInTooOld, "they have never signed in");
    user.last_sign_in = Some(START.plus(10));
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
