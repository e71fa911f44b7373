//! How events get into the usage log and its sums: in numbered batches, one after the other, each of them once.
//!
//! A transaction has room for a hundred items, and one batch changes more. So the batch is written down first, whole, in the item
//! that says which is the newest; then what it adds is added to each sum, which remembers up to which batch that was done; then
//! its events are put into the log; and then it is over. Whoever comes upon a batch that is not over ends it first, however far
//! somebody else got: every step of it changes nothing the second time. So each event is in each sum once, and the sums are never
//! behind the log.

use std::collections::HashMap;

use gateway_core::accounts::{Posting, RollUp, RollUpKey, SpentKey, Sums};
use gateway_core::admission::UsageEvent;
use gateway_core::id::LeaseId;
use gateway_core::money::Nanodollars;
use gateway_core::ports::Unavailable;
use gateway_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::accounts::{add_roll_up, add_spent};
use super::call::Change;
use super::item::{body, json, number, number_of};
use super::key::Key;
use super::{DynamoRecords, NAME};

/// How many events one batch has at most. Each takes about a kilobyte, with its part of the sums, and an item has room for 400.
const BATCH: usize = 100;

/// How often to start over when others write batches, before we call it broken.
const MAX_ATTEMPTS: usize = 16;

/// A batch, as it is written down.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Batch {
    spent: Vec<(SpentKey, Nanodollars, Option<Timestamp>)>,
    roll_ups: Vec<(RollUpKey, RollUp)>,
    events: Vec<UsageEvent>,
}

/// How far the books are.
struct Newest {
    number: u64,
    /// What is left to do of it, if it is not over.
    unfinished: Option<Batch>,
}

impl DynamoRecords {
    /// Puts events into the log and adds them to its sums, unless it has them.
    pub(super) async fn book(&self, postings: &[Posting]) -> Result<(), Unavailable> {
        for postings in postings.chunks(BATCH) {
            self.book_batch(postings).await?;
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
            if batch.events.is_empty() {
                return Ok(());
            }
            // What was read of the log holds as long as nobody else began a batch; then all of it is looked at again.
            self.begin(newest.number, &batch).await?;
        }
        Err(Unavailable::new(NAME, "others keep writing into the usage log"))
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
        let mut sums = Sums::default();
        let mut events: HashMap<LeaseId, UsageEvent> = HashMap::new();
        for posting in postings {
            let held = log.get(&posting.event.id);
            if held.is_none_or(|held| held.revision < posting.event.revision) {
                sums.post(posting, held);
                log.insert(posting.event.id, posting.event.clone());
                events.insert(posting.event.id, posting.event.clone());
            }
        }
        Ok(Batch {
            spent: sums.spent.into_iter().map(|(key, (amount, end))| (key, amount, end)).collect(),
            roll_ups: sums.roll_ups.into_iter().collect(),
            events: events.into_values().collect(),
        })
    }

    /// Writes a batch down as the one after `count`, if that is still the newest and over. If not, nothing was written.
    async fn begin(&self, count: u64, batch: &Batch) -> Result<(), Unavailable> {
        let begun = self.change(Change {
            key: key(),
            update: "SET booked = :next, body = :body",
            condition: Some("attribute_not_exists(pk) OR (booked = :booked AND attribute_not_exists(body))"),
            values: vec![(":booked", number(count)), (":next", number(count + 1)), (":body", json(batch))],
        });
        begun.await.map(drop)
    }

    /// Does what is left of a batch.
    async fn finish(&self, count: u64, batch: &Batch) -> Result<(), Unavailable> {
        let spent = batch.spent.iter().map(|(key, amount, end)| add_spent(key, *amount, *end, count));
        let roll_ups = batch.roll_ups.iter().map(|(key, added)| add_roll_up(key, added, count));
        self.change_all(spent.chain(roll_ups).collect()).await?;
        self.change_all(batch.events.iter().map(put).collect()).await?;
        let over = self.change(Change {
            key: key(),
            update: "REMOVE body",
            condition: Some("booked = :booked"),
            values: vec![(":booked", number(count))],
        });
        over.await.map(drop)
    }
}

fn key() -> Key {
    Key::new("BOOKS", "BOOKS")
}

/// Puts an event into the log, unless it has it in that revision or a higher one.
fn put(event: &UsageEvent) -> Change {
    Change {
        key: Key::usage(event.id),
        update: "SET revision = :revision, body = :body",
        condition: Some("attribute_not_exists(pk) OR revision < :revision"),
        values: vec![(":revision", number(event.revision)), (":body", json(event))],
    }
}
