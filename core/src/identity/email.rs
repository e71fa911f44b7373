//! E-mail addresses as the gateway compares them.

use serde::{Deserialize, Serialize};

/// Longest address, in bytes (RFC 5321 §4.5.3.1.3 allows 256 with the angle brackets).
const MAX_EMAIL: usize = 254;

/// An e-mail address in lower case, with exactly one `@` and no quoting: the only form that is ever compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Email(String);

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a plain e-mail address")]
pub struct InvalidEmail;

impl Email {
    /// Parses an address and folds it to lower case.
    ///
    /// # Errors
    ///
    /// [`InvalidEmail`] unless there is exactly one `@` between a local part and a domain of dot-separated labels,
    /// without quotes, spaces, control characters or a trailing dot.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        if text.len() > MAX_EMAIL || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidEmail);
        }
        let (local, domain) = text.split_once('@').ok_or(InvalidEmail)?;
        let plain_local =
            !local.is_empty() && !local.contains(['"', '(', ')', '<', '>', ',', ';', ':', '\\', '[', ']']);
        if plain_local && is_domain(domain) { Ok(Self(text.to_ascii_lowercase())) } else { Err(InvalidEmail) }
    }

    /// Returns the address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the part behind the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }

    /// Says whether the address is in `domain`, compared as whole labels without regard to case. Subdomains are other
    /// domains.
    #[must_use]
    pub fn is_in(&self, domain: &str) -> bool {
        self.domain().eq_ignore_ascii_case(domain)
    }
}

fn is_domain(domain: &str) -> bool {
    domain.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

impl std::fmt::Display for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl TryFrom<String> for Email {
    type Error = InvalidEmail;

    fn try_from(text: String) -> Result<Self, InvalidEmail> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_case() {
        assert_eq!(Email::parse("Ann@Example.COM").unwrap().as_str(), "ann@example.com");
    }

    #[test]
    fn refuses_addresses_that_can_be_read_two_ways() {
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "a@evil.com@company.com",
            "\"a@b\"@company.com",
            "ann@company.com.",
            "ann@.company.com",
            "an n@company.com",
            "ann@company.com\0",
            "ann@company.com\n",
            "ann@-company.com",
            "<ann@company.com>",
            "änn@company.com",
        ] {
            assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
        }
    }

    #[test]
    fn compares_domains_as_whole_labels() {
        let email = Email::parse("ann@badexample.com").unwrap();
        assert!(!email.is_in("example.com"));
        assert!(!email.is_in(".example.com"));
        assert!(!email.is_in("badexample-com"));
        assert!(email.is_in("BADexample.com"));
        assert!(!Email::parse("ann@sub.example.com").unwrap().is_in("example.com"));
    }
}
