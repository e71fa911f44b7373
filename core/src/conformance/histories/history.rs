//! One history.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::dice::Dice;
use super::network::Fate;
use super::oracle::SharedOracle;
use super::process::{Clockwork, Common, Process};
use super::{Site, network};
use crate::config::Config;
use crate::conformance::fixture::{START, email, front_actor};
use crate::conformance::host::SeededRandom;
use crate::conformance::memory_records::MemoryRecords;
use crate::control::{SignInOutcome, SignInRecord};
use crate::id::UserId;
use crate::identity::Account;
use crate::ports::Random as _;
use crate::token::KeySet;

/// How many things happen.
const STEPS: usize = 150;

/// How many things may be going on at once.
const AT_ONCE: usize = 10;

/// More seconds than a lease has, by any two clocks.
pub(super) const LONG: usize = 2700;

/// Enough of a configuration to sign people in.
const CONFIGURATION: &str = "[signin]\nissuer = \"https://id.example\"\nclient_id = \"gw\"\nallow_anyone = true\n\
                             [limits]\nmints_per_user = 0\nmints_per_address = 0\n";

/// How far a clock may be off, in milliseconds.
const SKEWS: [i64; 5] = [-300_000, -7000, 0, 2000, 300_000];

/// Something that a process does.
struct Task {
    process: usize,
    work: BoxFuture<'static, ()>,
}

/// A history that is being made.
pub(super) struct History<'a, S: Site> {
    site: &'a mut S,
    seed: u64,
    dice: Dice,
    /// Milliseconds.
    now: Arc<AtomicI64>,
    pub(super) common: Common,
    pub(super) processes: Vec<Process<S::Hot>>,
    tasks: Vec<Task>,
    pub(super) users: Vec<UserId>,
    is_saved: bool,
    /// What has happened, for who has to find out why.
    pub(super) story: Vec<String>,
}

impl<'a, S: Site> History<'a, S> {
    pub(super) fn new(site: &'a mut S, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let random = SeededRandom::default();
        let now = Arc::new(AtomicI64::new(START.0 * 1000));
        let common = Common {
            records: MemoryRecords::default(),
            network: network::Network::default(),
            keys: KeySet::new(START.plus(-86400), random.bytes(), random.bytes()),
            random,
            oracle: SharedOracle::default(),
            config: Arc::new(Config::load(CONFIGURATION, &()).expect("it is good")),
        };
        let mut processes = Vec::new();
        for number in 0..2 + dice.below(2) {
            let skew = dice.pick(&SKEWS).copied().unwrap_or(0);
            let clock = Clockwork::new(Arc::clone(&now), skew);
            processes.push(Process::start(number, site.open(&clock), &clock, &common));
        }
        let (tasks, users, story) = (Vec::new(), Vec::new(), Vec::new());
        Self { site, seed, dice, now, common, processes, tasks, users, is_saved: false, story }
    }

    pub(super) async fn run(mut self) {
        self.begin().await;
        for _ in 0..STEPS {
            self.step().await;
            self.go_on();
        }
        self.end().await;
    }

    /// Signs two people in, and mints them a token each.
    async fn begin(&mut self) {
        for number in 1..=2 {
            let record = SignInRecord {
                account: Account { issuer: "https://id.example".to_owned(), subject: number.to_string() },
                email: email(number),
                name: None,
                groups: Vec::new(),
                authenticated_at: None,
            };
            let process = self.processes[0].clone();
            let signed_in = async move { process.control.sign_in(&front_actor(), &record).await };
            let outcome = self.alone(signed_in).await.expect("the stores answer");
            let SignInOutcome::Welcome { user, .. } = outcome else { unreachable!("nobody is removed") };
            self.users.push(user);
            let process = self.processes[0].clone();
            self.alone(process.mint(user)).await;
        }
        assert_eq!(self.common.oracle.tokens().len(), self.users.len());
    }

    /// Lets one thing happen.
    async fn step(&mut self) {
        match self.dice.below(100) {
            0..=54 => self.deliver().await,
            55..=89 => self.ask(),
            90..=92 => {
                let seconds = 1 + self.dice.below(30);
                self.pass(seconds);
            }
            93 => {
                // Nothing is on its way for that long, and no retry goes on.
                self.go_on();
                while self.common.network.deliver_all().await {
                    self.go_on();
                }
                self.pass(LONG);
            }
            94 => {
                let process = self.dice.below(self.processes.len());
                self.crash(process);
            }
            95 | 96 => {
                self.story.push("the store is saved".to_owned());
                self.site.save().await;
                self.is_saved = true;
            }
            _ => self.lose().await,
        }
    }

