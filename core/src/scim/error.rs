//! What a SCIM client is told when something is refused (RFC 7644 §3.12).

use http::StatusCode;
use serde_json::{Value, json};

/// A refusal, as the client is told it. The details are ours: they hold nothing that a client sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    /// The status of the answer.
    pub status: StatusCode,
    /// What programs can tell refusals of one status apart by.
    pub scim_type: Option<ScimType>,
    /// What people can.
    pub detail: String,
}

/// The kinds of refusals that have a name (RFC 7644 §3.12, table 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimType {
    /// The filter is malformed, or compares what cannot be compared.
    InvalidFilter,
    /// The filter is about more people than are looked through.
    TooMany,
    /// Somebody else has that name already.
    Uniqueness,
    /// The attribute cannot be changed or taken away.
    Mutability,
    /// The body is not what its schema says.
    InvalidSyntax,
    /// The path of a change is malformed.
    InvalidPath,
    /// The path of a change leads to nothing.
    NoTarget,
    /// A value is missing, or is none that the attribute may have.
    InvalidValue,
}

impl ScimError {
    /// Makes a refusal of that kind, which brings its status.
    pub fn new(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { status: scim_type.status(), scim_type: Some(scim_type), detail: detail.into() }
    }

    /// Makes a refusal that has no kind, only a status.
    pub fn of_status(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// Returns the body of the answer.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.as_str(),
            "detail": self.detail,
        });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = json!(scim_type.as_str());
        }
        body
    }
}

impl ScimType {
    /// Returns its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
        }
    }

    /// Returns the status of the answers that have it.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Uniqueness => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_status_as_a_text() {
        let expected = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": "409", "scimType": "uniqueness", "detail": "taken",
        });
        assert_eq!(ScimError::new(ScimType::Uniqueness, "taken").to_json(), expected);
    }

    #[test]
    fn has_no_kind_where_there_is_none() {
        let body = ScimError::of_status(StatusCode::NOT_FOUND, "no such user").to_json();
        assert_eq!(body["status"], "404");
        assert!(body.get("scimType").is_none());
    }
}
