//! Who was seen, what they have, and what is counted.

use jiff::tz::TimeZone;

use super::helpers::{ask, assert_admitted, generation, install_all, learn, learn_all, settle};
use super::presence::{all, counts, first, open, opened};
use crate::admission::{TokenEntry, UserEntry};
use crate::conformance::fixture::{START, admit, session, token_entry, token_id, user_entry, user_id};
use crate::identity::Status;
use crate::money::{Calendar, Counter, Nanodollars, WindowKind};
use crate::ports::{Activity, Cursor, Hot, Page, PageRequest, SessionsOf};
use crate::session::SEEN_FOR;
use crate::time::Timestamp;
use crate::version::{Epoch, Version};

pub(super) async fn activity(hot: &impl Hot, number: u8, now: Timestamp) -> Activity {
    let mut known = hot.activity(&[user_id(number)], now).await.expect("the store answers");
    assert_eq!(known.len(), 1);
    known.remove(0)
}

/// Returns when somebody was seen by a session, and by a token.
pub(super) async fn sightings(hot: &impl Hot, number: u8, now: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
    let Activity { by_session, by_token, .. } = activity(hot, number, now).await;
    (by_session, by_token)
}

/// Who signs in, uses a session or calls with a token is seen; calls are noted once a minute.
pub async fn sees_who_uses_a_session_or_a_token(hot: &impl Hot) {
    install_all(hot, 4).await;
    let seen_count = async |now: Timestamp| hot.seen_count(now).await.expect("the store answers");
    assert_eq!((seen_count(START).await, sightings(hot, 1, START).await), (0, (None, None)));
    for (lease, now, noted) in [(1, 0, 0), (2, 59, 0), (3, 60, 60), (4, 90, 60), (5, 200, 200)] {
        let now = START.plus(now);
        assert_admitted(&ask(hot, &admit(1, lease, now, 0, &[])).await);
        assert_eq!(sightings(hot, 1, now).await, (None, Some(START.plus(noted))));
        assert_eq!(seen_count(now).await, 1);
    }
    open(hot, &opened(1, 1, 100)).await;
    let both = (Some(START.plus(100)), Some(START.plus(200)));
    assert_eq!(sightings(hot, 1, START.plus(200)).await, both);
    open(hot, &opened(2, 2, 200)).await;
    assert_eq!(seen_count(START.plus(200)).await, 2);

    learn(hot, Some(UserEntry { status: Status::Removed, version: Version(2), ..user_entry(3) }), None).await;
    ask(hot, &admit(3, 6, START.plus(200), 0, &[])).await;
    assert_eq!(sightings(hot, 3, START.plus(200)).await, (None, None), "a call that is refused is none");
}

/// Who signs in with an older clock than they were seen by was seen last by that.
pub async fn forgets_no_later_sighting(hot: &impl Hot) {
    open(hot, &opened(1, 1, 100)).await;
    open(hot, &opened(2, 1, 50)).await;
    let Page { items, .. } = hot.seen(START.plus(100), &first(9)).await.expect("the store answers");
    let seen: Vec<_> = items.iter().map(|seen| (seen.user, seen.by_session, seen.sessions)).collect();
    assert_eq!(seen, [(user_id(1), Some(START.plus(100)), 2)]);
}

/// A day after they were seen in one way, it is as if they had not been, in that way.
pub async fn forgets_who_was_not_seen_for_a_day(hot: &impl Hot) {
    install_all(hot, 3).await;
    assert_admitted(&ask(hot, &admit(1, 1, START, 0, &[])).await);
    open(hot, &opened(1, 1, 10)).await;
    for (now, sightings_then, people) in [
        (SEEN_FOR, (Some(START.plus(10)), Some(START)), 1),
        (SEEN_FOR + 1, (Some(START.plus(10)), None), 1),
        (SEEN_FOR + 10, (Some(START.plus(10)), None), 1),
        (SEEN_FOR + 11, (None, None), 0),
    ] {
        let now = START.plus(now);
        assert_eq!(sightings(hot, 1, now).await, sightings_then);
        assert_eq!(hot.seen_count(now).await.expect("the store answers"), people);
        let Page { items, next } = hot.seen(now, &first(9)).await.expect("the store answers");
        assert_eq!((items.len() as u64, next), (people, None));
    }
    let later = START.plus(SEEN_FOR + 100);
    assert_admitted(&ask(hot, &admit(2, 2, later, 0, &[])).await);
    assert_eq!(hot.seen_count(later).await.expect("the store answers"), 1);
    assert_eq!(sightings(hot, 1, later).await, (None, None));
}

