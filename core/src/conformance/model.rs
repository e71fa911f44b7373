//! Random histories in which a hot store must say what the [`Reference`] says, to the nanodollar.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::fixture::{
    START, admit, book, budget, email, lease_id, model_pattern, settlement, token_entry, token_id, user_entry, user_id,
};
use super::hot::generation;
use super::reference::Reference;
use super::step::{Change, Step, Terms, USERS, steps};
use crate::admission::{AccessVerdict, CallRules, Cancel, Install, Installed, RateLimit, RuleScope, Verdict};
use crate::identity::{Status, Suspension};
use crate::money::{Budget, BudgetScope, Calendar, Counter, Nanodollars, WindowKind};
use crate::ports::{Hot, SpendingQuery, SpendingState};
use crate::time::Timestamp;
use crate::version::Generation;

/// Histories that are tried.
const CASES: u32 = 96;

/// Seconds after which a lease is not asked for again: no retry goes on for that long, and stores forget.
const RETRIES_END: i64 = 600;

/// A store that can be restarted: what it has not made durable is gone.
pub trait Restart: Hot {
    /// Whether leases outlive the process that opened them, because it was not the only one. Otherwise a restart charges
    /// them.
    const KEEPS_LEASES: bool = false;

    /// Restarts the store at `now`.
    fn restart(self, now: Timestamp) -> impl Future<Output = Self> + Send;
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

fn rules() -> Arc<CallRules> {
    let limit = |scope, model: Option<&str>, requests, tokens, in_flight| RateLimit {
        scope,
        model: model.map(model_pattern),
        requests_per_minute: requests,
        tokens_per_minute: tokens,
        calls_in_flight: in_flight,
    };
    let verdict = |scope, model, token_scope| AccessVerdict { scope: RuleScope::Of(scope), model, token_scope };
    let group = |name: &str| BudgetScope::Group(name.to_owned());
    let limits = vec![
        limit(RuleScope::Of(BudgetScope::DefaultUser), None, Some(3), None, None),
        limit(RuleScope::Of(BudgetScope::User(email(1))), None, Some(5), Some(90), None),
        limit(RuleScope::Of(group("even")), None, None, None, Some(2)),
        limit(RuleScope::Of(BudgetScope::Org), Some("e*"), Some(8), Some(150), None),
        limit(RuleScope::DefaultToken, None, None, None, Some(2)),
        limit(RuleScope::Of(BudgetScope::Token(token_id(3))), None, None, Some(40), Some(3)),
        limit(RuleScope::DefaultToken, Some("echo"), None, Some(80), None),
    ];
    let access = vec![
        verdict(group("even"), true, true),
        verdict(group("other"), false, true),
        verdict(BudgetScope::DefaultUser, true, false),
        verdict(BudgetScope::User(email(1)), true, true),
        verdict(BudgetScope::User(email(3)), true, true),
        verdict(BudgetScope::Token(token_id(2)), false, true),
    ];
    Arc::new(CallRules { limits, access })
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
    rules: Arc<CallRules>,
    /// When each lease was first asked for, or ended: its retries end some time after.
    last_used: BTreeMap<u16, Timestamp>,
    /// How many events were taken from the store.
    discarded: usize,
}

impl<S: Restart> History<S> {
    fn new(store: S) -> Self {
        let mut reference = Reference::default();
        reference.book = book(1, &[]);
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
            rules: rules(),
            last_used: BTreeMap::new(),
            discarded: 0,
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
        self.discard(u32::MAX).await
    }

