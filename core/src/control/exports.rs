//! Telling other systems of usage events: read from the log in the order of their arrival, sent by the upkeep.
//!
//! An exporter's place is noted after its sink has taken everything before it. So each event comes at least once; ids are the same each
//! time. A sink that does not take them costs lag, and holds up no other.
//!
//! What was said is kept in the hot state, and forgotten when every exporter that is told of it has told it.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;

use super::export_desk::Ended;
use super::{Authority, Control, measures};
use crate::Chain;
use crate::admission::UsageEvent;
use crate::config::{Exporter, ExporterKind};
use crate::export::{self, Exported, RequestError, Said, Verdict};
use crate::id::LeaseId;
use crate::ports::{Arrivals as _, Clock as _, Contents as _, Exports as _, Http, HttpError, Unavailable, in_time};
use crate::time::Timestamp;

/// How many events are read at once.
const BATCH: u32 = 500;

/// How many of those whose sink is told what was said: each is a hundred times as large.
const BATCH_WITH_CONTENT: u32 = 50;

/// Of how many calls it is asked at once what was said.
const CONTENTS_AT_ONCE: usize = 25;

/// How large a request may be that tells of several events, in bytes: receivers take some megabytes.
const LARGEST_BODY: usize = 1024 * 1024;

/// How long a sink may take to take events.
const PATIENCE: Duration = Duration::from_secs(5);

/// For how long an exporter begins to send something, in seconds: others have work to do, too. What is left is sent the next time.
const AT_ONCE: i64 = 4;

/// The first pause after a failure, and the longest, in seconds; each is twice as long as the one before.
const PAUSES: (i64, i64) = (5, 600);

/// How often a sink may refuse parts of a batch of which it took none, until it is believed to refuse everything.
const HOPELESS: u32 = 64;

/// How much of an answer is read, in bytes.
const ANSWER: usize = 64 * 1024;

/// Why a sink was not told.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("it answers {0}")]
    Status(u16),
    #[error("it answers {0}, whatever it is sent")]
    RefusesAll(u16),
    #[error("it does not answer in time")]
    Silence,
    #[error("it cannot be reached")]
    Unreachable(#[from] HttpError),
    #[error("it cannot be asked")]
    Request(#[from] RequestError),
}

/// What became of a request.
enum Sent {
    /// The sink took it, but for so many events.
    Taken(u64),
    /// It never will.
    Condemned(u16),
    /// Not now; the sink may have said for how many seconds.
    Later(Trouble, Option<i64>),
}

/// One exporter at work.
struct Run<'a, A: Authority, C> {
    control: &'a Control<A>,
    name: &'a str,
    exporter: &'a Exporter,
    client: &'a C,
    begun: Timestamp,
}

impl<A: Authority> Control<A> {
    /// Sends usage events to every exporter's sink, for some seconds, all at the same time. Returns how many were taken. While a sink
    /// does not take them, it is tried more and more seldom.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn export(&self, client: &impl Http) -> Result<usize, Unavailable> {
        let begun = self.now();
        let runs = self.config().exporters.iter();
        let runs = runs.map(|(name, exporter)| Run { control: self, name, exporter, client, begun });
        let done = join_all(runs.map(|run| Box::pin(async move { run.go().await }))).await;
        done.into_iter().sum()
    }

    /// Adds the addresses of those who called; not of those whose records were erased.
    async fn with_emails(&self, events: Vec<UsageEvent>) -> Result<Vec<Exported>, Unavailable> {
        let mut people = self.by_id(events.iter().map(|event| event.user)).await?;
        people.retain(|_, user| user.erased.is_none());
        let email = |event: &UsageEvent| people.get(&event.user).map(|user| user.email.clone());
        Ok(events.into_iter().map(|event| Exported { email: email(&event), event, said: None }).collect())
    }

    /// Adds what was said, where it is still kept, without what the rules leave out. Without rules nothing is told.
    async fn add_said(&self, exported: &mut [Exported]) -> Result<(), Unavailable> {
        let Some(redaction) = self.redaction() else { return Ok(()) };
        for some in exported.chunks_mut(CONTENTS_AT_ONCE) {
            let ids: Vec<LeaseId> = some.iter().map(|exported| exported.event.id).collect();
            let kept = self.hot().contents(&ids, self.now()).await?;
            for (exported, content) in some.iter_mut().zip(kept) {
                let content = content.and_then(|content| serde_json::from_str(&content).ok());
                exported.said = content.map(|content| Said::of(content, redaction));
            }
        }
        Ok(())
    }
}

