//! The messages between the front and the control plane that no client ever sees.

use serde::{Deserialize, Serialize};

use crate::id::{TokenId, UserId};
use crate::identity::{Account, Email};
use crate::time::Timestamp;
use crate::version::{Epoch, Generation};

/// Tells the control plane whom the identity provider vouched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInRecord {
    /// What it calls the person.
    pub account: Account,
    /// Their verified address.
    pub email: Email,
    /// Their display name.
    pub name: Option<String>,
    /// Their groups.
    pub groups: Vec<String>,
    /// When they last authenticated at the identity provider, if it told.
    pub authenticated_at: Option<Timestamp>,
}

/// What became of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum SignInOutcome {
    /// The person may have a session.
    Welcome {
        /// Who they are.
        user: UserId,
        /// The epoch that the session gets.
        session_epoch: Epoch,
    },
    /// The person was removed, and nobody has restored them.
    Removed,
    /// The person is suspended.
    Suspended {
        /// Until when, if it ends by itself.
        until: Option<Timestamp>,
    },
    /// They sign in over and over.
    TooOften {
        /// Seconds until they may try again.
        retry_after: u32,
    },
    /// Their sign-in at the identity provider is older than the moment at which they were signed out everywhere.
    AuthenticateAgain,
}

/// Asks the control plane to tell the hot state what it does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreRequest {
    /// The generation that did not know.
    pub generation: Generation,
    /// The user.
    pub user: UserId,
    /// The token, if it is about one.
    pub token: Option<TokenId>,
}

/// What the control plane found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreAnswer {
    /// Whether the records know all that was asked for. What they do not know, nobody may use.
    pub found: bool,
}
