//! Running a script, and reading what it answers.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::LazyLock;

use sha1::{Digest as _, Sha1};

use super::{NAME, Reply, Transport};
use crate::ports::Unavailable;
use crate::time::Timestamp;

/// A script, which a server knows by its SHA-1.
#[derive(Debug)]
pub(super) struct Script {
    text: Cow<'static, str>,
    hash: String,
}

impl Script {
    fn new(text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        Self { hash: format!("{:x}", Sha1::digest(text.as_bytes())), text }
    }
}

/// Joins the files that a script is made of: its own, and the ones that it builds on before.
macro_rules! text {
    ($($file:literal)+) => {
        concat!($(include_str!(concat!(env!("OUT_DIR"), "/lua/", $file, ".lua")), "\n"),+)
    };
}

/// Names scripts that are made of files.
macro_rules! scripts {
    ($($name:ident: $($file:literal)+;)*) => {
        $(pub(super) static $name: LazyLock<Script> = LazyLock::new(|| Script::new(text!($($file)+)));)*
    };
}

scripts! {
    SETTLE: "amounts" "ledger" "rates" "charge" "settle";
    CANCEL: "amounts" "ledger" "rates" "cancel";
    OVERDUE: "overdue";
    SWEEP: "amounts" "ledger" "rates" "charge" "sweep";
    OPEN_SESSION: "presence" "open_session";
    FIND_SESSION: "find_session";
    END_SESSION: "presence" "end_session";
    LIST_SESSIONS: "presence" "list_sessions";
    SESSION_BODIES: "session_bodies";
    SESSION_COUNTS: "presence" "session_counts";
    SEEN_PAGE: "presence" "seen_page";
    SEEN_COUNT: "presence" "seen_count";
    LIMIT: "limit";
    KEEP: "keep";
    REDEEM: "redeem";
    NOTE_ANSWER: "note_answer";
    ANSWER_MAKER: "answer_maker";
    CONTENTS: "contents";
    DISCARD_CONTENTS: "discard_contents";
    PENDING_USAGE: "pending_usage";
    DISCARD_USAGE: "discard_usage";
    TOTALS: "ledger" "totals";
    CLAIM: "claim";
    STAGE: "stage";
}

/// Makes a function of Lua of each file.
macro_rules! functions {
    ($($name:literal)+) => {
        concat!($("local function ", $name, "()\n", include_str!(concat!(env!("OUT_DIR"), "/lua/", $name, ".lua")), "end\n"),+)
    };
}

/// What runs whatever believes what the server knows of people, tokens and money.
const BELIEVING: &str = concat!(
    text!("generation" "amounts" "ledger" "presence" "roster" "budgets" "rates" "limits"),
    functions!("admit" "install" "tally" "enrolled" "session" "activity" "beat" "loss" "recover" "spending"),
    text!("dispatch")
);

impl Script {
    /// Makes the script that believes what the server knows, for the store of that name.
    ///
    /// A server forgets scripts when it restarts, and another that takes over has none: to be sent this one it has to begin
    /// another generation in the same step, so an older copy of the store is never believed. Each store has its own: that
    /// one was sent says nothing about another on the same server.
    pub(super) fn believing(name: &str) -> Self {
        Self::new(format!("-- {name}\n{BELIEVING}"))
    }

    /// Returns the command that runs the script by its name.
    pub(super) fn command(&self, keys: Vec<String>, arguments: Vec<String>) -> Vec<String> {
        let mut command = Vec::with_capacity(3 + keys.len() + arguments.len());
        command.extend(["EVALSHA".to_owned(), self.hash.clone(), keys.len().to_string()]);
        command.extend(keys);
        command.extend(arguments);
        command
    }

    /// Makes such a command one that brings the script's text, for a server that does not know it.
    pub(super) fn spell_out(&self, command: &mut [String]) {
        "EVAL".clone_into(&mut command[0]);
        self.text.as_ref().clone_into(&mut command[1]);
    }
}

/// Runs a script on those keys. A server that does not know it yet, or no more, is sent its text, once.
pub(super) async fn run(
    transport: &impl Transport,
    script: &Script,
    keys: Vec<String>,
    arguments: Vec<String>,
) -> Result<Reply, Unavailable> {
    let mut command = script.command(keys, arguments);
    let mut reply = transport.send(&command).await?;
    if is_missing(&reply) {
        script.spell_out(&mut command);
        reply = transport.send(&command).await?;
    }
    accepted(reply)
}

/// Says whether a server does not know the script that it was asked to run.
pub(super) fn is_missing(reply: &Reply) -> bool {
    matches!(reply, Reply::Error(message) if message.starts_with("NOSCRIPT"))
}

/// Returns a reply that is no refusal.
pub(super) fn accepted(reply: Reply) -> Result<Reply, Unavailable> {
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

    /// Returns what the next text says, if it says something.
    pub(super) fn read_any<V: FromStr>(&mut self) -> Result<Option<V>, Unavailable> {
        let text = self.text()?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| unexpected())
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

/// Writes a moment that need not be.
pub(super) fn moment(moment: Option<Timestamp>) -> String {
    moment.map_or_else(String::new, |moment| moment.0.to_string())
}

/// Writes a value as JSON.
pub(super) fn json(value: &impl serde::Serialize) -> Result<String, Unavailable> {
    serde_json::to_string(value).map_err(|error| Unavailable::new(NAME, error))
}

/// Reads a value from JSON.
pub(super) fn from_json<V: serde::de::DeserializeOwned>(text: &str) -> Result<V, Unavailable> {
    serde_json::from_str(text).map_err(|error| Unavailable::new(NAME, error))
}
