//! Running a script, and reading what it answers.

use std::str::FromStr;
use std::sync::LazyLock;

use sha1::{Digest as _, Sha1};

use super::{NAME, Reply, Transport};
use crate::ports::Unavailable;

/// A script, which a server knows by its SHA-1.
pub(super) struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, hash: format!("{:x}", Sha1::digest(text)) }
    }
}

/// Names scripts that are made of files, each with the ones that it builds on.
macro_rules! scripts {
    ($($name:ident: $($file:literal)+;)*) => {
        $(pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($(include_str!(concat!("lua/", $file, ".lua")), "\n"),+)));)*
    };
}

scripts! {
    ADMIT: "generation" "amounts" "ledger" "admit";
    SETTLE: "amounts" "ledger" "charge" "settle";
    CANCEL: "amounts" "ledger" "cancel";
    OVERDUE: "overdue";
    SWEEP: "amounts" "ledger" "charge" "sweep";
    INSTALL: "generation" "install";
    OPEN_SESSION: "open_session";
    FIND_SESSION: "find_session";
    SESSION: "generation" "session";
    END_SESSION: "end_session";
    KEEP: "keep";
    REDEEM: "redeem";
    NOTE_ANSWER: "note_answer";
    ANSWER_MAKER: "answer_maker";
    PENDING_USAGE: "pending_usage";
    DISCARD_USAGE: "discard_usage";
    SPENDING: "ledger" "spending";
}

/// Runs a script on those keys. A server that does not know it yet, or no more, is sent its text, once.
pub(super) async fn run(
    transport: &impl Transport,
    script: &Script,
    keys: Vec<String>,
    arguments: Vec<String>,
) -> Result<Reply, Unavailable> {
    let mut command = Vec::with_capacity(3 + keys.len() + arguments.len());
    command.extend(["EVALSHA".to_owned(), script.hash.clone(), keys.len().to_string()]);
    command.extend(keys);
    command.extend(arguments);
    let reply = match transport.send(&command).await? {
        Reply::Error(message) if message.starts_with("NOSCRIPT") => {
            "EVAL".clone_into(&mut command[0]);
            script.text.clone_into(&mut command[1]);
            transport.send(&command).await?
        }
        reply => reply,
    };
    match reply {
        Reply::Error(message) => Err(Unavailable::new(NAME, message)),
        reply => Ok(reply),
    }
}

/// What a script answers: a list of texts, most often a word and what belongs to it.
pub(super) struct Answer(std::vec::IntoIter<Reply>);

impl Answer {
    pub(super) fn of(reply: Reply) -> Result<Self, Unavailable> {
        match reply {
            Reply::List(items) => Ok(Self(items.into_iter())),
            _ => Err(unexpected()),
        }
    }

    /// Says whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_slice().is_empty()
    }

    /// Returns the next text.
    pub(super) fn text(&mut self) -> Result<String, Unavailable> {
        match self.0.next() {
            Some(Reply::Text(text)) => Ok(text),
            _ => Err(unexpected()),
        }
    }

    /// Returns what the next text says.
    pub(super) fn read<V: FromStr>(&mut self) -> Result<V, Unavailable> {
        self.text()?.parse().map_err(|_| unexpected())
    }

    /// Returns the next list.
    pub(super) fn list(&mut self) -> Result<Self, Unavailable> {
        self.0.next().ok_or_else(unexpected).and_then(Self::of)
    }
}

/// Another version's scripts or entries, or no Redis at all.
pub(super) fn unexpected() -> Unavailable {
    Unavailable::new(NAME, "it answered something unexpected")
}

/// Writes a value as JSON.
pub(super) fn json(value: &impl serde::Serialize) -> Result<String, Unavailable> {
    serde_json::to_string(value).map_err(|error| Unavailable::new(NAME, error))
}

/// Reads a value from JSON.
pub(super) fn from_json<V: serde::de::DeserializeOwned>(text: &str) -> Result<V, Unavailable> {
    serde_json::from_str(text).map_err(|error| Unavailable::new(NAME, error))
}
