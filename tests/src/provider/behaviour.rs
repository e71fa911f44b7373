use std::time::Duration;

use super::usage::Usage;
use super::{Gate, TEXT, TIMES};

/// How a request is answered. Everything that is not said is as the API has it.
///
/// Events are counted as they are sent, all kinds of them, from one; an answer that is no stream is one event.
#[derive(Debug, Clone)]
pub struct Behaviour {
    pub(super) kind: Kind,
    pub(super) content: Content,
    pub(super) usage: Usage,
    pub(super) headers: Vec<(String, String)>,
    pub(super) gzip: bool,
    pub(super) fail_after: Option<usize>,
    pub(super) manner: Manner,
}

/// What stands where the time of sending goes.
pub(super) const NO_STAMP: &str = "@0000000000000000000";

/// What kind of answer it is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// What the API answers when all is well.
    Natural,
    /// These bytes as the body.
    Verbatim { status: u16, body: Vec<u8> },
    /// An error in the API's own envelope.
    Refusal { status: u16, kind: String, message: String },
    /// These bytes on the wire, and the end of the connection.
    Raw(Vec<u8>),
}

/// What a natural answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) thinking: Option<String>,
    /// One event's text, and how many such events there are.
    pub(super) text: (String, usize),
    pub(super) tool: Option<Tool>,
}

/// A tool that the model wants to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tool {
    pub(super) name: String,
    /// JSON.
    pub(super) input: String,
}

/// How an answer is sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Manner {
    pub(super) hold: Option<Gate>,
    pub(super) stalls: Vec<(usize, Gate)>,
    pub(super) cut_after: Option<usize>,
    pub(super) pace: Duration,
    pub(super) pieces: Option<usize>,
    pub(super) stamp: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self::text(TEXT).events(TIMES)
    }
}

impl Behaviour {
    /// Answers with this text, in one event.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let content = Content { thinking: None, text: (text.to_owned(), 1), tool: None };
        Self {
            kind: Kind::Natural,
            content,
            usage: Usage::default(),
            headers: Vec::new(),
            gzip: false,
            fail_after: None,
            manner: Manner::default(),
        }
    }

    /// Answers with a call of a tool and no text; `input` is JSON.
    #[must_use]
    pub fn tool(name: &str, input: &(impl ToString + ?Sized)) -> Self {
        let mut behaviour = Self::text(TEXT).events(0);
        behaviour.content.tool = Some(Tool { name: name.to_owned(), input: input.to_string() });
        behaviour
    }

    /// Answers with this status and body, with the headers of the API.
    #[must_use]
    pub fn answer(status: u16, body: &(impl ToString + ?Sized)) -> Self {
        Self { kind: Kind::Verbatim { status, body: body.to_string().into_bytes() }, ..Self::default() }
    }

    /// Refuses with this status in the API's own envelope.
    #[must_use]
    pub fn refusal(status: u16, kind: &str, message: &str) -> Self {
        let kind = Kind::Refusal { status, kind: kind.to_owned(), message: message.to_owned() };
        Self { kind, ..Self::default() }
    }

    /// Redirects to another address.
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::answer(status, "").header("location", location)
    }

    /// Sends these bytes, which need be no HTTP, and closes the connection; with none it just closes it.
    #[must_use]
    pub fn raw(bytes: &[u8]) -> Self {
        Self { kind: Kind::Raw(bytes.to_vec()), ..Self::default() }
    }

    /// Answers with a text of that many bytes.
    #[must_use]
    pub fn size(bytes: usize) -> Self {
        Self::text(&"x".repeat(bytes))
    }

    /// Says in each event of text when it was sent: an `@` and the nanoseconds since 1970 in nineteen digits.
    #[must_use]
    pub fn stamped(mut self) -> Self {
        NO_STAMP.clone_into(&mut self.content.text.0);
        self.manner.stamp = true;
        self
    }

    /// Repeats the text in that many events (and so often in one, if the answer is no stream).
    #[must_use]
    pub fn events(mut self, count: usize) -> Self {
        self.content.text.1 = count;
        self
    }

    /// Thinks before it says anything.
    #[must_use]
    pub fn thinking(mut self, text: &str) -> Self {
        self.content.thinking = Some(text.to_owned());
        self
    }

    /// Reports this usage, word for word: JSON, or what is none. In Anthropic's streams the first event has it too, with
    /// one token of output, unless [`Behaviour::usage_at_start`] says another.
    #[must_use]
    pub fn usage(self, usage: &(impl ToString + ?Sized)) -> Self {
        self.usages(&[usage.to_string()])
    }

    /// Reports several usages, one after the other, word for word: in a `message_delta` or a chunk of its own each. An
    /// answer that is no stream, and OpenAI's `response.completed`, have the last.
    #[must_use]
    pub fn usages(mut self, usages: &[impl ToString]) -> Self {
        self.usage.later = Some(usages.iter().map(ToString::to_string).collect());
        self
    }

    /// Reports this usage in Anthropic's `message_start`, word for word.
    #[must_use]
    pub fn usage_at_start(mut self, usage: &(impl ToString + ?Sized)) -> Self {
        self.usage.start = Some(usage.to_string());
        self
    }

    /// Reports no usage anywhere.
    #[must_use]
    pub fn no_usage(mut self) -> Self {
        self.usage.missing = true;
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Answers in gzip, whatever was accepted.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        self.gzip = true;
        self
    }

    /// Ends a stream with an error event after that many events.
    #[must_use]
    pub fn fail_after(mut self, events: usize) -> Self {
        self.fail_after = Some(events);
        self
    }

    /// Closes the connection after that many events, without an end.
    #[must_use]
    pub fn cut_after(mut self, events: usize) -> Self {
        self.manner.cut_after = Some(events);
        self
    }

    /// Stands still after that many events (none: after the head), until the gate is opened. May be said repeatedly.
    #[must_use]
    pub fn stall_after(mut self, events: usize, gate: &Gate) -> Self {
        self.manner.stalls.push((events, gate.clone()));
        self
    }

    /// Sends nothing at all until the gate is opened.
    #[must_use]
    pub fn hold(mut self, gate: &Gate) -> Self {
        self.manner.hold = Some(gate.clone());
        self
    }

    /// Waits that long before each event.
    #[must_use]
    pub fn pace(mut self, pause: Duration) -> Self {
        self.manner.pace = pause;
        self
    }

    /// Sends the body in pieces of that many bytes, each in a write and a chunk of its own, wherever they fall.
    #[must_use]
    pub fn pieces(mut self, bytes: usize) -> Self {
        self.manner.pieces = Some(bytes.max(1));
        self
    }
}
