//! What is on its way to the store.

use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use futures_util::future::BoxFuture;

use crate::admission::{Admit, Cancel, Install, Installed, Settlement, UsageEvent, Verdict};
use crate::id::{LeaseId, UserId};
use crate::money::{Calendar, Counter, WindowKind};
use crate::ports::{
    Activity, Admission, Answers, Contents, Continuity, Cursor, Duties, Hot, Limits, Loss, OneTime, Page, PageRequest,
    Presence, Recovery, Roster, SessionCounts, SessionQuery, SessionState, Sessions, SpendingQuery, SpendingState,
    Tally, Totals, Unavailable, Usage,
};
use crate::session::{Session, SessionId, TicketHash};
use crate::time::Timestamp;
use crate::version::Generation;

/// What a call that runs waits for.
const RUNNING: &str = "run";

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It takes effect, and the answer arrives.
    Delivered,
    /// Nothing happens, and the sender hears of a failure.
    Lost,
    /// It takes effect, and the sender hears of a failure.
    AnswerLost,
    /// The sender hears of a failure, and it takes effect some time later.
    Late,
    /// It takes effect, the answer arrives, and it takes effect once more some time later.
    Repeated,
}

/// Hands the answer to the sender, if they still wait.
type Answer = Box<dyn FnOnce() + Send>;

/// Has the request take effect.
type Effect = Arc<dyn Fn() -> BoxFuture<'static, Answer> + Send + Sync>;

/// A request on its way.
struct Packet {
    name: &'static str,
    effect: Effect,
    /// Tells the sender of a failure; gone if they know what became of it.
    fail: Option<Answer>,
}

/// Everything that is on its way. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Network {
    packets: Arc<Mutex<Vec<Packet>>>,
}

impl Network {
    fn lock(&self) -> MutexGuard<'_, Vec<Packet>> {
        self.packets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many requests are on their way.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Has everything arrive but what calls that run will ask for when they end; says whether anything did.
    pub(super) async fn deliver_all(&self) -> bool {
        let mut has_delivered = false;
        loop {
            let next = self.lock().iter().position(|packet| packet.name != RUNNING);
            let Some(index) = next else { return has_delivered };
            self.deliver(index, Fate::Delivered).await;
            has_delivered = true;
        }
    }

    /// Decides about one request; returns what it was.
    pub(super) async fn deliver(&self, index: usize, fate: Fate) -> &'static str {
        let Packet { name, effect, fail } = self.lock().swap_remove(index);
        let Some(fail) = fail else {
            drop(effect().await);
            return name;
        };
        match fate {
            Fate::Delivered => (effect().await)(),
            Fate::Lost => fail(),
            Fate::AnswerLost => {
                drop(effect().await);
                fail();
            }
            Fate::Late => {
                fail();
                self.lock().push(Packet { name, effect, fail: None });
            }
            // Who was refused does not come back for what a copy of the question opened: it is repeated at once, or not at all.
            Fate::Repeated if name == "admit" => {
                (effect().await)();
                drop(effect().await);
            }
            Fate::Repeated => {
                (effect().await)();
                self.lock().push(Packet { name, effect, fail: None });
            }
        }
        name
    }

    /// Cuts connections: what is on its way is lost, but what has that name.
    pub(super) fn cut(&self, kept: &str) {
        let (kept, lost): (Vec<_>, Vec<_>) =
            std::mem::take(&mut *self.lock()).into_iter().partition(|packet| packet.name == kept);
        *self.lock() = kept;
        lost.into_iter().filter_map(|packet| packet.fail).for_each(|fail| fail());
    }

    async fn ask<T, F>(
        &self,
        name: &'static str,
        call: impl Fn() -> F + Send + Sync + 'static,
    ) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Unavailable>> + Send + 'static,
    {
        let slot: Arc<Mutex<Option<Result<T, Unavailable>>>> = Arc::default();
        let put = |slot: &Arc<Mutex<Option<Result<T, Unavailable>>>>, outcome| {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        };
        let (answered, failed) = (Arc::clone(&slot), Arc::clone(&slot));
        let effect: Effect = Arc::new(move || {
            let (call, answered) = (call(), Arc::clone(&answered));
            Box::pin(async move {
                let outcome = call.await;
                Box::new(move || put(&answered, outcome)) as Answer
            })
        });
        let fail = Box::new(move || put(&failed, Err(Unavailable::timed_out("the network"))));
        self.lock().push(Packet { name, effect, fail: Some(fail) });
        poll_fn(|_| match slot.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(outcome) => Poll::Ready(outcome),
            None => Poll::Pending,
        })
        .await
    }

    /// Waits for as long as a call might run.
    pub(super) async fn run(&self) {
        // However it ends: nothing was asked.
        let _ = self.ask(RUNNING, || async { Ok(()) }).await;
    }
}

