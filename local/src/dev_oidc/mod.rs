//! The development identity provider: lets anybody in, so that the gateway can be tried out without any other service.
//!
//! In scope: as much of an OpenID provider as one relying party needs (authorization code with PKCE, RP-initiated
//! logout), so that a development sign-in takes the same path as a real one. Out of scope: passwords, consent, sessions.
//! It is made on loopback only, and answers only where the `Host` is the gateway's own, because a page from elsewhere
//! could otherwise reach it by DNS rebinding.

mod authorize;
mod codes;
mod token;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway_core::ports::{Clock, Random};
use gateway_core::signin::{SigninConfig, is_loopback};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderMap, StatusCode, Uri};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use codes::Codes;

/// Our one client's name.
const CLIENT_ID: &str = "llm-gateway";

/// The signing key's id. There is one key for as long as the process runs.
const KEY_ID: &str = "development";

/// What comes before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 §7).
const PKCS8_PREFIX: [u8; 16] = [0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// An identity provider that believes everybody.
pub(crate) struct DevProvider<C, R> {
    clock: C,
    random: R,
    origin: Url,
    client_secret: String,
    key: EncodingKey,
    public_key: Value,
    codes: Mutex<Codes>,
}

/// Why there is no development provider.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DevProviderError {
    /// Others than the person at this machine could reach it.
    #[error("without signin.issuer, server.public_url must be http on loopback")]
    NotLoopback,
    /// The library refused a key that it should take.
    #[error("no signing key could be made")]
    Key(#[from] jsonwebtoken::errors::Error),
}

impl<C: Clock, R: Random> DevProvider<C, R> {
    /// Makes a provider with a signing key and a client secret of its own, for a gateway under `public_url`.
    ///
    /// # Errors
    ///
    /// [`DevProviderError::NotLoopback`] unless `public_url` is http on loopback.
    pub(crate) fn new(public_url: &Url, clock: C, random: R) -> Result<Self, DevProviderError> {
        if public_url.scheme() != "http" || !is_loopback(public_url) {
            return Err(DevProviderError::NotLoopback);
        }
        let key = EncodingKey::from_ed_der(&[&PKCS8_PREFIX[..], &random.bytes::<32>()].concat());
        let mut public_key = json!(Jwk::from_encoding_key(&key, Algorithm::EdDSA)?);
        public_key["kid"] = KEY_ID.into();
        public_key["use"] = "sig".into();
        let mut origin = public_url.clone();
        origin.set_path("/");
        origin.set_query(None);
        origin.set_fragment(None);
        let client_secret = secret(&random);
        Ok(Self { clock, random, origin, client_secret, key, public_key, codes: Mutex::default() })
    }

    /// Returns the configuration that makes the gateway use this provider.
    pub(crate) fn signin_config(&self) -> SigninConfig {
        SigninConfig {
            issuer: Some(self.issuer()),
            client_id: CLIENT_ID.to_owned(),
            client_secret: Some(self.client_secret.clone().into()),
            allow_anyone: true,
            ..SigninConfig::default()
        }
    }

    /// Returns the routes, all under `/dev/oidc`.
    pub(crate) fn router(self) -> Router {
        let provider = Arc::new(self);
        Router::new()
            .route("/dev/oidc/.well-known/openid-configuration", get(discovery))
            .route("/dev/oidc/jwks", get(keys))
            .route("/dev/oidc/authorize", get(authorize::show).post(authorize::submit))
            .route("/dev/oidc/token", post(token::exchange))
            .route("/dev/oidc/end_session", get(end_session))
            .layer(middleware::from_fn_with_state(Arc::clone(&provider), only_own_host))
            .with_state(provider)
    }

    fn issuer(&self) -> String {
        self.at("/dev/oidc")
    }

    /// Returns the one place that browsers are sent back to.
    fn callback(&self) -> String {
        self.at("/oauth2/callback")
    }

    fn at(&self, path: &str) -> String {
        let mut url = self.origin.clone();
        url.set_path(path);
        url.into()
    }

    fn codes(&self) -> std::sync::MutexGuard<'_, Codes> {
        // Nothing panics while it is held.
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Shared<C, R> = State<Arc<DevProvider<C, R>>>;

async fn discovery<C: Clock, R: Random>(State(provider): Shared<C, R>) -> Response {
    let at = |path: &str| provider.at(&format!("/dev/oidc{path}"));
    let document = json!({
        "issuer": provider.issuer(),
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"),
        "end_session_endpoint": at("/end_session"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "email", "profile"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    answer_json(StatusCode::OK, &document)
}

async fn keys<C: Clock, R: Random>(State(provider): Shared<C, R>) -> Response {
    answer_json(StatusCode::OK, &json!({"keys": [provider.public_key]}))
}

/// Sends the browser back to the gateway. There is no session to end: the form asks anew each time.
async fn end_session<C: Clock, R: Random>(State(provider): Shared<C, R>, uri: Uri) -> Response {
    match parameters(uri.query().unwrap_or_default().as_bytes()) {
        Some(asked) if find(&asked, "post_logout_redirect_uri") == Some(provider.origin.as_str()) => {
            redirect(provider.origin.as_str())
        }
        _ => (StatusCode::BAD_REQUEST, "post_logout_redirect_uri is not this gateway's").into_response(),
    }
}

async fn only_own_host<C: Clock, R: Random>(State(provider): Shared<C, R>, request: Request, next: Next) -> Response {
    let own = provider.origin.authority();
    if is_for(request.uri(), request.headers(), own) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "the development sign-in answers under the gateway's public url only")
            .into_response()
    }
}

/// Says whether a request names the authority, and no other, in its target (HTTP/2, or absolute form) or its `Host`.
fn is_for(uri: &Uri, headers: &HeaderMap, own: &str) -> bool {
    let target = uri.authority().map(|authority| authority.as_str().as_bytes());
    let hosts = headers.get_all(HOST).into_iter().map(http::HeaderValue::as_bytes);
    let mut named = target.into_iter().chain(hosts).peekable();
    named.peek().is_some() && named.all(|name| name.eq_ignore_ascii_case(own.as_bytes()))
}

/// Parses a query or a form; `None` if a parameter is there twice (RFC 6749 §3.1).
fn parameters(text: &[u8]) -> Option<Vec<(String, String)>> {
    let parsed: Vec<(String, String)> = form_urlencoded::parse(text).into_owned().collect();
    let repeated = parsed.iter().enumerate().any(|(index, (name, _))| find(&parsed[..index], name).is_some());
    (!repeated).then_some(parsed)
}

fn find<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
}

/// Makes 256 random bits, written as 43 characters that need no escaping.
fn secret(random: &impl Random) -> String {
    URL_SAFE_NO_PAD.encode(random.bytes::<32>())
}

fn answer_json(status: StatusCode, value: &Value) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (status, headers, Body::from(value.to_string())).into_response()
}

/// Sends a browser on with GET, whatever it came with.
fn redirect(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, to), (CACHE_CONTROL, "no-store")]).into_response()
}

#[cfg(test)]
mod tests;
