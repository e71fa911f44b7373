//! How long keys stay.

use gateway_core::admission::Cancel;
use gateway_core::conformance::fixture::{START, admit, lease_id, session, settlement};
use gateway_core::conformance::hot::install_all;
use gateway_core::ports::{Admission as _, Answers as _, Limits as _, OneTime as _, Sessions as _};
use gateway_core::redis::Reply;
use gateway_core::session::Session;

use crate::support::{Recording, block_on, server, store_on};

/// Seconds that a key may stay longer than it is needed.
const MARGIN: i64 = 60;

/// Returns for how long each key is kept, by the part of its name after the prefix; -1 stands for ever.
async fn kept(transport: &Recording) -> Vec<(String, i64)> {
    let Reply::List(keys) = transport.command(&["KEYS", "*"]).await else { unreachable!("keys are a list") };
    let mut kept = Vec::new();
    for key in keys {
        let Reply::Text(key) = key else { unreachable!("keys are texts") };
        let Reply::Integer(seconds) = transport.command(&["TTL", &key]).await else { unreachable!("it is a number") };
        let name = key.strip_prefix("gw:{main}:").expect("every key has the prefix");
        kept.push((name.to_owned(), seconds));
    }
    kept.sort();
    kept
}

#[test]
fn keeps_each_key_as_long_as_it_is_needed() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 2).await;
        for lease in 1..=4 {
            hot.admit(&admit(1, lease, START.plus(i64::from(lease)), 10, &[])).await.unwrap();
        }
        hot.settle(&settlement(2, START, 5)).await.unwrap();
        hot.cancel(Cancel { lease: lease_id(3), now: START }).await.unwrap();
        assert_eq!(hot.sweep(START.plus(100), 1).await.unwrap(), 1);
        hot.open_session(&Session { idp_session: Some("sid".to_owned()), ..session(1) }).await.unwrap();
        hot.count("a", 600, START).await.unwrap();
        hot.keep("flow", "a", "value", START, START.plus(600)).await.unwrap();
        hot.note_answer("resp_1", gateway_core::conformance::fixture::user_id(1), START, START.plus(700))
            .await
            .unwrap();

        let window = 35 * 86400;
        let expected = |name: &str| match name.split(':').collect::<Vec<_>>()[..] {
            ["gen" | "leases" | "usage" | "user" | "roster" | "live" | "signed_in" | "active" | "budgets", ..]
            | ["sessions"]
            | ["sessions", "order"]
            | ["spent" | "held", "total"]
            | ["once", "flow"] => None,
            ["token", _] => Some(3 * 86400 + 3600),
            ["tokens", _] => Some(33 * 86400),
            ["lease", id] if id == lease_id(1).to_string() => Some(48 * 3600),
            ["lease", id] if id == lease_id(4).to_string() => None,
            ["lease", _] => Some(15 * 60),
            ["spent" | "held", "daily", _] => Some(window + 43_200),
            ["spent" | "held", "weekly", _] => Some(window + 6 * 86400 + 43_200),
            ["spent" | "held", "monthly", _] => Some(window + 7 * 86400 + 43_200),
            ["session", _] | ["sessions", ..] => Some(3600),
            ["once", "flow", "a"] | ["limit", "a", _] => Some(600),
            ["answer", _] => Some(700),
            _ => unreachable!("an unknown key {name}"),
        };
        let kept = kept(&transport).await;
        assert_eq!(kept.len(), 41, "{kept:?}");
        for (name, seconds) in kept {
            match expected(&name) {
                None => assert_eq!(seconds, -1, "{name}"),
                // Some calls are made later than others.
                Some(least) => assert!((least - 200..=least + MARGIN).contains(&seconds), "{name} {seconds}"),
            }
        }
    });
}

#[test]
fn keeps_stores_of_other_names_apart() {
    block_on(async {
        let (transport, _redis) = server().await;
        let (one, other) = (store_on(&transport, "one"), store_on(&transport, "other"));
        assert!(one.keep("flow", "a", "value", START, START.plus(600)).await.unwrap());
        assert!(other.keep("flow", "a", "value", START, START.plus(600)).await.unwrap());
    });
}
