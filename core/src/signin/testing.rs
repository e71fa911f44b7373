//! An identity provider that says what a test wants, and a world around it in which nothing happens by itself.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::COOKIE;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use url::Url;

use super::{CallbackError, CallbackQuery, RelyingParty, SignedIn, SigninConfig, StartRequest, Surroundings};
use crate::ports::{Body, Clock, Http, HttpError, OneTime, Random, Unavailable};
use crate::session::Cookies;
use crate::time::{Millis, Timestamp};

pub(crate) const ISSUER: &str = "https://id.example";
pub(super) const ACCESS_TOKEN: &str = "an-access-token";
const START: i64 = 1_700_000_000_000;

/// Runs a future that waits for nothing.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing in a test's world waits")
}

/// Everything around a relying party.
pub(super) struct World {
    pub(super) party: RelyingParty,
    pub(super) provider: FakeProvider,
    clock: FakeClock,
    random: Counter,
    store: FakeStore,
}

/// What a browser took away from the start of a sign-in.
pub(super) struct Browser {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) cookie: String,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(SigninConfig { allowed_domains: vec!["example.com".to_owned()], ..Self::config() })
    }

    pub(super) fn config() -> SigninConfig {
        SigninConfig {
            issuer: Some(ISSUER.to_owned()),
            client_id: "gateway".to_owned(),
            client_secret: Some("s3cret/+".into()),
            ..SigninConfig::default()
        }
    }

    pub(super) fn with(config: SigninConfig) -> Self {
        let public_url = Url::parse("https://gateway.example").unwrap();
        let world = Self {
            party: RelyingParty::new(config, public_url, Duration::from_secs(1)).unwrap(),
            provider: FakeProvider::default(),
            clock: FakeClock(Arc::new(AtomicI64::new(START))),
            random: Counter::default(),
            store: FakeStore::default(),
        };
        world.provider.describe(&json!({}));
        world.provider.publish(&[SigningKey::ed("k1").jwk()]);
        world
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now().seconds()
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(super) fn kept(&self) -> String {
        format!(
            "{:?}",
            self.store.0.lock().unwrap().kept.iter().map(|(k, (v, _))| format!("{k} {v}")).collect::<Vec<_>>()
        )
        .replace('\\', "")
    }

    pub(super) fn break_store(&self) {
        self.store.0.lock().unwrap().broken = true;
    }

    pub(super) fn begin(&self) -> Browser {
        let cookies = Cookies::default();
        let request = StartRequest { return_to: Some("/usage"), cookies: &cookies, login_again: false };
        let started = block_on(self.party.start(self, &request)).unwrap();
        let query: HashMap<_, _> = started.location.query_pairs().into_owned().collect();
        let cookie = started.set_cookies[0].to_str().unwrap().split(';').next().unwrap().to_owned();
        Browser { state: query["state"].clone(), nonce: query["nonce"].clone(), cookie }
    }

    /// The claims of a good ID token.
    pub(super) fn claims(&self, nonce: &str) -> Value {
        json!({
            "iss": ISSUER, "sub": "ann", "aud": "gateway", "exp": self.now().0 + 300, "iat": self.now().0,
            "nonce": nonce, "email": "Ann@example.com", "email_verified": true,
        })
    }

    /// Makes the provider answer codes with this ID token.
    pub(super) fn answer(&self, id_token: &str) {
        let answer = json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": id_token});
        self.provider.set("/token", Answer::Json(200, answer.to_string()));
    }

    pub(super) fn come_back(&self, browser: &Browser, query: &str) -> Result<SignedIn, CallbackError> {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, browser.cookie.parse().unwrap());
        let query = CallbackQuery::parse(query)?;
        block_on(self.party.finish(self, &query, &Cookies::of(&headers)))
    }

    /// Signs in with these claims instead of the good ones.
    pub(super) fn sign_in(&self, changes: &Value) -> Result<SignedIn, CallbackError> {
        let browser = self.begin();
        let claims = merged(self.claims(&browser.nonce), changes);
        self.answer(&SigningKey::ed("k1").sign(&claims));
        self.come_back(&browser, &format!("code=c&state={}", browser.state))
    }
}

/// Returns `base` with the members of `changes`; `null` takes one away.
pub(crate) fn merged(mut base: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(name);
        } else {
            base[name] = value.clone();
        }
    }
    base
}

impl Surroundings for World {
    type Http = FakeProvider;
    type Clock = FakeClock;
    type Random = Counter;
    type OneTime = FakeStore;

    fn http(&self) -> &FakeProvider {
        &self.provider
    }

    fn clock(&self) -> &FakeClock {
        &self.clock
    }

    fn random(&self) -> &Counter {
        &self.random
    }

    fn one_time(&self) -> &FakeStore {
        &self.store
    }
}

/// Stands still, but for who sleeps and for [`World::advance`].
#[derive(Clone)]
pub(super) struct FakeClock(Arc<AtomicI64>);

impl FakeClock {
    fn advance(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::Relaxed))
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }
}

/// Counts.
#[derive(Clone, Default)]
pub(super) struct Counter(Arc<AtomicU64>);

impl Random for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        bytes.fill(0xA5);
        bytes[..8].copy_from_slice(&count.to_be_bytes());
    }
}

#[derive(Clone, Default)]
pub(super) struct FakeStore(Arc<Mutex<StoreState>>);

