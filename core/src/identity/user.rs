//! The record of a person.

use serde::{Deserialize, Serialize};

use super::{Account, Email, Name, Provisioning};
use crate::id::UserId;
use crate::money::Limits;
use crate::time::Timestamp;
use crate::version::Epoch;

/// A person: one whom the identity provider has vouched for, keyed by its (issuer, subject), or an address about which
/// something was decided before anybody signed in with it.
///
/// An address that is handed to another person brings another subject, hence another user, who inherits nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Our name for them; the `sub` of their tokens.
    pub id: UserId,
    /// What the identity provider calls them; none until they have signed in.
    #[serde(flatten)]
    pub account: Option<Account>,
    /// Their verified address, or the one that they are expected to have.
    pub email: Email,
    /// Their display name, if the identity provider told one.
    pub name: Option<String>,
    /// Their groups: those that they were provisioned with, or else those at the identity provider.
    pub groups: Vec<String>,
    /// Whether they may use the gateway.
    pub status: Status,
    /// The suspension that they were under when they were removed; it goes on when they are restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<Suspension>,
    /// What they may spend, as far as it was decided about them.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// Who made them an administrator, if somebody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// The addresses whose roles in the configuration are theirs, because they were the first to sign in with them. They stay theirs when
    /// they have another address, so that nobody gets a role who gets an old address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<Email>,
    /// Whether a grant or a group made them an administrator when this was written. For lists: who is one is decided anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub administers: bool,
    /// What the company's directory says of them, if it does (RFC 7643 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning: Option<Provisioning>,
    /// The `externalId` by which the directory knew them that has forgotten them: by that it knows them again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_external_id: Option<String>,
    /// Tokens with a lower epoch are revoked.
    pub token_epoch: Epoch,
    /// Sessions with a lower epoch are over.
    pub session_epoch: Epoch,
    /// When set, a sign-in counts only if the person authenticated after this moment.
    pub reauth_after: Option<Timestamp>,
    /// When the record was made.
    pub first_seen: Timestamp,
    /// The newest sign-in.
    pub last_sign_in: Option<Timestamp>,
    /// When everything that tells who they are was taken out of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Timestamp>,
}

impl User {
    /// Returns an active user of whom nothing is known but an address.
    #[must_use]
    pub const fn expected(id: UserId, email: Email, now: Timestamp) -> Self {
        Self {
            id,
            account: None,
            email,
            name: None,
            groups: Vec::new(),
            status: Status::Active,
            interrupted: None,
            limits: Limits::new(),
            grant: None,
            pins: Vec::new(),
            administers: false,
            provisioning: None,
            former_external_id: None,
            token_epoch: Epoch(0),
            session_epoch: Epoch(0),
            reauth_after: None,
            first_seen: now,
            last_sign_in: None,
            erased: None,
        }
    }

    /// Returns what leads to this user and to no other.
    #[must_use]
    pub fn names(&self) -> Vec<Name> {
        if self.erased.is_some() {
            return Vec::new();
        }
        let own = match &self.account {
            Some(account) => Name::Account(account.clone()),
            None => Name::Expected(self.email.clone()),
        };
        let pins = self.pins.iter().cloned().map(Name::Pin);
        let provisioned = self.provisioning.iter().flat_map(Provisioning::names);
        let elsewhere = self.provisioning.iter().filter(|told| told.id != self.id);
        let resource = elsewhere.map(|told| Name::Resource(told.id));
        std::iter::once(own).chain(pins).chain(provisioned).chain(resource).collect()
    }

    /// Says whether they may use the gateway at `now`.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.status.is_active(now)
    }
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

impl Status {
    /// Says whether somebody of that status may use the gateway at `now`.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        match self {
            Self::Active => true,
            Self::Suspended(suspension) => !suspension.holds_at(now),
            Self::Removed => false,
        }
    }

    /// Returns the suspension that holds at `now`.
    #[must_use]
    pub fn suspension(&self, now: Timestamp) -> Option<&Suspension> {
        match self {
            Self::Suspended(suspension) if suspension.holds_at(now) => Some(suspension),
            Self::Active | Self::Suspended(_) | Self::Removed => None,
        }
    }
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

/// A super administrator's decision that somebody is an administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who decided.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}
