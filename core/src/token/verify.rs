//! When a token is good, as far as the token itself can tell. `jsonwebtoken` checks signatures; the policy is here.

use super::claims::{ALGORITHM, CLIENT_ID, TYPE, UnverifiedClaims, UnverifiedToken};
use super::key::is_key_id;
use super::{PublicKeys, Scopes};
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
/// - [`VerifyError::Invalid`] unless header, signature and every claim are exactly as we make them (RFC 8725 §3).
/// - [`VerifyError::Expired`] for a token that was good until then.
pub fn verify(text: &str, keys: &PublicKeys, policy: &TokenPolicy, now: Timestamp) -> Result<Verified, VerifyError> {
    let token = UnverifiedToken::parse(text).ok_or(VerifyError::Invalid)?;
    let header = &token.header;
    if header.typ != TYPE || header.alg != ALGORITHM || !is_key_id(&header.kid) {
        return Err(VerifyError::Invalid);
    }
    let claims = token.claims().ok_or(VerifyError::Invalid)?;
    let key = keys.key(&header.kid).ok_or(VerifyError::Invalid)?;
    if !key.verifies(token.message, token.signature) {
        return Err(VerifyError::Invalid);
    }
    let verified = check_claims(&claims, policy, now).ok_or(VerifyError::Invalid)?;
    if now < verified.expiry { Ok(verified) } else { Err(VerifyError::Expired) }
}

fn check_claims(claims: &UnverifiedClaims, policy: &TokenPolicy, now: Timestamp) -> Option<Verified> {
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