/// A store at the other end of the network.
#[derive(Clone)]
pub(super) struct Distant<H> {
    pub(super) network: Network,
    pub(super) store: H,
}

impl<H: Hot> Hot for Distant<H> {}

/// Passes what is asked on, over the network. `ref` is what the store takes by reference, `opt` if there is one.
macro_rules! distant {
    (@pass ref $name:ident) => { &$name };
    (@pass own $name:ident) => { $name.clone() };
    (@pass opt $name:ident) => { $name.as_ref() };
    (@keep opt $name:ident) => { $name.cloned() };
    (@keep $how:ident $name:ident) => { $name.to_owned() };
    ($($port:ident { $($method:ident($($how:ident $name:ident: $kind:ty),*) -> $answer:ty;)* })*) => {
        $(impl<H: Hot> $port for Distant<H> {
            $(async fn $method(&self, $($name: $kind),*) -> Result<$answer, Unavailable> {
                let store = self.store.clone();
                $(let $name = distant!(@keep $how $name);)*
                let call = move || {
                    let store = store.clone();
                    $(let $name = $name.clone();)*
                    async move { store.$method($(distant!(@pass $how $name)),*).await }
                };
                self.network.ask(stringify!($method), call).await
            })*
        })*
    };
}

distant! {
    Admission {
        admit(ref admit: &Admit) -> Verdict;
        settle(ref settlement: &Settlement) -> ();
        cancel(own cancel: Cancel) -> ();
        sweep(own now: Timestamp, own limit: u32) -> u32;
        install(ref install: &Install) -> Installed;
    }
    Roster {
        tally(own now: Timestamp) -> Tally;
        enrolled(own generation: Generation, opt upto: Option<&Cursor>) -> ();
    }
    Sessions {
        open_session(ref session: &Session) -> ();
        session(ref ticket: &TicketHash, own now: Timestamp) -> SessionState;
        find_session(ref id: &SessionId) -> Option<Session>;
        end_session(ref id: &SessionId) -> bool;
    }
    Presence {
        sessions(ref query: &SessionQuery) -> Page<Session>;
        session_counts(own now: Timestamp) -> SessionCounts;
        seen(own now: Timestamp, ref page: &PageRequest) -> Page<Activity>;
        seen_count(own now: Timestamp) -> u64;
        activity(ref users: &[UserId], own now: Timestamp) -> Vec<Activity>;
    }
    Limits {
        count(ref name: &str, own seconds: u32, own now: Timestamp) -> (u64, u32);
    }
    OneTime {
        keep(ref kind: &str, ref id: &str, ref value: &str, own now: Timestamp, own expiry: Timestamp) -> bool;
        redeem(ref kind: &str, ref id: &str, own now: Timestamp) -> Option<String>;
    }
    Answers {
        note_answer(ref id: &str, own user: UserId, own now: Timestamp, own expiry: Timestamp) -> ();
        answer_maker(ref id: &str, own now: Timestamp) -> Option<UserId>;
    }
    Contents {
        keep_content(own id: LeaseId, ref content: &str, own now: Timestamp, own expiry: Timestamp) -> bool;
        contents(ref ids: &[LeaseId], own now: Timestamp) -> Vec<Option<String>>;
        discard_contents(ref ids: &[LeaseId]) -> ();
    }
    Usage {
        pending_usage(own limit: u32) -> (Vec<UsageEvent>, u64);
        discard_usage(own through: u64) -> ();
        spending(ref query: &SpendingQuery) -> SpendingState;
        totals(ref calendar: &Calendar, ref counters: &[(WindowKind, Counter)]) -> Vec<Totals>;
    }
    Continuity {
        begin_generation() -> Generation;
        beat(own seen: u64) -> u64;
        loss() -> Option<Loss>;
        recover(ref recovery: &Recovery) -> bool;
    }
    Duties {
        claim(ref duty: &str, ref holder: &str, own seconds: u32) -> bool;
    }
}
