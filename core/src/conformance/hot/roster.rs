//! How tokens are counted.

use super::helpers::{generation, install_all, learn, learn_all};
use crate::admission::{Install, TokenEntry, UserEntry};
use crate::conformance::fixture::{START, token_entry, user_entry, user_id};
use crate::id::TokenId;
use crate::ports::{Cursor, Hot, Tally};
use crate::time::{Millis, Timestamp};
use crate::token::LISTED_AFTER_EXPIRY;
use crate::version::{Epoch, Generation, Version};

/// When the fixture's tokens expire.
const EXPIRY: Timestamp = START.plus(3 * 86400);

async fn tally(hot: &impl Hot, now: Timestamp) -> Tally {
    hot.tally(now).await.expect("the store answers")
}

/// Returns how many are active, expired and revoked, once everything that there is has been installed.
async fn counted(hot: &impl Hot, now: Timestamp) -> (u64, u64, u64) {
    enrolled(hot, generation(hot).await, None).await;
    match tally(hot, now).await {
        Tally::Counted { active, expired, revoked } => (active, expired, revoked),
        incomplete @ Tally::Incomplete { .. } => unreachable!("{incomplete:?}"),
    }
}

async fn enrolled(hot: &impl Hot, generation: Generation, upto: Option<&str>) {
    let cursor = upto.map(|upto| Cursor(upto.to_owned()));
    hot.enrolled(generation, cursor.as_ref()).await.expect("the store answers");
}

/// Returns one of many tokens of the `owner`th user, of an epoch.
fn token_of(owner: u8, number: u16, epoch: u64) -> TokenEntry {
    let [high, low] = number.to_be_bytes();
    let id = TokenId::new(Millis(START.0 * 1000 + i64::from(number)), [owner, high, low, 0, 0, 0, 0, 0, 0, 0]);
    TokenEntry { id, user: user_id(owner), epoch: Epoch(epoch), ..token_entry(owner) }
}

/// Returns the `number`th user after all of their tokens were revoked that often.
fn user_of_epoch(number: u8, epoch: u64) -> UserEntry {
    UserEntry { token_epoch: Epoch(epoch), version: Version(1 + epoch), ..user_entry(number) }
}

/// A token is active, then expired, then not listed any more; one that was revoked is revoked until then.
pub async fn counts_tokens_as_time_passes(hot: &impl Hot) {
    assert_eq!(counted(hot, START).await, (0, 0, 0));
    install_all(hot, 2).await;
    let later = TokenEntry { expiry: EXPIRY.plus(10), ..token_of(1, 1, 0) };
    learn_all(hot, Vec::new(), vec![later, TokenEntry { revoked: true, ..token_of(1, 2, 0) }]).await;
    assert_eq!(counted(hot, START).await, (3, 0, 1));
    assert_eq!(counted(hot, EXPIRY.plus(-1)).await, (3, 0, 1));
    assert_eq!(counted(hot, EXPIRY).await, (1, 2, 1));
    assert_eq!(counted(hot, EXPIRY.plus(10)).await, (0, 3, 1));
    assert_eq!(counted(hot, EXPIRY.plus(LISTED_AFTER_EXPIRY - 1)).await, (0, 3, 1));
    assert_eq!(counted(hot, EXPIRY.plus(LISTED_AFTER_EXPIRY)).await, (0, 1, 0));
    assert_eq!(counted(hot, EXPIRY.plus(LISTED_AFTER_EXPIRY + 10)).await, (0, 0, 0));
    assert_eq!(counted(hot, START).await, (3, 0, 1), "a clock that is somewhat ahead has nothing forgotten");
    assert_eq!(counted(hot, EXPIRY.plus(LISTED_AFTER_EXPIRY + 86400 + 10)).await, (0, 0, 0));
    learn(hot, None, Some(TokenEntry { expiry: START.plus(-LISTED_AFTER_EXPIRY), ..token_of(1, 3, 0) })).await;
    learn(hot, None, Some(TokenEntry { expiry: START.plus(1 - LISTED_AFTER_EXPIRY), ..token_of(1, 4, 0) })).await;
    assert_eq!(counted(hot, START).await, (0, 1, 0), "what was not listed any more was forgotten");
}