/// Who was seen last, in whatever way, comes first; each once, although some were seen in one second.
pub async fn pages_through_who_was_seen(hot: &impl Hot) {
    install_all(hot, 4).await;
    for number in 10..25 {
        open(hot, &opened(number, number, i64::from(number / 5))).await;
    }
    open(hot, &opened(1, 1, 30)).await;
    assert_admitted(&ask(hot, &admit(2, 1, START.plus(40), 0, &[])).await);
    assert_admitted(&ask(hot, &admit(1, 2, START.plus(50), 0, &[])).await);
    let now = START.plus(60);
    let mut seen: Vec<_> = (10..25).map(|number| (START.plus(i64::from(number / 5)), user_id(number))).collect();
    seen.extend([(START.plus(40), user_id(2)), (START.plus(50), user_id(1))]);
    seen.sort_by(|one, other| other.cmp(one));
    for limit in [1, 2, 3, 5, 17, 200] {
        let (mut found, mut request) = (Vec::new(), first(limit));
        loop {
            let Page { items, next } = hot.seen(now, &request).await.expect("the store answers");
            assert!(items.len() == limit as usize || next.is_none());
            found.extend(items.into_iter().map(|seen| (seen.by_session.max(seen.by_token), seen.user)));
            let Some(cursor) = next else { break };
            request = PageRequest { limit, cursor: Some(cursor) };
        }
        assert_eq!(found, seen.iter().map(|(at, user)| (Some(*at), *user)).collect::<Vec<_>>(), "{limit}");
    }
}

/// Who is seen again while somebody pages is not what the others' places hang on.
pub async fn pages_on_although_somebody_is_seen_again(hot: &impl Hot) {
    for number in 0..6 {
        open(hot, &opened(number, number, i64::from(number))).await;
    }
    let Page { items, next } = hot.seen(START.plus(9), &first(2)).await.expect("the store answers");
    assert_eq!(items.iter().map(|seen| seen.user).collect::<Vec<_>>(), [5, 4].map(user_id));
    for number in [4, 3] {
        open(hot, &opened(10 + number, number, 9)).await;
    }
    let request = PageRequest { limit: 9, cursor: next };
    let Page { items, next } = hot.seen(START.plus(9), &request).await.expect("the store answers");
    assert_eq!(items.iter().map(|seen| seen.user).collect::<Vec<_>>(), [2, 1, 0].map(user_id));
    assert_eq!(next, None);
}

/// Each answer is about who was asked for, in that order, whether they are known or not.
pub async fn tells_of_each_person_in_their_order(hot: &impl Hot) {
    install_all(hot, 3).await;
    open(hot, &session(1)).await;
    assert_admitted(&ask(hot, &admit(2, 1, START, 0, &[])).await);
    let nothing = |number| Activity {
        user: user_id(number),
        by_session: None,
        by_token: None,
        sessions: 0,
        expiry: None,
        tokens: None,
    };
    let one = Activity { by_session: Some(START), sessions: 1, expiry: Some(START.plus(3600)), ..nothing(1) };
    let two = Activity { by_token: Some(START), ..nothing(2) };
    let asked = [9, 2, 1, 2].map(user_id);
    let told = hot.activity(&asked, START).await.expect("the store answers");
    assert_eq!(told, [nothing(9), two.clone(), one, two]);
    assert_eq!(hot.activity(&[], START).await.expect("the store answers"), []);
}

