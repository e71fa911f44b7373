//! What keys are called, and how long they are kept.

use crate::id::{LeaseId, TokenId, UserId};
use crate::memory::AnswerKey;
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

    fn key(&self, rest: &str) -> String {
        format!("{}{rest}", self.prefix)
    }
}

/// Returns for how many seconds, from `now`, Redis keeps what is needed until `until`.
pub(super) fn kept(until: Timestamp, now: Timestamp) -> String {
    until.since(now).saturating_add(MARGIN).clamp(1, LONGEST).to_string()
}
