//! The two changes that are ever made to a body, without re-encoding it: the model's name, and asking for usage.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::peek::{Peek, StreamOptions};

/// One change: what stands there, and what will stand there instead.
type Change = (Range<usize>, String);

/// Puts another model's name into a body, and asks for usage in the stream where `asks_usage` says so; everything else
/// arrives as it came, without being copied. Returns the body, and whether usage was asked for that the client had not.
pub(super) fn splice(body: &Bytes, peek: &Peek, model: Option<&str>, asks_usage: bool) -> (Body, bool) {
    let rename = model.map(|model| (peek.model_at.clone(), serde_json::Value::from(model).to_string()));
    let ask = peek.stream_options.as_ref().filter(|_| asks_usage).and_then(ask_for_usage);
    let asked = ask.is_some();
    let mut changes: Vec<Change> = rename.into_iter().chain(ask).collect();
    if changes.is_empty() {
        return (Body::from(body.clone()), asked);
    }
    changes.sort_by_key(|(place, _)| place.start);
    (Body::new(Pieces::of(body, changes)), asked)
}

fn ask_for_usage(options: &StreamOptions) -> Option<Change> {
    match options {
        StreamOptions::Absent(at) => Some((*at..*at, r#""stream_options":{"include_usage":true},"#.to_owned())),
        StreamOptions::Null(place) => Some((place.clone(), r#"{"include_usage":true}"#.to_owned())),
        StreamOptions::Silent(at, true) => Some((*at..*at, r#""include_usage":true"#.to_owned())),
        StreamOptions::Silent(at, false) => Some((*at..*at, r#""include_usage":true,"#.to_owned())),
        StreamOptions::Says(place, false) => Some((place.clone(), "true".to_owned())),
        StreamOptions::Says(_, true) => None,
    }
}

/// A body in pieces of known length.
struct Pieces {
    pieces: VecDeque<Bytes>,
    left: u64,
}

impl Pieces {
    fn of(body: &Bytes, changes: Vec<Change>) -> Self {
        let mut pieces = VecDeque::with_capacity(2 * changes.len() + 1);
        let mut end = 0;
        for (place, text) in changes {
            pieces.push_back(body.slice(end..place.start));
            pieces.push_back(Bytes::from(text));
            end = place.end;
        }
        pieces.push_back(body.slice(end..));
        let left = pieces.iter().map(|piece| piece.len() as u64).sum();
        Self { pieces, left }
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.pop_front();
        self.left -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::{Format, peek};

    /// Returns what arrives, and whether usage was asked for.
    fn spliced(body: &str, model: Option<&str>, asks_usage: bool) -> (String, bool) {
        let bytes = Bytes::copy_from_slice(body.as_bytes());
        let peek = peek(&bytes, Format::ChatCompletions).unwrap();
        let (sent, asked) = splice(&bytes, &peek, model, asks_usage);
        let length = http_body::Body::size_hint(&sent).exact();
        let sent = futures_util::FutureExt::now_or_never(axum::body::to_bytes(sent, usize::MAX)).unwrap().unwrap();
        assert_eq!(length, Some(sent.len() as u64));
        (String::from_utf8(sent.to_vec()).unwrap(), asked)
    }

    #[test]
    fn changes_the_models_name_and_nothing_else() {
        let body = r#"{ "x":[1e5,-0.0,{"model":"m"}], "model" : "m", "y":12345678901234567890123 }"#;
        let expected = r#"{ "x":[1e5,-0.0,{"model":"m"}], "model" : "vendor/\"m\"", "y":12345678901234567890123 }"#;
        assert_eq!(spliced(body, Some("vendor/\"m\""), true), (expected.to_owned(), false));
        assert_eq!(spliced(body, None, true), (body.to_owned(), false));
    }

    #[test]
    fn asks_for_usage_wherever_the_client_did_not() {
        for (body, expected) in [
            (
                r#" {"model":"m","stream":true}"#,
                r#" {"stream_options":{"include_usage":true},"model":"m","stream":true}"#,
            ),
            (
                r#"{"model":"m","stream":true,"stream_options":null}"#,
                r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"model":"m","stream":true,"stream_options":{ }}"#,
                r#"{"model":"m","stream":true,"stream_options":{"include_usage":true }}"#,
            ),
            (
                r#"{"model":"m","stream":true,"stream_options":{"include_obfuscation":false}}"#,
                r#"{"model":"m","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}}"#,
            ),
            (
                r#"{"stream_options":{"include_usage": false},"model":"m","stream":true}"#,
                r#"{"stream_options":{"include_usage": true},"model":"m","stream":true}"#,
            ),
        ] {
            assert_eq!(spliced(body, None, true), (expected.to_owned(), true));
            assert_eq!(spliced(body, None, false), (body.to_owned(), false));
        }
    }

    #[test]
    fn leaves_clients_alone_that_ask_themselves_or_do_not_stream() {
        for body in [
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
            r#"{"model":"m","stream":false}"#,
            r#"{"model":"m","stream_options":{"include_usage":false}}"#,
        ] {
            assert_eq!(spliced(body, None, true), (body.to_owned(), false));
        }
    }

    #[test]
    fn makes_both_changes_at_once() {
        let (sent, asked) = spliced(r#"{"stream":true,"model":"a"}"#, Some("b"), true);
        assert_eq!(sent, r#"{"stream_options":{"include_usage":true},"stream":true,"model":"b"}"#);
        assert!(asked);
    }
}
