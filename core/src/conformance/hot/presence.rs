//! Who is signed in, who has been seen, and what must not happen too often.

use super::helpers::install_all;
use super::seen::{activity, sightings};
use crate::conformance::fixture::{START, session, ticket, user_id};
use crate::ports::{Cursor, Hot, Page, PageRequest, SessionCounts, SessionQuery, SessionState, SessionsOf};
use crate::session::Session;
use crate::time::Timestamp;

pub(super) async fn open(hot: &impl Hot, session: &Session) {
    hot.open_session(session).await.expect("the store answers");
}

pub(super) async fn end(hot: &impl Hot, number: u8) {
    assert!(hot.end_session(&ticket(number).hash().session()).await.expect("the store answers"));
}

/// Uses a session; says whether it lives.
pub(super) async fn uses(hot: &impl Hot, number: u8, now: Timestamp) -> bool {
    let state = hot.session(&ticket(number).hash(), now).await.expect("the store answers");
    matches!(state, SessionState::Live(_))
}

/// Returns the `number`th session, of the `owner`th user, opened some seconds after [`START`].
pub(super) fn opened(number: u8, owner: u8, after: i64) -> Session {
    let created = START.plus(after);
    let absolute_expiry = created.plus(86400);
    Session { created, last_seen: created, absolute_expiry, user: user_id(owner), ..session(number) }
}

pub(super) fn first(limit: u32) -> PageRequest {
    PageRequest { limit, cursor: None }
}

async fn page(hot: &impl Hot, of: SessionsOf, now: Timestamp, page: PageRequest) -> Page<Session> {
    hot.sessions(&SessionQuery { of, now, page }).await.expect("the store answers")
}

pub(super) async fn all(hot: &impl Hot, of: SessionsOf, now: Timestamp) -> Vec<Session> {
    let Page { items, next } = page(hot, of, now, first(200)).await;
    assert_eq!(next, None);
    items
}

pub(super) async fn counts(hot: &impl Hot, now: Timestamp) -> (u64, u64) {
    let SessionCounts { sessions, people } = hot.session_counts(now).await.expect("the store answers");
    (sessions, people)
}

/// Those that were opened last come first; what was opened at once is in one order, too.
pub async fn lists_sessions_that_were_opened_last_first(hot: &impl Hot) {
    assert_eq!(all(hot, SessionsOf::Everybody, START).await, []);
    for (number, after) in [(1, 30), (2, 10), (3, 20), (4, 20), (5, 20)] {
        open(hot, &opened(number, number, after)).await;
    }
    let listed = all(hot, SessionsOf::Everybody, START.plus(30)).await;
    let mut at_once = [3, 4, 5].map(|number| opened(number, number, 20));
    at_once.sort_by_key(|session| std::cmp::Reverse(session.ticket.session()));
    let expected: Vec<_> = [opened(1, 1, 30)].into_iter().chain(at_once).chain([opened(2, 2, 10)]).collect();
    assert_eq!(listed, expected);
}

/// Who pages sees each session once that is there all the time, whatever happens meanwhile.
pub async fn pages_through_sessions_that_are_used_opened_and_ended(hot: &impl Hot) {
    install_all(hot, 10).await;
    for number in 0..9 {
        open(hot, &opened(number, number, i64::from(number / 2))).await;
    }
    let now = START.plus(100);
    let mut request = first(2);
    let mut found = Vec::new();
    for round in 0.. {
        let Page { items, next } = page(hot, SessionsOf::Everybody, now, request).await;
        assert!(items.len() == 2 || next.is_none());
        found.extend(items.into_iter().map(|session| session.ticket));
        match round {
            0 => assert!(uses(hot, 0, now).await && uses(hot, 8, now).await),
            1 => open(hot, &opened(9, 9, 100)).await,
            2 => end(hot, 8).await,
            _ => {}
        }
        let Some(cursor) = next else { break };
        request = PageRequest { limit: 2, cursor: Some(cursor) };
    }
    assert_eq!(found.len(), 9);
    assert!((0..9).all(|number| found.contains(&ticket(number).hash())));
}

/// A cursor that no page gave begins somewhere in the list, and is no error.
pub async fn takes_a_foreign_cursor_for_some_place(hot: &impl Hot) {
    open(hot, &opened(1, 1, 0)).await;
    for text in ["", ":", "x", "00:\u{0}'", "-5:[", "99999999999999999999999:a", "(0:+", "1795435200"] {
        let request = PageRequest { limit: 2, cursor: Some(Cursor(text.to_owned())) };
        assert!(page(hot, SessionsOf::Everybody, START, request.clone()).await.items.len() < 2, "{text}");
        assert!(hot.seen(START, &request).await.expect("the store answers").items.len() < 2, "{text}");
    }
}

