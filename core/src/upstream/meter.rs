//! Reading the usage beside the answer: bytes go to the client as they are, a copy goes here.

use std::collections::BTreeMap;

use super::content::{Answered, Transcript};
use super::sse::Events;
use super::{Format, anthropic, openai, responses};
use crate::money::{ServiceTier, TokenUsage};

/// Largest unstreamed answer that is read, in bytes: what a model says is a tenth of it, pictures and embeddings are larger.
/// Of an even larger one the usage is estimated.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// Bytes of text that make a token, where the provider did not say.
const BYTES_PER_TOKEN: u64 = 4;

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The provider ended it.
    Complete,
    /// It broke off: the provider's connection, our time limit, or the client's leaving.
    Cut,
}

/// What an answer says of its usage.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "they are findings of their own: any may hold beside any other")]
pub struct Reading {
    /// The tokens.
    pub usage: TokenUsage,
    /// The model that was served.
    pub model: Option<String>,
    /// The ids under which the provider keeps the answer and its conversation.
    pub kept_as: Vec<String>,
    /// Whether the tokens are estimated, because the answer broke off or did not say.
    pub estimated: bool,
    /// Whether the provider said what the input was; where it did not, that is 0.
    pub has_input: bool,
    /// Whether the provider reported an error in the answer.
    pub failed: bool,
    /// How the provider says that it served the call, where that has prices of its own.
    pub tier: Option<ServiceTier>,
    /// How often each of the provider's own tools ran, as far as it counts them.
    pub uses: BTreeMap<String, u64>,
    /// Whether it billed what nothing else here tells of: audio, a service tier that is not known.
    pub has_extras: bool,
    /// What it says, if that is kept.
    pub answered: Answered,
}

/// Reads one answer.
#[derive(Debug)]
pub struct Meter {
    format: Format,
    source: Source,
    tally: Tally,
    /// What it says, if that is to be kept.
    transcript: Option<Transcript>,
}

#[derive(Debug)]
enum Source {
    Stream(Events),
    Document {
        bytes: Vec<u8>,
        is_oversized: bool,
    },
    /// It cannot be read: only its size is known.
    Opaque,
}

/// What has been read so far.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are findings of their own: any may hold beside any other")]
pub(super) struct Tally {
    pub(super) usage: TokenUsage,
    pub(super) model: Option<String>,
    pub(super) kept_as: Vec<String>,
    /// Bytes of text, thinking and tool input seen.
    pub(super) text_bytes: u64,
    /// Whether the provider has said all that it has to say of the usage.
    pub(super) is_final: bool,
    pub(super) has_input: bool,
    /// Whether it said what the whole output was.
    pub(super) has_output: bool,
    pub(super) failed: bool,
    pub(super) tier: Option<ServiceTier>,
    /// Whether it said a tier that is not known.
    has_other_tier: bool,
    pub(super) uses: BTreeMap<String, u64>,
    pub(super) has_extras: bool,
}

impl Tally {
    /// Notes how a provider billed the call. What it says last holds.
    pub(super) fn note_tier(&mut self, tier: Option<&str>) {
        let Some(tier) = tier else { return };
        self.tier = ServiceTier::ALL.into_iter().find(|known| known.name() == tier);
        self.has_other_tier = self.tier.is_none() && !matches!(tier, "standard" | "default" | "auto");
    }
}

impl Meter {
    /// Makes the meter of an answer that is a stream of events, or one document.
    #[must_use]
    pub fn new(format: Format, is_stream: bool) -> Self {
        let source = if is_stream {
            Source::Stream(Events::default())
        } else {
            Source::Document { bytes: Vec::new(), is_oversized: false }
        };
        Self { format, source, tally: Tally::default(), transcript: None }
    }

    /// Makes the meter of an answer that cannot be read, because it is encoded.
    #[must_use]
    pub fn opaque(format: Format) -> Self {
        Self { format, source: Source::Opaque, tally: Tally::default(), transcript: None }
    }

    /// Has it keep what the answer says, up to so many bytes; of one that cannot be read, nothing.
    #[must_use]
    pub fn keeping(self, bytes: usize) -> Self {
        Self { transcript: Some(Transcript::new(self.format, bytes)), ..self }
    }

