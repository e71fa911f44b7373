//! What the hot state knows of tokens and people: copies of the records, replaced by newer versions only.

use serde::{Deserialize, Serialize};

use crate::id::{TokenId, UserId};
use crate::identity::{Email, Status, User};
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
        }
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Install {
    /// The generation in which the records were read. In any other the entries may be older than what was forgotten.
    pub generation: Generation,
    /// The people: some hundred at most, with the tokens.
    pub users: Vec<UserEntry>,
    /// The tokens.
    pub tokens: Vec<TokenEntry>,
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
