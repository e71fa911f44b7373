//! Filters (RFC 7644 §3.4.2.2): parsed, asked of a resource, and turned into what an index can answer.

mod evaluate;
mod parser;

use serde_json::Value;

use super::error::{ScimError, ScimType};
use super::path::AttributePath;
use crate::id::UserId;
use crate::identity::Email;
pub(super) use parser::{Malformed, Parser};

/// Longest filter, in bytes. Directories send one comparison, which has about a hundred.
const MAX_FILTER: usize = 1000;

/// A question about a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Node);

/// What leads to the only people who can match a filter. Whether they do is for [`Filter::matches`] to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The person with that `userName`, in lower case.
    UserName(String),
    /// The person with that `externalId`.
    ExternalId(String),
    /// The person with that id.
    Id(UserId),
    /// The people with that address.
    Email(Email),
    /// Nobody: the value is none that anybody can have.
    Nobody,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Present(AttributePath),
    Compare(AttributePath, Comparison, Value),
    /// Some value of the attribute matches all of the filter by itself.
    Within(AttributePath, Box<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Filter {
    /// Parses a filter.
    ///
    /// # Errors
    ///
    /// `invalidFilter` if it is malformed, too long, too deep, or compares what has no order.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        let parsed =
            if text.len() > MAX_FILTER { Err(Malformed("it is too long")) } else { Parser::new(text).filter() };
        parsed.map(Self).map_err(|Malformed(why)| {
            ScimError::new(ScimType::InvalidFilter, format!("the filter cannot be read: {why}"))
        })
    }

    /// Says whether a rendered resource matches.
    #[must_use]
    pub fn matches(&self, resource: &Value) -> bool {
        self.0.matches(resource)
    }

    /// Returns what leads to those who can match; `None` if only looking at everybody would, which whoever serves refuses
    /// with [`too_many`](Self::too_many).
    #[must_use]
    pub fn lookup(&self) -> Option<Lookup> {
        self.0.lookup()
    }

    /// Returns the refusal of a filter that no index answers.
    #[must_use]
    pub fn too_many() -> ScimError {
        let detail =
            "a filter must compare userName, externalId, id or emails.value by eq, alone or as a part of an and";
        ScimError::new(ScimType::TooMany, detail)
    }
}

impl Node {
    fn lookup(&self) -> Option<Lookup> {
        match self {
            Self::All(nodes) => nodes.iter().find_map(Self::lookup),
            Self::Compare(path, Comparison::Equal, Value::String(value)) => match path.of_user()? {
                ("username", None) => Some(Lookup::UserName(value.to_lowercase())),
                ("externalid", None) => Some(Lookup::ExternalId(value.clone())),
                ("id", None) => Some(value.parse().map_or(Lookup::Nobody, Lookup::Id)),
                ("emails", None | Some("value")) => Some(by_address(value)),
                _ => None,
            },
            Self::Within(path, inner) if path.of_user() == Some(("emails", None)) => inner.address(),
            _ => None,
        }
    }

    /// Returns the address that an element of `emails` must have.
    fn address(&self) -> Option<Lookup> {
        match self {
            Self::All(nodes) => nodes.iter().find_map(Self::address),
            Self::Compare(path, Comparison::Equal, Value::String(value)) => {
                (path.of_user() == Some(("value", None))).then(|| by_address(value))
            }
            _ => None,
        }
    }
}

fn by_address(value: &str) -> Lookup {
    Email::parse(value).map_or(Lookup::Nobody, Lookup::Email)
}

#[cfg(test)]
mod tests;
