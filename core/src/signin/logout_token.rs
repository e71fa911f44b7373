//! Logout tokens (OpenID Connect Back-Channel Logout §2.4, §2.6): the identity provider says that a session is over.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::jws::{Audience, JwsError, LEEWAY, MAX_SUBJECT, Present, UnverifiedJws};
use super::provider::KeyError;
use super::{ProviderError, RelyingParty, Surroundings};
use crate::ports::Clock as _;
use crate::time::Timestamp;

/// The values that `typ` may have. An ID token may not be called a logout token.
const TYPES: [&str; 2] = ["JWT", "logout+jwt"];

/// The member of `events` that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Longest token and session id that is kept, in bytes; as long as a subject may be.
const MAX_ID: usize = 255;

/// The identity provider's word that sessions are over: that of `session`, or all of `account_subject`'s.
///
/// The token is not known to be new: whoever acts on it keeps `id` until [`remember_until`](Self::remember_until).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutToken {
    /// The provider's name for the person (`sub`). There is this, a session, or both.
    pub account_subject: Option<String>,
    /// The provider's id of its own session (`sid`).
    pub session: Option<String>,
    /// The token's own id (`jti`), which no other token of that issuer has.
    pub id: String,
    /// When it ends to be valid.
    pub expiry: Timestamp,
    /// The provider (`iss`).
    pub issuer: String,
}

/// Why nothing was learned from a logout token.
#[derive(Debug, thiserror::Error)]
pub enum LogoutTokenError {
    /// The token is not believed (400).
    #[error("the logout token was refused")]
    Refused(#[from] LogoutTokenRefusal),
    /// The identity provider's keys cannot be had just now (503); it will send the token again.
    #[error("the identity provider is unavailable")]
    Provider(#[from] ProviderError),
}

/// Why a logout token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogoutTokenRefusal {
    /// Not three parts of strict base64url, too long, not JSON, a member twice or of another type, or another kind of
    /// token.
    #[error("the logout token is malformed")]
    Malformed,
    /// Signed with an algorithm that is not accepted, or that the provider does not list.
    #[error("the logout token's algorithm is not accepted")]
    Algorithm,
    /// It has extensions that must be understood, and they are not.
    #[error("the logout token needs extensions that are not supported")]
    Extension,
    /// None of the provider's keys is the one.
    #[error("the logout token's key is not among the identity provider's")]
    Key,
    /// Not signed by that key.
    #[error("the logout token's signature is wrong")]
    Signature,
    /// From somebody else.
    #[error("the logout token is from another issuer")]
    Issuer,
    /// For somebody else.
    #[error("the logout token is for another client")]
    Audience,
    /// Too old, or not valid yet.
    #[error("the logout token is not valid now")]
    Time,
    /// Not about a logout.
    #[error("the logout token has no logout event")]
    Event,
    /// It has a nonce, so it may be an ID token.
    #[error("the logout token has a nonce")]
    Nonce,
    /// Without an id that tells it from others.
    #[error("the logout token has no usable id")]
    Id,
    /// It says neither who was signed out nor which session is over, or says it in a way that cannot be kept.
    #[error("the logout token has no usable subject or session")]
    Subject,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    iat: i64,
    exp: i64,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    jti: Option<String>,
    #[serde(default, deserialize_with = "present")]
    events: Option<Map<String, Value>>,
    #[serde(default)]
    nonce: Present,
    #[serde(default, deserialize_with = "present")]
    sub: Option<String>,
    #[serde(default, deserialize_with = "present")]
    sid: Option<String>,
}

impl LogoutToken {
    /// Returns until when its `id` has to be remembered, so that it counts once: from then on it is refused by its time.
    #[must_use]
    pub const fn remember_until(&self) -> Timestamp {
        self.expiry.plus(LEEWAY)
    }
}

impl RelyingParty {
    /// Checks a logout token of the identity provider (OpenID Connect Back-Channel Logout §2.6). Whether it was used
    /// before is the caller's to find out.
    ///
    /// # Errors
    ///
    /// - [`LogoutTokenError::Refused`] if the token is not believed.
    /// - [`LogoutTokenError::Provider`] if that could not be found out.
    pub async fn check_logout_token<S: Surroundings>(
        &self,
        surroundings: &S,
        token: &str,
    ) -> Result<LogoutToken, LogoutTokenError> {
        let metadata = self.provider.metadata(surroundings).await?;
        let jws = UnverifiedJws::parse(token, &TYPES, &metadata.algorithms).map_err(LogoutTokenRefusal::from)?;
        let key = self.provider.key(surroundings, &metadata, jws.key_id.as_deref(), jws.algorithm).await?;
        let members = jws.verify(&key).map_err(LogoutTokenRefusal::from)?;
        let now = surroundings.clock().now().seconds();
        Ok(check(members, self.provider.issuer(), &self.config.client_id, now)?)
    }
}

/// Checks the claims of a token whose signature is right.
fn check(
    members: Map<String, Value>,
    issuer: &str,
    client_id: &str,
    now: Timestamp,
) -> Result<LogoutToken, LogoutTokenRefusal> {
    let claims = Claims::deserialize(Value::Object(members)).map_err(|_| LogoutTokenRefusal::Malformed)?;
    if claims.iss != issuer {
        return Err(LogoutTokenRefusal::Issuer);
    }
    if !claims.aud.has(client_id) {
        return Err(LogoutTokenRefusal::Audience);
    }
    if !claims.is_valid_at(now) {
        return Err(LogoutTokenRefusal::Time);
    }
    let event = claims.events.as_ref().and_then(|events| events.get(EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(LogoutTokenRefusal::Event);
    }
    if claims.nonce.0 {
        return Err(LogoutTokenRefusal::Nonce);
    }
    let id = claims.jti.filter(|id| !id.is_empty() && id.len() <= MAX_ID).ok_or(LogoutTokenRefusal::Id)?;
    let about = [(&claims.sub, MAX_SUBJECT), (&claims.sid, MAX_ID)];
    let unusable = |(text, longest): (&Option<String>, usize)| {
        text.as_ref().is_some_and(|text| text.is_empty() || text.len() > longest)
    };
    if about.iter().all(|(text, _)| text.is_none()) || about.into_iter().any(unusable) {
        return Err(LogoutTokenRefusal::Subject);
    }
    let expiry = Timestamp(claims.exp);
    Ok(LogoutToken { account_subject: claims.sub, session: claims.sid, id, expiry, issuer: claims.iss })
}

impl Claims {
    fn is_valid_at(&self, now: Timestamp) -> bool {
        let latest = now.plus(LEEWAY);
        now < Timestamp(self.exp).plus(LEEWAY)
            && Timestamp(self.iat) <= latest
            && self.nbf.is_none_or(|start| Timestamp(start) <= latest)
    }
}

/// Reads a member that may be absent, but not `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl From<JwsError> for LogoutTokenRefusal {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Malformed => Self::Malformed,
            JwsError::Algorithm => Self::Algorithm,
            JwsError::Extension => Self::Extension,
            JwsError::Signature => Self::Signature,
        }
    }
}

impl From<KeyError> for LogoutTokenError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Provider(error) => Self::Provider(error),
            KeyError::NotFound => Self::Refused(LogoutTokenRefusal::Key),
        }
    }
}

#[cfg(test)]
#[path = "logout_token_tests.rs"]
mod tests;
