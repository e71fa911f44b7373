//! What has happened, and what must hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::process::ESTIMATE;
use crate::admission::{ErrorType, UsageEvent};
use crate::id::{LeaseId, TokenId, UserId};
use crate::version::Epoch;

/// A call, as the front sees it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    process: usize,
    token: TokenId,
    cost: i64,
    /// Whether the token's revocation was confirmed before the call was asked for.
    was_revoked: bool,
    stage: Stage,
    /// Whether its process died before it ended.
    is_orphan: bool,
    /// Whether the store lost its memory before the call was in the log.
    is_excused: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Asking,
    Admitted,
    Settled,
    /// Answered with a refusal or a failure.
    Refused,
}

impl Asked {
    pub(super) const fn new(process: usize, token: TokenId, cost: i64) -> Self {
        let (was_revoked, is_orphan, is_excused) = (false, false, false);
        Self { process, token, cost, was_revoked, stage: Stage::Asking, is_orphan, is_excused }
    }

    const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Settled | Stage::Refused)
    }

    /// Says what is wrong with what the log has of the call.
    fn complaint(&self, event: Option<&UsageEvent>) -> Option<&'static str> {
        let Some(event) = event else {
            let is_due = matches!(self.stage, Stage::Admitted | Stage::Settled);
            return (is_due && !self.is_excused).then_some("an admitted call was not charged");
        };
        let expected = if is_estimate(event) { ESTIMATE.0 } else { self.cost };
        if event.settlement.cost.0 != expected {
            return Some("a call was charged something else");
        }
        match self.stage {
            Stage::Refused if !self.is_orphan && !self.is_excused => Some("a call was charged that was refused"),
            Stage::Settled if is_estimate(event) && !self.is_excused => {
                Some("a call was charged its estimate, not its cost")
            }
            _ => None,
        }
    }
}

/// Says whether a call was charged at its estimate, because nobody was heard of it.
fn is_estimate(event: &UsageEvent) -> bool {
    event.settlement.error == Some(ErrorType::Abandoned)
}

/// What has happened. Clones share it.
#[derive(Clone, Default)]
pub(super) struct SharedOracle(Arc<Mutex<Oracle>>);

#[derive(Default)]
struct Oracle {
    tokens: BTreeMap<TokenId, (UserId, Epoch)>,
    revoked: BTreeSet<TokenId>,
    calls: BTreeMap<LeaseId, Asked>,
    complaints: Vec<String>,
}

impl SharedOracle {
    fn lock(&self) -> MutexGuard<'_, Oracle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn minted(&self, token: TokenId, user: UserId, epoch: Epoch) {
        self.lock().tokens.insert(token, (user, epoch));
    }

    /// Notes that a revocation was confirmed.
    pub(super) fn revoked(&self, token: TokenId) {
        self.lock().revoked.insert(token);
    }

    /// Returns the tokens that were handed out, with their owners and epochs.
    pub(super) fn tokens(&self) -> Vec<(TokenId, UserId, Epoch)> {
        self.lock().tokens.iter().map(|(token, (user, epoch))| (*token, *user, *epoch)).collect()
    }

    pub(super) fn tokens_of(&self, user: UserId) -> Vec<TokenId> {
        self.tokens().into_iter().filter(|(_, owner, _)| *owner == user).map(|(token, ..)| token).collect()
    }

    /// Notes that a call is asked for now.
    pub(super) fn asks(&self, lease: LeaseId, mut asked: Asked) {
        let mut oracle = self.lock();
        asked.was_revoked = oracle.revoked.contains(&asked.token);
        oracle.calls.insert(lease, asked);
    }

    /// Notes that a call was admitted, which it must not be after a revocation.
    pub(super) fn admitted(&self, lease: LeaseId) {
        let mut oracle = self.lock();
        let Some(asked) = oracle.calls.get_mut(&lease) else { return };
        asked.stage = Stage::Admitted;
        if asked.was_revoked {
            let complaint = format!("{:?} was admitted, and had been revoked before it was asked for", asked.token);
            oracle.complaints.push(complaint);
        }
    }

    /// Notes that the store took a call's settlement.
    pub(super) fn settled(&self, lease: LeaseId) {
        self.reach(lease, Stage::Settled);
    }

    /// Notes that a call was answered with a refusal or a failure, and that nothing is left to do for it.
    pub(super) fn refused(&self, lease: LeaseId) {
        self.reach(lease, Stage::Refused);
    }

    fn reach(&self, lease: LeaseId, stage: Stage) {
        if let Some(asked) = self.lock().calls.get_mut(&lease) {
            asked.stage = stage;
        }
    }

    /// Notes that a process died.
    pub(super) fn died(&self, process: usize) {
        for asked in self.lock().calls.values_mut().filter(|asked| asked.process == process && !asked.is_over()) {
            asked.is_orphan = true;
        }
    }

    /// Notes that the store lost its memory: what it knew of calls may be lost that are not in the log, or not as they ended.
    pub(super) fn lost(&self, log: &BTreeMap<LeaseId, UsageEvent>) {
        for (lease, asked) in &mut self.lock().calls {
            asked.is_excused |= log.get(lease).is_none_or(is_estimate);
        }
    }

    /// Returns what does not hold, now that everything is over.
    pub(super) fn complaints(&self, log: &BTreeMap<LeaseId, UsageEvent>) -> Vec<String> {
        let oracle = self.lock();
        let of_calls = oracle.calls.iter().filter_map(|(lease, asked)| {
            asked
                .complaint(log.get(lease))
                .map(|complaint| format!("{lease:?}: {complaint}: {asked:?} {:?}", log.get(lease)))
        });
        let unknown = log.keys().filter(|lease| !oracle.calls.contains_key(lease));
        let unknown = unknown.map(|lease| format!("{lease:?} is in the log, and nobody asked for it"));
        oracle.complaints.iter().cloned().chain(of_calls).chain(unknown).collect()
    }
}
