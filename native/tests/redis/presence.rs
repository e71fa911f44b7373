//! Who is signed in and who was seen: how often the server is asked, what is left, and when it goes.

use gateway_core::conformance::fixture::{START, admit, session, ticket, user_id};
use gateway_core::conformance::hot::install_all;
use gateway_core::money::{Calendar, Counter, WindowKind};
use gateway_core::ports::{
    Admission as _, Cursor, Limits as _, PageRequest, Presence as _, SessionQuery, Sessions as _, SessionsOf,
    Usage as _,
};
use gateway_core::redis::Reply;
use gateway_core::session::{SEEN_FOR, Session};
use gateway_core::time::Timestamp;
use jiff::tz::TimeZone;

use crate::support::{Recording, Store, block_on, server, store_on};

fn led_to(number: u8) -> Session {
    Session { idp_session: Some(format!("sid {number}")), ..session(number) }
}

fn query(of: SessionsOf, now: Timestamp, cursor: Option<Cursor>) -> SessionQuery {
    SessionQuery { of, now, page: PageRequest { limit: 200, cursor } }
}

/// Returns the names of the keys that have to do with sessions and with who was seen, and for how long each is kept.
async fn left(transport: &Recording) -> Vec<(String, i64)> {
    let mut left = Vec::new();
    for pattern in ["session*", "signed_in", "active*"] {
        let Reply::List(keys) = transport.command(&["KEYS", &format!("gw:{{main}}:{pattern}")]).await else {
            unreachable!("keys are a list")
        };
        for key in keys {
            let Reply::Text(key) = key else { unreachable!("keys are texts") };
            let Reply::Integer(kept) = transport.command(&["TTL", &key]).await else { unreachable!("it is a number") };
            left.push((key.trim_start_matches("gw:{main}:").to_owned(), kept));
        }
    }
    left.sort();
    left
}

async fn size(transport: &Recording, name: &str) -> i64 {
    match transport.command(&["ZCARD", &format!("gw:{{main}}:{name}")]).await {
        Reply::Integer(size) => size,
        other => unreachable!("it is a number: {other:?}"),
    }
}

/// Asks for a page of everything; returns how many commands each question took.
async fn asked(transport: &Recording, hot: &Store) -> Vec<usize> {
    let now = START.plus(1);
    let page = PageRequest { limit: 200, cursor: None };
    let users: Vec<_> = (0..200).map(user_id).collect();
    let mut counts = Vec::new();
    for provider in [SessionsOf::Everybody, SessionsOf::User(user_id(1)), SessionsOf::Provider("sid 1".to_owned())] {
        hot.sessions(&query(provider, now, None)).await.expect("the store answers");
        counts.push(transport.take().len());
    }
    hot.session_counts(now).await.expect("the store answers");
    counts.push(transport.take().len());
    hot.seen(now, &page).await.expect("the store answers");
    counts.push(transport.take().len());
    hot.seen_count(now).await.expect("the store answers");
    counts.push(transport.take().len());
    hot.activity(&users, now).await.expect("the store answers");
    counts.push(transport.take().len());
    let counters: Vec<_> = users.iter().map(|user| (WindowKind::Total, Counter::User(*user))).collect();
    hot.totals(&Calendar::at(now, &TimeZone::UTC), &counters).await.expect("the store answers");
    counts.push(transport.take().len());
    hot.count("a", 600, now).await.expect("the store answers");
    counts.push(transport.take().len());
    counts
}

#[test]
fn asks_as_often_whatever_there_is() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 1).await;
        asked(&transport, &hot).await;
        transport.take();
        let expected = [2, 2, 2, 1, 2, 1, 1, 1, 1];
        assert_eq!(asked(&transport, &hot).await, expected);
        for number in 0..250 {
            hot.open_session(&led_to(number)).await.unwrap();
        }
        transport.take();
        assert_eq!(asked(&transport, &hot).await, expected);
        hot.end_session(&ticket(1).hash().session()).await.unwrap();
        transport.take();
        hot.end_session(&ticket(2).hash().session()).await.unwrap();
        assert_eq!(transport.take().len(), 2);
        hot.end_session(&ticket(2).hash().session()).await.unwrap();
        assert_eq!(transport.take().len(), 1, "there is none");
    });
}

/// The most that a page holds, and a longer one after it.
#[test]
fn pages_through_many() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        for number in 0..250 {
            hot.open_session(&session(number)).await.unwrap();
        }
        let first = hot.sessions(&query(SessionsOf::Everybody, START, None)).await.unwrap();
        let second = hot.sessions(&query(SessionsOf::Everybody, START, first.next)).await.unwrap();
        assert_eq!((first.items.len(), second.items.len(), second.next), (200, 50, None));
        let first = hot.seen(START, &PageRequest { limit: 200, cursor: None }).await.unwrap();
        let second = hot.seen(START, &PageRequest { limit: 200, cursor: first.next }).await.unwrap();
        assert_eq!((first.items.len(), second.items.len(), second.next), (200, 50, None));
    });
}

