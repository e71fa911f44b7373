use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use gateway_core::ports::{Http, HttpError, OneTime, Unavailable};
use gateway_core::session::Cookies;
use gateway_core::signin::{CallbackError, CallbackQuery, RelyingParty, SignedIn, StartRequest, Surroundings};
use gateway_core::time::{Millis, Timestamp};
use http::header::COOKIE;
use http::{HeaderValue, Request as HttpRequest};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;

const PUBLIC_URL: &str = "http://localhost:8080";

#[derive(Clone)]
struct FakeClock(Arc<AtomicI64>);

impl Clock for FakeClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::Relaxed))
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

#[derive(Clone, Default)]
struct Counter(Arc<AtomicU64>);

impl Random for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0x5A);
        bytes[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    }
}

type KeptFlows = HashMap<String, String>;

#[derive(Clone, Default)]
struct Flows(Arc<Mutex<KeptFlows>>);

impl OneTime for Flows {
    async fn keep(&self, _: &str, id: &str, value: &str, _: Timestamp, _: Timestamp) -> Result<bool, Unavailable> {
        Ok(self.0.lock().unwrap().insert(id.to_owned(), value.to_owned()).is_none())
    }

    async fn redeem(&self, _: &str, id: &str, _: Timestamp) -> Result<Option<String>, Unavailable> {
        Ok(self.0.lock().unwrap().remove(id))
    }
}

/// The provider, reached as the gateway reaches it, without a socket.
#[derive(Clone)]
struct Direct(Router);

impl Http for Direct {
    async fn send(&self, mut request: HttpRequest<Body>) -> Result<Response, HttpError> {
        let host = request.uri().authority().unwrap().as_str().parse().unwrap();
        request.headers_mut().insert(HOST, host);
        let answer: Result<_, Infallible> = self.0.clone().oneshot(request).await;
        Ok(answer.unwrap())
    }
}

/// A gateway beside its development provider, and a browser.
struct World {
    http: Direct,
    clock: FakeClock,
    random: Counter,
    flows: Flows,
    party: RelyingParty,
}

impl Surroundings for World {
    type Http = Direct;
    type Clock = FakeClock;
    type Random = Counter;
    type OneTime = Flows;

    fn http(&self) -> &Direct {
        &self.http
    }

    fn clock(&self) -> &FakeClock {
        &self.clock
    }

    fn random(&self) -> &Counter {
        &self.random
    }

    fn one_time(&self) -> &Flows {
        &self.flows
    }
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

impl World {
    fn new() -> Self {
        let public_url = Url::parse(PUBLIC_URL).unwrap();
        let (clock, random) = (FakeClock(Arc::new(AtomicI64::new(1_700_000_000_000))), Counter::default());
        let provider = DevProvider::new(&public_url, clock.clone(), random.clone()).unwrap();
        let party = RelyingParty::new(provider.signin_config(), public_url, Duration::from_secs(1)).unwrap();
        Self { http: Direct(provider.router()), clock, random, flows: Flows::default(), party }
    }

