//! What the hot state knows of tokens and people: copies of the records, replaced by newer versions only.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{TokenId, UserId};
use crate::identity::{Email, Status, User};
use crate::money::{BudgetBook, BudgetScope, Limits, Nanodollars, WindowKind};
use crate::time::Timestamp;
use crate::token::{Token, TokenState};
use crate::version::{Epoch, Generation, Stored, Version};

/// A person, as far as a call or a session needs to know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserEntry {
    /// Who.
    pub id: UserId,
    /// The record's version.
    pub version: Version,
    /// Whether they may use the gateway.
    pub status: Status,
    /// Tokens of a lower epoch are revoked.
    pub token_epoch: Epoch,
    /// Sessions of a lower epoch are over.
    pub session_epoch: Epoch,
    /// Their newest sign-in.
    pub last_sign_in: Option<Timestamp>,
    /// Their address.
    pub email: Email,
    /// Their display name.
    pub name: Option<String>,
    /// Their groups.
    pub groups: Vec<String>,
    /// What they may spend, as far as it was decided about them.
    pub limits: Limits,
}

/// The budgets of the book, as far as a call needs to know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetsEntry {
    /// The record's version.
    pub version: Version,
    /// What may be spent.
    pub limits: Arc<BTreeMap<(BudgetScope, WindowKind), Nanodollars>>,
}

impl Default for BudgetsEntry {
    /// Returns the entry of a book in which nobody has ever written.
    fn default() -> Self {
        Self { version: Version::NONE, limits: Arc::default() }
    }
}

/// A token, as far as a call needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenEntry {
    /// Which.
    pub id: TokenId,
    /// The record's version.
    pub version: Version,
    /// Whose.
    pub user: UserId,
    /// Whether it was revoked by itself.
    pub revoked: bool,
    /// The epoch it was minted in.
    pub epoch: Epoch,
    /// The first second at which it is no longer good.
    pub expiry: Timestamp,
}

impl From<&Stored<User>> for UserEntry {
    fn from(Stored { value, version }: &Stored<User>) -> Self {
        Self {
            id: value.id,
            version: *version,
            status: value.status.clone(),
            token_epoch: value.token_epoch,
            session_epoch: value.session_epoch,
            last_sign_in: value.last_sign_in,
            email: value.email.clone(),
            name: value.name.clone(),
            groups: value.groups.clone(),
            limits: value.limits.clone(),
        }
    }
}

impl From<&Stored<BudgetBook>> for BudgetsEntry {
    fn from(Stored { value, version }: &Stored<BudgetBook>) -> Self {
        let budgets = value.entries().iter().map(|entry| &entry.budget);
        let limits = budgets.map(|budget| ((budget.scope.clone(), budget.window), budget.limit)).collect();
        Self { version: *version, limits: Arc::new(limits) }
    }
}

impl From<&Stored<Token>> for TokenEntry {
    fn from(Stored { value, version }: &Stored<Token>) -> Self {
        Self {
            id: value.id,
            version: *version,
            user: value.user,
            revoked: value.state != TokenState::Live,
            epoch: value.epoch,
            expiry: value.expiry,
        }
    }
}

/// Tells the hot state what the records hold. An entry that is known in a version at least as new stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// The generation in which the records were read. In any other the entries may be older than what was forgotten.
    pub generation: Generation,
    /// The people: some hundred at most, with the tokens.
    pub users: Vec<UserEntry>,
    /// The tokens.
    pub tokens: Vec<TokenEntry>,
    /// The budgets of the book.
    pub budgets: Option<BudgetsEntry>,
}

impl Install {
    /// Returns an installation of nothing.
    #[must_use]
    pub const fn nothing(generation: Generation) -> Self {
        Self { generation, users: Vec::new(), tokens: Vec::new(), budgets: None }
    }
}

/// The answer to [`Install`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// The hot state knows the entries in that version or a newer one.
    Done,
    /// The hot state lives in another generation: read the records again, then install under this one.
    Stale(Generation),
    /// The hot state has not been told what was spent since it lost its memory: recover it, then install.
    Unrecovered,
}
