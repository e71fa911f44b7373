//! The thread that owns the memory and its journal.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use gateway_core::Chain;
use gateway_core::memory::{Decision, Memory};
use gateway_core::ports::Unavailable;
use gateway_core::time::Timestamp;
use gateway_core::version::Generation;
use tokio::sync::oneshot;

use super::journal::{Journal, JournalError, Pace};

/// How many questions may wait. Nobody waits longer than the deadline, so a full queue means that the store is stalled.
const QUEUE: usize = 8192;

/// How many questions share one transaction at most.
const BATCH: usize = 512;

/// What the store is called in errors.
pub(super) const NAME: &str = "the hot state";

/// One question: decides and applies, and returns how to answer once the journal has the changes.
type Question = Box<dyn FnOnce(&mut Memory, &mut Journal) -> Result<Answer, JournalError> + Send>;

/// Tells what was decided. Dropped instead, it tells that the journal has failed.
type Answer = Box<dyn FnOnce() + Send>;

/// The way to the thread. Dropping it lets the thread finish what waits, and waits for that.
pub(super) struct Owner {
    questions: Option<SyncSender<Question>>,
    thread: Option<JoinHandle<()>>,
}

impl Owner {
    /// Opens the journal and starts the thread.
    pub(super) fn start(data: &Path, generation: Generation, now: Timestamp, pace: Pace) -> Result<Self, JournalError> {
        let (mut journal, mut memory) = Journal::open(data, generation, pace)?;
        for change in memory.abandon(now).1 {
            journal.record(&change)?;
            memory.apply(change);
        }
        journal.commit()?;
        let (sender, receiver) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name("hot-state".to_owned());
        let thread = thread.spawn(move || own(&receiver, journal, memory)).map_err(JournalError::Thread)?;
        Ok(Self { questions: Some(sender), thread: Some(thread) })
    }

    /// Has a decision made, and waits until its changes are in the journal. Whoever stops waiting stops nothing.
    pub(super) async fn decide<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&Memory) -> Decision<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let (reply, answer) = oneshot::channel();
        let question: Question = Box::new(move |memory, journal| {
            let (value, changes) = decide(memory);
            for change in changes {
                journal.record(&change)?;
                memory.apply(change);
            }
            // If nobody waits any more, they have given up; what was decided stands.
            Ok(Box::new(move || drop(reply.send(value))))
        });
        let questions = self.questions.as_ref().ok_or_else(|| Unavailable::timed_out(NAME))?;
        questions.try_send(question).map_err(|_| Unavailable::new(NAME, "its queue is full or it has stopped"))?;
        answer.await.map_err(|_| Unavailable::new(NAME, "its journal cannot be written"))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.questions.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the hot state's thread broke");
        }
    }
}

/// Takes turns until nobody can ask any more.
fn own(questions: &Receiver<Question>, mut journal: Journal, mut memory: Memory) {
    // Whether the memory holds what the journal does not: nothing is answered from it then.
    let mut is_ahead = false;
    while let Ok(first) = questions.recv() {
        let batch = std::iter::once(first).chain(questions.try_iter().take(BATCH - 1));
        if is_ahead && !recover(&mut journal, &mut memory) {
            drop(batch.collect::<Vec<_>>());
            continue;
        }
        match answer(batch, &mut journal, &mut memory) {
            Ok(answers) => {
                is_ahead = false;
                for answer in answers {
                    answer();
                }
            }
            Err(error) => {
                tracing::error!(error = %Chain(&error), "the hot state's journal cannot be written");
                is_ahead = !recover(&mut journal, &mut memory);
            }
        }
    }
}

/// Answers a batch in one transaction. On an error nothing of it counts, and the memory is ahead of the journal.
fn answer(
    batch: impl Iterator<Item = Question>,
    journal: &mut Journal,
    memory: &mut Memory,
) -> Result<Vec<Answer>, JournalError> {
    let mut answers = Vec::new();
    for question in batch {
        answers.push(question(memory, journal)?);
    }
    journal.commit()?;
    Ok(answers)
}

/// Goes back to what the journal holds, so that nothing that was not kept is believed. Says whether that worked.
fn recover(journal: &mut Journal, memory: &mut Memory) -> bool {
    match journal.rollback().and_then(|()| journal.replay()) {
        Ok(replayed) => {
            *memory = replayed.succeeding(memory.clone());
            true
        }
        Err(error) => {
            tracing::error!(error = %Chain(&error), "the hot state's journal cannot be read");
            false
        }
    }
}
