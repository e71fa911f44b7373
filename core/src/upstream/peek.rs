//! Reading the members of a body that decide about a call, without rewriting it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Format;
use crate::money::CallSize;

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

/// How deep a document may be nested. `serde_json` stops at the same depth; deeper ones are attacks on parsers.
const MAX_DEPTH: u32 = 120;

/// Texts longer than this, in bytes, are taken for pictures or documents if they are base64.
const BLOB: usize = 1024;

/// Longest name of a model, in bytes; it goes into every usage event. Names in use have a few dozen.
const MAX_MODEL: usize = 256;

/// What a model's name must be.
const MODEL: &str = "a text of 1 to 256 bytes";

/// Most answers that one call may ask for.
const MAX_ANSWERS: u64 = 128;

/// What a body says about its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peek {
    /// The model asked for.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// What the estimate depends on.
    pub size: CallSize,
    /// The ids of earlier answers and conversations that the call goes on from.
    pub continues: Vec<String>,
    /// Whether the provider keeps the answer, so that a later call can go on from it.
    pub is_kept: bool,
    /// Where the model's name stands in the body, quotes included.
    pub(super) model_at: Range<usize>,
    /// What the body says about usage in the stream, if it asks for a stream that tells it on demand.
    pub(super) stream_options: Option<StreamOptions>,
    /// The first member that a LiteLLM proxy would obey.
    pub(super) proxy_control: Option<&'static str>,
}

/// What `stream_options` says of `include_usage`, and where something else could be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StreamOptions {
    /// There are none; a member can be put here, at the document's beginning.
    Absent(usize),
    /// They are `null`, here.
    Null(Range<usize>),
    /// They are an object without the member; it can be put here, at the object's beginning. Says whether the object is empty.
    Silent(usize, bool),
    /// The member is here, and says so.
    Says(Range<usize>, bool),
}

