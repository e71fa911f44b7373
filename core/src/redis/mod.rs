//! The hot state on Redis: the model of [`crate::memory`] as Lua scripts, one for each operation.
//!
//! Every decision is made inside a script, so that it is one step for everybody. In scope: the scripts, the keys, what goes
//! in and what comes out, and the way to a server over HTTP. Out of scope: the way over TCP, which is a host's [`Transport`].
//!
//! | file | what it is about |
//! |---|---|
//! | `transport` | one command and its reply |
//! | `upstash` | the same over HTTP |
//! | `script` | running a script by its hash, and reading what it answers |
//! | `keys` | what keys are called, and when they go |
//! | `windows` | the keys of the running windows |
//! | `admit`, `lease`, `install`, `budgets` | the port `Admission` |
//! | `continuity` | the ports `Continuity` and `Duties` |
//! | `roster` | the port `Roster` |
//! | `session` | the port `Sessions` |
//! | `presence` | the ports `Presence` and `Limits` |
//! | `once` | the ports `OneTime`, `Answers` and `Contents` |
//! | `usage` | the port `Usage` |
//!
//! Keys share a hash tag, and every key that a script touches is given to it. A script cannot be given what only a lease
//! knows, the windows that it counts in: it is given those of the last call admitted here, and answers `elsewhere` with the
//! right ones if they differ, as after midnight; it has changed nothing then and is run again. Time is an argument;
//! Redis's own clock only tidies up.

mod admit;
mod budgets;
mod continuity;
mod install;
mod keys;
mod lease;
mod once;
mod presence;
mod roster;
mod script;
mod session;
mod transport;
mod upstash;
mod usage;
mod windows;

use std::sync::{Arc, RwLock};

pub use self::transport::{Reply, Transport};
pub use self::upstash::UpstashTransport;

use self::keys::Keys;
use self::script::Script;
use self::windows::Windows;
use crate::admission::{Admit, Cancel, Install, Installed, Settlement, Verdict};
use crate::ports::{Admission, Clock, Hot, Random, Unavailable};
use crate::time::Timestamp;

/// What the store is called in errors.
const NAME: &str = "redis";

/// What a script answers whose lease counts in other windows than it was told; they follow.
const ELSEWHERE: &str = "elsewhere";

/// The hot state on Redis. Clones share the way to it.
#[derive(Debug, Clone)]
pub struct RedisHot<T, C, R> {
    transport: T,
    clock: C,
    random: R,
    keys: Keys,
    believing: Arc<Script>,
    /// The windows of the last call that was admitted: most leases that end count in the same ones.
    latest: Arc<RwLock<Option<Arc<Windows>>>>,
}

impl<T: Transport, C: Clock, R: Random> RedisHot<T, C, R> {
    /// Makes a store whose keys start with `gw:{name}:`. Stores of other names on the same server are others.
    #[must_use]
    pub fn new(transport: T, clock: C, random: R, name: &str) -> Self {
        let believing = Arc::new(Script::believing(name));
        Self { transport, clock, random, keys: Keys::new(name), believing, latest: Arc::default() }
    }

    /// Returns a name for the generation that begins if there is none.
    fn fresh_generation(&self) -> String {
        u64::from_be_bytes(self.random.bytes()).to_string()
    }
}

impl<T: Transport, C: Clock, R: Random> Hot for RedisHot<T, C, R> {}

impl<T: Transport, C: Clock, R: Random> Admission for RedisHot<T, C, R> {
    async fn admit(&self, admit: &Admit) -> Result<Verdict, Unavailable> {
        self.ask_to_admit(admit).await
    }

    async fn settle(&self, settlement: &Settlement) -> Result<(), Unavailable> {
        self.charge(settlement).await
    }

    async fn cancel(&self, cancel: Cancel) -> Result<(), Unavailable> {
        self.give_up(cancel).await
    }

    async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u32, Unavailable> {
        self.charge_overdue(now, limit).await
    }

    async fn install(&self, install: &Install) -> Result<Installed, Unavailable> {
        self.learn(install).await
    }
}

/// Another process that uses the same server: it knows nothing but what is there.
#[cfg(feature = "test-support")]
impl<T: Transport, C: Clock, R: Random> crate::conformance::model::Restart for RedisHot<T, C, R> {
    const KEEPS_LEASES: bool = true;

    async fn restart(self, _: Timestamp) -> Self {
        Self { latest: Arc::default(), ..self }
    }
}
