//! The way to a Redis server.

use std::future::Future;

use crate::ports::Unavailable;

/// Carries commands to one Redis server: over TCP, or over HTTP.
pub trait Transport: Clone + Send + Sync + 'static {
    /// Sends one command and returns its reply. What the server refuses is a reply, too.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if no reply came in time; the command may have been run.
    fn send(&self, command: &[String]) -> impl Future<Output = Result<Reply, Unavailable>> + Send;
}

/// What a server replies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Nil,
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// Several replies.
    List(Vec<Reply>),
    /// The command was refused, with a code in upper case and a message.
    Error(String),
}
