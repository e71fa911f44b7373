//! A server that stalls, is gone, is another, or takes somebody else's password.

use std::time::Duration;

use gateway_core::admission::Verdict;
use gateway_core::config::RedisServer;
use gateway_core::conformance::fixture::{START, admit, install};
use gateway_core::conformance::hot::{generation, install_all};
use gateway_core::ports::{Admission as _, Hot};
use gateway_core::version::Generation;
use gateway_tests::Redis;

use crate::support::{block_on, server, store_on};
use crate::way::{address, connect};

/// How long a test waits for what must come at once, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long commands may take where they are not answered.
const SHORT: Duration = Duration::from_millis(200);

async fn assert_unavailable(hot: &impl Hot) {
    let answer = tokio::time::timeout(PATIENCE, hot.admit(&admit(1, 1, START, 60, &[]))).await;
    let error = answer.expect("it gives up by itself").expect_err("nobody answers");
    assert_eq!(error.to_string(), "redis is unavailable");
}

#[test]
fn gives_up_on_a_server_that_stalls() {
    block_on(async {
        let redis = Redis::start().await;
        let transport = connect(&address(&redis), SHORT).await.unwrap();
        let hot = store_on(&transport, "main");
        transport.command(&["CLIENT", "PAUSE", "3600000", "ALL"]).await;
        assert_unavailable(&hot).await;
    });
}

#[test]
fn is_unavailable_until_the_server_is_back() {
    block_on(async {
        let mut redis = Redis::start().await;
        let transport = connect(&address(&redis), SHORT).await.unwrap();
        let hot = store_on(&transport, "main");
        install_all(&hot, 2).await;
        let first = generation(&hot).await;
        redis.stop();
        for _ in 0..3 {
            assert_unavailable(&hot).await;
        }
        redis.start_again().await;
        let answers = async {
            loop {
                if let Ok(verdict) = hot.admit(&admit(1, 1, START, 60, &[])).await {
                    return verdict;
                }
                tokio::task::yield_now().await;
            }
        };
        let verdict = tokio::time::timeout(PATIENCE, answers).await.expect("it connects again");
        let Verdict::Unknown(second) = verdict else { unreachable!("an empty server knows nobody") };
        assert_ne!(first, second);
    });
}

#[test]
fn connects_anew_to_a_server_that_is_no_primary_any_more() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 2).await;
        let before = transport.command(&["CLIENT", "ID"]).await;
        assert_eq!(transport.command(&["CLIENT", "ID"]).await, before);
        transport.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
        let error = hot.admit(&admit(1, 1, START, 60, &[])).await.unwrap_err();
        assert!(std::error::Error::source(&error).unwrap().to_string().starts_with("READONLY"), "{error:?}");
        assert_ne!(transport.command(&["CLIENT", "ID"]).await, before);
        transport.command(&["REPLICAOF", "NO", "ONE"]).await;
        assert!(matches!(hot.admit(&admit(1, 1, START, 60, &[])).await.unwrap(), Verdict::Admitted(_)));
    });
}

#[test]
fn connects_anew_once_the_password_is_taken_again() {
    block_on(async {
        let (transport, redis) = server().await;
        let hot = store_on(&transport, "main");
        transport.command(&["CONFIG", "SET", "requirepass", "another-password"]).await;
        transport.command(&["CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "NO"]).await;
        let refused = async {
            loop {
                let error = hot.install(&install(1, Generation(1))).await.unwrap_err();
                if format!("{error:?}").contains("Password") {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, refused).await.expect("it gives up connecting");
        let administrator = RedisServer { password: Some("another-password".into()), ..address(&redis) };
        let administrator = connect(&administrator, PATIENCE).await.unwrap();
        administrator.command(&["CONFIG", "SET", "requirepass", redis.password()]).await;
        let answers = async {
            while hot.install(&install(1, Generation(1))).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, answers).await.expect("it connects again");
    });
}

#[test]
fn does_not_start_without_the_password() {
    block_on(async {
        let redis = Redis::start().await;
        for password in [None, Some("wrong-wrong-wrong".into())] {
            let error = connect(&RedisServer { password, ..address(&redis) }, SHORT).await;
            let error = error.expect_err("the server takes nobody without its password");
            let text = format!("{error:?} {error}");
            assert!(text.contains("127.0.0.1") && !text.contains("wrong-wrong-wrong"), "{text}");
        }
    });
}
