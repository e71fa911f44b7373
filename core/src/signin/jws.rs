//! The provider's signed tokens (RFC 7515 §3.1, RFC 7519), taken apart and verified, whatever they say.
//!
//! Out of scope: what their claims must be, which is each kind's own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::keys::Key;
use super::metadata::accepted;

/// Longest token that is looked at, in bytes. Checked before anything is decoded; people in two hundred groups fit.
pub(super) const MAX_TOKEN: usize = 16 * 1024;

/// Longest subject (OpenID Connect Core §2, `sub`).
pub(super) const MAX_SUBJECT: usize = 255;

/// How far the identity provider's clock may be off, in seconds.
pub(super) const LEEWAY: i64 = 60;

/// Why a token is not believed, before its claims are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JwsError {
    /// Not three parts of strict base64url, too long, not JSON, a member twice or of another type, or another kind of
    /// token.
    Malformed,
    /// Signed with an algorithm that is not accepted, or that the provider does not list.
    Algorithm,
    /// It has extensions that must be understood, and they are not.
    Extension,
    /// Not signed by that key.
    Signature,
}

/// A token whose signature nobody has looked at.
pub(super) struct UnverifiedJws<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    message: &'a str,
    payload: Vec<u8>,
    signature: &'a str,
}

/// Whom a token is for (RFC 7519 §4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Whether a member is there, `null` included.
#[derive(Default)]
pub(super) struct Present(pub(super) bool);

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

/// A JSON object in which no member is there twice.
struct Members(Map<String, Value>);

impl<'a> UnverifiedJws<'a> {
    /// Takes a token apart, and refuses what no signature could make good. `types` are the values that its `typ` may have
    /// in any case, if it is there; `listed` are the algorithms that the provider says it uses.
    pub(super) fn parse(token: &'a str, types: &[&str], listed: &[Algorithm]) -> Result<Self, JwsError> {
        if token.len() > MAX_TOKEN {
            return Err(JwsError::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(JwsError::Malformed)?;
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| JwsError::Malformed)?;
        let payload = decode(payload)?;
        decode(signature)?;
        if [&header.crit, &header.b64, &header.enc, &header.zip].iter().any(|member| member.0) {
            return Err(JwsError::Extension);
        }
        if header.typ.is_some_and(|typ| !types.iter().any(|one| typ.eq_ignore_ascii_case(one))) {
            return Err(JwsError::Malformed);
        }
        let algorithm = accepted(&header.alg).filter(|algorithm| listed.contains(algorithm));
        let algorithm = algorithm.ok_or(JwsError::Algorithm)?;
        Ok(Self { algorithm, key_id: header.kid, message, payload, signature })
    }

    /// Checks the signature, and only then reads the claims.
    pub(super) fn verify(self, key: &Key) -> Result<Map<String, Value>, JwsError> {
        if !key.verifies(self.message, self.signature, self.algorithm) {
            return Err(JwsError::Signature);
        }
        let Members(members) = serde_json::from_slice(&self.payload).map_err(|_| JwsError::Malformed)?;
        Ok(members)
    }
}

impl Audience {
    /// Says whether `client_id` is among them.
    pub(super) fn has(&self, client_id: &str) -> bool {
        match self {
            Self::One(only) => only == client_id,
            Self::Several(all) => all.iter().any(|one| one == client_id),
        }
    }
}

fn decode(part: &str) -> Result<Vec<u8>, JwsError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Malformed)
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
