//! Reading the members of a body that decide about a call, without rewriting it.

mod element;
mod members;
mod stream_options;

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeSeed as _;
use serde_json::value::RawValue;

use self::element::Blobs;
pub(super) use self::element::is_blob;
use self::members::Document;
pub(super) use self::stream_options::StreamOptions;
use super::Format;
use crate::money::CallSize;

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
                Format::ChatCompletions if stream => Some(StreamOptions::of(&self)?),
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
}

#[cfg(test)]
mod tests;