impl<A: Authority, C: Http> Run<'_, A, C> {
    async fn go(&self) -> Result<usize, Unavailable> {
        let desk = self.control.export_desk();
        let done = if desk.pauses(self.name, self.begun) { Ok(0) } else { self.send_batches().await };
        measures::export_lag(self.name, desk.lag(self.name, self.control.clock().now()));
        done
    }

    async fn send_batches(&self) -> Result<usize, Unavailable> {
        let (records, desk) = (self.control.records(), self.control.export_desk());
        let mut place = records.exported(self.name).await?;
        let mut taken = 0;
        while self.has_time() {
            let arrived = records.arrived(place, self.batch()).await?;
            if arrived.place == place {
                desk.caught_up(self.name);
                break;
            }
            let ids: Vec<LeaseId> = arrived.events.iter().map(|event| event.id).collect();
            let (some, is_over) = self.send_batch(arrived.events).await?;
            taken += some;
            if !is_over {
                break;
            }
            place = arrived.place;
            records.note_exported(self.name, place).await?;
            self.discard_contents(&ids, place).await?;
        }
        Ok(taken)
    }

    const fn batch(&self) -> u32 {
        if self.exporter.content { BATCH_WITH_CONTENT } else { BATCH }
    }

    /// Has the hot state forget what was said in these calls, unless another exporter that is told of it is not yet at their place.
    async fn discard_contents(&self, ids: &[LeaseId], place: u64) -> Result<(), Unavailable> {
        if !self.exporter.content {
            return Ok(());
        }
        let exporters = &self.control.config().exporters;
        for (name, _) in exporters.iter().filter(|(name, other)| other.content && *name != self.name) {
            if self.control.records().exported(name).await? < place {
                return Ok(());
            }
        }
        self.control.hot().discard_contents(ids).await
    }

    /// Sends what is left of a batch; says how many were taken, and whether nothing is left. What the sink condemns is sent by
    /// halves, until it takes them or a single one is left.
    async fn send_batch(&self, events: Vec<UsageEvent>) -> Result<(usize, bool), Unavailable> {
        let desk = self.control.export_desk();
        let mut events = desk.left(self.name, self.control.with_emails(events).await?);
        if self.exporter.content {
            self.control.add_said(&mut events).await?;
        }
        let mut queue: VecDeque<&[Exported]> = events.chunks(desk.size(self.name)).collect();
        let mut taken = 0;
        while let Some(some) = queue.pop_front() {
            if !self.has_time() {
                return Ok((taken, false));
            }
            let halves = some.split_at(some.len() / 2);
            match self.send(some).await {
                None => queue.extend([halves.0, halves.1]),
                Some(Sent::Taken(rejected)) => {
                    desk.taken(self.name, some);
                    taken += some.len();
                    self.count(some.len(), rejected);
                }
                Some(Sent::Condemned(status)) if desk.refused(self.name, some, status) >= HOPELESS => {
                    desk.end_batch(self.name);
                    self.pause(&Trouble::RefusesAll(status), None);
                    return Ok((taken, false));
                }
                Some(Sent::Condemned(_)) if some.len() > 1 => queue.extend([halves.0, halves.1]),
                Some(Sent::Condemned(_)) => {}
                Some(Sent::Later(trouble, asked)) => {
                    self.pause(&trouble, asked);
                    return Ok((taken, false));
                }
            }
        }
        Ok((taken, self.end_batch()))
    }

    /// Says whether a batch is over: what its sink refuses is passed over once it has taken something beside it.
    fn end_batch(&self) -> bool {
        match self.control.export_desk().end_batch(self.name) {
            Ended::NothingTaken(status) => {
                self.pause(&Trouble::RefusesAll(status), None);
                false
            }
            Ended::Over(refused) => {
                for (id, status) in &refused {
                    tracing::warn!(exporter = self.name, event = %id, status, "a usage event is refused, and passed over");
                }
                measures::exported(self.name, measures::EXPORT_REFUSED, refused.len() as u64);
                true
            }
        }
    }

    /// Sends events; none if they are too many for one request.
    async fn send(&self, events: &[Exported]) -> Option<Sent> {
        let request = match export::request(self.exporter, events) {
            Ok(request) if request.body().len() > LARGEST_BODY && events.len() > 1 => return None,
            Ok(request) => request,
            Err(error) => return Some(Sent::Later(error.into(), None)),
        };
        Some(self.post(request).await.unwrap_or_else(|trouble| Sent::Later(trouble, None)))
    }

    async fn post(&self, request: Request<Bytes>) -> Result<Sent, Trouble> {
        let clock = self.control.clock();
        let answer = self.client.send(request.map(Body::from));
        let answer = in_time(clock, PATIENCE, answer).await.ok_or(Trouble::Silence)??;
        let (head, body) = answer.into_parts();
        // Read, so that the connection can be used again.
        let body = in_time(clock, PATIENCE, to_bytes(body, ANSWER)).await.and_then(Result::ok).unwrap_or_default();
        let status = head.status.as_u16();
        Ok(match Verdict::of(head.status, &head.headers) {
            Verdict::Taken if self.exporter.kind == ExporterKind::Clickhouse => Sent::Taken(0),
            Verdict::Taken => Sent::Taken(export::rejected(&body)),
            Verdict::Condemned => Sent::Condemned(status),
            Verdict::Later(asked) => Sent::Later(Trouble::Status(status), asked),
        })
    }

    fn count(&self, taken: usize, rejected: u64) {
        if rejected > 0 {
            tracing::warn!(
                exporter = self.name,
                events = rejected,
                "a sink did not keep some usage events that it took"
            );
        }
        measures::exported(self.name, measures::EXPORT_REFUSED, rejected);
        measures::exported(self.name, measures::EXPORT_SENT, (taken as u64).saturating_sub(rejected));
    }

    fn pause(&self, trouble: &Trouble, asked: Option<i64>) {
        let again_in = self.control.export_desk().pause(self.name, self.control.now(), PAUSES, asked);
        tracing::warn!(exporter = self.name, error = %Chain(trouble), again_in, "usage events are not exported");
    }

    fn has_time(&self) -> bool {
        self.control.now().since(self.begun) < AT_ONCE
    }
}
