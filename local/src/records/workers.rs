//! The threads that talk to SQLite: one writes, a few read.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gateway_core::ports::{Unavailable, WriteError};
use rusqlite::Connection;
use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
use tokio::sync::oneshot;

use super::schema::{OpenError, connect, migrate};
use super::{NAME, unavailable};

/// Threads that read. Two cores answer more than anybody asks of the records.
const READERS: usize = 2;

/// How many questions may wait for a thread.
const QUEUE: usize = 1024;

/// How many writes share one commit at most.
const BATCH: usize = 128;

/// A write. It returns how to answer, once the commit has succeeded or failed.
type Write = Box<dyn FnOnce(&Connection) -> Answer + Send>;

/// A write that waits for its turn, and since when.
struct Queued {
    since: Instant,
    write: Write,
}

/// Tells a writer what became of the write, given whether the commit succeeded.
type Answer = Box<dyn FnOnce(bool) + Send>;

/// A read; it answers by itself.
type Read = Box<dyn FnOnce(&Connection) + Send>;

/// The way to the threads. Dropping it lets them finish what waits, and waits for that.
pub(super) struct Workers {
    writes: Option<SyncSender<Queued>>,
    reads: Option<SyncSender<Read>>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Brings the tables up to date and starts the threads. A write waits for `patience` at most for another process's
    /// transaction, counted from when it was asked for.
    pub(super) fn start(data: &Path, patience: Duration) -> Result<Self, OpenError> {
        let mut connection = connect(data)?;
        migrate(&mut connection)?;
        let (writes, writing) = sync_channel::<Queued>(QUEUE);
        let (reads, reading) = sync_channel::<Read>(QUEUE);
        let reading = Arc::new(Mutex::new(reading));
        let mut threads = vec![spawn("records-write", move || write_all(&writing, &connection, patience))?];
        for _ in 0..READERS {
            let (connection, reading) = (connect(data)?, Arc::clone(&reading));
            threads.push(spawn("records-read", move || read_all(&reading, &connection))?);
        }
        Ok(Self { writes: Some(writes), reads: Some(reads), threads })
    }

    /// Has something read.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let (reply, answer) = oneshot::channel();
        // If nobody waits any more, nobody misses the answer.
        let question: Read = Box::new(move |connection| drop(reply.send(read(connection))));
        let reads = self.reads.as_ref().ok_or_else(|| Unavailable::timed_out(NAME))?;
        reads.try_send(question).map_err(|_| Unavailable::new(NAME, "too many questions wait"))?;
        let answer = answer.await.map_err(|_| Unavailable::new(NAME, "a reader has stopped"))?;
        answer.map_err(unavailable)
    }

    /// Has something written, all of it or nothing. Answers when it is on disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, WriteError> {
        let (reply, answer) = oneshot::channel();
        let write: Write = Box::new(move |connection| {
            let written = in_savepoint(connection, write);
            Box::new(move |is_committed| {
                let answer = match written {
                    Ok(value) if is_committed => Ok(value),
                    Err(Refusal::Conflict) if is_committed => Err(WriteError::Conflict),
                    // A write that was refused may have met one of its own group, which is gone now.
                    Ok(_) | Err(Refusal::Conflict) => {
                        Err(WriteError::Unavailable(Unavailable::new(NAME, "the commit has failed")))
                    }
                    Err(Refusal::Sqlite(error)) => Err(WriteError::Unavailable(unavailable(error))),
                };
                // If nobody waits any more, they have given up; what was written stands.
                drop(reply.send(answer));
            })
        });
        let writes = self.writes.as_ref().ok_or_else(|| Unavailable::timed_out(NAME))?;
        #[expect(clippy::disallowed_methods, reason = "nobody is told the time: it only ends a wait")]
        let since = Instant::now();
        writes.try_send(Queued { since, write }).map_err(|_| Unavailable::new(NAME, "too many writes wait"))?;
        answer.await.map_err(|_| Unavailable::new(NAME, "the file is locked, or the writer has stopped"))?
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        drop(self.writes.take());
        drop(self.reads.take());
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the records broke");
            }
        }
    }
}

/// Why a write was rolled back.
pub(super) enum Refusal {
    /// The version is not the one that was read, or a unique value is taken.
    Conflict,
    /// SQLite failed.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error().map(|error| error.extended_code) {
            Some(SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE) => Self::Conflict,
            _ => Self::Sqlite(error),
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(OpenError::Thread)
}

fn read_all(questions: &Mutex<Receiver<Read>>, connection: &Connection) {
    loop {
        let question = questions.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(question) = question else { return };
        question(connection);
    }
}

/// Commits what waits together: under load one flush to disk serves many.
fn write_all(questions: &Receiver<Queued>, connection: &Connection, patience: Duration) {
    while let Ok(first) = questions.recv() {
        // Those who came first do not make the others wait longer: all of them give up in time.
        if let Err(error) = begin(connection, patience.saturating_sub(first.since.elapsed())) {
            tracing::error!(%error, "the records cannot be written");
            continue;
        }
        let batch = std::iter::once(first).chain(questions.try_iter().take(BATCH - 1));
        let answers: Vec<Answer> = batch.map(|queued| (queued.write)(connection)).collect();
        let committed = connection.execute_batch("COMMIT");
        if let Err(error) = &committed {
            tracing::error!(%error, "the records cannot be written");
            if !connection.is_autocommit()
                && let Err(error) = connection.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "a transaction of the records cannot be rolled back");
            }
        }
        for answer in answers {
            answer(committed.is_ok());
        }
    }
}

fn begin(connection: &Connection, patience: Duration) -> rusqlite::Result<()> {
    connection.busy_timeout(patience)?;
    connection.execute_batch("BEGIN IMMEDIATE")
}

/// Runs one write of a group so that its failure undoes nothing but itself.
fn in_savepoint<T>(
    connection: &Connection,
    write: impl FnOnce(&Connection) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    connection.execute_batch("SAVEPOINT one")?;
    let written = write(connection);
    let end = if written.is_ok() { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" };
    connection.execute_batch(end)?;
    written
}
