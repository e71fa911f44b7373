//! The hot state of this gateway: its own, or shared with others.

use std::sync::Arc;

use gateway_core::admission::{Admit, Cancel, Install, Installed, Settlement, UsageEvent, Verdict};
use gateway_core::id::{LeaseId, UserId};
use gateway_core::money::{Calendar, Counter, WindowKind};
use gateway_core::ports::{
    Activity, Admission, Answers, Contents, Continuity, Cursor, Duties, Hot, Limits, Loss, OneTime, Page, PageRequest,
    Presence, Recovery, Roster, SessionCounts, SessionQuery, SessionState, Sessions, SpendingQuery, SpendingState,
    Tally, Totals, Unavailable, Usage,
};
use gateway_core::redis::{RedisHot, UpstashTransport};
use gateway_core::session::{Session, SessionId, TicketHash};
use gateway_core::time::Timestamp;
use gateway_core::version::Generation;
use gateway_native::http_client::HttpClient;
use gateway_native::redis::RedisTransport;

use crate::hot::EmbeddedHot;
use crate::metrics::Operation;
use gateway_native::host::{SystemClock, SystemRandom};

/// Where the hot state is. An enum, because the configuration decides, and the front compiled twice would be twice as large.
#[derive(Clone)]
pub(crate) enum LocalHot {
    /// In this process, with its journal.
    Embedded(EmbeddedHot),
    /// On a Redis server.
    Redis(Arc<RedisHot<RedisTransport, SystemClock, SystemRandom>>),
    /// In a Redis database at Upstash.
    Upstash(Arc<RedisHot<UpstashTransport<HttpClient, SystemClock>, SystemClock, SystemRandom>>),
}

impl Hot for LocalHot {}

/// Passes each method of the ports on to the store that there is, and measures it.
macro_rules! delegate {
    ($($port:ident { $($method:ident($($name:ident: $kind:ty),*) -> $answer:ty;)* })*) => {
        $(impl $port for LocalHot {
            $(async fn $method(&self, $($name: $kind),*) -> Result<$answer, Unavailable> {
                let operation = Operation::begin("hot", stringify!($method));
                let answer = match self {
                    Self::Embedded(hot) => hot.$method($($name),*).await,
                    Self::Redis(hot) => hot.$method($($name),*).await,
                    Self::Upstash(hot) => hot.$method($($name),*).await,
                };
                operation.end(&answer);
                answer
            })*
        })*
    };
}

delegate! {
    Admission {
        admit(admit: &Admit) -> Verdict;
        settle(settlement: &Settlement) -> ();
        cancel(cancel: Cancel) -> ();
        sweep(now: Timestamp, limit: u32) -> u32;
        install(install: &Install) -> Installed;
    }
    Roster {
        tally(now: Timestamp) -> Tally;
        enrolled(generation: Generation, upto: Option<&Cursor>) -> ();
    }
    Sessions {
        open_session(session: &Session) -> ();
        session(ticket: &TicketHash, now: Timestamp) -> SessionState;
        find_session(id: &SessionId) -> Option<Session>;
        end_session(id: &SessionId) -> bool;
    }
    Presence {
        sessions(query: &SessionQuery) -> Page<Session>;
        session_counts(now: Timestamp) -> SessionCounts;
        seen(now: Timestamp, page: &PageRequest) -> Page<Activity>;
        seen_count(now: Timestamp) -> u64;
        activity(users: &[UserId], now: Timestamp) -> Vec<Activity>;
    }
    Limits {
        count(name: &str, seconds: u32, now: Timestamp) -> (u64, u32);
    }
    OneTime {
        keep(kind: &str, id: &str, value: &str, now: Timestamp, expiry: Timestamp) -> bool;
        redeem(kind: &str, id: &str, now: Timestamp) -> Option<String>;
    }
    Answers {
        note_answer(id: &str, user: UserId, now: Timestamp, expiry: Timestamp) -> ();
        answer_maker(id: &str, now: Timestamp) -> Option<UserId>;
    }
    Contents {
        keep_content(id: LeaseId, content: &str, now: Timestamp, expiry: Timestamp) -> bool;
        contents(ids: &[LeaseId], now: Timestamp) -> Vec<Option<String>>;
        discard_contents(ids: &[LeaseId]) -> ();
    }
    Usage {
        pending_usage(limit: u32) -> (Vec<UsageEvent>, u64);
        discard_usage(through: u64) -> ();
        spending(query: &SpendingQuery) -> SpendingState;
        totals(calendar: &Calendar, counters: &[(WindowKind, Counter)]) -> Vec<Totals>;
    }
    Continuity {
        begin_generation() -> Generation;
        beat(seen: u64) -> u64;
        loss() -> Option<Loss>;
        recover(recovery: &Recovery) -> bool;
    }
    Duties {
        claim(duty: &str, holder: &str, seconds: u32) -> bool;
    }
}
