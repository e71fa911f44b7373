//! Log lines: one JSON object each, on the Worker's console.

use std::io::{self, Write};

use gateway_core::config::Log;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Logs from now on what the configuration says. The runtime adds the time.
pub(crate) fn start(log: &Log) {
    // Loading has checked that it can be read.
    let filter: Targets = log.level.parse().unwrap_or_else(|_| Targets::new().with_default(Level::INFO));
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).without_time().with_writer(Console);
    // There is one already where the isolate could not make its gateway at the first request.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// Writes to the console.
struct Console;

impl<'a> MakeWriter<'a> for Console {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { text: Vec::new(), is_error: false }
    }

    fn make_writer_for(&'a self, meta: &tracing::Metadata<'_>) -> Line {
        Line { text: Vec::new(), is_error: *meta.level() <= Level::WARN }
    }
}

/// One line, written when it is whole.
struct Line {
    text: Vec<u8>,
    is_error: bool,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        let text = text.trim_end();
        if text.is_empty() {
            return;
        }
        if self.is_error { worker::console_error!("{text}") } else { worker::console_log!("{text}") }
    }
}
