//! How many tokens there are, and how they stand.
//!
//! A token is counted once it is installed. One that is revoked stays so, whatever comes late: so it does not matter in which
//! order installations arrive, nor how long versions are remembered.

use std::collections::{BTreeSet, HashMap};

use super::{Change, Decision, Memory};
use crate::admission::TokenEntry;
use crate::id::{TokenId, UserId};
use crate::ports::{Cursor, Tally};
use crate::time::Timestamp;
use crate::token::LISTED_AFTER_EXPIRY;
use crate::version::{Epoch, Generation};

/// How long after no list shows it any more a token is forgotten, in seconds: whose clock is ahead must not have it forgotten by
/// those whose clock is right.
pub(crate) const PRUNED_AFTER: i64 = 86400;

/// The tokens of this generation, by how they stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Roster {
    progress: Progress,
    tokens: HashMap<TokenId, Listed>,
    live: ByExpiry,
    revoked: ByExpiry,
    /// The live tokens of each person, by epoch: those of lower ones are found without a search when it rises.
    owned: HashMap<UserId, BTreeSet<(Epoch, Timestamp, TokenId)>>,
}

/// How far the records' tokens have been installed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Progress {
    /// Up to there, or not at all yet.
    UpTo(Option<Cursor>),
    /// All of them.
    Complete,
}

impl Default for Progress {
    fn default() -> Self {
        Self::UpTo(None)
    }
}

#[derive(Debug, Clone)]
struct Listed {
    user: UserId,
    epoch: Epoch,
    expiry: Timestamp,
    is_revoked: bool,
}

/// Tokens, those that expire first before the others.
type ByExpiry = BTreeSet<(Timestamp, TokenId)>;

impl Roster {
    /// Counts a token. `least` is its owner's token epoch, as far as it is known.
    pub(super) fn count(&mut self, token: &TokenEntry, least: Epoch) {
        if self.tokens.get(&token.id).is_some_and(|listed| listed.is_revoked) {
            return;
        }
        self.forget(token.id);
        let (user, epoch, expiry) = (token.user, token.epoch, token.expiry);
        let is_revoked = token.revoked || epoch < least;
        if is_revoked {
            self.revoked.insert((expiry, token.id));
        } else {
            self.live.insert((expiry, token.id));
            self.owned.entry(user).or_default().insert((epoch, expiry, token.id));
        }
        self.tokens.insert(token.id, Listed { user, epoch, expiry, is_revoked });
    }

    /// Counts a person's tokens of epochs below `least` as revoked.
    pub(super) fn revoke_below(&mut self, user: UserId, least: Epoch) {
        let Some(owned) = self.owned.get_mut(&user) else { return };
        while let Some((_, expiry, id)) = owned.first().copied().filter(|(epoch, ..)| *epoch < least) {
            owned.pop_first();
            let Some(listed) = self.tokens.get_mut(&id) else { continue };
            listed.is_revoked = true;
            self.live.remove(&(expiry, id));
            self.revoked.insert((expiry, id));
        }
        if owned.is_empty() {
            self.owned.remove(&user);
        }
    }

    /// Notes how far the records' tokens have been installed. Once all are, they stay so.
    pub(super) fn enrolled(&mut self, upto: Option<Cursor>) {
        self.progress = match (upto, &self.progress) {
            (None, _) | (_, Progress::Complete) => Progress::Complete,
            (upto, Progress::UpTo(_)) => Progress::UpTo(upto),
        };
    }

    /// Forgets tokens that had expired by then.
    pub(super) fn prune(&mut self, by: Timestamp) {
        for id in [&self.live, &self.revoked].into_iter().flat_map(|set| expired(set, by)).collect::<Vec<_>>() {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: TokenId) {
        let Some(Listed { user, epoch, expiry, .. }) = self.tokens.remove(&id) else { return };
        self.live.remove(&(expiry, id));
        self.revoked.remove(&(expiry, id));
        if let Some(owned) = self.owned.get_mut(&user) {
            owned.remove(&(epoch, expiry, id));
            if owned.is_empty() {
                self.owned.remove(&user);
            }
        }
    }

    /// Returns how many good tokens a person has; none while not all tokens are counted.
    pub(super) fn active_of(&self, user: UserId, now: Timestamp) -> Option<u64> {
        let Progress::Complete = self.progress else { return None };
        let is_active = |(_, expiry, _): &&(Epoch, Timestamp, TokenId)| now < *expiry;
        Some(self.owned.get(&user).map_or(0, |owned| owned.iter().filter(is_active).count() as u64))
    }

    /// Returns how tokens stand at `now`, without those that had expired by `unlisted`.
    fn tally(&self, generation: Generation, now: Timestamp, unlisted: Timestamp) -> Tally {
        if let Progress::UpTo(cursor) = &self.progress {
            return Tally::Incomplete { generation, cursor: cursor.clone() };
        }
        // What has expired is a month's tokens at most; of the others nobody looks at each.
        let has_expired = expired(&self.live, now).count();
        Tally::Counted {
            active: (self.live.len() - has_expired) as u64,
            expired: (has_expired - expired(&self.live, unlisted).count()) as u64,
            revoked: (self.revoked.len() - expired(&self.revoked, unlisted).count()) as u64,
        }
    }
}

fn expired(tokens: &ByExpiry, by: Timestamp) -> impl Iterator<Item = TokenId> {
    tokens.iter().take_while(move |(expiry, _)| *expiry <= by).map(|(_, id)| *id)
}

impl Memory {
    /// Counts tokens; see [`crate::ports::Roster::tally`]. Those that no list shows any more are forgotten with it.
    #[must_use]
    pub fn tally(&self, now: Timestamp) -> Decision<Tally> {
        let unlisted = now.plus(-LISTED_AFTER_EXPIRY);
        let roster = &self.known.roster;
        let forgotten = unlisted.plus(-PRUNED_AFTER);
        let has_forgotten =
            [&roster.live, &roster.revoked].into_iter().any(|set| expired(set, forgotten).next().is_some());
        let changes = if has_forgotten { vec![Change::Unlisted { by: forgotten }] } else { Vec::new() };
        (roster.tally(self.generation, now, unlisted), changes)
    }

    /// Notes how far the records' tokens have been installed; see [`crate::ports::Roster::enrolled`].
    #[must_use]
    pub fn enrolled(&self, generation: Generation, upto: Option<&Cursor>) -> Decision<()> {
        let is_current = generation == self.generation;
        ((), is_current.then(|| Change::Enrolled { upto: upto.cloned() }).into_iter().collect())
    }
}
