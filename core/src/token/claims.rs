//! The claims of our tokens (RFC 9068 profile).

use serde::{Deserialize, Serialize};

/// The `client_id` claim (RFC 9068 §2.2) of every token.
pub(super) const CLIENT_ID: &str = "llm-gateway";

/// The `typ` header (RFC 9068 §2.1) of every token: what keeps other JWTs from being taken for one.
pub(super) const TYPE: &str = "at+jwt";

/// The payload, exactly these members in exactly these types; duplicates make it unreadable.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: String,
    pub(super) jti: String,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
    pub(super) scope: String,
    pub(super) ep: u64,
    pub(super) client_id: String,
}
