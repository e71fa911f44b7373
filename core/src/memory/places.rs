//! Places in lists that people page through: a time, and an id among those of one time.

use std::fmt::Display;

use crate::ports::{Cursor, Page};
use crate::time::Timestamp;

/// Returns the text of a place. Texts are in the order of their places.
pub(crate) fn place(at: Timestamp, id: &impl Display) -> String {
    format!("{:020}:{id}", at.0)
}

/// Reads a cursor's place; `None` for the beginning, and for what is no place.
pub(crate) fn placed(cursor: Option<&Cursor>) -> Option<(Timestamp, &str)> {
    let (at, id) = cursor?.0.split_once(':')?;
    Some((Timestamp(at.parse().ok()?), id))
}

/// Makes a page of rows that are one more than it has, if there are more.
pub(crate) fn page<T>(mut items: Vec<T>, rows: usize, place: impl Fn(&T) -> String) -> Page<T> {
    let has_more = items.len() > rows;
    items.truncate(rows);
    let next = items.last().filter(|_| has_more).map(|last| Cursor(place(last)));
    Page { items, next }
}