/// Whether it has expired or not.
pub async fn counts_a_token_that_is_revoked_among_the_revoked(hot: &impl Hot) {
    install_all(hot, 3).await;
    for (number, expected) in [(1, (2, 0, 1)), (2, (1, 0, 2))] {
        learn(hot, None, Some(TokenEntry { revoked: true, version: Version(2), ..token_entry(number) })).await;
        assert_eq!(counted(hot, START).await, expected);
    }
    assert_eq!(counted(hot, EXPIRY).await, (0, 1, 2));
}

/// One installation of their record is enough, however many they have.
pub async fn revokes_all_of_a_persons_tokens_at_once(hot: &impl Hot) {
    install_all(hot, 3).await;
    let many = (0..20).map(|number| token_of(1, number, u64::from(number % 3)));
    learn_all(hot, Vec::new(), many.chain([token_of(2, 1, 0)]).collect()).await;
    assert_eq!(counted(hot, START).await, (24, 0, 0));
    learn(hot, Some(user_of_epoch(1, 1)), None).await;
    assert_eq!(counted(hot, START).await, (16, 0, 8), "one of theirs, and seven of the many");
    learn(hot, Some(user_of_epoch(1, 1)), None).await;
    assert_eq!(counted(hot, START).await, (16, 0, 8));
    learn(hot, Some(user_of_epoch(1, 3)), None).await;
    assert_eq!(counted(hot, START).await, (3, 0, 21));
    assert_eq!(counted(hot, EXPIRY).await, (0, 3, 21));
}

/// Whichever is installed first, the token or its owner.
pub async fn counts_a_token_of_a_former_epoch_as_revoked(hot: &impl Hot) {
    learn(hot, Some(user_of_epoch(1, 2)), None).await;
    learn(hot, None, Some(token_of(1, 1, 1))).await;
    assert_eq!(counted(hot, START).await, (0, 0, 1));
    learn(hot, None, Some(token_of(1, 2, 2))).await;
    assert_eq!(counted(hot, START).await, (1, 0, 1));
    learn_all(hot, Vec::new(), vec![token_of(2, 1, 1), token_of(2, 2, 2)]).await;
    assert_eq!(counted(hot, START).await, (3, 0, 1), "nothing is known of their owner");
    learn(hot, Some(user_of_epoch(2, 2)), None).await;
    assert_eq!(counted(hot, START).await, (2, 0, 2));
    learn_all(hot, vec![user_of_epoch(3, 2)], vec![token_of(3, 1, 1), token_of(3, 2, 2)]).await;
    assert_eq!(counted(hot, START).await, (3, 0, 3));
}

/// What was read earlier and comes later makes nothing good again.
pub async fn counts_by_the_newest_version(hot: &impl Hot) {
    let revoked = TokenEntry { revoked: true, version: Version(2), ..token_entry(1) };
    learn_all(hot, vec![user_of_epoch(2, 1)], vec![revoked, token_entry(2)]).await;
    assert_eq!(counted(hot, START).await, (0, 0, 2));
    install_all(hot, 3).await;
    assert_eq!(counted(hot, START).await, (1, 0, 2), "there is one more");
    learn_all(hot, Vec::new(), vec![token_entry(1), token_of(2, 1, 0), token_of(2, 2, 1)]).await;
    assert_eq!(counted(hot, START).await, (2, 0, 3));
}

/// Installations are repeated when their answers are lost.
pub async fn counts_what_is_installed_twice_once(hot: &impl Hot) {
    let revoked = TokenEntry { revoked: true, ..token_of(1, 1, 0) };
    for _ in 0..2 {
        install_all(hot, 2).await;
        learn_all(hot, vec![user_entry(1), user_entry(1)], vec![token_entry(1), revoked.clone(), token_entry(1)]).await;
        assert_eq!(counted(hot, START).await, (2, 0, 1));
    }
}

