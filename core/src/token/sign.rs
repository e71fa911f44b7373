//! Making a token from its record.

use secrecy::SecretString;

use super::claims::{CLIENT_ID, Claims, TYPE};
use super::verify::MAX_CLOCK_SKEW;
use super::{Signer, Token, TokenPolicy, jws};

/// Signs the token that `token` records. Whoever calls this has written the record first.
///
/// `None` if the key cannot sign.
#[must_use]
pub fn sign(token: &Token, policy: &TokenPolicy, signer: &Signer) -> Option<SecretString> {
    let claims = Claims {
        iss: policy.issuer.clone(),
        aud: policy.issuer.clone(),
        sub: token.user.to_string(),
        jti: token.id.to_string(),
        iat: token.created.0,
        // A verifier whose clock is behind ours takes the token at once.
        nbf: token.created.plus(-MAX_CLOCK_SKEW).0,
        exp: token.expiry.0,
        scope: token.scopes.to_string(),
        ep: token.epoch.0,
        client_id: CLIENT_ID.to_owned(),
    };
    jws::sign(TYPE, &claims, signer).map(SecretString::from)
}
