//! Whether a resource matches a filter.

use std::cmp::Ordering;

use serde_json::Value;

use super::super::body::member;
use super::super::path::AttributePath;
use super::{Comparison, Filter, Node};

/// How the texts of an attribute compare.
#[derive(Clone, Copy)]
enum Kind {
    /// Letter by letter (RFC 7643 §2.2, `caseExact`).
    Exact,
    /// Without regard to case.
    Folded,
    /// As points in time.
    Time,
}

impl Filter {
    /// Says whether one value of an attribute that may have several matches.
    pub(in super::super) fn matches_item(&self, item: &Value) -> bool {
        self.0.holds(item, Some(Kind::Folded))
    }
}

impl Node {
    pub(super) fn matches(&self, resource: &Value) -> bool {
        self.holds(resource, None)
    }

    /// Says whether it holds for `element`: a resource, or a value within it, whose attributes are of that kind then.
    fn holds(&self, element: &Value, kind: Option<Kind>) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.holds(element, kind)),
            Self::Any(nodes) => nodes.iter().any(|node| node.holds(element, kind)),
            Self::Not(node) => !node.holds(element, kind),
            Self::Present(path) => values(element, path).into_iter().any(|value| !is_empty(value)),
            Self::Compare(path, comparison, wanted) => {
                let kind = kind.unwrap_or_else(|| Kind::of(path));
                let values = values(element, path);
                if values.is_empty() {
                    return comparison.holds(&Value::Null, wanted, kind);
                }
                values.into_iter().any(|value| comparison.holds(value, wanted, kind))
            }
            Self::Within(path, node) => {
                let Some(value) = path.of_user().and_then(|(name, _)| member(element, name)) else { return false };
                let kind = Kind::of(path);
                match value {
                    Value::Array(items) => items.iter().any(|item| node.holds(item, Some(kind))),
                    one => node.holds(one, Some(kind)),
                }
            }
        }
    }
}

impl Kind {
    fn of(path: &AttributePath) -> Self {
        match path.of_user() {
            Some(("meta", Some("created" | "lastmodified"))) => Self::Time,
            Some(("id" | "externalid" | "meta", _)) => Self::Exact,
            _ => Self::Folded,
        }
    }
}

impl Comparison {
    fn holds(self, value: &Value, wanted: &Value, kind: Kind) -> bool {
        match (value, wanted) {
            (Value::String(value), Value::String(wanted)) => self.holds_for_texts(value, wanted, kind),
            (Value::Number(value), Value::Number(wanted)) => {
                value.as_f64().partial_cmp(&wanted.as_f64()).is_some_and(|order| self.holds_for(order))
            }
            (value, wanted) if self == Self::Equal => value == wanted,
            (value, wanted) => self == Self::NotEqual && value != wanted,
        }
    }

    fn holds_for_texts(self, value: &str, wanted: &str, kind: Kind) -> bool {
        match kind {
            Kind::Exact => self.holds_for_spellings(value, wanted),
            Kind::Folded => self.holds_for_spellings(&value.to_lowercase(), &wanted.to_lowercase()),
            Kind::Time => match (value.parse::<jiff::Timestamp>(), wanted.parse::<jiff::Timestamp>()) {
                (Ok(value), Ok(wanted)) => self.holds_for(value.cmp(&wanted)),
                _ => self.holds_for_spellings(value, wanted),
            },
        }
    }

    fn holds_for_spellings(self, value: &str, wanted: &str) -> bool {
        match self {
            Self::Contains => value.contains(wanted),
            Self::StartsWith => value.starts_with(wanted),
            Self::EndsWith => value.ends_with(wanted),
            _ => self.holds_for(value.cmp(wanted)),
        }
    }

    fn holds_for(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Contains | Self::StartsWith | Self::EndsWith => false,
        }
    }
}

/// Returns the values at a path. An attribute with several stands for the `value` of each, where nothing else is said.
fn values<'a>(element: &'a Value, path: &AttributePath) -> Vec<&'a Value> {
    let Some((name, sub)) = path.of_user() else { return Vec::new() };
    let found = match (member(element, name), sub) {
        (Some(Value::Array(items)), sub) => items
            .iter()
            .filter_map(|item| match item {
                Value::Object(_) => member(item, sub.unwrap_or("value")),
                simple => sub.is_none().then_some(simple),
            })
            .collect(),
        (Some(one), None) => vec![one],
        (Some(one), Some(sub)) => member(one, sub).into_iter().collect(),
        (None, _) => Vec::new(),
    };
    found.into_iter().filter(|value| !value.is_null()).collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
