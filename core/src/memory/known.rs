//! What is known of people, tokens and budgets, and whether they may call.

use std::collections::{BTreeSet, HashMap};

use super::Change;
use super::roster::Roster;
use crate::admission::{Admit, BudgetsEntry, Install, Refusal, TokenEntry, UserEntry};
use crate::id::{TokenId, UserId};
use crate::identity::Status;
use crate::time::Timestamp;
use crate::version::Epoch;

/// Copies of the records.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    users: HashMap<UserId, UserEntry>,
    tokens: HashMap<TokenId, TokenEntry>,
    /// Tokens by expiry, so that expired ones go without a search.
    by_expiry: BTreeSet<(Timestamp, TokenId)>,
    /// The budgets of the book; none before they were told.
    budgets: Option<BudgetsEntry>,
    pub(super) roster: Roster,
}

/// How long an expired token is remembered, in seconds: it is told "token expired" instead of being looked up again.
pub(crate) const REMEMBERED_AFTER_EXPIRY: i64 = 3600;

/// How many expired tokens one call makes room for: a call teaches one at most, so they go faster than they come.
const PRUNED_AT_ONCE: usize = 4;

impl Known {
    pub(super) fn user(&self, id: UserId) -> Option<&UserEntry> {
        self.users.get(&id)
    }

    /// Returns the user and the token of a call, and the budgets, if all are known.
    pub(super) fn caller(&self, user: UserId, token: TokenId) -> Option<(&UserEntry, &TokenEntry, &BudgetsEntry)> {
        Some((self.users.get(&user)?, self.tokens.get(&token)?, self.budgets.as_ref()?))
    }

    /// Returns a user and the budgets, if both are known.
    pub(super) fn payer(&self, user: UserId) -> Option<(&UserEntry, &BudgetsEntry)> {
        Some((self.users.get(&user)?, self.budgets.as_ref()?))
    }

    /// Returns what of an installation is newer than what is known.
    pub(super) fn news(&self, install: &Install) -> Vec<Change> {
        let users: Vec<UserEntry> = install.users.iter().filter(|user| self.is_new_user(user)).cloned().collect();
        let tokens: Vec<TokenEntry> = install.tokens.iter().filter(|token| self.is_new_token(token)).cloned().collect();
        let learned = (!users.is_empty() || !tokens.is_empty()).then_some(Change::Learned { users, tokens });
        let is_new =
            |budgets: &&BudgetsEntry| self.budgets.as_ref().is_none_or(|known| known.version < budgets.version);
        let budgets = install.budgets.as_ref().filter(is_new).cloned().map(Change::LearnedBudgets);
        learned.into_iter().chain(budgets).collect()
    }

    pub(super) fn learn_budgets(&mut self, budgets: BudgetsEntry) {
        self.budgets = Some(budgets);
    }

    fn is_new_user(&self, user: &UserEntry) -> bool {
        self.users.get(&user.id).is_none_or(|known| known.version < user.version)
    }

    fn is_new_token(&self, token: &TokenEntry) -> bool {
        self.tokens.get(&token.id).is_none_or(|known| known.version < token.version)
    }

    pub(super) fn learn(&mut self, users: Vec<UserEntry>, tokens: Vec<TokenEntry>) {
        // Where an installation names one of them twice, the newer one stays.
        for user in users {
            if self.is_new_user(&user) {
                self.roster.revoke_below(user.id, user.token_epoch);
                self.users.insert(user.id, user);
            }
        }
        for token in tokens {
            if self.is_new_token(&token) {
                let least = self.users.get(&token.user).map_or(Epoch(0), |owner| owner.token_epoch);
                self.roster.count(&token, least);
                self.by_expiry.insert((token.expiry, token.id));
                self.tokens.insert(token.id, token);
            }
        }
    }

    /// Forgets tokens that expired long before `now`.
    pub(super) fn prune(&mut self, now: Timestamp) {
        let past = now.plus(-REMEMBERED_AFTER_EXPIRY);
        for _ in 0..PRUNED_AT_ONCE {
            let Some((expiry, id)) = self.by_expiry.first().copied().filter(|(expiry, _)| *expiry < past) else {
                return;
            };
            self.by_expiry.remove(&(expiry, id));
            self.tokens.remove(&id);
        }
    }
}

/// Says why a caller whom we know may not call, in the order of [`Refusal`].
pub(super) fn refusal(user: &UserEntry, token: &TokenEntry, admit: &Admit) -> Option<Refusal> {
    if token.user != admit.user {
        return Some(Refusal::WrongUser);
    }
    if admit.now >= token.expiry {
        return Some(Refusal::Expired);
    }
    if user.status == Status::Removed {
        return Some(Refusal::Removed);
    }
    if token.revoked || token.epoch < user.token_epoch || admit.epoch < user.token_epoch {
        return Some(Refusal::Revoked);
    }
    if let Some(suspension) = user.status.suspension(admit.now) {
        return Some(Refusal::Suspended { until: suspension.until });
    }
    let is_too_old = admit.signed_in_since.is_some_and(|since| user.last_sign_in.is_none_or(|last| last < since));
    is_too_old.then_some(Refusal::SignInTooOld)
}
