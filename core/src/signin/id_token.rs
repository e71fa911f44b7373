//! ID tokens (OpenID Connect Core §2, §3.1.3.7), checked on exact types and never further than the first wrong one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha512};
use subtle::ConstantTimeEq as _;

use super::keys::Key;
use super::metadata::accepted;
use crate::time::Timestamp;

/// Longest ID token that is looked at, in bytes. Checked before anything is decoded; people in two hundred groups fit.
const MAX_TOKEN: usize = 16 * 1024;

/// Longest subject (OpenID Connect Core §2, `sub`).
const MAX_SUBJECT: usize = 255;

/// How far the identity provider's clock may be off, in seconds.
const LEEWAY: i64 = 60;

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
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    message: &'a str,
    payload: Vec<u8>,
    signature: &'a str,
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

/// The members of a header that are looked at. Those that name a key from outside (`jku`, `jwk`, `x5u`, `x5c`) are not:
/// keys come from the provider's own set.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    #[serde(default)]
    crit: Present,
    #[serde(default)]
    b64: Present,
    #[serde(default)]
    enc: Present,
    #[serde(default)]
    zip: Present,
}

/// Whether a member is there, `null` included.
#[derive(Default)]
struct Present(bool);

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

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// A JSON object in which no member is there twice.
struct Members(Map<String, Value>);

impl<'a> UnverifiedIdToken<'a> {
    /// Takes a token apart, and refuses what no signature could make good. `listed` are the algorithms that the provider
    /// says it uses.
    pub(super) fn parse(token: &'a str, listed: &[Algorithm]) -> Result<Self, IdTokenError> {
        if token.len() > MAX_TOKEN {
            return Err(IdTokenError::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(IdTokenError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(IdTokenError::Malformed)?;
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| IdTokenError::Malformed)?;
        let payload = decode(payload)?;
        decode(signature)?;
        if [&header.crit, &header.b64, &header.enc, &header.zip].iter().any(|member| member.0) {
            return Err(IdTokenError::Extension);
        }
        if header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(IdTokenError::Malformed);
        }
        let algorithm = accepted(&header.alg).filter(|algorithm| listed.contains(algorithm));
        let algorithm = algorithm.ok_or(IdTokenError::Algorithm)?;
        Ok(Self { algorithm, key_id: header.kid, message, payload, signature })
    }

    /// Checks the signature, and only then reads the claims.
    pub(super) fn verify(self, key: &Key) -> Result<Claims, IdTokenError> {
        if !key.verifies(self.message, self.signature, self.algorithm) {
            return Err(IdTokenError::Signature);
        }
        let Members(members) = serde_json::from_slice(&self.payload).map_err(|_| IdTokenError::Malformed)?;
        let known = Known::deserialize(&Value::Object(members.clone())).map_err(|_| IdTokenError::Malformed)?;
        Ok(Claims { algorithm: self.algorithm, known, members })
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

fn decode(part: &str) -> Result<Vec<u8>, IdTokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| IdTokenError::Malformed)
}

/// Returns the left half of the access token's hash (OpenID Connect Core §3.1.3.6). Ed25519 hashes with SHA-512.
fn access_token_hash(access_token: &str, algorithm: Algorithm) -> String {
    match algorithm {
        Algorithm::EdDSA => URL_SAFE_NO_PAD.encode(&Sha512::digest(access_token)[..32]),
        _ => URL_SAFE_NO_PAD.encode(&Sha256::digest(access_token)[..16]),
    }
}

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;

        impl<'de> Visitor<'de> for Unique {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object without repeated members")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member is there twice"));
                    }
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Unique)
    }
}

#[cfg(test)]
#[path = "id_token_tests.rs"]
mod tests;