    fn advance(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    async fn send(&self, request: HttpRequest<Body>) -> (StatusCode, HeaderMap, String) {
        let (parts, body) = self.http.0.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&self, path: &str) -> (StatusCode, HeaderMap, String) {
        self.send(HttpRequest::get(path).header(HOST, "localhost:8080").body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, authorization: &str, form: String) -> (StatusCode, HeaderMap, String) {
        let request = HttpRequest::post(path).header(HOST, "localhost:8080").header("authorization", authorization);
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    /// Starts a sign-in; returns the query for the authorization endpoint, and the flow cookie.
    async fn start(&self) -> (String, HeaderValue) {
        let cookies = Cookies::default();
        let request = StartRequest { return_to: Some("/usage"), cookies: &cookies, login_again: false };
        let started = self.party.start(self, &request).await.unwrap();
        let cookie = started.set_cookies[0].to_str().unwrap().split(';').next().unwrap().parse().unwrap();
        (started.location.query().unwrap().to_owned(), cookie)
    }

    /// Fills in the form; returns where the browser is sent.
    async fn submit(&self, query: &str, email: &str) -> Url {
        let (status, headers, body) =
            self.post("/dev/oidc/authorize", "", format!("{query}&{}", form(&[("email", email)]))).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{body}");
        Url::parse(headers[LOCATION].to_str().unwrap()).unwrap()
    }

    async fn come_back(&self, url: &Url, cookie: &HeaderValue) -> Result<SignedIn, CallbackError> {
        let headers = HeaderMap::from_iter([(COOKIE, cookie.clone())]);
        let query = CallbackQuery::parse(url.query().unwrap())?;
        self.party.finish(self, &query, &Cookies::of(&headers)).await
    }
}

#[tokio::test]
async fn signs_in_whoever_is_typed() {
    let world = World::new();
    let (query, cookie) = world.start().await;
    let back = world.submit(&query, "Ann@example.com").await;
    assert_eq!(back.as_str().split('?').next(), Some("http://localhost:8080/oauth2/callback"));
    let signed_in = world.come_back(&back, &cookie).await.unwrap();
    assert_eq!(signed_in.account.issuer, "http://localhost:8080/dev/oidc");
    assert_eq!(signed_in.email.as_str(), "ann@example.com");
    assert_eq!(signed_in.name.as_deref(), Some("ann"));
    assert_eq!(signed_in.auth_time, Some(Timestamp(1_700_000_000)));
    assert_eq!(signed_in.return_path, "/usage");
}

#[tokio::test]
async fn tells_people_apart_by_subject() {
    let world = World::new();
    let mut subjects = Vec::new();
    for email in ["ann@example.com", "bob@example.com", "ANN@example.com"] {
        let (query, cookie) = world.start().await;
        let back = world.submit(&query, email).await;
        subjects.push(world.come_back(&back, &cookie).await.unwrap().account.subject);
    }
    assert_eq!(subjects[0], subjects[2]);
    assert_ne!(subjects[0], subjects[1]);
}

#[tokio::test]
async fn shows_one_form_that_says_what_it_is() {
    let world = World::new();
    let (query, _) = world.start().await;
    let (status, headers, body) = world.get(&format!("/dev/oidc/authorize?{query}")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.contains("lets anybody in"));
    assert!(body.contains(r#"name="email" type="email" value="admin@example.com""#));
    assert!(!body.contains("<script") && !body.contains("style=") && !body.contains('{'));
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
}

#[tokio::test]
async fn writes_parameters_as_text() {
    let world = World::new();
    let (query, _) = world.start().await;
    let hostile = form(&[("x", "\"><script>alert(1)</script>{fields}")]);
    let (_, _, body) = world.get(&format!("/dev/oidc/authorize?{query}&{hostile}")).await;
    assert!(body.contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;{fields}"));
    assert!(!body.contains("<script"));
}

#[tokio::test]
async fn answers_under_the_gateways_own_host_only() {
    let world = World::new();
    for host in ["evil.example", "localhost", "localhost:80", "127.0.0.1:8080", "localhost:8080.evil.example", ""] {
        let request = HttpRequest::get("/dev/oidc/jwks").header(HOST, host).body(Body::empty()).unwrap();
        assert_eq!(world.send(request).await.0, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    let none = HttpRequest::get("/dev/oidc/jwks").body(Body::empty()).unwrap();
    assert_eq!(world.send(none).await.0, StatusCode::MISDIRECTED_REQUEST);
    let two = HttpRequest::get("http://evil.example/dev/oidc/jwks").header(HOST, "localhost:8080");
    assert_eq!(world.send(two.body(Body::empty()).unwrap()).await.0, StatusCode::MISDIRECTED_REQUEST);
    let upper = HttpRequest::get("/dev/oidc/jwks").header(HOST, "LOCALHOST:8080").body(Body::empty()).unwrap();
    assert_eq!(world.send(upper).await.0, StatusCode::OK);
}

#[test]
fn is_made_on_loopback_only() {
    let clock = FakeClock(Arc::new(AtomicI64::new(0)));
    for url in
        ["https://gateway.example", "http://gateway.example", "http://localhost.evil.example", "https://localhost"]
    {
        let made = DevProvider::new(&Url::parse(url).unwrap(), clock.clone(), Counter::default());
        assert!(matches!(made, Err(DevProviderError::NotLoopback)), "{url}");
    }
    for url in ["http://127.0.0.1:1", "http://[::1]:8080/", "http://localhost"] {
        assert!(DevProvider::new(&Url::parse(url).unwrap(), clock.clone(), Counter::default()).is_ok(), "{url}");
    }
}

#[tokio::test]
async fn sends_nobody_to_another_place() {
    let world = World::new();
    let (query, _) = world.start().await;
    let own = form(&[("redirect_uri", "http://localhost:8080/oauth2/callback")]);
    for other in [
        "http://evil.example/oauth2/callback",
        "http://localhost:8080/oauth2/callback/",
        "http://localhost:8080/oauth2/callback?a=b",
        "http://localhost:8080@evil.example/oauth2/callback",
        "http://LOCALHOST:8080/oauth2/callback",
    ] {
        let query = query.replace(&own, &form(&[("redirect_uri", other)]));
        let (status, headers, _) = world.get(&format!("/dev/oidc/authorize?{query}")).await;
        assert_eq!((status, headers.get(LOCATION)), (StatusCode::BAD_REQUEST, None), "{other}");
        let (status, headers, _) = world.post("/dev/oidc/authorize", "", format!("{query}&email=a%40b.example")).await;
        assert_eq!((status, headers.get(LOCATION)), (StatusCode::BAD_REQUEST, None), "{other}");
    }
    for extra in ["client_id=llm-gateway", "redirect_uri=http://evil.example"] {
        let (status, _, _) = world.get(&format!("/dev/oidc/authorize?{query}&{extra}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{extra}");
    }
}

#[tokio::test]
async fn tells_the_gateway_what_it_does_not_do() {
    let world = World::new();
    let (query, cookie) = world.start().await;
    for (from, to, error) in [
        ("response_type=code", "response_type=token", "unsupported_response_type"),
        ("scope=openid+email+profile", "scope=email", "invalid_scope"),
        ("code_challenge_method=S256", "code_challenge_method=plain", "invalid_request"),
        ("nonce=", "prompt=none&nonce=", "login_required"),
    ] {
        let changed = query.replace(from, to);
        assert_ne!(changed, query);
        let (_, headers, _) = world.get(&format!("/dev/oidc/authorize?{changed}")).await;
        let back = Url::parse(headers[LOCATION].to_str().unwrap()).unwrap();
        assert!(back.query_pairs().any(|(name, value)| name == "error" && value == error), "{back}");
        assert!(world.come_back(&back, &cookie).await.is_err());
    }
}

#[tokio::test]
async fn asks_again_for_an_address_that_is_none() {
    let world = World::new();
    let (query, _) = world.start().await;
    let (status, _, body) = world.post("/dev/oidc/authorize", "", format!("{query}&email=ann")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains(r#"role="alert""#) && body.contains(r#"name="state""#));
}

/// Everything a code exchange needs, right.
async fn exchange_of(world: &World) -> (String, Vec<(&'static str, String)>) {
    let verifier = "v".repeat(43);
    let challenge = URL_SAFE_NO_PAD.encode(<sha2::Sha256 as sha2::Digest>::digest(&verifier));
    let query = form(&[
        ("client_id", CLIENT_ID),
        ("redirect_uri", "http://localhost:8080/oauth2/callback"),
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let back = world.submit(&query, "ann@example.com").await;
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    // The provider draws its key first and its secret second.
    let mut secret = [0x5A; 32];
    secret[..8].copy_from_slice(&1_u64.to_be_bytes());
    let credential = format!("{CLIENT_ID}:{}", URL_SAFE_NO_PAD.encode(secret));
    let authorization = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(credential));
    let form = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", code),
        ("redirect_uri", "http://localhost:8080/oauth2/callback".to_owned()),
        ("code_verifier", verifier),
    ];
    (authorization, form)
}

fn encoded(pairs: &[(&str, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[tokio::test]
async fn redeems_a_code_once() {
    let world = World::new();
    let (authorization, form) = exchange_of(&world).await;
    assert_eq!(world.post("/dev/oidc/token", &authorization, encoded(&form)).await.0, StatusCode::OK);
    let (status, _, body) = world.post("/dev/oidc/token", &authorization, encoded(&form)).await;
    assert_eq!((status, body.as_str()), (StatusCode::BAD_REQUEST, r#"{"error":"invalid_grant"}"#));
}

#[tokio::test]
async fn redeems_no_code_after_a_minute() {
    let world = World::new();
    let (authorization, form) = exchange_of(&world).await;
    world.advance(60);
    assert_eq!(world.post("/dev/oidc/token", &authorization, encoded(&form)).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn redeems_no_code_for_another_verifier_place_or_grant() {
    let world = World::new();
    for (name, value, error) in [
        ("code_verifier", "w".repeat(43), "invalid_grant"),
        ("redirect_uri", "http://evil.example".to_owned(), "invalid_grant"),
        ("code", "other".to_owned(), "invalid_grant"),
        ("grant_type", "password".to_owned(), "unsupported_grant_type"),
    ] {
        let (authorization, mut form) = exchange_of(&world).await;
        form.iter_mut().find(|(held, _)| *held == name).unwrap().1 = value;
        let (status, _, body) = world.post("/dev/oidc/token", &authorization, encoded(&form)).await;
        assert_eq!((status, body), (StatusCode::BAD_REQUEST, format!(r#"{{"error":"{error}"}}"#)), "{name}");
    }
    let (authorization, form) = exchange_of(&world).await;
    let (status, _, _) = world.post("/dev/oidc/token", &authorization, encoded(&form[..3])).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn serves_nobody_without_the_secret() {
    let world = World::new();
    let (authorization, form) = exchange_of(&world).await;
    let wrong = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("llm-gateway:"));
    for other in ["", "Basic ", &wrong, &authorization.replace("Basic", "Bearer")] {
        let (status, _, body) = world.post("/dev/oidc/token", other, encoded(&form)).await;
        assert_eq!((status, body.as_str()), (StatusCode::UNAUTHORIZED, r#"{"error":"invalid_client"}"#), "{other}");
    }
    assert_eq!(world.post("/dev/oidc/token", &authorization, encoded(&form)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn signs_out_to_the_gateway_only() {
    let world = World::new();
    let url = world.party.sign_out_url(&world).await.unwrap();
    let (status, headers, _) = world.get(&url[url::Position::BeforePath..]).await;
    assert_eq!((status, headers[LOCATION].to_str().unwrap()), (StatusCode::SEE_OTHER, "http://localhost:8080/"));
    let elsewhere = form(&[("post_logout_redirect_uri", "http://evil.example/")]);
    assert_eq!(world.get(&format!("/dev/oidc/end_session?{elsewhere}")).await.0, StatusCode::BAD_REQUEST);
}
