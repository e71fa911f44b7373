//! A server that forgets.

use gateway_core::accounts::{Spent, SpentKey};
use gateway_core::admission::{Installed, Refusal, Verdict};
use gateway_core::conformance::fixture::{START, admit, install, settlement};
use gateway_core::conformance::hot::{generation, install_all, recovery};
use gateway_core::money::{Counter, Nanodollars, WindowId};
use gateway_core::ports::{Admission as _, Continuity as _, Duties as _, Usage as _};
use gateway_core::redis::Reply;

use crate::support::{block_on, refused, server, store_on};

#[test]
fn sends_scripts_again_that_the_server_has_forgotten() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 2).await;
        for lease in 1..=2 {
            hot.admit(&admit(1, lease, START, 60, &[])).await.unwrap();
        }
        hot.settle(&settlement(1, START, 25)).await.unwrap();
        assert_eq!(transport.command(&["SCRIPT", "FLUSH"]).await, Reply::Text("OK".to_owned()));
        transport.take();
        hot.settle(&settlement(2, START, 25)).await.unwrap();
        assert_eq!(transport.take(), ["EVALSHA", "EVAL"]);
        hot.settle(&settlement(2, START, 25)).await.unwrap();
        assert_eq!(transport.take(), ["EVALSHA"]);
        assert_eq!(hot.pending_usage(9).await.unwrap().0.len(), 2);
    });
}

/// Scripts are gone after a restart, and a server that takes over has none. Whoever finds that out must not believe what
/// there is: it may be older than a revocation.
#[test]
fn starts_another_generation_when_it_has_forgotten_the_scripts() {
    block_on(async {
        let (transport, _redis) = server().await;
        let (hot, other) = (store_on(&transport, "main"), store_on(&transport, "main"));
        install_all(&hot, 2).await;
        let first = generation(&hot).await;
        transport.command(&["SCRIPT", "FLUSH"]).await;
        transport.take();
        let Verdict::Unknown(second) = hot.admit(&admit(1, 1, START, 60, &[])).await.unwrap() else {
            unreachable!("what is known may be old")
        };
        assert_ne!(first, second);
        assert_eq!(transport.take(), ["EVALSHA", "EVAL"]);
        assert_eq!(other.admit(&admit(1, 1, START, 60, &[])).await.unwrap(), Verdict::Unknown(second));
        install_all(&other, 2).await;
        assert!(matches!(hot.admit(&admit(1, 2, START, 60, &[])).await.unwrap(), Verdict::Admitted(_)));
        assert_eq!(generation(&hot).await, second, "once is enough");
    });
}

/// Two stores on one server: that one has sent its scripts tells the other nothing.
#[test]
fn starts_another_generation_in_each_store_on_a_server() {
    block_on(async {
        let (transport, _redis) = server().await;
        let (one, other) = (store_on(&transport, "one"), store_on(&transport, "other"));
        for hot in [&one, &other] {
            install_all(hot, 2).await;
        }
        transport.command(&["SCRIPT", "FLUSH"]).await;
        for hot in [&one, &other] {
            assert!(matches!(hot.admit(&admit(1, 1, START, 60, &[])).await.unwrap(), Verdict::Unknown(_)));
        }
    });
}

#[test]
fn starts_another_generation_when_it_has_lost_its_memory() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 2).await;
        let first = generation(&hot).await;
        assert!(matches!(hot.admit(&admit(1, 1, START, 60, &[])).await.unwrap(), Verdict::Admitted(_)));
        transport.command(&["FLUSHALL"]).await;
        let Verdict::Unknown(second) = hot.admit(&admit(1, 2, START, 60, &[])).await.unwrap() else {
            unreachable!("nothing is known any more")
        };
        assert_ne!(first, second);
        assert_eq!(hot.install(&install(1, first)).await.unwrap(), Installed::Stale(second), "too late");
        assert_eq!(hot.install(&install(1, second)).await.unwrap(), Installed::Unrecovered);
        assert_eq!(generation(&hot).await, second);
        hot.install(&install(1, second)).await.unwrap();
        assert!(matches!(hot.admit(&admit(1, 2, START, 60, &[])).await.unwrap(), Verdict::Admitted(_)));
    });
}

#[test]
fn takes_over_more_sums_than_one_command_holds() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        let Some(loss) = hot.loss().await.unwrap() else { unreachable!("it is new") };
        let window = WindowId("total".to_owned());
        let spent = |number: i64| Spent {
            key: SpentKey { window: window.clone(), counter: Counter::Group(number.to_string()) },
            amount: Nanodollars(number),
        };
        assert!(hot.recover(&recovery(&loss, (1..=9001).map(spent).collect())).await.unwrap());
        assert_eq!(transport.command(&["HLEN", "gw:{main}:spent:total"]).await, Reply::Integer(9001));
        let last = transport.command(&["HGET", "gw:{main}:spent:total", "group:9001"]).await;
        assert_eq!(last, Reply::Text("9001".to_owned()));
    });
}

#[test]
fn leaves_a_duty_to_whoever_has_it() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        for (holder, expected) in [("one", true), ("other", false), ("one", true)] {
            assert_eq!(hot.claim("upkeep", holder, 60).await.unwrap(), expected);
        }
        assert!(hot.claim("another", "other", 60).await.unwrap());
        let Reply::Integer(left) = transport.command(&["TTL", "gw:{main}:duty:upkeep"]).await else {
            unreachable!("it is a number")
        };
        assert!((1..=60).contains(&left), "nobody keeps it for ever: {left}");
        transport.command(&["DEL", "gw:{main}:duty:upkeep"]).await;
        assert!(hot.claim("upkeep", "other", 60).await.unwrap());
    });
}

#[test]
fn discards_no_event_that_came_after_its_memory_was_lost() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        let mut through = 0;
        for round in 0..2 {
            install_all(&hot, 2).await;
            for lease in 1..=3 - round {
                let now = START.plus(i64::from(round));
                hot.admit(&admit(1, lease, now, 60, &[])).await.unwrap();
                hot.settle(&settlement(lease, now, 25)).await.unwrap();
            }
            if round == 0 {
                through = hot.pending_usage(9).await.unwrap().1;
                transport.command(&["FLUSHALL"]).await;
            }
        }
        hot.discard_usage(through).await.unwrap();
        assert_eq!(hot.pending_usage(9).await.unwrap().0.len(), 2);
    });
}

#[test]
fn tells_a_repeated_admit_that_its_call_was_closed() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 2).await;
        let question = admit(1, 1, START, 60, &[]);
        hot.admit(&question).await.unwrap();
        assert_eq!(hot.sweep(START.plus(200), 9).await.unwrap(), 1);
        assert_eq!(refused(hot.admit(&question).await.unwrap()), Refusal::Closed);
    });
}
