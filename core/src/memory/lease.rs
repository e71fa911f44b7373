//! A lease between admit and its end.

use serde::{Deserialize, Serialize};

use super::Change;
use super::rates::Rated;
use crate::admission::{Call, Settlement, UsageEvent};
use crate::id::{LeaseId, TokenId, UserId};
use crate::identity::Email;
use crate::money::{Calendar, Counter, Nanodollars};
use crate::time::Timestamp;

/// A lease that was not closed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenLease {
    pub(super) id: LeaseId,
    pub(super) user: UserId,
    pub(super) email: Email,
    pub(super) token: TokenId,
    pub(super) estimate: Nanodollars,
    /// Written since there was a difference: what older journals hold had a price.
    #[serde(default = "had_price")]
    pub(super) priced: bool,
    pub(super) expiry: Timestamp,
    pub(super) calendar: Calendar,
    pub(super) counters: Vec<Counter>,
    /// Written since there are rate limits.
    #[serde(default)]
    pub(super) rated: Option<Rated>,
    /// Written since usage is told by group.
    #[serde(default)]
    pub(super) member_of: Vec<String>,
    pub(super) call: Call,
}

const fn had_price() -> bool {
    true
}

/// Returns the groups among the counters of a call.
pub(crate) fn groups(counters: &[Counter]) -> Vec<String> {
    let name = |counter: &Counter| match counter {
        Counter::Group(name) => Some(name.clone()),
        _ => None,
    };
    counters.iter().filter_map(name).collect()
}

impl OpenLease {
    /// Returns the event that a settlement makes of the lease.
    pub(super) fn event(&self, settlement: Settlement, revision: u32) -> UsageEvent {
        UsageEvent {
            id: self.id,
            revision,
            user: self.user,
            email: Some(self.email.clone()),
            token: self.token,
            groups: groups(&self.counters),
            member_of: self.member_of.clone(),
            estimate: self.estimate,
            call: self.call.clone(),
            settlement,
        }
    }

    /// Returns the change that charges the lease at its estimate: nobody was heard of it.
    pub(super) fn swept(&self, now: Timestamp) -> Change {
        let settlement =
            Settlement { priced: self.priced, ..Settlement::abandoned(self.id, &self.call, self.estimate, now) };
        Change::Charged(Box::new(self.event(settlement, 1)))
    }
}
