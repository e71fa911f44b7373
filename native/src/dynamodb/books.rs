//! How events get into the usage log and its sums: in numbered batches, one after the other, each of them once.
//!
//! A transaction has room for a hundred items, and one batch changes more. So the batch is written down first, whole, in the item
//! that says which is the newest; then what it adds is added to each sum, which remembers up to which batch that was done; then
//! its events are put into the log, and noted as those that arrived with it; and then it is over. Whoever comes upon a batch that is not over ends it first, however far
//! somebody else got: every step of it changes nothing the second time. So each event is in each sum once, and the sums are never
//! behind the log.

use std::collections::HashMap;

use gateway_core::accounts::{Posting, Sums};
use gateway_core::admission::UsageEvent;
use gateway_core::id::LeaseId;
use gateway_core::ports::Unavailable;
use serde::{Deserialize, Serialize};

use super::accounts::{add_roll_up, add_spent};
use super::call::Change;
use super::day_sums::add_day_sum;
use super::item::{body, json, number, number_of};
use super::key::Key;
use super::{DynamoRecords, NAME};

/// How many events one batch has at most.
const BATCH: usize = 100;

/// How large the postings of a batch are at most, in bytes: an item has room for 400 KB, and what each of them replaces may be as
/// large. An event has about one.
const BATCH_SIZE: usize = 160 * 1024;

/// How often to start over when others write batches, before we call it broken.
const MAX_ATTEMPTS: usize = 16;

/// A batch, as it is written down.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Batch {
    entries: Vec<Entry>,
}

/// An event to be booked, and the lower revision of it that was.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    posting: Posting,
    replaced: Option<UsageEvent>,
}

/// How far the books are.
struct Newest {
    number: u64,
    /// What is left to do of it, if it is not over.
    unfinished: Option<Batch>,
}

impl DynamoRecords {
    /// Puts events into the log and adds them to its sums, unless it has them.
    pub(super) async fn book(&self, mut postings: &[Posting]) -> Result<(), Unavailable> {
        while !postings.is_empty() {
            let (batch, rest) = postings.split_at(fitting(postings));
            self.book_batch(batch).await?;
            postings = rest;
        }
        Ok(())
    }

    async fn book_batch(&self, postings: &[Posting]) -> Result<(), Unavailable> {
        for _ in 0..MAX_ATTEMPTS {
            let newest = self.newest().await?;
            if let Some(batch) = &newest.unfinished {
                self.finish(newest.number, batch).await?;
                continue;
            }
            let batch = self.batch(postings).await?;
            if batch.entries.is_empty() {
                return Ok(());
            }
            // What was read of the log holds as long as nobody else began a batch; then all of it is looked at again.
            self.begin(newest.number, &batch).await?;
        }
        Err(Unavailable::new(NAME, "others keep writing into the usage log"))
    }

    /// Returns the number of the newest batch of those that are over.
    pub(super) async fn booked(&self) -> Result<u64, Unavailable> {
        let newest = self.newest().await?;
        Ok(if newest.unfinished.is_some() { newest.number.saturating_sub(1) } else { newest.number })
    }

    async fn newest(&self) -> Result<Newest, Unavailable> {
        let Some(item) = self.read(&key()).await? else { return Ok(Newest { number: 0, unfinished: None }) };
        let unfinished = if item.contains_key("body") { Some(body(&item)?) } else { None };
        Ok(Newest { number: number_of(&item, "booked")?.cast_unsigned(), unfinished })
    }

    /// Returns what is to be done so that the log has these events.
    async fn batch(&self, postings: &[Posting]) -> Result<Batch, Unavailable> {
        let keys: Vec<Key> = postings.iter().map(|posting| Key::usage(posting.event.id)).collect();
        let held: Result<Vec<UsageEvent>, Unavailable> = self.read_all(&keys).await?.iter().map(body).collect();
        let mut log: HashMap<LeaseId, UsageEvent> = held?.into_iter().map(|event| (event.id, event)).collect();
        let mut batch = Batch::default();
        for posting in postings {
            let replaced = log.get(&posting.event.id);
            if replaced.is_none_or(|held| held.revision < posting.event.revision) {
                batch.entries.push(Entry { posting: posting.clone(), replaced: replaced.cloned() });
                log.insert(posting.event.id, posting.event.clone());
            }
        }
        Ok(batch)
    }

    /// Writes a batch down as the one after `count`, if that is still the newest and over. If not, nothing was written.
    async fn begin(&self, count: u64, batch: &Batch) -> Result<(), Unavailable> {
        let begun = self.change(Change {
            key: key(),
            update: "SET booked = :next, body = :body",
            condition: Some("attribute_not_exists(pk) OR (booked = :booked AND attribute_not_exists(body))"),
            values: vec![(":booked", number(count)), (":next", number(count + 1)), (":body", json(batch))],
            added: Vec::new(),
        });
        begun.await.map(drop)
    }

    /// Does what is left of a batch.
    async fn finish(&self, count: u64, batch: &Batch) -> Result<(), Unavailable> {
        let mut sums = Sums::default();
        for entry in &batch.entries {
            sums.post(&entry.posting, entry.replaced.as_ref());
        }
        let spent = sums.spent.iter().map(|(key, (amount, end))| add_spent(key, *amount, *end, count));
        let roll_ups = sums.roll_ups.iter().map(|(key, added)| add_roll_up(key, added, count));
        let days = sums.days.iter().map(|(key, added)| add_day_sum(key, added, count));
        self.change_all(spent.chain(roll_ups).chain(days).collect()).await?;
        self.change_all(batch.entries.iter().map(|entry| put(&entry.posting.event)).collect()).await?;
        self.note_arrival(count, batch.entries.iter().map(|entry| &entry.posting.event)).await?;
        let over = self.change(Change {
            key: key(),
            update: "REMOVE body",
            condition: Some("booked = :booked"),
            values: vec![(":booked", number(count))],
            added: Vec::new(),
        });
        over.await.map(drop)
    }
}

fn key() -> Key {
    Key::new("BOOKS", "BOOKS")
}

/// Returns how many of these events one batch has room for.
fn fitting(postings: &[Posting]) -> usize {
    let mut size = 0;
    let fit = postings.iter().take(BATCH).take_while(|posting| {
        size += serde_json::to_vec(posting).map_or(BATCH_SIZE, |json| json.len());
        size <= BATCH_SIZE
    });
    // One by itself has to be tried, whatever its size.
    fit.count().max(1)
}

/// Puts an event into the log, unless it has it in that revision or a higher one.
fn put(event: &UsageEvent) -> Change {
    Change {
        key: Key::usage(event.id),
        update: "SET revision = :revision, body = :body",
        condition: Some("attribute_not_exists(pk) OR revision < :revision"),
        values: vec![(":revision", number(event.revision)), (":body", json(event))],
        added: Vec::new(),
    }
}
