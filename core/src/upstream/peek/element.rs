//! Everything below the top level of a body: checked, measured, and not kept.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// How deep a document may be nested. `serde_json` stops at the same depth; deeper ones are attacks on parsers.
const MAX_DEPTH: u32 = 120;

/// Texts longer than this, in bytes, are taken for pictures or documents if they are base64.
const BLOB: usize = 1024;

/// Long base64 texts found so far.
#[derive(Default, Clone, Copy)]
pub(super) struct Blobs {
    pub(super) count: u64,
    pub(super) bytes: u64,
}

/// Says whether a text is a picture or a document rather than words.
pub(in crate::upstream) fn is_blob(text: &str) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte);
    text.len() > BLOB && text.bytes().all(is_base64)
}

/// Visits anything below the top level: checks it, counts long base64 texts, keeps nothing.
pub(super) struct Element<'a> {
    pub(super) blobs: &'a mut Blobs,
    pub(super) depth: u32,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth > MAX_DEPTH {
            return Err(D::Error::custom("nested too deep"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if is_blob(text) {
            self.blobs.count += 1;
            self.blobs.bytes += text.len() as u64;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Element { blobs: &mut *self.blobs, depth: self.depth + 1 })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(Element { blobs: &mut *self.blobs, depth: self.depth + 1 })?;
        }
        Ok(())
    }
}
