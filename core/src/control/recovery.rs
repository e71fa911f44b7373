//! What is done when the hot state has lost its memory, or went back to an older one: it is told again what was spent, and
//! which changes were made.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::budgets::BUDGETS;
use super::upkeep::all_of;
use super::{Authority, Control};
use crate::admission::{BudgetsEntry, Install};
use crate::money::{Calendar, Window, WindowKind};
use crate::ports::{
    Accounts as _, Admission as _, AuditLog as _, AuditQuery, Beats as _, Budgets as _, Continuity as _, Cursor, Loss,
    PageRequest, Recovery, Subject, Unavailable, UsageLog as _,
};
use crate::time::Timestamp;

/// How often to look again when more happens while the store recovers, before we call it broken. Each event that comes takes
/// two looks.
const MAX_LOOKS: usize = 16;

/// How far back changes are applied again, in seconds: a quarter of an hour, and what clocks may differ by.
const REPAIRED: i64 = 15 * 60 + CLOCKS_DIFFER;

/// By how much the clocks of two processes may differ, in seconds.
const CLOCKS_DIFFER: i64 = 5 * 60;

/// How many entries of the audit log are read at once.
const PAGE: u32 = 200;

impl<A: Authority> Control<A> {
    /// Tells the hot state what was spent, if it has lost its memory. Events that it still has go into the log before.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer, or somebody else in this process is at it.
    pub async fn recover(&self) -> Result<(), Unavailable> {
        let Some(_alone) = Alone::enter(self.recovering()) else { return Err(still_recovering()) };
        for _ in 0..MAX_LOOKS {
            let Some(loss) = self.hot().loss().await? else { return Ok(()) };
            // What waits is not in the log, and somebody else may put it there before the store is told.
            if loss.has_pending {
                self.drain_usage().await?;
                continue;
            }
            let recovery = self.recovery(loss).await?;
            if self.hot().recover(&recovery).await? {
                // The first call would ask for them, too; but then somebody waits.
                let budgets = Some(BudgetsEntry::from(&self.records().budget_book().await?));
                self.hot().install(&Install { budgets, ..Install::nothing(recovery.generation) }).await?;
                let (sums, leases) = (recovery.spent.len(), recovery.closed.len());
                if sums + leases > 0 {
                    tracing::warn!(sums, leases, "the hot state had lost its memory; it was told what was spent");
                }
                return Ok(());
            }
        }
        Err(still_recovering())
    }

    async fn recovery(&self, Loss { generation, through, open, .. }: Loss) -> Result<Recovery, Unavailable> {
        let now = self.now();
        let windows = self.running_windows(now);
        let ids: Vec<_> = windows.iter().map(|window| window.id.clone()).collect();
        let closed = self.records().logged(&open).await?;
        let spent = self.records().spent(&ids).await?;
        let beats = self.records().beats().await?;
        Ok(Recovery { generation, through, closed, windows, spent, beats, now })
    }

    /// Returns the windows that are running by anybody's clock.
    fn running_windows(&self, now: Timestamp) -> Vec<Window> {
        let zone = self.config().time_zone();
        let mut windows: Vec<Window> = Vec::new();
        for moment in [now.plus(-CLOCKS_DIFFER), now, now.plus(CLOCKS_DIFFER)] {
            let calendar = Calendar::at(moment, &zone);
            for window in WindowKind::ALL.map(|kind| calendar.window(kind)) {
                if !windows.contains(window) {
                    windows.push(window.clone());
                }
            }
        }
        windows
    }

    /// Notices a hot state that has gone back to an older memory, and applies the last quarter of an hour's changes again, for
    /// the case that it lost one that it had confirmed. Returns how many.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: the rest is done next time.
    pub async fn repair(&self) -> Result<usize, Unavailable> {
        let count = self.hot().beat(self.records().beats().await?).await?;
        self.records().note_beats(count).await?;
        let changed = self.changed_since(self.now().plus(-REPAIRED)).await?;
        // What waits in the outbox is somebody else's: here nothing is forgotten.
        let told = changed.iter().map(|subject| async { self.tell(*subject).await.map(drop) }).collect();
        all_of(told).await?;
        Ok(changed.len())
    }

    /// Begins another generation of the hot state and restores it: nobody is believed to be known who was.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn rebuild(&self) -> Result<(), Unavailable> {
        self.hot().begin_generation().await?;
        self.recover().await
    }

    async fn changed_since(&self, since: Timestamp) -> Result<BTreeSet<Subject>, Unavailable> {
        let mut changed = BTreeSet::new();
        let mut cursor: Option<Cursor> = None;
        loop {
            let page = PageRequest { limit: PAGE, cursor };
            let entries = self.records().entries(&AuditQuery { actor: None, target: None, page }).await?;
            let is_recent = |at: Timestamp| at >= since;
            let is_last = entries.items.iter().any(|entry| !is_recent(entry.at));
            let recent = entries.items.iter().filter(|entry| is_recent(entry.at));
            changed.extend(recent.filter_map(|entry| subject(&entry.target)));
            match entries.next {
                Some(next) if !is_last => cursor = Some(next),
                _ => return Ok(changed),
            }
        }
    }
}

/// Returns the record that an audit entry is about, if the hot state has a copy of such records.
fn subject(target: &str) -> Option<Subject> {
    if target == BUDGETS {
        return Some(Subject::Budgets);
    }
    match target.split_once(':')? {
        ("user", id) => id.parse().ok().map(Subject::User),
        ("token", id) => id.parse().ok().map(Subject::Token),
        _ => None,
    }
}

fn still_recovering() -> Unavailable {
    Unavailable::timed_out("the hot state, which is recovering,")
}

/// Whoever holds it is alone at something, until it is dropped.
pub(super) struct Alone<'a>(&'a AtomicBool);

impl<'a> Alone<'a> {
    pub(super) fn enter(flag: &'a AtomicBool) -> Option<Self> {
        flag.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok().then_some(Self(flag))
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
