//! Items, and the attributes that they are made of.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use gateway_core::ports::Unavailable;
use gateway_core::version::{Stored, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::NAME;

/// An item as the SDK has it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// Why an item cannot be read.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("an item has no attribute {0} of the right kind")]
    Attribute(String),
    #[error("the body of an item means nothing")]
    Body(#[source] serde_json::Error),
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Puts an item into the partition of an index.
pub(super) fn listed(item: &mut Item, index: u8, partition: impl Into<String>, place: String) {
    item.insert(format!("pk{index}"), text(partition));
    item.insert(format!("sk{index}"), text(place));
}

/// Writes a JSON body.
///
/// # Panics
///
/// Never: what the records hold has texts, numbers and lists only.
pub(super) fn json(value: &impl Serialize) -> AttributeValue {
    text(serde_json::to_string(value).expect("records have texts, numbers and lists only"))
}

pub(super) fn text_of<'a>(item: &'a Item, name: &str) -> Result<&'a str, Unavailable> {
    let value = item.get(name).and_then(|value| value.as_s().ok());
    value.map(String::as_str).ok_or_else(|| unreadable(Unreadable::Attribute(name.to_owned())))
}

/// Reads a number; one that is larger than the largest is that one.
///
/// Sums have 38 digits here, and can be past what the gateway counts to.
pub(super) fn number_of(item: &Item, name: &str) -> Result<i64, Unavailable> {
    optional_number(item, name)?.ok_or_else(|| unreadable(Unreadable::Attribute(name.to_owned())))
}

pub(super) fn optional_number(item: &Item, name: &str) -> Result<Option<i64>, Unavailable> {
    let Some(value) = item.get(name) else { return Ok(None) };
    let digits = value.as_n().ok().and_then(|digits| digits.parse::<i128>().ok());
    let digits = digits.ok_or_else(|| unreadable(Unreadable::Attribute(name.to_owned())))?;
    let bound = if digits < 0 { i64::MIN } else { i64::MAX };
    Ok(Some(i64::try_from(digits).unwrap_or(bound)))
}

/// Reads a JSON body.
pub(super) fn body<T: DeserializeOwned>(item: &Item) -> Result<T, Unavailable> {
    serde_json::from_str(text_of(item, "body")?).map_err(|error| unreadable(Unreadable::Body(error)))
}

/// Reads a record with its version.
pub(super) fn stored<T: DeserializeOwned>(item: &Item) -> Result<Stored<T>, Unavailable> {
    let version = Version(number_of(item, "version")?.cast_unsigned());
    Ok(Stored { value: body(item)?, version })
}

fn unreadable(error: Unreadable) -> Unavailable {
    Unavailable::new(NAME, error)
}