    async fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Admit { user, lease, estimate, terms } => self.admit(user, lease, estimate, terms).await?,
            Step::Settle { lease, cost } => {
                let settlement = settlement(lease, self.now, cost);
                self.store().settle(&settlement).await.expect("the store answers");
                if self.reference.settle(&settlement) {
                    self.last_used.insert(lease, self.now);
                }
            }
            Step::Cancel { lease } => {
                let cancel = Cancel { lease: lease_id(lease), now: self.now };
                self.store().cancel(cancel).await.expect("the store answers");
                if self.reference.cancel(cancel.lease) {
                    self.last_used.insert(lease, self.now);
                }
            }
            Step::Sweep { limit } => {
                let swept = self.store().sweep(self.now, limit).await.expect("the store answers");
                prop_assert_eq!(swept as usize, self.reference.sweep(self.now, limit as usize));
            }
            Step::Discard { limit } => self.discard(limit).await?,
            Step::Wait { seconds } => self.now = self.now.plus(seconds),
            Step::Restart => {
                let store = self.store.take().expect("only a restart takes it, and puts it back");
                self.store = Some(store.restart(self.now).await);
                if !S::KEEPS_LEASES {
                    self.reference.abandon();
                }
                self.generation = generation(self.store()).await;
            }
            Step::Change { user, change } => {
                self.change(user, &change);
                self.install(user).await;
            }
            Step::InstallLate { user } => self.install_late(user).await,
            Step::Decide { budget, amount } => {
                self.decide(budget, amount);
                self.install(0).await;
            }
        }
        Ok(())
    }

    /// Asks both; a store that does not know asks the records first, as the control plane does.
    async fn admit(&mut self, user: u8, lease: u16, estimate: i64, terms: Terms) -> Result<(), TestCaseError> {
        let is_stale = self.last_used.get(&lease).is_some_and(|used| self.now.since(*used) >= RETRIES_END);
        if is_stale {
            return Ok(());
        }
        self.last_used.entry(lease).or_insert(self.now);
        let mut question = admit(user, lease, self.now, estimate, &[]);
        question.priced = !matches!(terms, Terms::Unpriced | Terms::Free);
        if let Terms::Precluded(preclusion) = terms {
            question.preclusion = Some(preclusion);
        }
        if let Terms::SignedInWithin { seconds } = terms {
            question.signed_in_since = Some(self.now.plus(-seconds));
        }
        if let Terms::Ruled { tokens } = terms {
            question.tokens = tokens;
            question.rules = Arc::clone(&self.rules);
        }
        question.is_free = terms == Terms::Free;
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
        let users = self.reference.users.get(&user_id(number)).cloned().into_iter().collect();
        let tokens = self.reference.tokens.get(&token_id(number)).cloned().into_iter().collect();
        let budgets = Some(self.reference.book.clone());
        let install = Install { generation: self.generation, users, tokens, budgets };
        let installed = self.store().install(&install).await.expect("the store answers");
        assert_eq!(installed, Installed::Done);
    }

    /// Installs what was read long ago, in this generation and in another: neither changes anything. Who installs late
    /// read from records that the store had heard of since.
    async fn install_late(&self, number: u8) {
        self.install(number).await;
        let other = Generation(self.generation.0.wrapping_add(1));
        let answers = [(self.generation, Installed::Done), (other, Installed::Stale(self.generation))];
        for (generation, expected) in answers {
            let (users, tokens) = (vec![user_entry(number)], vec![token_entry(number)]);
            let budgets = Some(book(1, &[]));
            let installed = self.store().install(&Install { generation, users, tokens, budgets }).await;
            assert_eq!(installed.expect("the store answers"), expected);
        }
    }

    /// Changes what the book has.
    fn decide(&mut self, which: u8, amount: Option<i64>) {
        let (scope, window) = match which {
            0 => (BudgetScope::DefaultUser, WindowKind::Daily),
            1 => (BudgetScope::DefaultUser, WindowKind::Weekly),
            2 => (BudgetScope::Group("even".to_owned()), WindowKind::Daily),
            3 => (BudgetScope::Group("other".to_owned()), WindowKind::Monthly),
            4 => (BudgetScope::Org, WindowKind::Monthly),
            _ => (BudgetScope::Token(token_id(2)), WindowKind::Total),
        };
        let book = &mut self.reference.book;
        book.version = book.version.next();
        let limits = Arc::make_mut(&mut book.limits);
        match amount {
            Some(amount) => limits.insert((scope, window), Nanodollars(amount)),
            None => limits.remove(&(scope, window)),
        };
    }

    /// Changes the records.
    fn change(&mut self, number: u8, change: &Change) {
        let token = self.reference.tokens.get_mut(&token_id(number)).expect("nobody is forgotten");
        let user = self.reference.users.get_mut(&user_id(number)).expect("nobody is forgotten");
        if *change == Change::Revoke {
            token.revoked = true;
            token.version = token.version.next();
            return;
        }
        user.version = user.version.next();
        match change {
            Change::Revoke => {}
            Change::RevokeAll => user.token_epoch = user.token_epoch.next(),
            Change::Suspend { seconds } => {
                let (until, by, at) = (Some(self.now.plus(*seconds)), user_id(9), self.now);
                user.status = Status::Suspended(Suspension { until, reason: String::new(), by, at });
            }
            Change::Remove => user.status = Status::Removed,
            Change::Regroup { groups } => user.groups.clone_from(groups),
            Change::SignIn => user.last_sign_in = Some(self.now),
            Change::Limit { window, amount } => {
                match amount {
                    Some(amount) => user.limits.insert(*window, Nanodollars(*amount)),
                    None => user.limits.remove(window),
                };
            }
        }
    }

    /// Takes events from the store, as the usage log does: the oldest of those that were not taken, in their order.
    async fn discard(&mut self, limit: u32) -> Result<(), TestCaseError> {
        let (events, through) = self.store().pending_usage(limit).await.expect("the store answers");
        let events: Vec<_> = events
            .iter()
            .map(|event| (event.id, event.revision, event.settlement.cost.0, event.settlement.priced))
            .collect();
        let waiting = self.reference.events.iter().skip(self.discarded).take(limit as usize).copied();
        prop_assert_eq!(&events, &waiting.collect::<Vec<_>>());
        self.discarded += events.len();
        // Again, as after an answer that was lost.
        for _ in 0..2 {
            self.store().discard_usage(through).await.expect("the store answers");
        }
        Ok(())
    }

    async fn compare_money(&self) -> Result<(), TestCaseError> {
        let calendar = Calendar::at(self.now, &TimeZone::UTC);
        for number in 0..USERS {
            let user = user_id(number);
            let own = WindowKind::ALL.map(|kind| (kind, self.reference.own(user, kind, &calendar)));
            let counters = WindowKind::ALL.map(|kind| (kind, Counter::User(user)));
            let totals = self.store().totals(&calendar, &counters).await.expect("the store answers");
            prop_assert_eq!(&totals, &own.map(|(_, totals)| totals));
            let (token, budgets) = (Some(token_id(number)), Arc::clone(&self.budgets));
            let query = SpendingQuery { user, token, calendar: calendar.clone(), budgets };
            // A store that does not know somebody is asked again once it does.
            if let SpendingState::Known(spending) = self.store().spending(&query).await.expect("the store answers") {
                prop_assert_eq!(spending.windows, own);
                prop_assert_eq!(spending.budgets, self.reference.standing(&query));
            }
        }
        Ok(())
    }
}
