//! People: who they are, how they are addressed, what they may do.
//!
//! Out of scope: how they prove it ([`crate::signin`]) and what the records do with it ([`crate::ports`]).

mod email;
mod name;
mod role;
mod user;

pub use email::{Email, InvalidEmail};
pub use name::{Account, Name, Provisioning};
pub use role::{Role, RolePolicy, RoleSource};
pub use user::{Grant, Status, Suspension, User};
