//! Random histories of several processes on one store, in which what was revoked stays so, and every call is charged once.
//!
//! Each process has a control plane and a front of its own, and a clock that is up to five minutes off. What they ask of the
//! store goes over a [`network`] that delays, loses, repeats and reorders it; processes die; the store loses its memory, or goes
//! back to an older one. A history is made by its seed alone: there is no thread, no clock and no other chance.
//!
//! | file | what it is about |
//! |---|---|
//! | `dice` | chance |
//! | `network` | what is on its way to the store |
//! | `process` | a process: its clock, its control plane, the calls of its front |
//! | `oracle` | what has happened, and what must hold |
//! | `history` | one history, from its seed |
//! | `end` | how it ends, and what must hold then |

mod dice;
mod end;
mod history;
mod network;
mod oracle;
mod process;

use std::future::Future;

pub use self::process::Clockwork;

use self::history::History;
use crate::ports::Hot;

/// A store that several processes use, and that things happen to.
pub trait Site {
    /// The store, as one process sees it.
    type Hot: Hot;

    /// Returns the store for a process with that clock.
    fn open(&self, clock: &Clockwork) -> Self::Hot;

    /// Remembers what the store holds.
    fn save(&mut self) -> impl Future<Output = ()>;

    /// Puts the store back to what was remembered, as another server would take over that has fallen behind. It has no scripts.
    fn go_back(&mut self) -> impl Future<Output = ()>;

    /// Loses everything.
    fn wipe(&mut self) -> impl Future<Output = ()>;
}

/// Runs histories with these seeds, each on an empty store.
///
/// What must hold: once a revocation was confirmed, no call that is asked for afterwards is admitted with that token, and every
/// token that was not revoked is good again once the store answers. Every admitted call ends in one usage event: at its cost,
/// or at its estimate if its process died; a call that was answered with a failure is not charged; and log, sums and store agree
/// to the nanodollar. Excused from the latter are only calls that the store had lost before they were in the log.
pub async fn hold<S: Site>(site: &mut S, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        site.wipe().await;
        History::new(site, seed).run().await;
    }
}
