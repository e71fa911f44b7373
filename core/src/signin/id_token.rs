//! ID tokens (OpenID Connect Core §2, §3.1.3.7), checked on exact types and never further than the first wrong one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha512};
use subtle::ConstantTimeEq as _;

use super::jws::{Audience, JwsError, LEEWAY, MAX_SUBJECT, UnverifiedJws};
use super::keys::Key;
use crate::time::Timestamp;

/// Why an ID token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// Not three parts of strict base64url, too long, not JSON, a member twice or of another type, or another kind of
    /// token.
    #[error("the id token is malformed")]
    Malformed,
    /// Signed with an algorithm that is not accepted, or that the provider does not list.
    #[error("the id token's algorithm is not accepted")]
    Algorithm,
    /// It has extensions that must be understood, and they are not.
    #[error("the id token needs extensions that are not supported")]
    Extension,
    /// None of the provider's keys is the one.
    #[error("the id token's key is not among the identity provider's")]
    Key,
    /// Not signed by that key.
    #[error("the id token's signature is wrong")]
    Signature,
    /// From somebody else.
    #[error("the id token is from another issuer")]
    Issuer,
    /// For somebody else.
    #[error("the id token is for another client")]
    Audience,
    /// Not for this sign-in.
    #[error("the id token is for another sign-in")]
    Nonce,
    /// Too old, or not valid yet.
    #[error("the id token is not valid now")]
    Time,
    /// Without a subject that can be kept.
    #[error("the id token has no usable subject")]
    Subject,
    /// Not issued together with the access token.
    #[error("the id token does not belong to the access token")]
    AccessTokenHash,
}

/// An ID token whose signature nobody has looked at.
pub(super) struct UnverifiedIdToken<'a> {
    pub(super) jws: UnverifiedJws<'a>,
}

/// The claims of an ID token whose signature is right.
pub(super) struct Claims {
    algorithm: Algorithm,
    known: Known,
    /// All of them, by name.
    pub(super) members: Map<String, Value>,
}

/// What an ID token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) access_token: &'a str,
    pub(super) now: Timestamp,
}

/// Whom an ID token is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) subject: String,
    pub(super) auth_time: Option<Timestamp>,
    pub(super) idp_session: Option<String>,
}

#[derive(Deserialize)]
struct Known {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: String,
    at_hash: Option<String>,
    auth_time: Option<i64>,
    sid: Option<String>,
}

impl<'a> UnverifiedIdToken<'a> {
    /// Takes a token apart, and refuses what no signature could make good. `listed` are the algorithms that the provider
    /// says it uses.
    pub(super) fn parse(token: &'a str, listed: &[Algorithm]) -> Result<Self, IdTokenError> {
        Ok(Self { jws: UnverifiedJws::parse(token, &["JWT"], listed)? })
    }

    /// Checks the signature, and only then reads the claims.
    pub(super) fn verify(self, key: &Key) -> Result<Claims, IdTokenError> {
        let algorithm = self.jws.algorithm;
        let members = self.jws.verify(key)?;
        let known = Known::deserialize(&Value::Object(members.clone())).map_err(|_| IdTokenError::Malformed)?;
        Ok(Claims { algorithm, known, members })
    }
}

impl Claims {
    /// Checks that the token is from the provider, for us, for this sign-in and for now.
    pub(super) fn check(&self, expected: &Expected<'_>) -> Result<Identity, IdTokenError> {
        let known = &self.known;
        if known.iss != expected.issuer {
            return Err(IdTokenError::Issuer);
        }
        if !known.is_for(expected.client_id) {
            return Err(IdTokenError::Audience);
        }
        if !bool::from(known.nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
            return Err(IdTokenError::Nonce);
        }
        if !known.is_valid_at(expected.now) {
            return Err(IdTokenError::Time);
        }
        if known.sub.is_empty() || known.sub.len() > MAX_SUBJECT {
            return Err(IdTokenError::Subject);
        }
        let hash = access_token_hash(expected.access_token, self.algorithm);
        if known.at_hash.as_ref().is_some_and(|claimed| *claimed != hash) {
            return Err(IdTokenError::AccessTokenHash);
        }
        Ok(Identity {
            subject: known.sub.clone(),
            auth_time: known.auth_time.map(Timestamp),
            idp_session: known.sid.clone(),
        })
    }
}

impl Known {
    /// Says whether the token is for this client (OpenID Connect Core §3.1.3.7, steps 3 to 5).
    fn is_for(&self, client_id: &str) -> bool {
        let authorized = self.azp.as_deref();
        match &self.aud {
            Audience::One(only) => only == client_id && authorized.is_none_or(|party| party == client_id),
            Audience::Several(all) if all.len() == 1 => {
                all[0] == client_id && authorized.is_none_or(|party| party == client_id)
            }
            Audience::Several(all) => all.iter().any(|one| one == client_id) && authorized == Some(client_id),
        }
    }

    fn is_valid_at(&self, now: Timestamp) -> bool {
        let latest = now.plus(LEEWAY);
        now < Timestamp(self.exp).plus(LEEWAY)
            && Timestamp(self.iat) <= latest
            && self.nbf.is_none_or(|start| Timestamp(start) <= latest)
    }
}

/// Returns the left half of the access token's hash (OpenID Connect Core §3.1.3.6). Ed25519 hashes with SHA-512.
fn access_token_hash(access_token: &str, algorithm: Algorithm) -> String {
    match algorithm {
        Algorithm::EdDSA => URL_SAFE_NO_PAD.encode(&Sha512::digest(access_token)[..32]),
        _ => URL_SAFE_NO_PAD.encode(&Sha256::digest(access_token)[..16]),
    }
}

impl From<JwsError> for IdTokenError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Malformed => Self::Malformed,
            JwsError::Algorithm => Self::Algorithm,
            JwsError::Extension => Self::Extension,
            JwsError::Signature => Self::Signature,
        }
    }
}

#[cfg(test)]
#[path = "id_token_tests.rs"]
mod tests;