/// Why a body cannot be taken. Each names the member.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeekError {
    /// It is no JSON object, or nested too deep.
    #[error("the body is not a JSON object: {0}")]
    Json(String),
    /// A governed member is missing.
    #[error("{0} is required")]
    Missing(&'static str),
    /// A governed member stands twice, or in another spelling.
    #[error("{0} must be given once, in lower case")]
    Ambiguous(&'static str),
    /// A governed member has a value of another type or range.
    #[error("{0} must be {1}")]
    Type(&'static str, &'static str),
    /// A governed member asks for what the gateway does not offer.
    #[error("{0} is not supported here")]
    Unsupported(&'static str),
}

/// Reads a body.
///
/// The whole document is checked, and nothing of it is kept but the governed members.
///
/// # Errors
///
/// [`PeekError`] names what cannot be taken.
pub fn peek(body: &[u8], format: Format) -> Result<Peek, PeekError> {
    let mut governed = Governed::new(body);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = Document { governed: &mut governed }.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    if let Some(error) = governed.refused.take() {
        return Err(error);
    }
    read.map_err(|error| PeekError::Json(error.to_string()))?;
    governed.into_peek(format)
}

/// The governed members found so far.
struct Governed<'a> {
    body: &'a [u8],
    seen: BTreeSet<&'static str>,
    values: Vec<(&'static str, &'a RawValue)>,
    blobs: Blobs,
    proxy_control: Option<&'static str>,
    refused: Option<PeekError>,
}

/// Long base64 texts found so far.
#[derive(Default, Clone, Copy)]
struct Blobs {
    count: u64,
    bytes: u64,
}

impl<'a> Governed<'a> {
    fn new(body: &'a [u8]) -> Self {
        Self {
            body,
            seen: BTreeSet::new(),
            values: Vec::new(),
            blobs: Blobs::default(),
            proxy_control: None,
            refused: None,
        }
    }

    fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.values.iter().find(|(found, _)| *found == name).map(|(_, raw)| *raw)
    }

    fn value<T: Deserialize<'a>>(&self, name: &'static str, expected: &'static str) -> Result<Option<T>, PeekError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw.get()).map_err(|_| PeekError::Type(name, expected))
    }

    /// Returns where a text that was read from the body stands in it.
    fn place(&self, text: &str) -> Range<usize> {
        let start = text.as_ptr().addr() - self.body.as_ptr().addr();
        start..start + text.len()
    }

    fn into_peek(self, format: Format) -> Result<Peek, PeekError> {
        let model: String = self.value("model", MODEL)?.ok_or(PeekError::Missing("model"))?;
        if !(1..=MAX_MODEL).contains(&model.len()) {
            return Err(PeekError::Type("model", MODEL));
        }
        let stream = self.value::<bool>("stream", "true or false")?.unwrap_or(false);
        if self.value::<bool>("background", "true or false")? == Some(true) {
            return Err(PeekError::Unsupported("background"));
        }
        Ok(Peek {
            model,
            stream,
            size: self.size(format)?,
            continues: self.continues()?,
            is_kept: format == Format::Responses && self.value::<bool>("store", "true or false")?.unwrap_or(true),
            model_at: self.raw("model").map(|raw| self.place(raw.get())).unwrap_or_default(),
            stream_options: match format {
                Format::ChatCompletions if stream => Some(self.stream_options()?),
                _ => None,
            },
            proxy_control: self.proxy_control,
        })
    }

    fn continues(&self) -> Result<Vec<String>, PeekError> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Conversation {
            Id(String),
            Object { id: String },
        }
        let response = self.value::<String>("previous_response_id", "a text")?;
        let conversation = self.value("conversation", "a text, or an object with an id")?.map(|named| match named {
            Conversation::Id(id) | Conversation::Object { id } => id,
        });
        Ok(response.into_iter().chain(conversation).collect())
    }

    fn size(&self, format: Format) -> Result<CallSize, PeekError> {
        let mut max_output = (!format.generates()).then_some(0);
        for name in format.limits() {
            let limit: Option<u64> = self.value(name, "a whole number that is not negative")?;
            max_output = max_output.max(limit);
        }
        let answers = match format {
            Format::ChatCompletions => self.value::<u64>("n", "a whole number from 1 to 128")?.unwrap_or(1),
            _ => 1,
        };
        if !(1..=MAX_ANSWERS).contains(&answers) {
            return Err(PeekError::Type("n", "a whole number from 1 to 128"));
        }
        let text_bytes = (self.body.len() as u64).saturating_sub(self.blobs.bytes);
        Ok(CallSize { text_bytes, blobs: self.blobs.count, max_output, answers })
    }

    fn stream_options(&self) -> Result<StreamOptions, PeekError> {
        const NAME: &str = "stream_options";
        let beginning = || self.body.iter().position(|byte| *byte == b'{').map_or(0, |brace| brace + 1);
        let Some(raw) = self.raw(NAME) else {
            return Ok(StreamOptions::Absent(beginning()));
        };
        let place = self.place(raw.get());
        if raw.get() == "null" {
            return Ok(StreamOptions::Null(place));
        }
        let options: Options = serde_json::from_str(raw.get()).map_err(|_| PeekError::Type(NAME, "an object"))?;
        match options.include_usage.as_slice() {
            [] => Ok(StreamOptions::Silent(place.start + 1, options.is_empty)),
            [said] => {
                let says = serde_json::from_str(said.get());
                let says = says.map_err(|_| PeekError::Type("include_usage", "true or false"))?;
                Ok(StreamOptions::Says(self.place(said.get()), says))
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

/// Visits the top level.
struct Document<'a, 'de> {
    governed: &'a mut Governed<'de>,
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
struct Name<'a>(Cow<'a, str>);

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

/// Visits anything below the top level: checks it, counts long base64 texts, keeps nothing.
struct Element<'a> {
    blobs: &'a mut Blobs,
    depth: u32,
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
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte);
        if text.len() > BLOB && text.bytes().all(is_base64) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Peek, PeekError> {
        peek(body.as_bytes(), Format::ChatCompletions)
    }

    #[test]
    fn takes_the_limits_of_its_own_form_only() {
        let body = br#"{"model":"m","max_tokens":50,"max_completion_tokens":700,"max_output_tokens":3,"n":2}"#;
        let size = |format| {
            let size = peek(body, format).unwrap().size;
            (size.max_output, size.answers)
        };
        assert_eq!(size(Format::Messages), (Some(50), 1));
        assert_eq!(size(Format::ChatCompletions), (Some(700), 2), "a provider may read either");
        assert_eq!(size(Format::Responses), (Some(3), 1));
        assert_eq!(size(Format::Embeddings), (Some(0), 1));
    }

    #[test]
    fn finds_where_the_model_stands() {
        for body in [r#"{"x":"model","model" :  "m\u0031"}"#, r#" {"model":"m1","x":[]}"#] {
            let peek = read(body).unwrap();
            assert!(["\"m\\u0031\"", "\"m1\""].contains(&&body[peek.model_at.clone()]), "{peek:?}");
            assert_eq!(peek.model, "m1");
        }
    }

    #[test]
    fn refuses_stream_options_with_two_readings() {
        for options in [r#"{"include_usage":true,"include_usage":false}"#, r#"{"Include_Usage":false}"#] {
            let body = format!(r#"{{"model":"m","stream":true,"stream_options":{options}}}"#);
            assert_eq!(read(&body), Err(PeekError::Ambiguous("include_usage")));
        }
        let other = read(r#"{"model":"m","stream":true,"stream_options":7}"#);
        assert_eq!(other, Err(PeekError::Type("stream_options", "an object")));
    }

    #[test]
    fn notices_members_that_a_proxy_would_obey() {
        for name in ["fallbacks", "api_base", "base_url", "API_KEY", "user_config", "mock\\u005fresponse"] {
            assert!(read(&format!(r#"{{"model":"m","{name}":1}}"#)).unwrap().proxy_control.is_some(), "{name}");
        }
        assert_eq!(read(r#"{"model":"m","metadata":{"api_key":1}}"#).unwrap().proxy_control, None);
    }

    #[test]
    fn reads_what_decides() {
        let peek = read(r#"{"model":"m","stream":true,"max_tokens":7,"n":2,"x":[1e400,-0.0,[],{}]}"#);
        assert!(peek.is_err(), "1e400 is no number that a parser can hold");
        let peek =
            read(r#"{"model":"m","stream":true,"max_tokens":7,"n":2,"x":[18446744073709551616,[],{},null]}"#).unwrap();
        assert_eq!((peek.model.as_str(), peek.stream), ("m", true));
        assert_eq!((peek.size.max_output, peek.size.answers), (Some(7), 2));
    }

    #[test]
    fn refuses_members_that_another_parser_might_read_differently() {
        for body in [
            r#"{"model":"cheap","model":"dear"}"#,
            r#"{"model":"cheap","Model":"dear"}"#,
            r#"{"model":"cheap","\u006dodel":"dear"}"#,
            r#"{"MODEL":"m"}"#,
        ] {
            assert_eq!(read(body), Err(PeekError::Ambiguous("model")), "{body}");
        }
        let twice = r#"{"model":"m","max_tokens":1,"MAX_TOKENS":9}"#;
        assert_eq!(read(twice), Err(PeekError::Ambiguous("max_tokens")));
    }

    #[test]
    fn takes_escaped_spellings_of_the_right_name() {
        assert_eq!(read(r#"{"\u006dodel":"m"}"#).unwrap().model, "m");
    }

    #[test]
    fn lets_nested_duplicates_pass() {
        assert!(read(r#"{"model":"m","messages":[{"model":1,"model":2}]}"#).is_ok());
    }

    #[test]
    fn refuses_other_types_by_name() {
        for (body, name) in [
            (r#"{"model":7}"#, "model"),
            (r#"{"model":"m","stream":"yes"}"#, "stream"),
            (r#"{"model":"m","max_tokens":-1}"#, "max_tokens"),
            (r#"{"model":"m","max_tokens":1.5}"#, "max_tokens"),
            (r#"{"model":"m","max_completion_tokens":"9"}"#, "max_completion_tokens"),
            (r#"{"model":"m","n":0}"#, "n"),
            (r#"{"model":"m","n":1000000}"#, "n"),
        ] {
            assert!(matches!(read(body), Err(PeekError::Type(found, _)) if found == name), "{body}");
        }
        assert_eq!(read("{}"), Err(PeekError::Missing("model")));
    }

    #[test]
    fn refuses_what_it_cannot_account_for() {
        assert_eq!(read(r#"{"model":"m","background":true}"#), Err(PeekError::Unsupported("background")));
        assert!(read(r#"{"model":"m","background":false,"previous_response_id":null}"#).is_ok());
    }

    #[test]
    fn reads_what_a_call_goes_on_from() {
        for (more, ids) in [
            ("", vec![]),
            (r#","previous_response_id":"resp_1""#, vec!["resp_1"]),
            (r#","conversation":"conv_1""#, vec!["conv_1"]),
            (r#","conversation":{"id":"conv_1"},"previous_response_id":"resp_1""#, vec!["resp_1", "conv_1"]),
        ] {
            assert_eq!(read(&format!(r#"{{"model":"m"{more}}}"#)).unwrap().continues, ids, "{more}");
        }
        let other = read(r#"{"model":"m","previous_response_id":["resp_1"]}"#);
        assert_eq!(other, Err(PeekError::Type("previous_response_id", "a text")));
    }

    #[test]
    fn reads_whether_an_answer_is_kept() {
        let is_kept = |body: &[u8], format| peek(body, format).unwrap().is_kept;
        assert!(is_kept(br#"{"model":"m"}"#, Format::Responses));
        assert!(!is_kept(br#"{"model":"m","store":false}"#, Format::Responses));
        assert!(!is_kept(br#"{"model":"m","store":true}"#, Format::ChatCompletions));
    }

    #[test]
    fn refuses_what_is_no_object() {
        for body in ["", "[]", "null", "{", r#"{"model":"m"} x"#, r#"{"model":"m",}"#, "\u{feff}{}"] {
            assert!(matches!(read(body), Err(PeekError::Json(_))), "{body}");
        }
    }

    #[test]
    fn refuses_deep_nesting_without_falling_over() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = format!("{{\"model\":\"m\",\"x\":{}1{}}}", open.repeat(100_000), close.repeat(100_000));
            assert!(matches!(read(&deep), Err(PeekError::Json(_))));
            let fine = format!("{{\"model\":\"m\",\"x\":{}1{}}}", open.repeat(100), close.repeat(100));
            assert!(read(&fine).is_ok());
        }
        let governed = format!("{{\"model\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(read(&governed).is_err());
    }

    #[test]
    fn counts_blobs_apart_from_text() {
        let blob = "QUJD".repeat(1000);
        let body = format!(r#"{{"model":"m","messages":[{{"data":"{blob}"}},"{}"]}}"#, "not base64! ".repeat(200));
        let peek = read(&body).unwrap();
        assert_eq!(peek.size.blobs, 1);
        assert_eq!(peek.size.text_bytes, (body.len() - blob.len()) as u64);
    }
}
