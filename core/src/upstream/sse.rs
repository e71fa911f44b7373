//! Server-sent events (WHATWG HTML §9.2), read beside the stream.

/// Largest event that is read, in bytes. Those that report usage have a few hundred; of a larger one nothing is kept.
const MAX_EVENT: usize = 1024 * 1024;

/// Splits a stream into the data of its events, wherever the stream is cut into chunks.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// The line that is not complete yet.
    line: Vec<u8>,
    /// The data of the event that is not complete yet.
    data: Vec<u8>,
    has_data: bool,
    is_oversized: bool,
    /// Whether the last line ended in CR, so that an LF belongs to it.
    after_cr: bool,
}

impl Events {
    /// Reads more of the stream and hands the data of each complete event to `each`.
    pub(super) fn feed(&mut self, chunk: &[u8], mut each: impl FnMut(&[u8])) {
        for piece in chunk.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, end) = match piece.split_last() {
                Some((end @ (b'\n' | b'\r'), text)) => (text, Some(*end)),
                _ => (piece, None),
            };
            self.extend_line(text);
            let is_second_half = end == Some(b'\n') && self.after_cr && text.is_empty();
            if end.is_some() || !text.is_empty() {
                self.after_cr = end == Some(b'\r');
            }
            if end.is_some() && !is_second_half {
                self.end_line(&mut each);
            }
        }
    }

    fn extend_line(&mut self, text: &[u8]) {
        if self.line.len() + self.data.len() + text.len() > MAX_EVENT {
            self.is_oversized = true;
        }
        if !self.is_oversized {
            self.line.extend_from_slice(text);
        }
        // What is cut still has to be told from the blank line that ends an event.
        else if self.line.is_empty() && !text.is_empty() {
            self.line.push(b':');
        }
    }

    fn end_line(&mut self, each: &mut impl FnMut(&[u8])) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            if self.has_data && !self.is_oversized {
                each(&self.data);
            }
            self.data.clear();
            self.has_data = false;
            self.is_oversized = false;
            return;
        }
        let Some(data) = line.strip_prefix(b"data") else { return };
        let data = match data.strip_prefix(b":") {
            Some(value) => value.strip_prefix(b" ").unwrap_or(value),
            None if data.is_empty() => data,
            None => return,
        };
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        self.data.extend_from_slice(data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut events = Events::default();
        let mut found = Vec::new();
        for chunk in chunks {
            events.feed(chunk, |data| found.push(String::from_utf8(data.to_vec()).unwrap()));
        }
        found
    }

    #[test]
    fn reads_the_same_however_the_stream_is_cut() {
        let stream = b"event: a\r\ndata: one\r\n\r\n: comment\ndata:two\ndata: three\n\ndata\n\nid: 7\n\ndata: \xC3\xA4\r\rdata: cut";
        let expected = ["one", "two\nthree", "", "ä"];
        for cut in 0..=stream.len() {
            assert_eq!(read([&stream[..cut], &stream[cut..]]), expected, "cut at {cut}");
        }
        assert_eq!(read(stream.iter().map(std::slice::from_ref)), expected);
    }

    #[test]
    fn passes_over_huge_events_without_keeping_them() {
        let mut events = Events::default();
        let mut found = Vec::new();
        events.feed(b"data: ", |_| {});
        for _ in 0..64 {
            events.feed(&vec![b'x'; 64 * 1024], |data| found.push(data.len()));
            assert!(events.line.len() <= MAX_EVENT);
        }
        events.feed(b"\n\ndata: small\n\n", |data| found.push(data.len()));
        assert_eq!(found, ["small".len()]);
    }
}
