//! Sessions, values that may be used once, and whose an answer is.

use super::helpers::{generation, install_all, learn};
use crate::admission::UserEntry;
use crate::conformance::fixture::{START, lease_id, session, ticket, user_entry, user_id};
use crate::id::UserId;
use crate::identity::{Status, Suspension};
use crate::ports::{Hot, SessionState};
use crate::session::Session;
use crate::time::Timestamp;
use crate::version::{Epoch, Version};

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
    assert_eq!(hot.find_session(&id).await.expect("the store answers"), Some(session(0)));
    assert!(hot.end_session(&id).await.expect("the store answers"));
    assert!(!is_live(hot, 0, START).await);
    assert!(!hot.end_session(&id).await.expect("the store answers"));
    assert_eq!(hot.find_session(&id).await.expect("the store answers"), None);
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

/// An answer is its first maker's, until its time is over.
pub async fn knows_who_made_an_answer(hot: &impl Hot) {
    let [ann, bob] = [1, 2].map(user_id);
    let note = async |user: UserId, now: Timestamp| {
        hot.note_answer("resp_1", user, now, now.plus(600)).await.expect("the store answers");
    };
    let maker = async |id: &str, now: Timestamp| hot.answer_maker(id, now).await.expect("the store answers");
    assert_eq!(maker("resp_1", START).await, None);
    note(ann, START).await;
    note(bob, START.plus(1)).await;
    assert_eq!(maker("resp_1", START.plus(599)).await, Some(ann));
    assert_eq!(maker("resp_2", START).await, None);
    assert_eq!(maker("resp_1", START.plus(600)).await, None);
    note(bob, START.plus(600)).await;
    assert_eq!(maker("resp_1", START.plus(601)).await, Some(bob));
}

/// What was said is there for whoever asks, as often as they do, until it is discarded or its time is over.
pub async fn keeps_what_was_said_until_it_is_discarded(hot: &impl Hot) {
    let [first, second, other] = [1, 2, 3].map(lease_id);
    for (id, content) in [(first, "ping \u{e4}"), (second, "{\"pong\":1}")] {
        let kept = hot.keep_content(id, content, START, START.plus(600)).await;
        assert!(kept.expect("the store answers"), "{content}");
    }
    let told = async |now: Timestamp| {
        let contents = hot.contents(&[second, other, first], now).await.expect("the store answers");
        contents.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        assert_eq!(told(START.plus(599)).await, ["{\"pong\":1}", "", "ping \u{e4}"]);
    }
    hot.discard_contents(&[other, second]).await.expect("the store answers");
    hot.discard_contents(&[]).await.expect("the store answers");
    assert_eq!(told(START.plus(599)).await, ["", "", "ping \u{e4}"]);
    assert_eq!(told(START.plus(600)).await, ["", "", ""]);
    assert!(hot.contents(&[], START).await.expect("the store answers").is_empty());
}

/// A session that ends after a minute without use does not end while it is used.
pub async fn keeps_a_short_session_that_is_used(hot: &impl Hot) {
    install_all(hot, 2).await;
    let short = Session { idle: 60, ..session(1) };
    hot.open_session(&short).await.expect("the store answers");
    for seconds in [14, 59, 100, 150] {
        assert!(is_live(hot, 1, START.plus(seconds)).await, "{seconds}");
    }
    assert!(!is_live(hot, 1, START.plus(150 + 60)).await);
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
