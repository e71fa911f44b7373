//! The control plane: what may be changed, by whom. One file for each operation.
//!
//! In scope: tokens, sign-ins, and carrying every change into the hot state before it is answered. Out of scope: who is
//! asking (the front has authenticated an [`Actor`]) and how it is told ([`crate::http`]).

mod actor;
mod alert_desk;
mod alerts;
mod assertion;
mod audit;
mod authority;
mod budgets;
mod call;
mod change;
mod customers;
mod drain;
mod enrol;
mod everybody;
mod export_desk;
mod exports;
mod grants;
mod leaving;
mod limits;
mod list;
mod logout;
pub mod measures;
mod mint;
mod people;
mod provision;
mod publish;
mod recovery;
mod refused;
mod revoke;
mod roles;
mod sessions;
mod sign_in;
mod suspend;
mod upkeep;
mod usage;

pub use actor::{Actor, Via};
pub use assertion::{Asserted, assert_request, check_assertion};
pub use audit::{AuditSearch, NamedEntry};
pub use authority::{Authority, Control};
pub use budgets::{BudgetError, ListedBudget};
pub use call::{RestoreAnswer, RestoreRequest, SignInOutcome, SignInRecord};
pub use change::{ChangeError, Untouchable};
pub use customers::Customer;
pub use everybody::{EverybodysQuery, EverybodysToken, RevokedToken, Summary};
pub use grants::{Granted, Listed, UngrantError};
pub use leaving::Whom;
pub use limits::TooOften;
pub(crate) use limits::{limited, neighbourhood};
pub use list::ListedToken;
pub use logout::ProviderLogout;
pub use mint::{MintError, MintRequest, Minted};
pub use people::{ListedPerson, PeopleSearch, Standing};
pub use provision::ProvisionError;
pub use refused::RefusedSignIn;
pub use roles::Administrator;
pub use sessions::SeenPerson;
pub use upkeep::Chore;
pub use usage::{Names, UsageError, UsageTable};
