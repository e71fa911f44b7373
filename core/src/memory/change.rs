//! What can change.

use serde::{Deserialize, Serialize};

use super::answers::AnswerKey;
use super::lease::OpenLease;
use crate::admission::{BudgetsEntry, Cancel, TokenEntry, UsageEvent, UserEntry};
use crate::id::UserId;
use crate::ports::{Cursor, Recovery};
use crate::session::{Session, SessionId};
use crate::time::Timestamp;
use crate::version::Generation;

/// One change of the memory. A change was decided: applying it asks nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A lease was opened.
    Opened(Box<OpenLease>),
    /// A lease was settled or swept, or a sweep was corrected.
    Charged(Box<UsageEvent>),
    /// A lease was given up.
    Cancelled(Cancel),
    /// Events through that position are in the usage log.
    Discarded {
        /// The position.
        through: u64,
    },
    /// A session was opened.
    SessionOpened(Box<Session>),
    /// A session was used.
    SessionSeen {
        /// Which.
        id: SessionId,
        /// When.
        at: Timestamp,
    },
    /// A session was ended.
    SessionEnded {
        /// Which.
        id: SessionId,
    },
    /// A token was used.
    TokenSeen {
        /// Whose.
        user: UserId,
        /// When.
        at: Timestamp,
    },
    /// Something that must not happen too often has happened.
    Counted {
        /// What.
        name: String,
        /// When.
        now: Timestamp,
        /// When the window ends in which it counts.
        end: Timestamp,
    },
    /// Somebody made an answer that they may continue.
    Answered {
        /// Which.
        key: AnswerKey,
        /// Who.
        user: UserId,
        /// When.
        now: Timestamp,
        /// Until when it can be continued.
        expiry: Timestamp,
    },
    /// The records told about people and tokens.
    Learned {
        /// The people.
        users: Vec<UserEntry>,
        /// The tokens.
        tokens: Vec<TokenEntry>,
    },
    /// The records told about the budgets.
    #[serde(skip)]
    LearnedBudgets(BudgetsEntry),
    /// The records' tokens were installed.
    Enrolled {
        /// How far; all of them if that is not said.
        upto: Option<Cursor>,
    },
    /// Tokens are not listed any more.
    Unlisted {
        /// When they had expired.
        by: Timestamp,
    },
    /// A one-time value was kept.
    Kept {
        /// Its kind and id.
        key: String,
        /// The value.
        value: String,
        /// When.
        now: Timestamp,
        /// Until when.
        expiry: Timestamp,
    },
    /// A one-time value was handed out.
    Redeemed {
        /// Its kind and id.
        key: String,
    },
    /// Another generation began.
    Began {
        /// Which.
        generation: Generation,
    },
    /// A beat was counted.
    Beat {
        /// How many there are now.
        count: u64,
    },
    /// What was spent was taken over from the records.
    Recovered(Box<Recovery>),
}

impl Change {
    /// Says whether the change has to survive a restart. What the records can tell again does not, nor do one-time
    /// values: a sign-in that a restart interrupts starts over. Whose tokens were used, and what was counted, is not worth a
    /// write.
    #[must_use]
    pub const fn is_durable(&self) -> bool {
        !matches!(
            self,
            Self::TokenSeen { .. }
                | Self::Counted { .. }
                | Self::Learned { .. }
                | Self::LearnedBudgets(_)
                | Self::Enrolled { .. }
                | Self::Unlisted { .. }
                | Self::Kept { .. }
                | Self::Redeemed { .. }
        )
    }
}
