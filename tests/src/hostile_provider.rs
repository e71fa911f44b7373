use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What comes before the seed in an Ed25519 private key (RFC 8410 §7).
const ED25519: [u8; 16] = [0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// An identity provider that answers what a test wants. It is honest until it is told otherwise.
#[derive(Debug)]
pub struct HostileProvider {
    issuer: String,
    seed: [u8; 32],
    state: Arc<Mutex<State>>,
}

/// What the provider answers to a path.
#[derive(Debug, Clone)]
pub enum Reply {
    /// This JSON.
    Json(String),
    /// Go there, with the same request (RFC 9110 §15.4.8).
    Redirect(String),
    /// Nothing, ever.
    Silence,
}

#[derive(Debug, Default)]
struct State {
    replies: HashMap<String, Reply>,
    asked: Vec<String>,
}

impl HostileProvider {
    /// Starts a provider in this process, with a new key. It ends with the test's runtime.
    ///
    /// # Panics
    ///
    /// If there is no port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let issuer = format!("http://localhost:{}", listener.local_addr().expect("it is bound").port());
        let mut seed = [0; 32];
        #[expect(clippy::disallowed_methods, reason = "a key that no test can know beforehand")]
        getrandom::fill(&mut seed).expect("the operating system has randomness");
        let provider = Self { issuer, seed, state: Arc::default() };
        provider.reply("/.well-known/openid-configuration", Reply::Json(provider.document().to_string()));
        provider.reply("/jwks", Reply::Json(json!({"keys": [provider.public_key()]}).to_string()));
        tokio::spawn(serve(listener, Arc::clone(&provider.state)));
        provider
    }

    /// Returns the issuer identifier.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Answers a path with this from now on.
    pub fn reply(&self, path: &str, reply: Reply) {
        lock(&self.state).replies.insert(path.to_owned(), reply);
    }

    /// Answers codes with this ID token from now on.
    pub fn grant(&self, id_token: &str) {
        let answer = json!({"access_token": "opaque", "token_type": "Bearer", "id_token": id_token});
        self.reply("/token", Reply::Json(answer.to_string()));
    }

    /// Returns how often a path was asked for.
    #[must_use]
    pub fn asked(&self, path: &str) -> usize {
        lock(&self.state).asked.iter().filter(|asked| *asked == path).count()
    }

    /// Returns an honest discovery document, but for two algorithms that it should not list.
    #[must_use]
    pub fn document(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "jwks_uri": at("/jwks"),
            "id_token_signing_alg_values_supported": ["EdDSA", "RS256", "HS256", "none"],
        })
    }

    /// Returns the claims of an honest ID token.
    ///
    /// # Panics
    ///
    /// If the clock stands before 1970.
    #[must_use]
    pub fn claims(&self, nonce: &str) -> Value {
        let now = now();
        json!({
            "iss": self.issuer, "sub": "ann", "aud": "gateway", "iat": now, "exp": now + 300, "nonce": nonce,
            "email": "ann@example.com", "email_verified": true,
        })
    }

    /// Returns the public key (RFC 8037 §2).
    ///
    /// # Panics
    ///
    /// If the library has no Ed25519.
    #[must_use]
    pub fn public_key(&self) -> Value {
        let key = Jwk::from_encoding_key(&self.key(), Algorithm::EdDSA).expect("32 bytes are a key");
        let mut key = serde_json::to_value(key).expect("a key has a JSON form");
        key["kid"] = "k1".into();
        key
    }

    /// Signs an ID token; `header` stands instead of the honest one, where it says something.
    ///
    /// # Panics
    ///
    /// If the library has no Ed25519.
    #[must_use]
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = message(&merged(json!({"alg": "EdDSA", "typ": "JWT", "kid": "k1"}), header), claims);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key(), Algorithm::EdDSA);
        format!("{message}.{}", signature.expect("32 bytes are a key"))
    }

    /// Makes an ID token that nobody has signed (RFC 7519 §6).
    #[must_use]
    pub fn unsigned(claims: &Value) -> String {
        format!("{}.", message(&json!({"alg": "none", "typ": "JWT"}), claims))
    }

    /// Makes an ID token whose "signature" anybody can make who has the secret.
    ///
    /// # Panics
    ///
    /// If the library has no HMAC.
    #[must_use]
    pub fn authenticated(secret: &[u8], claims: &Value) -> String {
        let message = message(&json!({"alg": "HS256", "typ": "JWT", "kid": "k1"}), claims);
        let key = EncodingKey::from_secret(secret);
        let code = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
        format!("{message}.{}", code.expect("any bytes are a secret"))
    }

    fn key(&self) -> EncodingKey {
        EncodingKey::from_ed_der(&[&ED25519[..], &self.seed].concat())
    }
}

/// Returns `base` with the members of `changes`; `null` takes one away.
///
/// # Panics
///
/// If `changes` is no object.
#[must_use]
pub fn merged(mut base: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().expect("changes have names") {
        base[name] = value.clone();
    }
    if let Some(members) = base.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    base
}

/// Returns the time, in seconds.
///
/// # Panics
///
/// If the clock stands before 1970.
#[must_use]
pub fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the gateway under test looks at the same clock")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).expect("it is past 1970").as_secs()
}

fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let service = service_fn(move |request| answer(Arc::clone(&state), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    // What is left unread has the connection closed, and a request that comes on it meanwhile is lost.
    let _ = request.into_body().collect().await;
    let reply = {
        let mut state = lock(&state);
        state.asked.push(path.clone());
        state.replies.get(&path).cloned()
    };
    let builder = Response::builder().header("content-type", "application/json");
    let response = match reply {
        Some(Reply::Json(json)) => builder.body(Full::from(json)),
        Some(Reply::Redirect(to)) => builder.status(307).header("location", to).body(Full::default()),
        Some(Reply::Silence) => std::future::pending().await,
        None => builder.status(404).body(Full::default()),
    };
    Ok(response.expect("tests write addresses that can be sent"))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