/// Another generation begins with nothing, whatever the one before had.
pub async fn counts_nobody_in_another_generation(hot: &impl Hot) {
    learn_all(hot, vec![user_of_epoch(1, 5)], vec![token_of(1, 1, 5), token_of(1, 2, 0), token_of(2, 1, 0)]).await;
    assert_eq!(counted(hot, START).await, (2, 0, 1));
    let second = hot.begin_generation().await.expect("the store answers");
    let incomplete = Tally::Incomplete { generation: second, cursor: None };
    assert_eq!(tally(hot, START).await, incomplete);
    learn(hot, None, Some(token_of(2, 2, 0))).await;
    assert_eq!(tally(hot, START).await, incomplete);
    assert_eq!(counted(hot, START).await, (1, 0, 0));
    learn_all(hot, Vec::new(), vec![token_of(1, 2, 0), token_of(2, 1, 0)]).await;
    assert_eq!(counted(hot, START).await, (3, 0, 0), "what was known of owners counts no more");
    learn(hot, Some(user_of_epoch(1, 1)), None).await;
    assert_eq!(counted(hot, START).await, (2, 0, 1), "nor does what they had");
}

/// Until all tokens are enrolled it says how far that came, and from then on that they are.
pub async fn notes_how_far_tokens_were_enrolled(hot: &impl Hot) {
    let current = generation(hot).await;
    let incomplete = |cursor: Option<&str>| {
        let cursor = cursor.map(|cursor| Cursor(cursor.to_owned()));
        Tally::Incomplete { generation: current, cursor }
    };
    assert_eq!(tally(hot, START).await, incomplete(None));
    install_all(hot, 2).await;
    assert_eq!(tally(hot, START).await, incomplete(None));
    for cursor in ["", "a \u{0}\n'\"ü", "b"] {
        enrolled(hot, current, Some(cursor)).await;
        assert_eq!(tally(hot, START).await, incomplete(Some(cursor)));
    }
    enrolled(hot, current, None).await;
    let complete = Tally::Counted { active: 2, expired: 0, revoked: 0 };
    assert_eq!(tally(hot, START).await, complete);
    enrolled(hot, current, Some("a")).await;
    assert_eq!(tally(hot, START).await, complete, "that came late");
}

/// Whoever enrolled in another generation says nothing about this one.
pub async fn notes_no_enrolment_of_another_generation(hot: &impl Hot) {
    let first = generation(hot).await;
    enrolled(hot, first, Some("a")).await;
    let second = hot.begin_generation().await.expect("the store answers");
    for upto in [Some("b"), None] {
        enrolled(hot, first, upto).await;
        assert_eq!(tally(hot, START).await, Tally::Incomplete { generation: second, cursor: None });
    }
    enrolled(hot, second, Some("c")).await;
    let cursor = Some(Cursor("c".to_owned()));
    assert_eq!(tally(hot, START).await, Tally::Incomplete { generation: second, cursor });
}

/// A page of the records, and more, is one installation.
pub async fn counts_many_tokens_of_one_installation(hot: &impl Hot) {
    let users: Vec<_> = (0..30).map(|number| user_of_epoch(number, u64::from(number % 2))).collect();
    let tokens = (0..30_u8).flat_map(|owner| (0..10).map(move |number| token_of(owner, number, 0)));
    let install = Install { users, tokens: tokens.collect(), ..Install::nothing(generation(hot).await) };
    assert_eq!(install.tokens.len(), 300);
    hot.install(&install).await.expect("the store answers");
    assert_eq!(counted(hot, START).await, (150, 0, 150));
    learn(hot, Some(user_of_epoch(0, 2)), None).await;
    assert_eq!(counted(hot, START).await, (140, 0, 160));
}
