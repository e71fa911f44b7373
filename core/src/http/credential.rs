//! Finding the credential that a request carries (RFC 6750 §2.1).

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Where Anthropic's clients put their key.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Why no credential can be taken from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// There is none.
    #[error("no credential")]
    Missing,
    /// It is not a bearer token.
    #[error("not a bearer token")]
    Malformed,
    /// There are two, and they differ.
    #[error("conflicting credentials")]
    Conflicting,
}

/// Returns the bearer token of a request; `api_key` says whether `x-api-key` counts, too.
///
/// # Errors
///
/// [`CredentialError`] if there is none, or no single one.
pub fn bearer(headers: &HeaderMap, api_key: bool) -> Result<&str, CredentialError> {
    let mut found = None;
    let authorizations = headers.get_all(AUTHORIZATION).iter().map(|value| value.to_str().ok().and_then(after_scheme));
    let keys = headers.get_all(API_KEY).iter().filter(|_| api_key).map(|value| value.to_str().ok());
    for credential in authorizations.chain(keys) {
        let credential = credential.filter(|text| !text.is_empty()).ok_or(CredentialError::Malformed)?;
        if found.is_some_and(|other| other != credential) {
            return Err(CredentialError::Conflicting);
        }
        found = Some(credential);
    }
    found.ok_or(CredentialError::Missing)
}

/// Says whether a request shows a secret as its bearer token.
#[must_use]
pub fn shows(headers: &HeaderMap, expected: &SecretString) -> bool {
    let Ok(shown) = bearer(headers, false) else { return false };
    // Of one length, so that comparing them takes one time.
    let [shown, expected] = [shown, expected.expose_secret()].map(Sha256::digest);
    shown.ct_eq(&expected).into()
}

fn after_scheme(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn takes_either_header() {
        assert_eq!(bearer(&headers(&[("authorization", "bEaReR  a.b.c")]), true), Ok("a.b.c"));
        assert_eq!(bearer(&headers(&[("x-api-key", "a.b.c")]), true), Ok("a.b.c"));
        assert_eq!(bearer(&headers(&[("x-api-key", "a"), ("authorization", "Bearer a")]), true), Ok("a"));
    }

    #[test]
    fn takes_api_keys_only_where_they_count() {
        assert_eq!(bearer(&headers(&[("x-api-key", "a.b.c")]), false), Err(CredentialError::Missing));
    }

    #[test]
    fn refuses_two_that_differ() {
        for pairs in [
            [("x-api-key", "a"), ("authorization", "Bearer b")],
            [("authorization", "Bearer a"), ("authorization", "Bearer b")],
            [("x-api-key", "a"), ("x-api-key", "b")],
        ] {
            assert_eq!(bearer(&headers(&pairs), true), Err(CredentialError::Conflicting));
        }
    }

    #[test]
    fn refuses_other_schemes() {
        for value in ["Basic YTpi", "Bearer", "Bearer ", "a.b.c"] {
            assert_eq!(bearer(&headers(&[("authorization", value)]), true), Err(CredentialError::Malformed), "{value}");
        }
    }
}
