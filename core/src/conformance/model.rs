//! Random histories in which a hot store must say what the [`Reference`] says, to the nanodollar.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::tz::TimeZone;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::fixture::{START, admit, budget, email, lease_id, settlement, token_entry, token_id, user_entry, user_id};
use super::hot::generation;
use super::reference::Reference;
use crate::admission::{Cancel, Install, Installed, Verdict};
use crate::identity::{Status, Suspension};
use crate::money::{Budget, BudgetScope, Calendar, WindowKind};
use crate::ports::{Hot, SpendingQuery};
use crate::time::Timestamp;
use crate::version::Generation;

/// People in a history; each has one token.
const USERS: u8 = 4;

/// Leases that a history names; more than it opens, so that some are settled or cancelled before they were asked for.
const LEASES: u16 = 12;

/// Histories that are tried.
const CASES: u32 = 96;

/// Seconds after which a lease is not asked for again: no retry goes on for that long, and stores forget.
const RETRIES_END: i64 = 600;

/// A store that can be restarted: what it has not made durable is gone, and the leases of its process with it.
pub trait Restart: Hot {
    /// Restarts the store at `now`.
    fn restart(self, now: Timestamp) -> impl Future<Output = Self> + Send;
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Admit { user: u8, lease: u16, estimate: i64 },
    Settle { lease: u16, cost: i64 },
    Cancel { lease: u16 },
    Sweep { limit: u32 },
    Wait { seconds: i64 },
    Revoke { token: u8 },
    RevokeAll { user: u8 },
    Suspend { user: u8, seconds: i64 },
    Remove { user: u8 },
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let amount = prop_oneof![4 => 0..120_i64, 1 => Just(100_000_000_000_001), 1 => Just(9_007_199_254_740_991)];
    let user = 0..USERS;
    let lease = 0..LEASES;
    let step = prop_oneof![
        8 => (user.clone(), lease.clone(), 0..120_i64)
            .prop_map(|(user, lease, estimate)| Step::Admit { user, lease, estimate }),
        6 => (lease.clone(), amount).prop_map(|(lease, cost)| Step::Settle { lease, cost }),
        2 => lease.prop_map(|lease| Step::Cancel { lease }),
        2 => (1..4_u32).prop_map(|limit| Step::Sweep { limit }),
        2 => prop_oneof![3 => 1..60_i64, 1 => Just(100), 1 => Just(43_100)].prop_map(|seconds| Step::Wait { seconds }),
        1 => user.clone().prop_map(|token| Step::Revoke { token }),
        1 => user.clone().prop_map(|user| Step::RevokeAll { user }),
        1 => (user.clone(), 1..60_i64).prop_map(|(user, seconds)| Step::Suspend { user, seconds }),
        1 => user.prop_map(|user| Step::Remove { user }),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..60)
}

fn budgets() -> Arc<[Budget]> {
    Arc::from([
        budget(BudgetScope::DefaultUser, WindowKind::Daily, 150),
        budget(BudgetScope::User(email(1)), WindowKind::Daily, 400),
        budget(BudgetScope::Group("even".to_owned()), WindowKind::Weekly, 300),
        budget(BudgetScope::Org, WindowKind::Monthly, 700),
        budget(BudgetScope::Token(token_id(3)), WindowKind::Total, 200),
    ])
}

/// Tries histories against stores that `make` makes.
pub fn equals_the_reference<S: Restart, K>(
    block_on: impl Fn(Pin<Box<dyn Future<Output = Result<(), TestCaseError>>>>) -> Result<(), TestCaseError>,
    make: impl Fn() -> (S, K),
) {
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 4096, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, rng).run(&steps(), |steps| {
        let (store, _kept) = make();
        block_on(Box::pin(History::new(store).run(steps)))
    });
    assert!(outcome.is_ok(), "{}", outcome.map_or_else(|error| error.to_string(), |()| String::new()));
}

/// A store and the reference, side by side.
struct History<S> {
    store: Option<S>,
    reference: Reference,
    generation: Generation,
    now: Timestamp,
    budgets: Arc<[Budget]>,
    last_used: BTreeMap<u16, Timestamp>,
}

impl<S: Restart> History<S> {
    fn new(store: S) -> Self {
        let mut reference = Reference::default();
        for number in 0..USERS {
            reference.users.insert(user_id(number), user_entry(number));
            reference.tokens.insert(token_id(number), token_entry(number));
        }
        Self {
            store: Some(store),
            reference,
            generation: Generation(0),
            now: START,
            budgets: budgets(),
            last_used: BTreeMap::new(),
        }
    }

    fn store(&self) -> &S {
        self.store.as_ref().expect("only a restart takes it, and puts it back")
    }