#[derive(Default)]
struct StoreState {
    kept: HashMap<String, (String, Timestamp)>,
    broken: bool,
}

impl OneTime for FakeStore {
    async fn keep(
        &self,
        kind: &str,
        id: &str,
        value: &str,
        _: Timestamp,
        expiry: Timestamp,
    ) -> Result<bool, Unavailable> {
        let mut state = self.0.lock().unwrap();
        if state.broken {
            return Err(Unavailable::timed_out("hot state"));
        }
        Ok(state.kept.insert(format!("{kind}:{id}"), (value.to_owned(), expiry)).is_none())
    }

    async fn redeem(&self, kind: &str, id: &str, now: Timestamp) -> Result<Option<String>, Unavailable> {
        let mut state = self.0.lock().unwrap();
        if state.broken {
            return Err(Unavailable::timed_out("hot state"));
        }
        let value = state.kept.remove(&format!("{kind}:{id}"));
        Ok(value.filter(|(_, expiry)| now < *expiry).map(|(value, _)| value))
    }
}

/// What the provider does with a request for a path.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Answers with this status and this JSON.
    Json(u16, String),
    /// Redirects to there.
    Redirect(&'static str),
    /// Says nothing, ever.
    Silence,
    /// Sends a head, and never the body.
    HeadOnly,
    /// Is not there.
    Unreachable,
}

#[derive(Clone, Default)]
pub(crate) struct FakeProvider(Arc<Mutex<ProviderState>>);

#[derive(Default)]
struct ProviderState {
    answers: HashMap<String, Answer>,
    requests: Vec<Request<Bytes>>,
}

impl FakeProvider {
    pub(crate) fn set(&self, path: &str, answer: Answer) {
        self.0.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    pub(crate) fn describe(&self, changes: &Value) {
        let document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/authorize"),
            "token_endpoint": format!("{ISSUER}/token"),
            "jwks_uri": format!("{ISSUER}/jwks"),
            "end_session_endpoint": format!("{ISSUER}/end"),
            "id_token_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA", "HS256", "none"],
        });
        let document = merged(document, changes).to_string();
        self.set("/.well-known/openid-configuration", Answer::Json(200, document));
    }

    pub(crate) fn publish(&self, keys: &[Value]) {
        self.set("/jwks", Answer::Json(200, json!({ "keys": keys }).to_string()));
    }

    /// How often the path was asked for.
    pub(super) fn count(&self, path: &str) -> usize {
        self.0.lock().unwrap().requests.iter().filter(|request| request.uri().path() == path).count()
    }

    pub(super) fn last(&self, path: &str) -> Request<Bytes> {
        let state = self.0.lock().unwrap();
        state.requests.iter().rfind(|request| request.uri().path() == path).unwrap().clone()
    }
}

impl Http for FakeProvider {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, HttpError> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let answer = {
            let mut state = self.0.lock().unwrap();
            let answer = state.answers.get(parts.uri.path()).cloned().unwrap_or(Answer::Json(404, "{}".to_owned()));
            state.requests.push(Request::from_parts(parts, body));
            answer
        };
        let response = Response::builder().header("content-type", "application/json");
        match answer {
            Answer::Json(status, json) => Ok(response.status(status).body(Body::from(json)).unwrap()),
            Answer::Redirect(to) => Ok(response.status(302).header("location", to).body(Body::empty()).unwrap()),
            Answer::Silence => std::future::pending().await,
            Answer::HeadOnly => {
                let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
                Ok(response.body(Body::from_stream(never)).unwrap())
            }
            Answer::Unreachable => Err(HttpError::Unreachable("connection refused".into())),
        }
    }
}

/// A private key of the provider, made from a fixed seed.
pub(crate) struct SigningKey {
    pub(super) id: String,
    pub(super) algorithm: Algorithm,
    pub(super) key: EncodingKey,
}

impl SigningKey {
    pub(crate) fn ed(id: &str) -> Self {
        Self::ed_of(id, 7)
    }

    pub(super) fn ed_of(id: &str, seed: u8) -> Self {
        let prefix = [0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20];
        let der = [&prefix[..], &[seed; 32]].concat();
        Self { id: id.to_owned(), algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(&der) }
    }

    pub(super) fn ec(id: &str) -> Self {
        let prefix = [
            0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 6, 8, 0x2A, 0x86, 0x48, 0xCE,
            0x3D, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
        ];
        let der = [&prefix[..], &[9; 32]].concat();
        Self { id: id.to_owned(), algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(&der) }
    }

    pub(super) fn rsa(id: &str) -> Self {
        let key = EncodingKey::from_rsa_der(include_bytes!("testdata/rsa-2048.der"));
        Self { id: id.to_owned(), algorithm: Algorithm::RS256, key }
    }

    pub(crate) fn jwk(&self) -> Value {
        let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        merged(serde_json::to_value(jwk).unwrap(), &json!({"kid": self.id, "use": "sig", "alg": null}))
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({}), claims)
    }

    /// Signs with these members in the header instead of the good ones.
    pub(super) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let good = json!({"alg": format!("{:?}", self.algorithm), "typ": "JWT", "kid": self.id});
        self.sign_text(&merged(good, header).to_string(), &claims.to_string())
    }

    pub(super) fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

pub(super) fn rsa_jwk(id: &str, modulus: &str, exponent: &str) -> Value {
    json!({"kty": "RSA", "kid": id, "n": modulus, "e": exponent})
}
