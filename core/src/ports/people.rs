//! Lists of people.

use super::PageRequest;
use crate::identity::{Status, User};

/// A list of people. Nobody is in any whose record was erased.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeopleList {
    /// Everybody, those who signed in last before the others, and those who never did behind them.
    Everybody,
    /// Those whose address begins so, in lower case, by address.
    Address(String),
    /// Those who were suspended, whether that still holds or not, by id.
    Suspended,
    /// Those who were removed, by id.
    Removed,
    /// Those who are administrators as far as their record says, by id.
    Administrators,
    /// Those whom the company's directory has provisioned, by id.
    Provisioned,
    /// Those who have a budget of their own, by address.
    Budgeted,
}

impl PeopleList {
    /// All lists, the one by address from its beginning.
    pub const ALL: [Self; 7] = [
        Self::Everybody,
        Self::Address(String::new()),
        Self::Suspended,
        Self::Removed,
        Self::Administrators,
        Self::Provisioned,
        Self::Budgeted,
    ];

    /// Says whether somebody is in the list.
    #[must_use]
    pub fn has(&self, user: &User) -> bool {
        let is_listed = match self {
            Self::Everybody => true,
            Self::Address(prefix) => user.email.as_str().starts_with(prefix),
            Self::Suspended => matches!(user.status, Status::Suspended(_)),
            Self::Removed => user.status == Status::Removed,
            Self::Administrators => user.administers,
            Self::Provisioned => user.provisioning.is_some(),
            Self::Budgeted => !user.limits.is_empty(),
        };
        is_listed && user.erased.is_none()
    }

    /// Returns where somebody stands in the list, or would: a text that is less, byte by byte, than those of all who come behind
    /// them. It ends with their id.
    #[must_use]
    pub fn place(&self, user: &User) -> String {
        match self {
            Self::Everybody => {
                let last = user.last_sign_in.map_or(0, |moment| moment.0);
                format!("{:020}{}", i64::MAX.saturating_sub(last), user.id)
            }
            Self::Address(_) | Self::Budgeted => format!("{}\n{}", user.email, user.id),
            Self::Suspended | Self::Removed | Self::Administrators | Self::Provisioned => user.id.to_string(),
        }
    }

    /// Returns how the places of those in the list begin.
    #[must_use]
    pub fn prefix(&self) -> &str {
        match self {
            // It would go on behind the address, and nobody's place begins like this.
            Self::Address(prefix) if prefix.contains('\n') => "\n",
            Self::Address(prefix) => prefix,
            Self::Everybody
            | Self::Suspended
            | Self::Removed
            | Self::Administrators
            | Self::Provisioned
            | Self::Budgeted => "",
        }
    }

    /// Returns the name of the list, whatever the addresses begin with: for stores.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Everybody => "everybody",
            Self::Address(_) => "address",
            Self::Suspended => "suspended",
            Self::Removed => "removed",
            Self::Administrators => "administrators",
            Self::Provisioned => "provisioned",
            Self::Budgeted => "budgeted",
        }
    }
}

/// Asks for a list of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleQuery {
    /// Which list.
    pub list: PeopleList,
    /// How many to leave out where there is no cursor. Costs more the more they are: only for those who cannot keep a cursor.
    pub skip: u32,
    /// Which page.
    pub page: PageRequest,
}
