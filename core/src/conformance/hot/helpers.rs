//! What the properties of hot stores have in common.

use jiff::tz::TimeZone;

use crate::accounts::Spent;
use crate::admission::{Admit, Cancel, Install, Installed, Refusal, TokenEntry, UserEntry, Verdict};
use crate::conformance::fixture::{START, book, install, lease_id, settlement, user_id};
use crate::money::{Calendar, Counter, WindowKind};
use crate::ports::{Hot, Loss, Recovery};
use crate::time::Timestamp;
use crate::version::Generation;

/// Asks for the verdict about a call.
pub async fn ask(hot: &impl Hot, admit: &Admit) -> Verdict {
    hot.admit(admit).await.expect("the store answers")
}

/// Returns the generation in which the store lives. One that has lost its memory is told that nothing was spent.
pub async fn generation(hot: &impl Hot) -> Generation {
    if let Some(loss) = hot.loss().await.expect("the store answers") {
        let recovery = recovery(&loss, Vec::new());
        assert!(hot.recover(&recovery).await.expect("the store answers"));
    }
    // No store lives in this one by accident: theirs are random.
    let guess = Generation(u64::MAX);
    match hot.install(&Install::nothing(guess)).await.expect("the store answers") {
        Installed::Stale(generation) => generation,
        Installed::Done | Installed::Unrecovered => guess,
    }
}

/// Returns the recovery after a loss, with what was spent in the windows of [`START`].
#[must_use]
pub fn recovery(loss: &Loss, spent: Vec<Spent>) -> Recovery {
    let calendar = Calendar::at(START, &TimeZone::UTC);
    Recovery {
        generation: loss.generation,
        through: loss.through,
        closed: Vec::new(),
        windows: WindowKind::ALL.map(|kind| calendar.window(kind).clone()).to_vec(),
        spent,
        beats: 0,
        now: START,
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

pub(super) async fn learn(hot: &impl Hot, user: Option<UserEntry>, token: Option<TokenEntry>) {
    learn_all(hot, user.into_iter().collect(), token.into_iter().collect()).await;
}

/// Installs these, in one installation.
pub(super) async fn learn_all(hot: &impl Hot, users: Vec<UserEntry>, tokens: Vec<TokenEntry>) {
    let generation = generation(hot).await;
    let budgets = Some(book(1, &[]));
    let installed = hot.install(&Install { generation, users, tokens, budgets }).await.expect("the store answers");
    assert_eq!(installed, Installed::Done);
}

/// Returns what a user spent and what is held, in the total window.
pub(super) async fn money(hot: &impl Hot, number: u8) -> (i64, i64) {
    in_window(hot, number, START, WindowKind::Total).await
}

pub(super) async fn in_window(hot: &impl Hot, number: u8, at: Timestamp, kind: WindowKind) -> (i64, i64) {
    let calendar = Calendar::at(at, &TimeZone::UTC);
    let totals = hot.totals(&calendar, &[(kind, Counter::User(user_id(number)))]).await.expect("the store answers");
    (totals[0].spent.0, totals[0].held.0)
}

pub(super) fn refused(verdict: Verdict) -> Refusal {
    match verdict {
        Verdict::Refused(refusal) => refusal,
        other => unreachable!("not refused: {other:?}"),
    }
}

pub(super) fn assert_admitted(verdict: &Verdict) {
    assert!(matches!(verdict, Verdict::Admitted(_)), "{verdict:?}");
}

pub(super) async fn settle(hot: &impl Hot, lease: u16, now: Timestamp, cost: i64) {
    hot.settle(&settlement(lease, now, cost)).await.expect("the store answers");
}

pub(super) async fn cancel(hot: &impl Hot, lease: u16, now: Timestamp) {
    hot.cancel(Cancel { lease: lease_id(lease), now }).await.expect("the store answers");
}
