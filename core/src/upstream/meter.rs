//! Reading the usage beside the answer: bytes go to the client as they are, a copy goes here.

use super::sse::Events;
use super::{Format, anthropic, openai};
use crate::money::TokenUsage;

/// Largest unstreamed answer that is read, in bytes. Beyond it the usage is estimated.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The tokens.
    pub usage: TokenUsage,
    /// The model that was served.
    pub model: Option<String>,
    /// Whether the tokens are estimated, because the answer broke off or did not say.
    pub estimated: bool,
    /// Whether the provider reported an error in the answer.
    pub failed: bool,
}

/// Reads one answer.
#[derive(Debug)]
pub struct Meter {
    format: Format,
    source: Source,
    tally: Tally,
}

#[derive(Debug)]
enum Source {
    Stream(Events),
    Document { bytes: Vec<u8>, is_oversized: bool },
}

/// What has been read so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) usage: TokenUsage,
    pub(super) model: Option<String>,
    /// Bytes of text, thinking and tool input seen.
    pub(super) text_bytes: u64,
    /// Whether the provider has said all that it has to say of the usage.
    pub(super) is_final: bool,
    pub(super) failed: bool,
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
        Self { format, source, tally: Tally::default() }
    }

    /// Reads more of the answer.
    pub fn feed(&mut self, chunk: &[u8]) {
        let (format, tally) = (self.format, &mut self.tally);
        match &mut self.source {
            Source::Stream(events) => events.feed(chunk, |data| match format {
                Format::Messages => anthropic::read_event(data, tally),
                Format::ChatCompletions => openai::read_event(data, tally),
            }),
            Source::Document { bytes, is_oversized } => {
                *is_oversized |= bytes.len() + chunk.len() > MAX_ANSWER;
                if *is_oversized {
                    bytes.clear();
                    tally.text_bytes += chunk.len() as u64;
                } else {
                    bytes.extend_from_slice(chunk);
                }
            }
        }
    }

    /// Returns the reading of an answer that ended.
    #[must_use]
    pub fn finish(mut self, ended: Ended) -> Reading {
        if let Source::Document { bytes, is_oversized: false } = &self.source {
            match self.format {
                Format::Messages => anthropic::read_document(bytes, &mut self.tally),
                Format::ChatCompletions => openai::read_document(bytes, &mut self.tally),
            }
        }
        let Tally { mut usage, model, text_bytes, is_final, failed } = self.tally;
        let estimated = ended == Ended::Cut || !is_final;
        if estimated {
            usage.output = usage.output.max(text_bytes.div_ceil(BYTES_PER_TOKEN));
        }
        Reading { usage, model, estimated, failed }
    }
}
