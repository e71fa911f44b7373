//! Keeping back the chunk that tells usage to a client that had not asked for it.

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Largest event that may be the one, in bytes; those have a few hundred. A larger one is passed on as it comes.
const MAX_HELD: usize = 64 * 1024;

/// Passes a stream on but for its extra chunk. At most one event that is not complete yet is held.
#[derive(Debug, Default)]
pub struct ExtraChunk {
    held: BytesMut,
    /// Whether an event is passing that was too large to be held.
    is_passing: bool,
}

/// What tells the extra chunk from the others: it has no choices, and usage.
#[derive(Deserialize)]
struct Chunk {
    choices: Vec<IgnoredAny>,
    usage: Option<IgnoredAny>,
}

impl ExtraChunk {
    /// Returns what may go on of the stream so far; empty while an event is not complete.
    pub fn pass(&mut self, chunk: Bytes) -> Bytes {
        let bytes = if self.held.is_empty() {
            chunk
        } else {
            self.held.extend_from_slice(&chunk);
            self.held.split().freeze()
        };
        let mut kept = Vec::new();
        let mut start = 0;
        while let Some(length) = event_length(&bytes[start..]) {
            let event = bytes.slice(start..start + length);
            start += length;
            if std::mem::take(&mut self.is_passing) || !is_extra(&event) {
                kept.push(event);
            }
        }
        let rest = bytes.slice(start..);
        self.is_passing |= rest.len() > MAX_HELD;
        if !self.is_passing {
            self.held.extend_from_slice(&rest);
        } else if !rest.is_empty() {
            kept.push(rest);
        }
        joined(&bytes, &kept)
    }

    /// Returns what was held when the stream ended.
    pub fn finish(&mut self) -> Bytes {
        self.held.split().freeze()
    }
}

/// Joins neighbouring pieces of `whole`; copies only where something between them is left out.
fn joined(whole: &Bytes, pieces: &[Bytes]) -> Bytes {
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let Some(first) = pieces.first() else { return Bytes::new() };
    let start = first.as_ptr().addr() - whole.as_ptr().addr();
    let are_neighbours = pieces.windows(2).all(|pair| pair[0].as_ptr_range().end == pair[1].as_ptr());
    if are_neighbours { whole.slice(start..start + length) } else { pieces.concat().into() }
}

/// Returns the length of the first event, with the blank line that ends it.
fn event_length(bytes: &[u8]) -> Option<usize> {
    let mut line_start = 0;
    let mut at = 0;
    while at < bytes.len() {
        let is_end = matches!(bytes[at], b'\n' | b'\r');
        let is_blank = at == line_start;
        if is_end && bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') {
            at += 1;
        }
        at += 1;
        if is_end && is_blank {
            return Some(at);
        }
        if is_end {
            line_start = at;
        }
    }
    None
}

fn is_extra(event: &[u8]) -> bool {
    let Some(data) = event.strip_prefix(b"data:") else { return false };
    serde_json::from_slice(data).is_ok_and(|chunk: Chunk| chunk.choices.is_empty() && chunk.usage.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: [&str; 4] = [
        ": comment\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\\n\\n\"}}],\"usage\":null}\n\n",
        "data: {\"choices\":[],\"prompt_filter_results\":[],\"usage\":null}\r\n\r\n",
        "data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":1}}\n\n",
    ];
    const EXTRA: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n";
    const END: &str = "data: [DONE]\n\n";

    fn pass<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut extra = ExtraChunk::default();
        let mut passed: Vec<u8> =
            pieces.into_iter().flat_map(|piece| extra.pass(Bytes::copy_from_slice(piece))).collect();
        passed.extend(extra.finish());
        String::from_utf8(passed).unwrap()
    }

    #[test]
    fn leaves_out_the_extra_chunk_and_nothing_else_wherever_the_stream_is_cut() {
        let stream = KEPT.concat() + EXTRA + END;
        let expected = KEPT.concat() + END;
        for cut in 0..=stream.len() {
            assert_eq!(pass([&stream.as_bytes()[..cut], &stream.as_bytes()[cut..]]), expected, "cut at {cut}");
        }
        assert_eq!(pass(stream.as_bytes().chunks(1)), expected);
    }

    #[test]
    fn passes_each_event_when_it_is_complete() {
        let mut extra = ExtraChunk::default();
        for event in KEPT {
            assert_eq!(extra.pass(Bytes::from(event)), event);
        }
    }

    #[test]
    fn holds_no_large_events() {
        let mut extra = ExtraChunk::default();
        let large = Bytes::from(vec![b'x'; MAX_HELD + 1]);
        assert_eq!(extra.pass(large.clone()), large);
        assert_eq!(extra.pass(Bytes::from("more")), "more");
        assert_eq!(extra.pass(Bytes::from("\n\ndata: {\"choi")), "\n\n");
        assert_eq!(extra.pass(Bytes::from("ces\":[],\"usage\":{}}\n\n")), "");
    }

    #[test]
    fn gives_back_what_was_not_complete_at_the_end() {
        assert_eq!(pass([b"data: {\"choices\":[]".as_slice()]), "data: {\"choices\":[]");
    }
}
