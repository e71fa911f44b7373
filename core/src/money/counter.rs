//! What is added up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::{TokenId, UserId};

/// Whose spending is counted together, whether or not a budget exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Counter {
    /// A person's.
    User(UserId),
    /// A token's.
    Token(TokenId),
    /// A group's that has a budget.
    Group(String),
    /// Everybody's.
    Org,
}

/// Why a text names no counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a counter")]
pub struct InvalidCounter;

impl fmt::Display for Counter {
    /// Writes what stores call it: `user:ID`, `token:ID`, `group:NAME` or `org`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(formatter, "user:{id}"),
            Self::Token(id) => write!(formatter, "token:{id}"),
            Self::Group(name) => write!(formatter, "group:{name}"),
            Self::Org => formatter.write_str("org"),
        }
    }
}

impl FromStr for Counter {
    type Err = InvalidCounter;

    fn from_str(text: &str) -> Result<Self, InvalidCounter> {
        match text.split_once(':') {
            Some(("user", id)) => id.parse().map(Self::User).map_err(|_| InvalidCounter),
            Some(("token", id)) => id.parse().map(Self::Token).map_err(|_| InvalidCounter),
            Some(("group", name)) => Ok(Self::Group(name.to_owned())),
            None if text == "org" => Ok(Self::Org),
            _ => Err(InvalidCounter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    #[test]
    fn reads_what_it_writes() {
        let (user, token) = (UserId::new(Millis(1), [1; 10]), TokenId::new(Millis(2), [2; 10]));
        for counter in [Counter::User(user), Counter::Token(token), Counter::Group("a:b".to_owned()), Counter::Org] {
            assert_eq!(counter.to_string().parse(), Ok(counter));
        }
    }

    #[test]
    fn refuses_other_names() {
        for text in ["", "user:", "user:x", "orgs", "org:", "team:a"] {
            assert_eq!(text.parse::<Counter>(), Err(InvalidCounter), "{text}");
        }
    }
}
