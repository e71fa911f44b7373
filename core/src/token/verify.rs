//! When a token is good, as far as the token itself can tell. `jsonwebtoken` checks signatures; the policy is here.

use super::claims::{CLIENT_ID, Claims, TYPE};
use super::{PublicKeys, Scopes, jws};
use crate::id::{TokenId, UserId};
use crate::time::Timestamp;
use crate::version::Epoch;

/// How far a token's `iat` may lie ahead of our clock, in seconds: another process minted it by its own clock.
pub(super) const MAX_CLOCK_SKEW: i64 = 60;

/// What every token of this gateway has in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPolicy {
    /// `iss` and `aud`: the gateway's public address.
    pub issuer: String,
    /// The longest lifetime, in seconds.
    pub max_lifetime: u32,
}

/// A token whose signature and claims are good. Whether it still lives, admission says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// `sub`.
    pub user: UserId,
    /// `jti`.
    pub token: TokenId,
    /// `exp`.
    pub expiry: Timestamp,
    /// `scope`.
    pub scopes: Scopes,
    /// `ep`.
    pub epoch: Epoch,
}

/// Why a token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is none of ours, or was tampered with.
    #[error("invalid token")]
    Invalid,
    /// It names a key that is not among those that we know.
    #[error("token of an unknown key")]
    UnknownKey,
    /// It is ours, and past its `exp`.
    #[error("token expired")]
    Expired,
}

/// Checks a token against the keys and the policy.
///
/// Leeway is 0: a token is no longer good in the second of its `exp` (RFC 7519 §4.1.4).
///
/// # Errors
///
/// - [`VerifyError::UnknownKey`] if its form is good and its key is not known.
/// - [`VerifyError::Invalid`] unless header, signature and every claim are exactly as we make them (RFC 8725 §3).
/// - [`VerifyError::Expired`] for a token that was good until then.
pub fn verify(text: &str, keys: &PublicKeys, policy: &TokenPolicy, now: Timestamp) -> Result<Verified, VerifyError> {
    let claims = jws::open(text, TYPE, keys)?;
    let verified = check_claims(&claims, policy, now).ok_or(VerifyError::Invalid)?;
    if now < verified.expiry { Ok(verified) } else { Err(VerifyError::Expired) }
}

fn check_claims(claims: &Claims, policy: &TokenPolicy, now: Timestamp) -> Option<Verified> {
    let lifetime = claims.exp.checked_sub(claims.iat)?;
    let good = claims.iss == policy.issuer
        && claims.aud == policy.issuer
        && claims.client_id == CLIENT_ID
        && claims.iat <= now.plus(MAX_CLOCK_SKEW).0
        && claims.nbf <= now.0
        && (1..=i64::from(policy.max_lifetime)).contains(&lifetime);
    if !good {
        return None;
    }
    Some(Verified {
        user: claims.sub.parse().ok()?,
        token: claims.jti.parse().ok()?,
        expiry: Timestamp(claims.exp),
        scopes: Scopes::parse(&claims.scope).ok()?,
        epoch: Epoch(claims.ep),
    })
}