#[test]
fn leaves_nothing_of_sessions_that_ended() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 5).await;
        for number in 0..5 {
            hot.open_session(&led_to(number)).await.unwrap();
            hot.session(&ticket(number).hash(), START.plus(100)).await.unwrap();
        }
        for number in 0..5 {
            assert!(hot.end_session(&ticket(number).hash().session()).await.unwrap());
        }
        assert_eq!(left(&transport).await, [("active".to_owned(), -1), ("active:session".to_owned(), -1)]);
    });
}

/// What a person has goes by itself; what is everybody's is forgotten when somebody signs in, asks or is seen.
#[test]
fn forgets_what_is_over() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 9).await;
        for number in 0..9 {
            hot.open_session(&led_to(number)).await.unwrap();
            hot.admit(&admit(number, u16::from(number), START, 0, &[])).await.unwrap();
        }
        for (name, kept) in left(&transport).await {
            let is_everybodys = !name.starts_with("session") || ["sessions", "sessions:order"].contains(&name.as_str());
            assert!(if is_everybodys { kept == -1 } else { (3500..=3660).contains(&kept) }, "{name} {kept}");
        }
        let lists = ["sessions", "sessions:order", "signed_in"];
        hot.session_counts(START.plus(3600)).await.unwrap();
        for name in lists {
            assert_eq!(size(&transport, name).await, 9, "some clocks are behind");
        }
        hot.session_counts(START.plus(3660)).await.unwrap();
        for name in lists {
            assert_eq!(size(&transport, name).await, 0, "{name}");
        }
        let now = START.plus(SEEN_FOR + 1);
        let absolute_expiry = now.plus(86400);
        hot.open_session(&Session { created: now, last_seen: now, absolute_expiry, ..session(1) }).await.unwrap();
        hot.admit(&admit(2, 99, now, 0, &[])).await.unwrap();
        for (name, expected) in [("active", 2), ("active:session", 1), ("active:token", 1)] {
            assert_eq!(size(&transport, name).await, expected, "{name}");
        }
    });
}

/// A session that is used again after its lists forgot it, by a clock that is ahead, is in them again.
#[test]
fn lists_a_session_again_that_is_used() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 2).await;
        hot.open_session(&led_to(1)).await.unwrap();
        hot.session_counts(START.plus(4000)).await.unwrap();
        assert_eq!(hot.session_counts(START).await.unwrap().sessions, 0);
        hot.session(&ticket(1).hash(), START.plus(100)).await.unwrap();
        let now = START.plus(100);
        for of in [SessionsOf::Everybody, SessionsOf::User(user_id(1)), SessionsOf::Provider("sid 1".to_owned())] {
            assert_eq!(hot.sessions(&query(of, now, None)).await.unwrap().items.len(), 1);
        }
        assert_eq!(hot.session_counts(now).await.unwrap().people, 1);
    });
}

/// An older gateway beside this one ends sessions and leaves their places.
#[test]
fn leaves_out_sessions_that_are_gone() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        for number in 0..3 {
            hot.open_session(&session(number)).await.unwrap();
        }
        let key = format!("gw:{{main}}:session:{}", ticket(1).hash().session());
        transport.command(&["DEL", &key]).await;
        let listed = hot.sessions(&query(SessionsOf::Everybody, START, None)).await.unwrap();
        assert_eq!(listed.items.len(), 2);
    });
}

/// Calls of one minute are noted once, so that all but one do no more than before.
#[test]
fn notes_the_use_of_tokens_once_a_minute() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 2).await;
        hot.admit(&admit(1, 1, START, 0, &[])).await.unwrap();
        transport.command(&["DEL", "gw:{main}:active"]).await;
        hot.admit(&admit(1, 2, START.plus(59), 0, &[])).await.unwrap();
        assert_eq!(size(&transport, "active").await, 0);
        transport.take();
        hot.admit(&admit(1, 3, START.plus(60), 0, &[])).await.unwrap();
        assert_eq!(transport.take(), ["EVALSHA"]);
        assert_eq!(size(&transport, "active").await, 1);
    });
}

#[test]
fn keeps_counts_as_long_as_their_window() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        hot.count("a", 600, START.plus(100)).await.unwrap();
        hot.count("a", 600, START.plus(101)).await.unwrap();
        let Reply::List(keys) = transport.command(&["KEYS", "gw:{main}:limit:a:*"]).await else {
            unreachable!("keys are a list")
        };
        let [Reply::Text(key)] = &keys[..] else { unreachable!("there is one: {keys:?}") };
        let Reply::Integer(kept) = transport.command(&["TTL", key]).await else { unreachable!("it is a number") };
        assert!((500..=560).contains(&kept), "{kept}");
    });
}
