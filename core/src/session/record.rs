//! The record of a session, in the hot state.

use serde::{Deserialize, Serialize};

use super::TicketHash;
use crate::id::UserId;
use crate::identity::Email;
use crate::time::Timestamp;
use crate::version::Epoch;

/// For how long it is remembered that somebody was seen, in seconds: a day.
pub const SEEN_FOR: i64 = 86400;

/// A browser that somebody signed in with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// What the browser's ticket hashes to; its first characters are the session's id.
    pub ticket: TicketHash,
    /// Who signed in.
    pub user: UserId,
    /// Their address at that time, for lists.
    pub email: Email,
    /// When they signed in.
    pub created: Timestamp,
    /// When the session was last used, to a minute, or to a fourth of `idle` if that is shorter.
    pub last_seen: Timestamp,
    /// The first second at which it is over, however much it is used.
    pub absolute_expiry: Timestamp,
    /// Seconds without use after which it is over.
    pub idle: u32,
    /// The person's session epoch when they signed in.
    pub epoch: Epoch,
    /// The identity provider's id of its own session (OpenID Connect Front-Channel Logout §3, `sid`).
    pub idp_session: Option<String>,
    /// The browser, as it names itself.
    pub user_agent: String,
    /// The address that the browser came from.
    pub address: String,
}

impl Session {
    /// Returns the first second at which the session is over if it is not used again.
    #[must_use]
    pub fn expiry(&self) -> Timestamp {
        self.absolute_expiry.min(self.last_seen.plus(i64::from(self.idle)))
    }
}
