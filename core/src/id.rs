//! Identifiers: ULIDs, each kind a type of its own, so that a token's id is never taken for a user's.

use crate::time::{Millis, Timestamp};

/// Why a text is no identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a canonical ulid")]
pub struct InvalidId;

macro_rules! ulid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(ulid::Ulid);

        impl $name {
            /// Makes an identifier from the time and 80 random bits.
            #[must_use]
            pub fn new(now: Millis, random: [u8; 10]) -> Self {
                let mut low = [0; 16];
                low[6..].copy_from_slice(&random);
                let millis = u64::try_from(now.0).unwrap_or(0);
                Self(ulid::Ulid::from_parts(millis, u128::from_be_bytes(low)))
            }

            /// Returns the first identifier that can be made at a time: all that were made before sort before it.
            #[must_use]
            pub fn first_at(at: Timestamp) -> Self {
                Self::new(Millis(at.0.saturating_mul(1000)), [0; 10])
            }

            /// Returns the 128 bits, for use as a compact key.
            #[must_use]
            pub const fn bits(self) -> u128 {
                self.0.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            /// Parses the canonical form only: 26 upper-case characters, so that one id has one spelling.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let id = ulid::Ulid::from_string(text).map_err(|_| InvalidId)?;
                if id.to_string() == text { Ok(Self(id)) } else { Err(InvalidId) }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }
    };
}

ulid_newtype! {
    /// Names a person, for as long as the records know them. Never an address: addresses change hands.
    UserId
}
ulid_newtype! {
    /// Names an issued API token; the JWT's `jti` (RFC 7519 §4.1.7).
    TokenId
}
ulid_newtype! {
    /// Names a lease and the usage event that it becomes.
    LeaseId
}
ulid_newtype! {
    /// Names an entry of the audit log.
    AuditId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_it_prints() {
        let id = UserId::new(Millis(1_700_000_000_123), [7; 10]);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn refuses_other_spellings_of_the_same_id() {
        let text = TokenId::new(Millis(1_700_000_000_123), [0xAB; 10]).to_string();
        assert_eq!(text.to_lowercase().parse::<TokenId>(), Err(InvalidId));
        assert_eq!(format!(" {text}").parse::<TokenId>(), Err(InvalidId));
    }

    #[test]
    fn sorts_by_time() {
        let earlier = LeaseId::new(Millis(1_000), [0xFF; 10]);
        let later = LeaseId::new(Millis(1_001), [0; 10]);
        assert!(earlier < later);
    }
}
