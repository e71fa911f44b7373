//! Random histories.

use std::cell::Cell;

use gateway_core::conformance::fixture::START;
use gateway_core::conformance::histories::{Clockwork, Site, hold};
use gateway_core::conformance::host::{FixedClock, SeededRandom};
use gateway_core::conformance::model::equals_the_reference;
use gateway_core::redis::RedisHot;
use gateway_core::time::Millis;

use crate::support::{Recording, Store, block_on, server, store_on};
use crate::way::HISTORIES;

/// Copies everything into the server's next database.
const SAVE: &str = "
    redis.call('SELECT', 1) redis.call('FLUSHDB') redis.call('SELECT', 0)
    for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', 1) end
    return 'OK'";

/// Puts what was copied in the place of what is there.
const GO_BACK: &str = "
    redis.call('FLUSHDB') redis.call('SELECT', 1)
    for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', 0) end
    return 'OK'";

/// A server that several processes share.
struct Shared {
    transport: Recording,
    /// Whatever a process names is new to all of them.
    random: SeededRandom,
}

impl Site for Shared {
    type Hot = Store;

    fn open(&self, _: &Clockwork) -> Store {
        let clock = FixedClock::at(Millis(START.0 * 1000));
        RedisHot::new(self.transport.clone(), clock, self.random.clone(), "main")
    }

    async fn save(&mut self) {
        self.transport.command(&["EVAL", SAVE, "0"]).await;
    }

    async fn go_back(&mut self) {
        self.transport.command(&["EVAL", GO_BACK, "0"]).await;
        self.transport.command(&["SCRIPT", "FLUSH"]).await;
    }

    async fn wipe(&mut self) {
        self.transport.command(&["FLUSHALL"]).await;
        self.transport.command(&["SCRIPT", "FLUSH"]).await;
    }
}

fn histories(seeds: std::ops::Range<u64>) {
    let (transport, _server) = block_on(server());
    block_on(hold(&mut Shared { transport, random: SeededRandom::default() }, seeds));
}

#[test]
fn promises_hold_in_histories_of_several_processes() {
    histories(0..HISTORIES);
}

#[test]
#[ignore = "it takes minutes; CONTRIBUTING.md says when to run it"]
fn promises_hold_in_many_histories_of_several_processes() {
    histories(0..100 * HISTORIES);
}

#[test]
fn equals_the_reference_across_restarts() {
    let (transport, _redis) = block_on(server());
    let number = Cell::new(0_u32);
    equals_the_reference(block_on, || {
        number.set(number.get() + 1);
        (store_on(&transport, &number.get().to_string()), ())
    });
}
