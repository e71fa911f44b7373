//! What counts tokens: what is left of it, and when it goes.

use std::time::Duration;

use gateway_core::admission::{Install, Installed, TokenEntry, UserEntry};
use gateway_core::conformance::fixture::{START, token_entry, token_id, user_entry, user_id};
use gateway_core::conformance::host::{FixedClock, SeededRandom};
use gateway_core::conformance::hot::{generation, install_all};
use gateway_core::ports::{Admission as _, Continuity as _, Hot, Roster as _, Tally};
use gateway_core::redis::{RedisHot, Reply};
use gateway_core::time::Millis;
use gateway_core::version::{Epoch, Version};

use crate::support::{Recording, block_on, server, store_on};

const DAY: i64 = 86400;

async fn learn(hot: &impl Hot, users: Vec<UserEntry>, tokens: Vec<TokenEntry>) {
    let install = Install { users, tokens, ..Install::nothing(generation(hot).await) };
    assert_eq!(hot.install(&install).await.expect("the store answers"), Installed::Done);
}

async fn counted(hot: &impl Hot) -> Tally {
    hot.enrolled(generation(hot).await, None).await.expect("the store answers");
    hot.tally(START).await.expect("the store answers")
}

const fn tally(active: u64, expired: u64, revoked: u64) -> Tally {
    Tally::Counted { active, expired, revoked }
}

async fn forget(transport: &Recording, names: &[&str]) {
    for name in names {
        let Reply::Integer(1) = transport.command(&["DEL", &format!("gw:{{main}}:{name}")]).await else {
            unreachable!("there is no {name}")
        };
    }
}

/// Records of tokens go an hour after their expiry, and with them what tells older versions from newer ones.
#[test]
fn counts_a_revoked_token_as_such_after_its_record_has_gone() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        let revoked = TokenEntry { revoked: true, version: Version(2), ..token_entry(1) };
        let raised = UserEntry { token_epoch: Epoch(1), version: Version(2), ..user_entry(2) };
        learn(&hot, vec![raised], vec![revoked, token_entry(2)]).await;
        forget(&transport, &[1, 2].map(|number| format!("token:{}", token_id(number))).each_ref().map(String::as_str))
            .await;
        learn(&hot, Vec::new(), vec![token_entry(1), token_entry(2)]).await;
        assert_eq!(counted(&hot).await, tally(0, 0, 2));
    });
}

/// An older gateway beside this one counts nothing. The changes of the last quarter of an hour are applied again each minute.
#[test]
fn counts_what_is_known_already_when_it_is_installed_again() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 3).await;
        let [one, two] = [1, 2].map(|number| format!("tokens:{}", user_id(number)));
        forget(&transport, &["roster", "live", &one, &two]).await;
        install_all(&hot, 3).await;
        assert_eq!(counted(&hot).await, tally(3, 0, 0));
        let raised = UserEntry { token_epoch: Epoch(1), version: Version(2), ..user_entry(1) };
        let known = format!("gw:{{main}}:user:{}", user_id(1));
        transport.command(&["HSET", &known, "version", "2", "token_epoch", "1"]).await;
        learn(&hot, vec![raised], Vec::new()).await;
        assert_eq!(counted(&hot).await, tally(2, 0, 1));
    });
}

/// Somebody who mints a token each day has those of the last month, and what is left of them goes by itself.
#[test]
fn forgets_what_no_list_shows_any_more() {
    block_on(async {
        let (transport, _redis) = server().await;
        let clock = FixedClock::at(Millis(START.0 * 1000));
        let hot = RedisHot::new(transport.clone(), clock.clone(), SeededRandom::default(), "main");
        let mut now = START;
        for number in 0..100 {
            let token = TokenEntry { user: user_id(1), expiry: now.plus(DAY), ..token_entry(number) };
            let revoked = TokenEntry { id: token_id(100 + number), revoked: true, ..token.clone() };
            learn(&hot, Vec::new(), vec![token, revoked]).await;
            clock.advance(Duration::from_hours(24));
            now = now.plus(DAY);
            hot.enrolled(generation(&hot).await, None).await.unwrap();
            let listed = u64::from(number).min(29);
            assert_eq!(hot.tally(now).await.unwrap(), tally(0, listed + 1, listed + 1), "{number}");
        }
        let owned = format!("gw:{{main}}:tokens:{}", user_id(1));
        // Its mark, and what was there when the last one came.
        assert_eq!(transport.command(&["ZCARD", &owned]).await, Reply::Integer(1 + 30 + 1));
        for name in ["live", "revoked"] {
            // A day longer, for clocks that are ahead.
            assert_eq!(transport.command(&["ZCARD", &format!("gw:{{main}}:{name}")]).await, Reply::Integer(30 + 1));
        }
        let Reply::Integer(kept) = transport.command(&["TTL", &owned]).await else { unreachable!("it is a number") };
        assert!((31 * DAY - 100..=31 * DAY + 60).contains(&kept), "{kept}");
    });
}

/// What another generation has left is forgotten when this one begins to count.
#[test]
fn leaves_nothing_of_another_generation() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        install_all(&hot, 3).await;
        hot.begin_generation().await.unwrap();
        learn(&hot, Vec::new(), vec![token_entry(9), TokenEntry { user: user_id(1), ..token_entry(8) }]).await;
        assert_eq!(transport.command(&["ZCARD", "gw:{main}:live"]).await, Reply::Integer(2));
        let owned = format!("gw:{{main}}:tokens:{}", user_id(1));
        assert_eq!(transport.command(&["ZCARD", &owned]).await, Reply::Integer(2));
    });
}

#[test]
fn asks_once_for_a_tally_and_for_an_installation_of_many() {
    block_on(async {
        let (transport, _redis) = server().await;
        let hot = store_on(&transport, "main");
        let generation = generation(&hot).await;
        let (users, tokens) = ((0..200).map(user_entry).collect(), (0..200).map(token_entry).collect());
        let install = Install { users, tokens, ..Install::nothing(generation) };
        hot.install(&install).await.unwrap();
        transport.take();
        hot.install(&install).await.unwrap();
        assert_eq!(transport.take(), ["EVALSHA"]);
        hot.tally(START).await.unwrap();
        assert_eq!(transport.take(), ["EVALSHA"]);
    });
}