    async fn run(mut self, steps: Vec<Step>) -> Result<(), TestCaseError> {
        self.generation = generation(self.store()).await;
        for step in steps {
            self.step(step).await?;
            self.compare_money().await?;
        }
        self.compare_events().await
    }

    async fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Admit { user, lease, estimate } => self.admit(user, lease, estimate).await?,
            Step::Settle { lease, cost } => {
                let settlement = settlement(lease, self.now, cost);
                self.store().settle(&settlement).await.expect("the store answers");
                self.reference.settle(&settlement);
                self.last_used.insert(lease, self.now);
            }
            Step::Cancel { lease } => {
                let cancel = Cancel { lease: lease_id(lease), now: self.now };
                self.store().cancel(cancel).await.expect("the store answers");
                self.reference.cancel(cancel.lease);
                self.last_used.insert(lease, self.now);
            }
            Step::Sweep { limit } => {
                let swept = self.store().sweep(self.now, limit).await.expect("the store answers");
                prop_assert_eq!(swept as usize, self.reference.sweep(self.now, limit as usize));
            }
            Step::Wait { seconds } => self.now = self.now.plus(seconds),
            Step::Restart => {
                let store = self.store.take().expect("only a restart takes it, and puts it back");
                self.store = Some(store.restart(self.now).await);
                self.reference.abandon();
                self.generation = generation(self.store()).await;
            }
            change => self.change(&change).await,
        }
        Ok(())
    }

    /// Asks both; a store that does not know asks the records first, as the control plane does.
    async fn admit(&mut self, user: u8, lease: u16, estimate: i64) -> Result<(), TestCaseError> {
        let is_stale = self.last_used.get(&lease).is_some_and(|used| self.now.since(*used) >= RETRIES_END);
        if is_stale {
            return Ok(());
        }
        self.last_used.entry(lease).or_insert(self.now);
        let mut question = admit(user, lease, self.now, estimate, &[]);
        question.budgets = Arc::clone(&self.budgets);
        let mut verdict = self.store().admit(&question).await.expect("the store answers");
        if verdict == Verdict::Unknown(self.generation) {
            self.install(user).await;
            verdict = self.store().admit(&question).await.expect("the store answers");
        }
        prop_assert_eq!(verdict, self.reference.admit(&question));
        Ok(())
    }

    async fn install(&self, number: u8) {
        let user = self.reference.users.get(&user_id(number)).cloned();
        let token = self.reference.tokens.get(&token_id(number)).cloned();
        let install = Install { generation: self.generation, user, token };
        let installed = self.store().install(&install).await.expect("the store answers");
        assert_eq!(installed, Installed::Done);
    }

    /// Changes the records, and tells the store.
    async fn change(&mut self, step: &Step) {
        let number = match step {
            Step::Revoke { token } => {
                if let Some(token) = self.reference.tokens.get_mut(&token_id(*token)) {
                    token.revoked = true;
                    token.version = token.version.next();
                }
                *token
            }
            Step::RevokeAll { user } | Step::Suspend { user, .. } | Step::Remove { user } => {
                if let Some(entry) = self.reference.users.get_mut(&user_id(*user)) {
                    entry.version = entry.version.next();
                    match step {
                        Step::RevokeAll { .. } => entry.token_epoch = entry.token_epoch.next(),
                        Step::Suspend { seconds, .. } => {
                            let until = Some(self.now.plus(*seconds));
                            let (reason, by, at) = (String::new(), user_id(9), self.now);
                            entry.status = Status::Suspended(Suspension { until, reason, by, at });
                        }
                        _ => entry.status = Status::Removed,
                    }
                }
                *user
            }
            _ => return,
        };
        self.install(number).await;
    }

    async fn compare_money(&self) -> Result<(), TestCaseError> {
        let calendar = Calendar::at(self.now, &TimeZone::UTC);
        for number in 0..USERS {
            let query = SpendingQuery {
                user: user_id(number),
                email: email(number),
                groups: user_entry(number).groups,
                token: None,
                calendar: calendar.clone(),
                budgets: Arc::from([]),
            };
            let spending = self.store().spending(&query).await.expect("the store answers");
            for (kind, spent, held) in spending.windows {
                prop_assert_eq!((spent, held), self.reference.own(user_id(number), kind, &calendar));
            }
        }
        Ok(())
    }

    async fn compare_events(&self) -> Result<(), TestCaseError> {
        let (events, _) = self.store().pending_usage(u32::MAX).await.expect("the store answers");
        let events: Vec<_> = events.iter().map(|event| (event.id, event.revision, event.settlement.cost.0)).collect();
        prop_assert_eq!(&events, &self.reference.events);
        Ok(())
    }
}
