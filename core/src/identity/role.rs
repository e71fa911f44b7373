//! Roles, defined once.

use serde::{Deserialize, Serialize};

use super::{Email, User};

/// What a person may do beyond their own affairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Their own tokens, sessions and usage.
    User,
    /// Everyone's tokens, sessions, budgets and usage.
    Admin,
    /// Administrators, too. Given by configuration only.
    SuperAdmin,
}

/// Who has which role, as configured (`[roles]`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RolePolicy {
    /// Addresses of super administrators.
    pub super_admins: Vec<Email>,
    /// Addresses of administrators.
    pub admins: Vec<Email>,
    /// Domains whose every verified address is an administrator's; compared as whole labels.
    pub admin_domains: Vec<String>,
    /// Groups of the identity provider whose members are administrators.
    pub admin_groups: Vec<String>,
}

impl RolePolicy {
    /// Returns the highest role that the configuration gives to `user`. A super administrator is an administrator.
    #[must_use]
    pub fn role(&self, user: &User) -> Role {
        if self.super_admins.contains(&user.email) {
            return Role::SuperAdmin;
        }
        let is_admin = self.admins.contains(&user.email)
            || self.admin_domains.iter().any(|domain| user.email.is_in(domain))
            || self.admin_groups.iter().any(|group| user.groups.contains(group));
        if is_admin { Role::Admin } else { Role::User }
    }
}
