//! On whose behalf the control plane acts.

use serde::{Deserialize, Serialize};

use crate::id::{TokenId, UserId};
use crate::session::SessionId;
use crate::token::Scopes;

/// Somebody whom the front has authenticated, or the front itself. The control plane sees nothing else of a caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Who, and how they proved it.
    pub via: Via,
    /// The request's id.
    pub request: String,
    /// The client's address.
    pub address: String,
    /// The client, as it names itself.
    pub user_agent: String,
}

/// How an actor was authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "via", rename_all = "snake_case")]
pub enum Via {
    /// By a browser session.
    Session {
        /// Who.
        user: UserId,
        /// Which session.
        session: SessionId,
    },
    /// By an API token.
    Bearer {
        /// Who.
        user: UserId,
        /// Which token.
        token: TokenId,
        /// What it may be used for.
        scopes: Scopes,
    },
    /// By the secret of the company's directory (SCIM).
    Directory,
    /// The front, for itself: recording a sign-in, installing what the hot state forgot.
    Front,
}
