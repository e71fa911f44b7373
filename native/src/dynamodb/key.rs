//! What items are called.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway_core::id::{LeaseId, TokenId, UserId};
use gateway_core::identity::{Email, Name};
use gateway_core::money::Alert;
use gateway_core::ports::{PeopleList, Subject};
use sha2::{Digest as _, Sha256};

use super::item::{Item, text};

/// The partition of the audit log.
///
/// One for all of it: a month in its name would not spread what is written in one moment, and pages would have to look for the
/// month in which they go on.
pub(super) const AUDIT: &str = "AUDIT";

/// The partition of everybody's tokens, in the first index.
pub(super) const TOKENS: &str = "TOKENS";

/// The partition of what tokens are found by, in the second index.
pub(super) const TERMS: &str = "TERMS";

/// The sort key of every outbox row; the deployment's stream is filtered by it.
pub(super) const OUTBOX: &str = "OUTBOX";

/// The partition of the book of budgets, and what it is called there.
const BUDGETS: &str = "BUDGETS";

/// The partition of the alerts that wait, in the first index.
pub(super) const WAITING: &str = "ALERTS";

/// The sort key of the one person who is expected with an address.
const EXPECTED: &str = "EXPECTED";

/// Into how many partitions usage events are spread: each takes 500 of them a second.
pub(super) const USAGE_SHARDS: u8 = 4;

/// The name of one item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Key {
    pub(super) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    pub(super) fn user(id: UserId) -> Self {
        Self::new(user(id), "USER")
    }

    /// Names are texts of any length, and keys are not. That somebody is expected with an address says that they have it.
    pub(super) fn name(name: &Name) -> Self {
        if let Name::Expected(email) = name {
            return Self::new(at_address(email), EXPECTED);
        }
        let (kind, parts) = name.parts();
        let texts: Vec<&str> = std::iter::once(kind).chain(parts.iter().map(AsRef::as_ref)).collect();
        Self::new(format!("NAME#{}", hash(&texts)), "NAME")
    }

    /// Says that somebody who has signed in has an address.
    pub(super) fn at_address(email: &Email, id: UserId) -> Self {
        Self::new(at_address(email), id.to_string())
    }

    pub(super) fn token(id: TokenId) -> Self {
        Self::new(format!("TOKEN#{id}"), "TOKEN")
    }

    /// Says that somebody has a token.
    pub(super) fn tokens_of(user_id: UserId, id: impl std::fmt::Display) -> Self {
        Self::new(user(user_id), format!("TOKEN#{id}"))
    }

    /// The book of budgets.
    pub(super) fn budget_book() -> Self {
        Self::new(BUDGETS, BUDGETS)
    }

    /// What there is to tell of a budget. Groups' names are of any length.
    pub(super) fn alert(alert: &Alert) -> Self {
        Self::new(format!("ALERT#{}", hash(&[&alert.id()])), "ALERT")
    }

    pub(super) fn outbox(subject: Subject) -> Self {
        let record = match subject {
            Subject::User(id) => Self::user(id),
            Subject::Token(id) => Self::token(id),
            Subject::Budgets => Self::budget_book(),
        };
        Self { sk: OUTBOX.to_owned(), ..record }
    }

    pub(super) fn usage(id: LeaseId) -> Self {
        let shard = u8::try_from(id.bits() % u128::from(USAGE_SHARDS)).unwrap_or_default();
        Self::new(usage(shard), id.to_string())
    }

    /// Returns the item's attributes that are its name.
    pub(super) fn item(&self) -> Item {
        HashMap::from([("pk".to_owned(), text(&self.pk)), ("sk".to_owned(), text(&self.sk))])
    }

    /// Reads the name of an item.
    pub(super) fn of(item: &Item) -> Option<Self> {
        let part = |name: &str| item.get(name).and_then(|value: &AttributeValue| value.as_s().ok()).cloned();
        Some(Self { pk: part("pk")?, sk: part("sk")? })
    }
}

/// Returns the partition of a person.
pub(super) fn user(id: UserId) -> String {
    format!("USER#{id}")
}

/// Returns the partition of the people who have an address.
pub(super) fn at_address(email: &Email) -> String {
    format!("EMAIL#{}", email.as_str())
}

/// Returns the partition of a list of people, in an index.
pub(super) fn people(list: &PeopleList) -> String {
    format!("PEOPLE#{}", list.name())
}

/// Returns the partition of one shard of the usage log.
pub(super) fn usage(shard: u8) -> String {
    format!("USAGE#{shard}")
}

/// Returns texts of any length as one of 43 characters: their SHA-256, told apart.
pub(super) fn hash(texts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text);
    }
    URL_SAFE_NO_PAD.encode(hasher.finalize())
}

/// Returns the record that an outbox row is about, by the row's partition key.
#[must_use]
pub fn changed_record(pk: &str) -> Option<Subject> {
    if pk == BUDGETS {
        return Some(Subject::Budgets);
    }
    match pk.split_once('#')? {
        ("USER", id) => id.parse().ok().map(Subject::User),
        ("TOKEN", id) => id.parse().ok().map(Subject::Token),
        _ => None,
    }
}
