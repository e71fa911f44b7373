//! Making a token from its record.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use super::claims::{ALGORITHM, CLIENT_ID, Header, TYPE, UnverifiedClaims};
use super::verify::MAX_CLOCK_SKEW;
use super::{Signer, Token, TokenPolicy};

/// Signs the token that `token` records. Whoever calls this has written the record first.
///
/// `None` if the key cannot sign.
#[must_use]
pub fn sign(token: &Token, policy: &TokenPolicy, signer: &Signer) -> Option<SecretString> {
    let header = Header { alg: ALGORITHM.to_owned(), typ: TYPE.to_owned(), kid: signer.kid().to_owned() };
    let claims = UnverifiedClaims {
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
    let encode = |json: Vec<u8>| URL_SAFE_NO_PAD.encode(json);
    let message = [encode(serde_json::to_vec(&header).ok()?), encode(serde_json::to_vec(&claims).ok()?)].join(".");
    let signature = signer.sign(&message)?;
    Some(format!("{message}.{signature}").into())
}
