//! The bodies of requests.

use http::StatusCode;
use serde_json::Value;

use super::error::{ScimError, ScimType};

/// Longest body that is read, in bytes. A person with everything that we keep has a few thousand.
pub const MAX_BODY: usize = 64 * 1024;

/// Parses a body. Its nesting is bounded by the parser.
///
/// # Errors
///
/// [`ScimError`] with status 413 if it is longer than [`MAX_BODY`], `invalidSyntax` if it is not JSON.
pub fn parse_body(body: &[u8]) -> Result<Value, ScimError> {
    if body.len() > MAX_BODY {
        return Err(ScimError::of_status(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 65536 bytes"));
    }
    serde_json::from_slice(body).map_err(|_| ScimError::new(ScimType::InvalidSyntax, "the body is not JSON"))
}

/// Returns a member by its name, which SCIM spells in any case (RFC 7643 §2.1).
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Checks that a body is of the schema `urn` (RFC 7643 §3.3).
///
/// # Errors
///
/// `invalidSyntax` if it is not.
pub(super) fn require_schema(body: &Value, urn: &str) -> Result<(), ScimError> {
    let schemas = member(body, "schemas").and_then(Value::as_array);
    let named =
        schemas.is_some_and(|all| all.iter().filter_map(Value::as_str).any(|one| one.eq_ignore_ascii_case(urn)));
    if named { Ok(()) } else { Err(ScimError::new(ScimType::InvalidSyntax, format!("schemas must name {urn}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_long_bodies_before_it_parses_them() {
        let error = parse_body(&vec![b' '; MAX_BODY + 1]).unwrap_err();
        assert_eq!((error.status, error.scim_type), (StatusCode::PAYLOAD_TOO_LARGE, None));
        assert!(parse_body(&[&vec![b' '; MAX_BODY - 2][..], b"{}"].concat()).is_ok());
    }

    #[test]
    fn refuses_what_is_not_json() {
        for body in ["", "{", "<Users/>", "{} {}", &"[".repeat(1000)] {
            let error = parse_body(body.as_bytes()).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{body}");
        }
    }
}
