//! Personal API tokens: what they are, how they are signed, and when one is good. The form in which anything of ours is
//! signed is here, too.
//!
//! Out of scope: whether a token still lives ([`crate::admission`] asks the hot state) and the operations on tokens
//! ([`crate::control`]).

mod claims;
pub(crate) mod jws;
mod key;
mod record;
mod scope;
mod sign;
mod verifier;
mod verify;

#[cfg(test)]
mod tests;

pub use jws::MAX_TOKEN;
pub use key::{FrontKey, KeyError, KeySet, PublicKeys, Signer};
pub use record::{
    InvalidName, LISTED_AFTER_EXPIRY, Revocation, Token, TokenName, TokenState, TokenStatus, fold, found_at,
};
pub use scope::{Scope, Scopes, UnknownScope};
pub use sign::sign;
pub use verifier::Verifier;
pub use verify::{TokenPolicy, Verified, VerifyError, verify};
