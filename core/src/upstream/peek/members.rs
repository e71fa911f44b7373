//! The top level of a body: which members decide, and which another parser might read differently.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::element::Element;
use super::{Governed, PeekError};

/// Members that we price or decide by. Each may stand once, in this spelling: the provider might read another one than we.
const GOVERNED: [&str; 12] = [
    "model",
    "stream",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "stream_options",
    "service_tier",
    "background",
    "previous_response_id",
    "conversation",
    "store",
    "n",
];

/// Members that tell a LiteLLM proxy whom to call, with which key, or what to pretend. They are the operator's, not a client's.
const PROXY_CONTROLS: [&str; 6] = ["fallbacks", "api_base", "base_url", "api_key", "user_config", "mock_response"];

/// Visits the top level.
pub(super) struct Document<'a, 'de> {
    pub(super) governed: &'a mut Governed<'de>,
}

impl<'de> DeserializeSeed<'de> for Document<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            let Some(known) = GOVERNED.into_iter().find(|known| known.eq_ignore_ascii_case(&name)) else {
                let control = PROXY_CONTROLS.into_iter().find(|control| control.eq_ignore_ascii_case(&name));
                self.governed.proxy_control = self.governed.proxy_control.or(control);
                map.next_value_seed(Element { blobs: &mut self.governed.blobs, depth: 1 })?;
                continue;
            };
            if known != name || !self.governed.seen.insert(known) {
                self.governed.refused = Some(PeekError::Ambiguous(known));
                return Err(A::Error::custom("a governed member is ambiguous"));
            }
            let value: &RawValue = map.next_value()?;
            // A null is as good as nothing, but for where it stands.
            if value.get() != "null" || known == "stream_options" {
                self.governed.values.push((known, value));
            }
        }
        Ok(())
    }
}

/// A member's name, unescaped.
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Text).map(Name)
    }
}
