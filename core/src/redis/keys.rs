//! What keys are called, and how long they are kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::id::{LeaseId, TokenId, UserId};
use crate::memory::{AnswerKey, seen_since};
use crate::money::WindowId;
use crate::session::SessionId;
use crate::time::Timestamp;

/// Seconds that Redis keeps a key past its time. Whether a time is over is decided by the time that a script is told; this
/// is room for clocks that differ.
const MARGIN: i64 = 60;

/// What scripts are told instead of seconds of what does not go by itself.
pub(super) const FOR_EVER: &str = "0";

/// Longest that a key may be kept, in seconds: ten years. Redis refuses what does not fit its own clock.
const LONGEST: i64 = 10 * 366 * 86400;

/// Names keys. They share a hash tag, so that one script may touch any of them on a cluster, too.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(name: &str) -> Self {
        Self { prefix: format!("gw:{{{name}}}:") }
    }

    pub(super) fn generation(&self) -> String {
        self.key("gen")
    }

    /// The generation in which the store was told what was spent.
    pub(super) fn recovered(&self) -> String {
        self.key("gen:recovered")
    }

    /// How often its beats were counted.
    pub(super) fn beats(&self) -> String {
        self.key("gen:beats")
    }

    /// Whose a duty is.
    pub(super) fn duty(&self, duty: &str) -> String {
        self.key(&format!("duty:{duty}"))
    }

    pub(super) fn user(&self, id: UserId) -> String {
        self.key(&format!("user:{id}"))
    }

    pub(super) fn token(&self, id: TokenId) -> String {
        self.key(&format!("token:{id}"))
    }

    /// The budgets of the book.
    pub(super) fn budgets(&self) -> String {
        self.key("budgets")
    }

    /// What counts tokens: of which generation it is and how far it came, those that live, those that are revoked.
    pub(super) fn roster(&self) -> [String; 3] {
        ["roster", "live", "revoked"].map(|name| self.key(name))
    }

    /// A person's tokens that live.
    pub(super) fn tokens_of(&self, user: UserId) -> String {
        self.key(&format!("tokens:{user}"))
    }

    pub(super) fn lease(&self, id: LeaseId) -> String {
        self.key(&format!("lease:{id}"))
    }

    pub(super) fn leases(&self) -> String {
        self.key("leases")
    }

    /// What rate limits count: of even minutes, of odd ones, and calls in flight.
    pub(super) fn rates(&self) -> [String; 3] {
        ["rates:even", "rates:odd", "in_flight"].map(|name| self.key(name))
    }

    pub(super) fn spent(&self, window: &WindowId) -> String {
        self.key(&format!("spent:{}", window.0))
    }

    /// What a recovery puts beside the sums of a window.
    pub(super) fn staged(&self, window: &WindowId, recovery: &str) -> String {
        self.key(&format!("staged:{recovery}:{}", window.0))
    }

    pub(super) fn held(&self, window: &WindowId) -> String {
        self.key(&format!("held:{}", window.0))
    }

    pub(super) fn usage(&self) -> String {
        self.key("usage")
    }

    /// The last place that was given in the stream of events.
    pub(super) fn places(&self) -> String {
        self.key("usage:places")
    }

    pub(super) fn session(&self, id: &SessionId) -> String {
        self.key(&format!("session:{id}"))
    }

    /// Everybody's sessions, by expiry and in the order of lists.
    pub(super) fn sessions(&self) -> [String; 2] {
        self.list("sessions")
    }

    /// A person's sessions, likewise.
    pub(super) fn sessions_of(&self, user: UserId) -> [String; 2] {
        self.list(&format!("sessions:{user}"))
    }

    /// The sessions that one at the identity provider has led to, likewise. It chooses how long its ids are.
    pub(super) fn sessions_from(&self, provider: &str) -> [String; 2] {
        self.list(&format!("sessions:idp:{}", URL_SAFE_NO_PAD.encode(Sha256::digest(provider))))
    }

    /// People by when the last of their sessions is over.
    pub(super) fn signed_in(&self) -> String {
        self.key("signed_in")
    }

    /// People by when they were last seen.
    pub(super) fn active(&self) -> String {
        self.key("active")
    }

    /// People by when they were last seen with a session.
    pub(super) fn active_by_session(&self) -> String {
        self.key("active:session")
    }

    /// People by when a token of theirs was last used.
    pub(super) fn active_by_token(&self) -> String {
        self.key("active:token")
    }

    /// What was counted under a name in a window.
    pub(super) fn limit(&self, name: &str, window: i64) -> String {
        self.key(&format!("limit:{name}:{window}"))
    }

    pub(super) fn once(&self, kind: &str, id: &str) -> String {
        self.key(&format!("once:{kind}:{id}"))
    }

    /// The ids that are held of a kind.
    pub(super) fn once_ids(&self, kind: &str) -> String {
        self.key(&format!("once:{kind}"))
    }

    pub(super) fn answer(&self, key: AnswerKey) -> String {
        self.key(&format!("answer:{}", key.text()))
    }

    fn list(&self, name: &str) -> [String; 2] {
        [self.key(name), self.key(&format!("{name}:order"))]
    }

    fn key(&self, rest: &str) -> String {
        format!("{}{rest}", self.prefix)
    }
}

/// Returns for how many seconds, from `now`, Redis keeps what is needed until `until`.
pub(super) fn kept(until: Timestamp, now: Timestamp) -> String {
    until.since(now).saturating_add(MARGIN).clamp(1, LONGEST).to_string()
}

/// Returns until when what was over may be forgotten, as of `now`: as long as keys are kept.
pub(super) fn forgotten(now: Timestamp) -> String {
    now.plus(-MARGIN).0.to_string()
}

/// Returns until when people who may be forgotten were seen, as of `now`.
pub(super) fn unseen(now: Timestamp) -> String {
    seen_since(now).plus(-1).0.to_string()
}
