//! Personal API tokens: what they are, how they are signed, and when one is good.
//!
//! Out of scope: whether a token still lives ([`crate::admission`] asks the hot state) and the operations on tokens
//! ([`crate::control`]).

mod record;
mod scope;

pub use record::{InvalidName, Revocation, Token, TokenName, TokenState, TokenStatus};
pub use scope::{Scope, Scopes, UnknownScope};
