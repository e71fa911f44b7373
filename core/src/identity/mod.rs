//! People: who they are, how they are addressed, what they may do.
//!
//! Out of scope: how they prove it ([`crate::signin`]) and what the records do with it ([`crate::ports`]).

mod email;
mod role;
mod user;

pub use email::{Email, InvalidEmail};
pub use role::{Role, RolePolicy};
pub use user::{Status, Suspension, User};