    /// Decides about something that is on its way.
    async fn deliver(&mut self) {
        let waiting = self.common.network.len();
        if waiting == 0 {
            return self.ask();
        }
        let index = self.dice.below(waiting);
        let fates = [Fate::Lost, Fate::AnswerLost, Fate::Late, Fate::Repeated];
        let fate = if self.dice.below(4) > 0 { Fate::Delivered } else { fates[self.dice.below(fates.len())] };
        let name = self.common.network.deliver(index, fate).await;
        self.story.push(format!("{name}: {fate:?}"));
    }

    /// Has a process begin something.
    fn ask(&mut self) {
        if self.tasks.len() >= AT_ONCE {
            return;
        }
        let process = self.processes[self.dice.below(self.processes.len())].clone();
        let user = self.users[self.dice.below(self.users.len())];
        let tokens = self.common.oracle.tokens();
        let token = self.dice.pick(&tokens).copied();
        let number = process.number;
        let (name, work): (&str, BoxFuture<'static, ()>) = match (self.dice.below(25), token) {
            (0, _) if tokens.len() < 5 => ("mints", process.mint(user).boxed()),
            (1 | 2, Some((token, owner, _))) => ("revokes", process.revoke(owner, token).boxed()),
            (3, _) => ("revokes all", process.revoke_all(user).boxed()),
            (4..=12, Some((token, owner, epoch))) => {
                let cost = 1000 + i64::try_from(self.story.len()).unwrap_or(0);
                ("calls", process.call(owner, token, epoch, cost).boxed())
            }
            (13 | 14, _) => ("drains", async move { drop(process.control.drain_usage().await) }.boxed()),
            (15, _) => ("applies changes", async move { drop(process.control.apply_outbox().await) }.boxed()),
            (16, _) => ("sweeps", async move { drop(process.control.sweep().await) }.boxed()),
            (17 | 18, _) => ("repairs", async move { drop(process.control.repair().await) }.boxed()),
            (23, _) => ("enrols", async move { drop(process.control.enrol().await) }.boxed()),
            (19..=22, Some((token, owner, _))) => ("restores", process.restore(owner, token).boxed()),
            _ => ("recovers", async move { drop(process.control.recover().await) }.boxed()),
        };
        self.story.push(format!("{number} {name}"));
        self.tasks.push(Task { process: number, work });
    }

    pub(super) fn pass(&mut self, seconds: usize) {
        self.story.push(format!("{seconds} seconds pass"));
        self.now.fetch_add(i64::try_from(seconds).unwrap_or(0) * 1000, Ordering::Relaxed);
    }

    /// Ends a process without a warning, and starts another in its place. What it had sent is on its way.
    fn crash(&mut self, number: usize) {
        self.story.push(format!("{number} dies"));
        self.common.oracle.died(number);
        self.tasks.retain(|task| task.process != number);
        let clock = self.processes[number].clock.clone();
        self.processes[number] = Process::start(number, self.site.open(&clock), &clock, &self.common);
    }

    /// Takes the store's memory, or puts an older one in its place.
    async fn lose(&mut self) {
        // Where the server goes on, connections stay: what was read from the records before arrives afterwards.
        self.common.network.cut(if self.dice.below(2) == 0 { "install" } else { "" });
        self.common.oracle.lost(&self.log().await);
        if self.is_saved && self.dice.below(3) > 0 {
            self.story.push("the store goes back".to_owned());
            self.site.go_back().await;
        } else {
            self.story.push("the store is wiped".to_owned());
            self.site.wipe().await;
        }
        self.is_saved = false;
    }

    /// Lets every process do what it can.
    fn go_on(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        self.tasks.retain_mut(|task| Pin::new(&mut task.work).poll(&mut context).is_pending());
    }

    /// Lets everything that is on its way arrive, until nothing is.
    pub(super) async fn settle_down(&mut self) {
        for _ in 0..10_000 {
            self.go_on();
            if self.common.network.len() == 0 {
                assert!(self.tasks.is_empty(), "{}", self.tell(&["somebody waits for nothing".to_owned()]));
                return;
            }
            self.common.network.deliver(0, Fate::Delivered).await;
        }
        unreachable!("{}", self.tell(&["it never ends".to_owned()]));
    }

    /// Does something while nothing else happens, and returns what came of it.
    pub(super) async fn alone<T: Send + 'static>(&mut self, work: impl Future<Output = T> + Send + 'static) -> T {
        let outcome: Arc<Mutex<Option<T>>> = Arc::default();
        let put = Arc::clone(&outcome);
        let work = async move { *put.lock().unwrap_or_else(PoisonError::into_inner) = Some(work.await) };
        self.tasks.push(Task { process: usize::MAX, work: work.boxed() });
        self.settle_down().await;
        let outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        outcome.expect("it has ended")
    }

    pub(super) fn tell(&self, complaints: &[String]) -> String {
        format!("history {}:\n{}\n{}", self.seed, self.story.join("\n"), complaints.join("\n"))
    }
}
