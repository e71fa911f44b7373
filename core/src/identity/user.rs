//! The record of a person.

use serde::{Deserialize, Serialize};

use super::Email;
use crate::id::UserId;
use crate::time::Timestamp;
use crate::version::Epoch;

/// A person who has signed in at least once, keyed by the identity provider's (issuer, subject).
///
/// An address that is handed to another person brings another subject, hence another user, who inherits nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Our name for them; the `sub` of their tokens.
    pub id: UserId,
    /// The identity provider's issuer identifier (OpenID Connect Core §2, `iss`).
    pub issuer: String,
    /// The identity provider's name for them (`sub`).
    pub subject: String,
    /// Their verified address.
    pub email: Email,
    /// Their display name, if the identity provider told one.
    pub name: Option<String>,
    /// Their groups at the identity provider.
    pub groups: Vec<String>,
    /// Whether they may use the gateway.
    pub status: Status,
    /// Tokens with a lower epoch are revoked.
    pub token_epoch: Epoch,
    /// Sessions with a lower epoch are over.
    pub session_epoch: Epoch,
    /// When set, a sign-in counts only if the person authenticated after this moment.
    pub reauth_after: Option<Timestamp>,
    /// The first sign-in.
    pub first_seen: Timestamp,
    /// The newest sign-in.
    pub last_sign_in: Timestamp,
}

/// Whether a person may use the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// They may.
    Active,
    /// They may not, until a moment or until an administrator lifts it; their tokens come back then.
    Suspended(Suspension),
    /// They have left. Their tokens are revoked and they cannot sign in.
    Removed,
}

/// An administrator's decision that somebody may not use the gateway for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// When it ends by itself, if ever.
    pub until: Option<Timestamp>,
    /// Why, in the administrator's words.
    pub reason: String,
    /// Who decided.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

impl Suspension {
    /// Says whether it still holds at `now`.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
