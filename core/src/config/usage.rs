//! `[usage]`

use serde::Deserialize;

use super::Seconds;

/// What is kept of calls.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// For how long the usage log has each call. What they add up to is kept for ever.
    pub keep: Seconds,
}

impl Usage {
    /// The shortest time to keep calls for, in seconds: a hot state that was restored from a backup may tell of its calls once more, and only
    /// the log knows that they were counted.
    pub(super) const LEAST: u32 = 7 * 86400;

    /// The longest, in seconds: ten years.
    pub(super) const MOST: u32 = 3660 * 86400;
}

impl Default for Usage {
    fn default() -> Self {
        Self { keep: Seconds(400 * 86400) }
    }
}
