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

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::User, Self::Admin, Self::SuperAdmin];
}

/// What makes somebody an administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleSource {
    /// Their address is among the super administrators'.
    SuperAdmin,
    /// Their address, or its domain, is among the administrators'.
    Config,
    /// One of their groups is among the administrators'.
    Group,
    /// A super administrator made them one.
    Grant,
}

impl RoleSource {
    /// Returns the role that it gives.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::SuperAdmin => Role::SuperAdmin,
            Self::Config | Self::Group | Self::Grant => Role::Admin,
        }
    }
}

/// Who has which role, as configured (`[roles]`). A role that a list of addresses gives is that person's alone to whom the
/// address is pinned ([`User::pins`]).
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
    /// Returns the highest role that `user` has. A super administrator is an administrator.
    #[must_use]
    pub fn role(&self, user: &User) -> Role {
        self.source(user).map_or(Role::User, RoleSource::role)
    }

    /// Returns what makes `user` an administrator: of several, what gives the most and can be taken away the least.
    #[must_use]
    pub fn source(&self, user: &User) -> Option<RoleSource> {
        let listed = if user.pins.contains(&user.email) { self.listed(&user.email) } else { None };
        if listed.is_some() {
            return listed;
        }
        // What nobody has signed in with is nobody's verified address.
        let is_in_domain = || self.admin_domains.iter().any(|domain| user.email.is_in(domain));
        if user.account.is_some() && is_in_domain() {
            return Some(RoleSource::Config);
        }
        if self.admin_groups.iter().any(|group| user.groups.contains(group)) {
            return Some(RoleSource::Group);
        }
        user.grant.is_some().then_some(RoleSource::Grant)
    }

    /// Returns what a list of addresses makes of whoever has an address pinned to them.
    #[must_use]
    pub fn listed(&self, email: &Email) -> Option<RoleSource> {
        if self.super_admins.contains(email) {
            return Some(RoleSource::SuperAdmin);
        }
        self.admins.contains(email).then_some(RoleSource::Config)
    }

    /// Says whether a group or a grant makes `user` an administrator, so that no list in the configuration names them.
    #[must_use]
    pub fn makes_administrator(&self, user: &User) -> bool {
        user.grant.is_some() || self.admin_groups.iter().any(|group| user.groups.contains(group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UserId;
    use crate::identity::{Account, Grant};
    use crate::time::{Millis, Timestamp};

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    fn user(address: &str) -> User {
        let account = Account { issuer: "https://id.example".to_owned(), subject: address.to_owned() };
        let id = UserId::new(Millis(0), [7; 10]);
        User { account: Some(account), ..User::expected(id, email(address), Timestamp(0)) }
    }

    fn policy() -> RolePolicy {
        RolePolicy {
            super_admins: vec![email("root@example.com")],
            admins: vec![email("ann@example.com")],
            admin_domains: vec!["ops.example.com".to_owned()],
            admin_groups: vec!["gateway-admins".to_owned()],
        }
    }

    #[test]
    fn gives_a_listed_role_to_whom_the_address_is_pinned() {
        for (address, role) in [("root@example.com", Role::SuperAdmin), ("ann@example.com", Role::Admin)] {
            let pinned = User { pins: vec![email(address)], ..user(address) };
            assert_eq!(policy().role(&pinned), role);
            assert_eq!(policy().role(&user(address)), Role::User, "somebody else who has the address now");
            let moved = User { email: email("other@example.com"), ..pinned };
            assert_eq!(policy().role(&moved), Role::User, "they have another address now");
        }
    }

    #[test]
    fn compares_domains_as_whole_labels() {
        assert_eq!(policy().role(&user("bob@ops.example.com")), Role::Admin);
        for address in
            ["bob@badops.example.com", "bob@ops.example.com.evil.org", "bob@opsxexample.com", "bob@example.com"]
        {
            assert_eq!(policy().role(&user(address)), Role::User, "{address}");
        }
        let expected = User { account: None, ..user("bob@ops.example.com") };
        assert_eq!(policy().role(&expected), Role::User, "nobody has verified it");
    }

    #[test]
    fn takes_a_group_or_a_grant_for_what_it_is() {
        let member = User { groups: vec!["gateway-admins".to_owned()], ..user("bob@example.com") };
        assert_eq!(policy().source(&member), Some(RoleSource::Group));
        let lookalike = User { groups: vec!["Gateway-Admins".to_owned()], ..user("bob@example.com") };
        assert_eq!(policy().source(&lookalike), None);
        let grant = Some(Grant { by: lookalike.id, at: Timestamp(0) });
        assert_eq!(policy().source(&User { grant, ..lookalike }), Some(RoleSource::Grant));
    }
}
