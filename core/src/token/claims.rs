//! The claims of our tokens (RFC 9068 profile), and the strict way of reading a JWS (RFC 7515 §3.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Longest token the parser will look at, in bytes.
///
/// Checked before anything is decoded, so a hostile header costs one comparison. Ours are about 500 bytes; the rest is
/// room for a long public address and more scopes.
pub const MAX_TOKEN: usize = 4 * 1024;

/// The `client_id` claim (RFC 9068 §2.2) of every token.
pub(super) const CLIENT_ID: &str = "llm-gateway";

/// The `typ` header (RFC 9068 §2.1) of every token: what keeps other JWTs from being taken for one.
pub(super) const TYPE: &str = "at+jwt";

/// The `alg` header (RFC 8037 §3.1) of every token. The key decides it; the header only has to agree.
pub(super) const ALGORITHM: &str = "EdDSA";

/// The JOSE header, exactly these members: `crit`, `b64`, `enc`, `zip`, `jku`, `jwk`, `x5u`, `x5c` and anything else make
/// the token unreadable.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) typ: String,
    pub(super) kid: String,
}

/// The payload, exactly these members in exactly these types; duplicates make it unreadable.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnverifiedClaims {
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

/// A compact JWS, split but not believed.
pub(super) struct UnverifiedToken<'a> {
    /// Header and payload as they were signed.
    pub(super) message: &'a str,
    /// The signature, in base64url.
    pub(super) signature: &'a str,
    pub(super) header: Header,
    payload: &'a str,
}

impl<'a> UnverifiedToken<'a> {
    /// Splits a token and reads its header. `None` if it could not have been made by us.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_TOKEN || text.bytes().filter(|byte| *byte == b'.').count() != 2 {
            return None;
        }
        let (message, signature) = text.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { message, signature, header: json(header)?, payload })
    }

    /// Reads the claims, which mean nothing before the signature is checked.
    pub(super) fn claims(&self) -> Option<UnverifiedClaims> {
        json(self.payload)
    }
}

fn json<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