    /// Reads more of the answer.
    pub fn feed(&mut self, chunk: &[u8]) {
        let (format, tally, transcript) = (self.format, &mut self.tally, &mut self.transcript);
        match &mut self.source {
            Source::Stream(events) => events.feed(chunk, |data| {
                read_event(format, data, tally);
                if let Some(transcript) = transcript {
                    transcript.event(data);
                }
            }),
            Source::Document { bytes, is_oversized: false } if bytes.len() + chunk.len() <= MAX_ANSWER => {
                bytes.extend_from_slice(chunk);
            }
            Source::Document { bytes, is_oversized } => {
                *is_oversized = true;
                tally.text_bytes += (std::mem::take(bytes).len() + chunk.len()) as u64;
            }
            Source::Opaque => tally.text_bytes += chunk.len() as u64,
        }
    }

    /// Returns the ids under which the provider keeps the answer and its conversation, as far as it has told them.
    #[must_use]
    pub fn kept_as(&self) -> &[String] {
        &self.tally.kept_as
    }

    /// Returns the reading of an answer that ended.
    #[must_use]
    pub fn finish(mut self, ended: Ended) -> Reading {
        if let Source::Document { bytes, is_oversized: false } = &self.source {
            read_document(self.format, bytes, &mut self.tally);
            if let Some(transcript) = &mut self.transcript {
                transcript.document(bytes);
            }
        }
        let Tally { mut usage, text_bytes, .. } = self.tally;
        let estimated = ended == Ended::Cut || !self.tally.is_final;
        if estimated && self.format.generates() {
            usage.output = usage.output.max(text_bytes.div_ceil(BYTES_PER_TOKEN));
        }
        Reading {
            usage,
            model: self.tally.model,
            kept_as: self.tally.kept_as,
            estimated,
            has_input: self.tally.has_input,
            failed: self.tally.failed,
            tier: self.tally.tier,
            uses: self.tally.uses,
            has_extras: self.tally.has_extras || self.tally.has_other_tier,
            answered: self.transcript.map(Transcript::finish).unwrap_or_default(),
        }
    }
}

/// Reads the data of one event. What is not known is passed over.
fn read_event(format: Format, data: &[u8], tally: &mut Tally) {
    match format {
        Format::Messages | Format::CountTokens => anthropic::read_event(data, tally),
        Format::ChatCompletions | Format::Embeddings => openai::read_event(data, tally),
        Format::Responses => responses::read_event(data, tally),
    }
}

/// Reads an unstreamed answer; of one that is no document the size is all that counts.
fn read_document(format: Format, bytes: &[u8], tally: &mut Tally) {
    let read = match format {
        Format::Messages | Format::CountTokens => anthropic::read_document(bytes, tally),
        Format::ChatCompletions | Format::Embeddings => openai::read_document(bytes, tally),
        Format::Responses => responses::read_document(bytes, tally),
    };
    if read.is_err() {
        tally.text_bytes = bytes.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_every_byte_of_an_answer_that_it_cannot_read() {
        let (first, second) = (vec![b'x'; MAX_ANSWER - 10], vec![b'x'; 110]);
        let mut meter = Meter::new(Format::Messages, false);
        meter.feed(&first);
        meter.feed(&second);
        meter.feed(b"1234");
        let reading = meter.finish(Ended::Complete);
        let bytes = MAX_ANSWER as u64 + 104;
        assert_eq!((reading.usage.output, reading.estimated, reading.has_input), (bytes / 4, true, false));
        let mut meter = Meter::opaque(Format::ChatCompletions);
        meter.feed(b"12345");
        assert_eq!(meter.finish(Ended::Complete).usage.output, 2);
    }

    #[test]
    fn estimates_no_output_where_none_is_generated() {
        let mut meter = Meter::new(Format::Embeddings, false);
        meter.feed(b"no json at all");
        let reading = meter.finish(Ended::Cut);
        assert_eq!((reading.usage, reading.estimated), (TokenUsage::default(), true));
    }
}
