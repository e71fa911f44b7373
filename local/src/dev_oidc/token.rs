//! The token endpoint (RFC 6749 §4.1.3, RFC 7636 §4.6).

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use gateway_core::ports::{Clock, Random};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::codes::Grant;
use super::{CLIENT_ID, DevProvider, KEY_ID, Shared, answer_json, find, parameters, secret};

/// How long an ID token is good, in seconds: it is read at once.
const LIFETIME: i64 = 300;

/// Exchanges a code for an ID token, and an access token that is good for nothing.
pub(super) async fn exchange<C: Clock, R: Random>(
    State(provider): Shared<C, R>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !provider.is_our_client(&headers) {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    match provider.grant(&body) {
        Ok(grant) => provider.answer(&grant),
        Err(error) => refuse(StatusCode::BAD_REQUEST, error),
    }
}

fn refuse(status: StatusCode, error: &'static str) -> Response {
    answer_json(status, &json!({ "error": error }))
}

impl<C: Clock, R: Random> DevProvider<C, R> {
    /// Checks name and secret in the `Authorization` header. Both consist of characters that form-encoding (RFC 6749
    /// §2.3.1) leaves alone.
    fn is_our_client(&self, headers: &HeaderMap) -> bool {
        let expected = format!("{CLIENT_ID}:{}", self.client_secret);
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Basic ")).and_then(|value| STANDARD.decode(value).ok());
        given.is_some_and(|given| given.ct_eq(expected.as_bytes()).into())
    }

    fn grant(&self, body: &[u8]) -> Result<Grant, &'static str> {
        let parameters = parameters(body).ok_or("invalid_request")?;
        let get = |name| find(&parameters, name);
        if get("grant_type") != Some("authorization_code") {
            return Err("unsupported_grant_type");
        }
        let (Some(code), Some(verifier)) = (get("code"), get("code_verifier")) else { return Err("invalid_request") };
        let grant = self.codes().redeem(code, self.clock.now().seconds()).ok_or("invalid_grant")?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        let proven = bool::from(challenge.as_bytes().ct_eq(grant.challenge.as_bytes()));
        if proven && get("redirect_uri") == Some(&self.callback()) { Ok(grant) } else { Err("invalid_grant") }
    }

    fn answer(&self, grant: &Grant) -> Response {
        let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::EdDSA) };
        match jsonwebtoken::encode(&header, &self.claims(grant), &self.key) {
            Ok(id_token) => {
                let access_token = secret(&self.random);
                let answer = json!({
                    "access_token": access_token,
                    "token_type": "Bearer",
                    "expires_in": LIFETIME,
                    "id_token": id_token,
                });
                answer_json(StatusCode::OK, &answer)
            }
            Err(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        }
    }

    fn claims(&self, grant: &Grant) -> Value {
        let now = self.clock.now().seconds();
        let address = grant.email.as_str();
        // A subject is no address, here as elsewhere, and stays the same after a restart.
        let subject = URL_SAFE_NO_PAD.encode(Sha256::digest(address));
        let mut claims = json!({
            "iss": self.issuer(),
            "sub": subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now.plus(LIFETIME),
            "auth_time": grant.at,
            "email": address,
            "email_verified": true,
            "name": address.split('@').next(),
        });
        if let Some(nonce) = &grant.nonce {
            claims["nonce"] = nonce.as_str().into();
        }
        claims
    }
}