/// Good tokens are those that lists show as active; none are told before all are counted.
pub async fn counts_the_good_tokens_of_each_person(hot: &impl Hot) {
    install_all(hot, 3).await;
    let expiry = START.plus(3 * 86400);
    let token = |number: u8, epoch: u64, expiry: Timestamp| TokenEntry {
        id: token_id(number),
        user: user_id(1),
        epoch: Epoch(epoch),
        expiry,
        ..token_entry(number)
    };
    let mut tokens: Vec<_> = (10..30).map(|number| token(number, u64::from(number % 3), expiry)).collect();
    tokens.extend((30..40).map(|number| token(number, u64::from(number % 2), START.plus(i64::from(number)))));
    tokens.push(TokenEntry { revoked: true, ..token(40, 2, expiry) });
    learn_all(hot, Vec::new(), tokens).await;
    let good = async |number: u8, now: Timestamp| activity(hot, number, now).await.tokens;
    assert_eq!(good(1, START).await, None);
    hot.enrolled(generation(hot).await, Some(&Cursor("some".to_owned()))).await.expect("the store answers");
    assert_eq!(good(1, START).await, None);
    hot.enrolled(generation(hot).await, None).await.expect("the store answers");
    for (now, expected) in [(0, 31), (29, 31), (30, 30), (34, 26), (39, 21), (3 * 86400 - 1, 21), (3 * 86400, 0)] {
        assert_eq!(good(1, START.plus(now)).await, Some(expected), "{now}");
    }
    assert_eq!((good(2, START).await, good(9, START).await), (Some(1), Some(0)));
    learn(hot, None, Some(TokenEntry { revoked: true, version: Version(2), ..token(12, 0, expiry) })).await;
    assert_eq!(good(1, START.plus(39)).await, Some(20));
    learn(hot, Some(UserEntry { token_epoch: Epoch(1), version: Version(2), ..user_entry(1) }), None).await;
    assert_eq!(good(1, START.plus(39)).await, Some(14), "five others were of the former epoch, and the first one");
    hot.begin_generation().await.expect("the store answers");
    assert_eq!(good(1, START).await, None);
    hot.enrolled(generation(hot).await, None).await.expect("the store answers");
    assert_eq!(good(1, START).await, Some(0));
}

/// Who is signed in and who was seen does not hang on what the records tell.
pub async fn knows_who_was_seen_in_another_generation(hot: &impl Hot) {
    install_all(hot, 3).await;
    open(hot, &session(1)).await;
    assert_admitted(&ask(hot, &admit(2, 1, START, 0, &[])).await);
    hot.begin_generation().await.expect("the store answers");
    assert_eq!(all(hot, SessionsOf::Everybody, START).await, [session(1)]);
    assert_eq!(counts(hot, START).await, (1, 1));
    assert_eq!(hot.seen_count(START).await.expect("the store answers"), 2);
    assert_eq!(sightings(hot, 1, START).await, (Some(START), None));
    assert_eq!(sightings(hot, 2, START).await, (None, Some(START)));
}

/// Each name counts in its own windows, and is told how long they run on.
pub async fn counts_what_happens_in_a_window(hot: &impl Hot) {
    let count = async |name: &str, now: i64| hot.count(name, 600, Timestamp(now)).await.expect("the store answers");
    assert_eq!(count("a", 6000).await, (1, 600));
    assert_eq!(count("a", 6001).await, (2, 599));
    assert_eq!(count("b: '", 6001).await, (1, 599));
    assert_eq!(count("a", 6599).await, (3, 1));
    assert_eq!(count("a", 6600).await, (1, 600));
    assert_eq!(hot.count("a:10", 0, Timestamp(7)).await.expect("the store answers"), (1, 1));
}

/// What people spent in one window is told for each, held amounts apart.
pub async fn tells_what_each_person_spent(hot: &impl Hot) {
    install_all(hot, 4).await;
    for (lease, number, cost) in [(1, 1, 25), (2, 2, 9_007_199_254_740_993), (3, 1, 5)] {
        assert_admitted(&ask(hot, &admit(number, lease, START, 60, &[])).await);
        settle(hot, lease, START, cost).await;
    }
    assert_admitted(&ask(hot, &admit(3, 4, START, 60, &[])).await);
    let calendar = Calendar::at(START, &TimeZone::UTC);
    let users = [3, 2, 9, 1].map(user_id);
    for kind in WindowKind::ALL {
        let counters = users.map(|user| (kind, Counter::User(user)));
        let totals = hot.totals(&calendar, &counters).await.expect("the store answers");
        let spent: Vec<i64> = totals.iter().map(|totals| totals.spent.0).collect();
        assert_eq!(spent, [0, 9_007_199_254_740_993, 0, 30]);
        assert_eq!(totals[0].held, Nanodollars(60));
    }
    let others = [(WindowKind::Daily, Counter::User(users[3])), (WindowKind::Total, Counter::Org)];
    let former = Calendar::at(Timestamp(0), &TimeZone::UTC);
    let totals = hot.totals(&former, &others).await.expect("the store answers");
    let all = 9_007_199_254_740_993 + 30;
    assert_eq!([totals[0].spent, totals[1].spent], [Nanodollars(0), Nanodollars(all)]);
}
