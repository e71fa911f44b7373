//! What one process knows of its exporters: how long each waits, and what of a batch is done. What it forgets costs a request more.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::export::Exported;
use crate::id::LeaseId;
use crate::time::{Millis, Timestamp};

/// How many events one request tells of at most, where the sink takes so many in time.
const LARGEST: usize = 500;

/// The desks of all exporters, by their names.
#[derive(Default)]
pub(super) struct ExportDesk(Mutex<BTreeMap<String, Line>>);

/// What is known of one exporter.
struct Line {
    /// Until when nothing is sent.
    paused: Timestamp,
    /// How long the next pause is, in seconds; 0 if the first.
    seconds: i64,
    /// How many events one request tells of.
    size: usize,
    /// When the oldest event ended that waits.
    oldest: Option<Millis>,
    batch: Batch,
}

/// What became of the batch that is being sent. A correction may come into it before it is tried again, with the id of what it corrects.
#[derive(Default)]
struct Batch {
    taken: HashSet<(LeaseId, u32)>,
    /// Events that the sink refuses each by itself, with its status.
    refused: HashMap<(LeaseId, u32), u16>,
    /// How often it refused some of them.
    refusals: u32,
}

/// How a batch ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// All of it was taken, but for these.
    Over(Vec<(LeaseId, u16)>),
    /// Nothing was taken of it, which says more about the sink than about the events.
    NothingTaken(u16),
}

impl Default for Line {
    fn default() -> Self {
        Self { paused: Timestamp(i64::MIN), seconds: 0, size: LARGEST, oldest: None, batch: Batch::default() }
    }
}

impl ExportDesk {
    /// Says whether an exporter waits at `now`.
    pub(super) fn pauses(&self, name: &str, now: Timestamp) -> bool {
        now < self.line(name, |line| line.paused)
    }

    /// Has an exporter wait for a while, which it returns in seconds: each time twice as long as before, between `first` and
    /// `longest`, and as long as the sink asks for. Fewer events are sent at once then: there may be too many for it.
    pub(super) fn pause(&self, name: &str, now: Timestamp, (first, longest): (i64, i64), asked: Option<i64>) -> i64 {
        self.line(name, |line| {
            let seconds = line.seconds.clamp(first, longest);
            line.seconds = seconds * 2;
            line.size = (line.size / 2).max(1);
            let waited = seconds.max(asked.unwrap_or(0));
            line.paused = now.plus(waited);
            waited
        })
    }

    /// Returns how many events one request tells of.
    pub(super) fn size(&self, name: &str) -> usize {
        self.line(name, |line| line.size)
    }

    /// Returns what is left of a batch, and remembers since when it waits.
    pub(super) fn left(&self, name: &str, events: Vec<Exported>) -> Vec<Exported> {
        self.line(name, |line| {
            let is_done = |key| line.batch.taken.contains(&key) || line.batch.refused.contains_key(&key);
            let left: Vec<Exported> = events.into_iter().filter(|exported| !is_done(key(exported))).collect();
            line.oldest = left.iter().map(|exported| exported.event.settlement.at).min().or(line.oldest);
            left
        })
    }

    /// Remembers that events were taken. The next pause is the first.
    pub(super) fn taken(&self, name: &str, events: &[Exported]) {
        self.line(name, |line| {
            line.batch.taken.extend(events.iter().map(key));
            line.seconds = 0;
            line.size = (line.size * 2).min(LARGEST);
        });
    }

    /// Remembers that the sink refused these events with a status. Says how often it has refused some of a batch of which it took none.
    pub(super) fn refused(&self, name: &str, events: &[Exported], status: u16) -> u32 {
        self.line(name, |line| {
            if let [single] = events {
                line.batch.refused.insert(key(single), status);
            }
            line.batch.refusals += 1;
            if line.batch.taken.is_empty() { line.batch.refusals } else { 0 }
        })
    }

    /// Ends a batch, whatever became of it. None of one that is tried again is remembered.
    pub(super) fn end_batch(&self, name: &str) -> Ended {
        self.line(name, |line| {
            let batch = std::mem::take(&mut line.batch);
            match batch.refused.values().next().copied() {
                Some(status) if batch.taken.is_empty() => Ended::NothingTaken(status),
                _ => Ended::Over(batch.refused.into_iter().map(|((id, _), status)| (id, status)).collect()),
            }
        })
    }

    /// Remembers that nothing waits.
    pub(super) fn caught_up(&self, name: &str) {
        self.line(name, |line| line.oldest = None);
    }

    /// Returns for how many milliseconds the oldest event waits at `now`; 0 if none does.
    pub(super) fn lag(&self, name: &str, now: Millis) -> u64 {
        self.line(name, |line| line.oldest).map_or(0, |oldest| now.since(oldest))
    }

    fn line<T>(&self, name: &str, with: impl FnOnce(&mut Line) -> T) -> T {
        let mut lines: MutexGuard<'_, _> = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        with(lines.entry(name.to_owned()).or_default())
    }
}

/// Returns what tells an event from all others, also from what it corrects.
fn key(Exported { event, .. }: &Exported) -> (LeaseId, u32) {
    (event.id, event.revision)
}
