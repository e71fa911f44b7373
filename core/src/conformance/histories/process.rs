//! One of the processes.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;
use std::time::Duration;

use super::network::{Distant, Network};
use super::oracle::{Asked, SharedOracle};
use crate::admission::{Admit, Cancel, Settlement, Verdict};
use crate::config::Config;
use crate::conformance::fixture::{admit, front_actor, settlement};
use crate::conformance::host::SeededRandom;
use crate::conformance::memory_records::MemoryRecords;
use crate::control::{Authority, Control, MintRequest, RestoreRequest};
use crate::id::{LeaseId, TokenId, UserId};
use crate::money::Nanodollars;
use crate::ports::{Admission as _, Clock, Hot, Random as _};
use crate::time::{Millis, Timestamp};
use crate::token::KeySet;
use crate::version::{Epoch, Generation};

/// How long a call may run, in seconds, before it is swept: far more than clocks differ.
const LEASE: i64 = 31 * 60;

/// What a call holds, in nanodollars.
pub(super) const ESTIMATE: Nanodollars = Nanodollars(7);

/// A process's clock: the history's, some time off.
#[derive(Debug, Clone)]
pub struct Clockwork {
    /// Milliseconds.
    now: Arc<AtomicI64>,
    /// Milliseconds.
    skew: i64,
}

impl Clockwork {
    pub(super) const fn new(now: Arc<AtomicI64>, skew: i64) -> Self {
        Self { now, skew }
    }
}

impl Clock for Clockwork {
    fn now(&self) -> Millis {
        Millis(self.now.load(Ordering::Relaxed) + self.skew)
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        let clock = self.clone();
        let until = clock.now().0 + i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2);
        poll_fn(move |_| if clock.now().0 >= until { Poll::Ready(()) } else { Poll::Pending })
    }
}

/// What a process's control plane is made of.
#[derive(Clone)]
pub(super) struct Site<H> {
    records: MemoryRecords,
    hot: Distant<H>,
    clock: Clockwork,
    random: SeededRandom,
}

impl<H: Hot> Authority for Site<H> {
    type Records = MemoryRecords;
    type Hot = Distant<H>;
    type Clock = Clockwork;
    type Random = SeededRandom;

    fn records(&self) -> &MemoryRecords {
        &self.records
    }

    fn hot(&self) -> &Distant<H> {
        &self.hot
    }

    fn clock(&self) -> &Clockwork {
        &self.clock
    }

    fn random(&self) -> &SeededRandom {
        &self.random
    }
}

/// A control plane and a front. Clones are the same process.
#[derive(Clone)]
pub(super) struct Process<H: Hot> {
    pub(super) number: usize,
    pub(super) control: Control<Site<H>>,
    pub(super) hot: Distant<H>,
    pub(super) clock: Clockwork,
    random: SeededRandom,
    oracle: SharedOracle,
}

/// What all processes have in common.
#[derive(Clone)]
pub(super) struct Common {
    pub(super) records: MemoryRecords,
    pub(super) network: Network,
    pub(super) random: SeededRandom,
    pub(super) oracle: SharedOracle,
    pub(super) config: Arc<Config>,
    pub(super) keys: KeySet,
}

impl<H: Hot> Process<H> {
    pub(super) fn start(number: usize, store: H, clock: &Clockwork, common: &Common) -> Self {
        let Common { records, network, random, oracle, config, keys } = common.clone();
        let hot = Distant { network, store };
        let site = Site { records, hot: hot.clone(), clock: clock.clone(), random: random.clone() };
        let control = Control::new(site, config, keys);
        Self { number, control, hot, clock: clock.clone(), random, oracle }
    }

    /// Mints a token.
    pub(super) async fn mint(self, user: UserId) {
        let request = MintRequest { token_name: "laptop".to_owned(), expires_in: None, scopes: None };
        match self.control.mint(&front_actor(), user, &request).await {
            Ok(minted) => self.oracle.minted(minted.token.id, user, minted.token.epoch),
            Err(error) => unreachable!("the records are there, and they are all that a mint needs: {error}"),
        }
    }

    /// Revokes a token.
    pub(super) async fn revoke(self, user: UserId, token: TokenId) {
        if self.control.revoke(&front_actor(), user, token).await.is_ok() {
            self.oracle.revoked(token);
        }
    }

    /// Revokes whatever somebody has.
    pub(super) async fn revoke_all(self, user: UserId) {
        let before = self.oracle.tokens_of(user);
        if self.control.revoke_all(&front_actor(), user).await.is_ok() {
            for token in before {
                self.oracle.revoked(token);
            }
        }
    }

    /// Tells the store about a token, for somebody for whom it was unknown a long time ago.
    pub(super) async fn restore(self, user: UserId, token: TokenId) {
        // A failure is the caller's matter, and there is none.
        let _ = self.has_restored(Generation(0), user, token).await;
    }

    async fn has_restored(&self, generation: Generation, user: UserId, token: TokenId) -> bool {
        let request = RestoreRequest { generation, user, token: Some(token) };
        matches!(self.control.restore(&request).await, Ok(true))
    }

    /// Makes a call, as the front does: whatever happens, its lease is settled or given up.
    pub(super) async fn call(self, user: UserId, token: TokenId, epoch: Epoch, cost: i64) {
        let lease = LeaseId::new(self.clock.now(), self.random.bytes());
        self.oracle.asks(lease, Asked::new(self.number, token, cost));
        let question = self.question(lease, user, token, epoch);
        for _ in 0..2 {
            match self.hot.admit(&question).await {
                Ok(Verdict::Admitted(_)) => {
                    self.oracle.admitted(lease);
                    self.hot.network.run().await;
                    let settlement = Settlement { lease, ..settlement(0, self.now(), cost) };
                    while self.hot.settle(&settlement).await.is_err() {}
                    return self.oracle.settled(lease);
                }
                Ok(Verdict::Refused(_)) => return self.oracle.refused(lease),
                Ok(Verdict::Unknown(generation)) => {
                    if !self.has_restored(generation, user, token).await {
                        return self.oracle.refused(lease);
                    }
                }
                Err(_) => {
                    while self.hot.cancel(Cancel { lease, now: self.now() }).await.is_err() {}
                    return self.oracle.refused(lease);
                }
            }
        }
        self.oracle.refused(lease);
    }

    /// Says whether a call would be admitted.
    pub(super) async fn would_admit(self, user: UserId, token: TokenId, epoch: Epoch) -> bool {
        let lease = LeaseId::new(self.clock.now(), self.random.bytes());
        let question = self.question(lease, user, token, epoch);
        loop {
            match self.hot.admit(&question).await {
                Ok(Verdict::Admitted(_)) => {
                    return self.hot.cancel(Cancel { lease, now: self.now() }).await.is_ok();
                }
                Ok(Verdict::Unknown(generation)) => {
                    if !self.has_restored(generation, user, token).await {
                        return false;
                    }
                }
                Ok(Verdict::Refused(_)) | Err(_) => return false,
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now().seconds()
    }

    fn question(&self, lease: LeaseId, user: UserId, token: TokenId, epoch: Epoch) -> Admit {
        let now = self.now();
        Admit { lease, user, token, epoch, expiry: now.plus(LEASE), ..admit(0, 0, now, ESTIMATE.0, &[]) }
    }
}
