//! What people are called by others, and found by.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Email;
use crate::id::UserId;
use crate::time::Timestamp;

/// What the identity provider calls somebody (OpenID Connect Core §2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Account {
    /// Its issuer identifier (`iss`).
    pub issuer: String,
    /// Its name for them (`sub`).
    pub subject: String,
}

/// What leads to one user and to no other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// What the identity provider calls them.
    Account(Account),
    /// The address of somebody who has not signed in yet.
    Expected(Email),
    /// The address whose role in the configuration is theirs.
    Pin(Email),
    /// The directory's `userName` (RFC 7643 §4.1.1), in lower case.
    UserName(String),
    /// The directory's `externalId` (RFC 7643 §3.1).
    ExternalId(String),
    /// The `id` that the directory knows somebody by, where it is not that of their record.
    Resource(UserId),
}

impl Name {
    /// Returns the kind of the name, and the texts that it is made of: for stores.
    #[must_use]
    pub fn parts(&self) -> (&'static str, Vec<Cow<'_, str>>) {
        match self {
            Self::Account(Account { issuer, subject }) => ("account", vec![issuer.into(), subject.into()]),
            Self::Expected(email) => ("expected", vec![email.as_str().into()]),
            Self::Pin(email) => ("pin", vec![email.as_str().into()]),
            Self::UserName(name) => ("user_name", vec![name.into()]),
            Self::ExternalId(id) => ("external_id", vec![id.into()]),
            Self::Resource(id) => ("resource", vec![id.to_string().into()]),
        }
    }
}

/// What the company's directory says of somebody (RFC 7643 §4.1), as far as we keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisioning {
    /// `id`: that of the record that it was first about, whichever it is about now.
    pub id: UserId,
    /// `userName`, as it was spelt.
    pub user_name: String,
    /// `externalId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// `name.givenName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// `name.familyName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// `displayName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Their groups; none if the directory says nothing of them, so that the identity provider's count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// `meta.created`.
    pub created: Timestamp,
    /// `meta.lastModified`.
    pub modified: Timestamp,
}

impl Provisioning {
    /// Returns what the directory calls the person by: what it has to be alone with.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        let external_id = self.external_id.clone().map(Name::ExternalId);
        std::iter::once(Name::UserName(self.user_name.to_lowercase())).chain(external_id)
    }
}
