//! What a body says about usage in a stream.

use std::fmt;
use std::ops::Range;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::members::Name;
use super::{Governed, PeekError};

/// What `stream_options` says of `include_usage`, and where something else could be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::upstream) enum StreamOptions {
    /// There are none; a member can be put here, at the document's beginning.
    Absent(usize),
    /// They are `null`, here.
    Null(Range<usize>),
    /// They are an object without the member; it can be put here, at the object's beginning. Says whether the object is empty.
    Silent(usize, bool),
    /// The member is here, and says so.
    Says(Range<usize>, bool),
}

impl StreamOptions {
    /// Reads what a body says.
    pub(super) fn of(governed: &Governed) -> Result<Self, PeekError> {
        const NAME: &str = "stream_options";
        let beginning = || governed.body.iter().position(|byte| *byte == b'{').map_or(0, |brace| brace + 1);
        let Some(raw) = governed.raw(NAME) else {
            return Ok(Self::Absent(beginning()));
        };
        let place = governed.place(raw.get());
        if raw.get() == "null" {
            return Ok(Self::Null(place));
        }
        let options: Options = serde_json::from_str(raw.get()).map_err(|_| PeekError::Type(NAME, "an object"))?;
        match options.include_usage.as_slice() {
            [] => Ok(Self::Silent(place.start + 1, options.is_empty)),
            [said] => {
                let says = serde_json::from_str(said.get());
                let says = says.map_err(|_| PeekError::Type("include_usage", "true or false"))?;
                Ok(Self::Says(governed.place(said.get()), says))
            }
            _ => Err(PeekError::Ambiguous("include_usage")),
        }
    }
}

/// `stream_options`, read for what it says of usage, however often and in whatever spelling.
struct Options<'a> {
    include_usage: Vec<&'a RawValue>,
    is_empty: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Options<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Options<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut options = Options { include_usage: Vec::new(), is_empty: true };
                while let Some((Name(name), value)) = map.next_entry::<Name, &RawValue>()? {
                    options.is_empty = false;
                    if name.eq_ignore_ascii_case("include_usage") {
                        // Another spelling counts as a second one: nobody knows which one the provider reads.
                        let times = if name == "include_usage" { 1 } else { 2 };
                        options.include_usage.extend(std::iter::repeat_n(value, times));
                    }
                }
                Ok(options)
            }
        }
        deserializer.deserialize_map(Members)
    }
}
