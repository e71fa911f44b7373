//! The thread that looks after the journal, so that the one that answers does not have to.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::Pace;
use super::compaction::compact;
use gateway_core::Chain;

use super::error::JournalError;
use super::file::{Handle, start_over};

/// How many turns to let pass after a failed compaction: a minute.
const RESPITE: u32 = 60;

/// What the keeper works on.
pub(super) struct Charge {
    pub(super) connection: Connection,
    pub(super) handle: Handle,
    /// Where SQLite keeps its log.
    pub(super) log: PathBuf,
    pub(super) pace: Pace,
    /// The position of the last change that was committed.
    pub(super) committed: Arc<AtomicI64>,
    /// The position of the last change in the snapshot.
    pub(super) kept: i64,
}

/// The running keeper. Dropping it stops it, and waits for that.
pub(super) struct Keeper {
    stop: Option<Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread.
    pub(super) fn start(charge: Charge) -> Result<Self, JournalError> {
        let (stop, stopped) = channel();
        let turns = Turns { synced: charge.kept, charge, stopped, respite: 0 };
        let thread = std::thread::Builder::new().name("hot-keeper".to_owned());
        let thread = thread.spawn(move || turns.keep()).map_err(JournalError::Thread)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that looks after the hot state's journal broke");
        }
    }
}

struct Turns {
    charge: Charge,
    stopped: Receiver<Infallible>,
    /// The position of the last change that is on the disk for sure.
    synced: i64,
    /// How many turns pass without a compaction.
    respite: u32,
}

impl Turns {
    /// Takes turns until it is stopped.
    fn keep(mut self) {
        while pause(&self.stopped, self.charge.pace.turn).is_continue() {
            if let Err(error) = self.sync().and_then(|()| self.start_over_if_long()) {
                tracing::warn!(error = %Chain(&error), "the log of the hot state's journal cannot be kept");
            }
            self.respite = self.respite.saturating_sub(1);
            if self.respite == 0
                && let Err(error) = self.compact_if_long()
            {
                tracing::warn!(error = %Chain(&error), "the hot state's journal cannot be compacted");
                self.respite = RESPITE;
            }
        }
    }

    /// Forces what was committed to the disk.
    ///
    /// A checkpoint would do that too, but after a complete one SQLite starts the log over, and whoever commits next waits
    /// until its header is on the disk.
    fn sync(&mut self) -> Result<(), JournalError> {
        let committed = self.charge.committed.load(Ordering::Acquire);
        if committed != self.synced {
            let path = &self.charge.log;
            let synced = std::fs::File::open(path).and_then(|log| log.sync_data());
            synced.map_err(|source| JournalError::Sync { path: path.clone(), source })?;
            self.synced = committed;
        }
        Ok(())
    }

    fn start_over_if_long(&self) -> Result<(), JournalError> {
        let length = std::fs::metadata(&self.charge.log).map_or(0, |log| log.len());
        if length > self.charge.pace.log { start_over(&self.charge.connection, &self.charge.handle) } else { Ok(()) }
    }

    fn compact_if_long(&mut self) -> Result<(), JournalError> {
        let Charge { connection, pace, committed, kept, .. } = &mut self.charge;
        if committed.load(Ordering::Acquire) - *kept < pace.changes {
            return Ok(());
        }
        if let Some(position) = compact(connection, pace, || pause(&self.stopped, pace.pause))? {
            *kept = position;
        }
        Ok(())
    }
}

/// Waits; says whether to go on.
fn pause(stopped: &Receiver<Infallible>, time: Duration) -> ControlFlow<()> {
    match stopped.recv_timeout(time) {
        Err(RecvTimeoutError::Timeout) => ControlFlow::Continue(()),
        Err(RecvTimeoutError::Disconnected) => ControlFlow::Break(()),
        Ok(never) => match never {},
    }
}
