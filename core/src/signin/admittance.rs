//! Who may sign in.

use crate::identity::Email;

/// The rules about who may sign in. One that matches is enough; none lets nobody in.
#[derive(Debug, Clone, Copy)]
pub struct Admittance<'a> {
    /// Domains, compared as whole labels.
    pub domains: &'a [String],
    /// Addresses.
    pub emails: &'a [Email],
    /// Groups, compared exactly.
    pub groups: &'a [String],
    /// Everybody.
    pub anyone: bool,
}

impl Admittance<'_> {
    /// Says whether a person with this verified address and these groups may sign in.
    #[must_use]
    pub fn admits(&self, email: &Email, groups: &[String]) -> bool {
        self.anyone
            || self.emails.contains(email)
            || self.domains.iter().any(|domain| email.is_in(domain))
            || self.groups.iter().any(|group| groups.contains(group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    const NOBODY: Admittance<'_> = Admittance { domains: &[], emails: &[], groups: &[], anyone: false };

    #[test]
    fn admits_nobody_without_a_rule() {
        assert!(!NOBODY.admits(&email("ann@example.com"), &["staff".to_owned()]));
    }

    #[test]
    fn admits_by_any_one_rule() {
        let ann = email("ann@example.com");
        let rules = [
            Admittance { anyone: true, ..NOBODY },
            Admittance { domains: &["Example.com".to_owned()], ..NOBODY },
            Admittance { emails: &[email("ANN@example.com")], ..NOBODY },
            Admittance { groups: &["staff".to_owned()], ..NOBODY },
        ];
        assert!(rules.iter().all(|rule| rule.admits(&ann, &["staff".to_owned()])));
    }

    #[test]
    fn admits_no_lookalike() {
        let domains = ["example.com".to_owned()];
        let groups = ["staff".to_owned()];
        let rules = Admittance { domains: &domains, emails: &[], groups: &groups, anyone: false };
        for address in ["ann@badexample.com", "ann@sub.example.com", "ann@example.com.evil.org", "ann@example.co"] {
            assert!(!rules.admits(&email(address), &["Staff".to_owned(), "staff ".to_owned()]), "{address}");
        }
    }
}
