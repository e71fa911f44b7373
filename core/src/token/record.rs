//! The record of a token. The token itself is never stored.

use serde::{Deserialize, Serialize};

use super::Scopes;
use crate::id::{TokenId, UserId};
use crate::identity::Email;
use crate::time::Timestamp;
use crate::version::Epoch;

/// Longest token name, in characters.
const MAX_NAME: usize = 64;

/// How long tokens stay listed after their expiry, in seconds. The records may forget them then.
pub const LISTED_AFTER_EXPIRY: i64 = 30 * 86400;

/// An issued token, as the records keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The JWT's `jti`.
    pub id: TokenId,
    /// Whose it is.
    pub user: UserId,
    /// What its owner calls it.
    pub name: TokenName,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it was minted.
    pub created: Timestamp,
    /// The first second at which it is no longer good.
    pub expiry: Timestamp,
    /// The owner's token epoch when it was minted.
    pub epoch: Epoch,
    /// Whether it was revoked by itself.
    pub state: TokenState,
    /// The address that its owner had then; for searching.
    #[serde(default)]
    pub minted_for: Option<Email>,
    /// The day of its last use, as that day's first second; kept without a version.
    pub last_used: Option<Timestamp>,
}

/// Whether a token was revoked by itself. Raising its owner's epoch revokes it as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TokenState {
    /// It was not.
    Live,
    /// It was, for good.
    Revoked(Revocation),
}

/// Who revoked a token, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Who.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// How a token stands at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenStatus {
    /// Good.
    Active,
    /// Past its expiry.
    Expired,
    /// Revoked, by itself or with all of its owner's.
    Revoked,
}

impl Token {
    /// Returns what the token is found by: its name and its owner's address, in lower case.
    #[must_use]
    pub fn terms(&self) -> Vec<String> {
        let address = self.minted_for.as_ref().map(|email| email.as_str().to_owned());
        std::iter::once(fold(self.name.as_str())).chain(address).collect()
    }

    /// Returns where the token stands among those of which a term begins with `prefix`, in lower case: by the first such term.
    /// `None` if none does.
    #[must_use]
    pub fn found_by(&self, prefix: &str) -> Option<String> {
        let term = self.terms().into_iter().filter(|term| term.starts_with(prefix)).min()?;
        Some(found_at(&term, self.id))
    }

    /// Returns how the token stands at `now`, given its owner's token epoch. Revoked wins over expired.
    #[must_use]
    pub fn status(&self, owner_epoch: Epoch, now: Timestamp) -> TokenStatus {
        if self.state != TokenState::Live || self.epoch < owner_epoch {
            TokenStatus::Revoked
        } else if now >= self.expiry {
            TokenStatus::Expired
        } else {
            TokenStatus::Active
        }
    }
}

/// Returns a text in lower case, letter by letter, so that what begins alike still does.
#[must_use]
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Returns where a token stands among those that are found by a term: behind it comes what no term has.
#[must_use]
pub fn found_at(term: &str, id: TokenId) -> String {
    format!("{term}\n{id}")
}

/// A token's name: 1 to 64 printable characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TokenName(String);

/// Why a text is no token name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 printable characters")]
pub struct InvalidName;

impl TokenName {
    /// Parses a name; space around it is dropped.
    ///
    /// # Errors
    ///
    /// [`InvalidName`] if nothing is left, or more than 64 characters, or a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let name = text.trim();
        let printable = !name.chars().any(|c| c.is_control() || is_invisible(c));
        if !name.is_empty() && name.chars().count() <= MAX_NAME && printable {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidName)
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Says whether a character changes the direction of the text or cannot be seen, so that one name could pass for another.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

impl From<TokenName> for String {
    fn from(name: TokenName) -> Self {
        name.0
    }
}

impl TryFrom<String> for TokenName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::parse(&text)
    }
}