/// One person's sessions, and those that one session at the identity provider has led to, have lists of their own.
pub async fn lists_the_sessions_of_a_person_and_of_a_provider(hot: &impl Hot) {
    let led_to = |provider: &str, session: Session| Session { idp_session: Some(provider.to_owned()), ..session };
    let sessions = [
        opened(1, 1, 0),
        led_to("s: 1", opened(2, 1, 1)),
        led_to("s: 1", opened(3, 2, 2)),
        led_to("s: 2", opened(4, 2, 3)),
    ];
    for session in &sessions {
        open(hot, session).await;
    }
    let [one, two, three, four] = sessions;
    let now = START.plus(9);
    let provider = |id: &str| SessionsOf::Provider(id.to_owned());
    assert_eq!(all(hot, SessionsOf::User(user_id(1)), now).await, [two.clone(), one]);
    assert_eq!(all(hot, SessionsOf::User(user_id(2)), now).await, [four.clone(), three.clone()]);
    assert_eq!(all(hot, SessionsOf::User(user_id(3)), now).await, []);
    assert_eq!(all(hot, provider("s: 1"), now).await, [three.clone(), two]);
    assert_eq!(all(hot, provider("s: 2"), now).await, [four]);
    assert_eq!(all(hot, provider("s:"), now).await, []);
    let Page { items, next } = page(hot, provider("s: 1"), now, first(1)).await;
    assert_eq!(items, [three]);
    let request = PageRequest { limit: 1, cursor: next };
    let Page { items, next } = page(hot, provider("s: 1"), now, request).await;
    assert_eq!((items.len(), next), (1, None));
}

/// An ended session is in no list and in no count.
pub async fn lists_no_session_that_has_ended(hot: &impl Hot) {
    for (number, owner) in [(1, 1), (2, 1), (3, 2)] {
        open(hot, &Session { idp_session: Some("sid".to_owned()), ..opened(number, owner, 0) }).await;
    }
    assert_eq!(counts(hot, START).await, (3, 2));
    for (number, left) in [(2, (2, 2)), (3, (1, 1))] {
        end(hot, number).await;
        assert_eq!(counts(hot, START).await, left);
    }
    for of in [SessionsOf::Everybody, SessionsOf::User(user_id(1)), SessionsOf::Provider("sid".to_owned())] {
        let left: Vec<_> = all(hot, of, START).await.into_iter().map(|session| session.ticket).collect();
        assert_eq!(left, [ticket(1).hash()]);
    }
    assert_eq!(all(hot, SessionsOf::User(user_id(2)), START).await, []);
    end(hot, 1).await;
    assert_eq!(counts(hot, START).await, (0, 0));
    let known = activity(hot, 1, START).await;
    assert_eq!((known.sessions, known.expiry, known.by_session), (0, None, Some(START)), "they were seen");
}

/// A session whose time is over is in no list and in no count, in the very second; one that is used goes on.
pub async fn lists_no_session_whose_time_is_over(hot: &impl Hot) {
    install_all(hot, 4).await;
    for (number, owner, after) in [(1, 1, 0), (2, 1, 10), (3, 2, 20)] {
        open(hot, &Session { idp_session: Some("sid".to_owned()), ..opened(number, owner, after) }).await;
    }
    assert!(uses(hot, 1, START.plus(3000)).await);
    let before = START.plus(3609);
    assert_eq!(counts(hot, before).await, (3, 2));
    let known = activity(hot, 1, before).await;
    assert_eq!((known.sessions, known.expiry), (2, Some(START.plus(6600))));

    for (now, sessions, people) in [(3610, vec![3, 1], 2), (3620, vec![1], 1), (6599, vec![1], 1), (6600, vec![], 0)] {
        let now = START.plus(now);
        assert_eq!(counts(hot, now).await, (sessions.len() as u64, people), "{now:?}");
        let tickets: Vec<_> = sessions.iter().map(|number| ticket(*number).hash()).collect();
        for of in [SessionsOf::Everybody, SessionsOf::Provider("sid".to_owned())] {
            let listed = all(hot, of, now).await;
            assert_eq!(listed.iter().map(|session| session.ticket).collect::<Vec<_>>(), tickets, "{now:?}");
        }
        let known = activity(hot, 2, now).await;
        assert_eq!(known.sessions == 1, sessions.contains(&3));
    }
    let known = activity(hot, 1, START.plus(6600)).await;
    assert_eq!((known.sessions, known.expiry), (0, None));
}

/// Many sessions that are over make no list shorter.
pub async fn fills_pages_whatever_is_over(hot: &impl Hot) {
    for number in 0..30 {
        let idle = if number % 10 == 0 { 3600 } else { 60 };
        open(hot, &Session { idle, ..opened(number, 1, i64::from(number)) }).await;
    }
    let now = START.plus(100);
    for of in [SessionsOf::Everybody, SessionsOf::User(user_id(1))] {
        let Page { items, next } = page(hot, of.clone(), now, first(2)).await;
        assert_eq!(items.iter().map(|session| session.created.since(START)).collect::<Vec<_>>(), [20, 10]);
        let Page { items, next } = page(hot, of, now, PageRequest { limit: 2, cursor: next }).await;
        assert_eq!(items.iter().map(|session| session.created.since(START)).collect::<Vec<_>>(), [0]);
        assert_eq!(next, None);
    }
    assert_eq!(counts(hot, now).await, (3, 1));
}

/// Lists tell when a session was used last, as it was noted.
pub async fn lists_sessions_with_their_last_use(hot: &impl Hot) {
    install_all(hot, 2).await;
    open(hot, &session(1)).await;
    for (now, noted) in [(59, 0), (60, 60), (119, 60), (300, 300)] {
        let (now, last_seen) = (START.plus(now), START.plus(noted));
        assert!(uses(hot, 1, now).await);
        assert_eq!(all(hot, SessionsOf::Everybody, now).await, [Session { last_seen, ..session(1) }]);
        assert_eq!(sightings(hot, 1, now).await, (Some(last_seen), None));
    }
}
