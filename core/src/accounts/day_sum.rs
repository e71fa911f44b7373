//! What everybody used and spent in one day, by one thing at a time: few enough to be read whenever somebody looks.

use serde::{Deserialize, Serialize};

use super::{Latency, RollUp};
use crate::admission::UsageEvent;

/// By what days are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// All calls of the day.
    All,
    /// Those of each person.
    User,
    /// Those that asked for each model.
    Model,
    /// Those of people in each group. Who is in several counts in each of them.
    Group,
}

impl Dimension {
    /// Every one of them.
    pub const ALL: [Self; 4] = [Self::All, Self::User, Self::Model, Self::Group];

    /// Returns its name in the records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::User => "user",
            Self::Model => "model",
            Self::Group => "group",
        }
    }

    /// Says whether it is kept how long calls took.
    #[must_use]
    pub const fn has_latency(self) -> bool {
        matches!(self, Self::All | Self::Model)
    }

    /// Returns what an event counts as.
    fn names(self, event: &UsageEvent) -> Vec<String> {
        match self {
            Self::All => vec![String::new()],
            Self::User => vec![event.user.to_string()],
            Self::Model => vec![event.call.model.clone()],
            Self::Group => event.member_of.clone(),
        }
    }
}

/// Which calls of a day are added up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DaySumKey {
    /// By what.
    pub dimension: Dimension,
    /// The day, such as `2026-11-23`.
    pub day: String,
    /// Which of them: a user's id, a model's or a group's name; nothing for all.
    pub name: String,
}

/// What they add up to. A difference has members below zero.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DaySum {
    /// What was used and spent.
    pub usage: RollUp,
    /// How long it took, where that is kept.
    pub latency: Latency,
}

impl DaySum {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.usage = self.usage.plus(other.usage);
        self.latency.merge(&other.latency);
    }

    /// Returns what an event adds in place of another one.
    pub(super) fn of(event: &UsageEvent, replaced: Option<&UsageEvent>) -> Self {
        let mut latency = Latency::default();
        latency.add_event(event, 1);
        if let Some(replaced) = replaced {
            latency.add_event(replaced, -1);
        }
        Self { usage: RollUp::of(event).minus(replaced.map(RollUp::of).unwrap_or_default()), latency }
    }
}

/// Returns which sums of a day an event counts in. A correction tells of the same call of the same person.
pub(super) fn keys(event: &UsageEvent, day: &str) -> impl Iterator<Item = DaySumKey> {
    Dimension::ALL.into_iter().flat_map(move |dimension| {
        let mut names = dimension.names(event);
        names.sort();
        names.dedup();
        names.into_iter().map(move |name| DaySumKey { dimension, day: day.to_owned(), name })
    })
}
