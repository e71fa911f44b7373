//! The control plane: what may be changed, by whom. One file for each operation.
//!
//! In scope: tokens, sign-ins, and carrying every change into the hot state before it is answered. Out of scope: who is
//! asking (the front has authenticated an [`Actor`]) and how it is told ([`crate::http`]).

mod actor;
mod assertion;
mod authority;
mod call;
mod enrol;
mod everybody;
mod list;
mod mint;
mod publish;
mod recovery;
mod revoke;
mod sign_in;
mod upkeep;

pub use actor::{Actor, Via};
pub use assertion::{Asserted, assert_request, check_assertion};
pub use authority::{Authority, Control};
pub use call::{RestoreAnswer, RestoreRequest, SignInOutcome, SignInRecord};
pub use everybody::{EverybodysQuery, EverybodysToken, RevokedToken, Summary};
pub use list::ListedToken;
pub use mint::{MintError, MintRequest, Minted};
pub use revoke::RevokeError;
pub use upkeep::Chore;
