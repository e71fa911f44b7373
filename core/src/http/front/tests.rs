//! The front and the control plane together, on stores that fail when they are told to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{Front, front_router};
use crate::config::Config;
use crate::conformance::faulty::{Fault, Faults, FaultyHot};
use crate::conformance::host::{FixedClock, SeededRandom};
use crate::conformance::memory_hot::MemoryHot;
use crate::conformance::memory_records::MemoryRecords;
use crate::control::{Actor, Authority, Control, MintRequest, SignInOutcome, SignInRecord, Via};
use crate::http::{Gate, ROUTES, control_router};
use crate::id::{TokenId, UserId};
use crate::identity::Email;
use crate::ports::{
    Background, ControlPlane, Http, HttpError, Platform, Sessions as _, Tokens as _, Unavailable, Usage as _, Vars,
};
use crate::session::{SESSION_COOKIE, Session, Ticket};
use crate::time::{Millis, Timestamp};
use crate::token::KeySet;
use crate::version::Generation;

const NOW: Timestamp = Timestamp(1_800_000_000);

#[derive(Clone)]
struct World {
    hot: FaultyHot<MemoryHot>,
    hot_faults: Faults,
    records: MemoryRecords,
    record_faults: Faults,
    clock: FixedClock,
    random: SeededRandom,
    background: Tasks,
    router: Option<Router>,
}

/// Tasks that run when the test says so.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<futures_util::future::BoxFuture<'static, ()>>>>);

impl Background for Tasks {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.lock().unwrap().push(Box::pin(task));
    }
}

impl Tasks {
    async fn run(&self) {
        loop {
            let tasks = std::mem::take(&mut *self.0.lock().unwrap());
            if tasks.is_empty() {
                return;
            }
            futures_util::future::join_all(tasks).await;
        }
    }
}

#[derive(Clone)]
struct NoHttp;

impl Http for NoHttp {
    async fn send(&self, _: Request<Body>) -> Result<http::Response<Body>, HttpError> {
        Err(HttpError::Timeout)
    }
}

#[derive(Clone)]
struct Near(Router);

impl ControlPlane for Near {
    async fn call(&self, actor: &Actor, request: Request<Bytes>) -> Result<http::Response<Bytes>, Unavailable> {
        let mut request = request.map(Body::from);
        request.extensions_mut().insert(actor.clone());
        let (parts, body) = self.0.clone().oneshot(request).await.unwrap().into_parts();
        Ok(http::Response::from_parts(parts, to_bytes(body, usize::MAX).await.unwrap()))
    }
}

#[derive(Clone)]
struct TestAuthority(World);

impl Authority for TestAuthority {
    type Records = MemoryRecords;
    type Hot = FaultyHot<MemoryHot>;
    type Clock = FixedClock;
    type Random = SeededRandom;

    fn records(&self) -> &MemoryRecords {
        &self.0.records
    }
    fn hot(&self) -> &Self::Hot {
        &self.0.hot
    }
    fn clock(&self) -> &FixedClock {
        &self.0.clock
    }
    fn random(&self) -> &SeededRandom {
        &self.0.random
    }
}

#[derive(Clone)]
struct TestPlatform {
    world: World,
    control: Near,
}

impl Platform for TestPlatform {
    type Hot = FaultyHot<MemoryHot>;
    type Clock = FixedClock;
    type Random = SeededRandom;
    type Http = NoHttp;
    type Background = Tasks;
    type Control = Near;

    fn hot(&self) -> &Self::Hot {
        &self.world.hot
    }
    fn clock(&self) -> &FixedClock {
        &self.world.clock
    }
    fn random(&self) -> &SeededRandom {
        &self.world.random
    }
    fn http(&self) -> &NoHttp {
        &NoHttp
    }
    fn background(&self) -> &Tasks {
        &self.world.background
    }
    fn control(&self) -> &Near {
        &self.control
    }
}

struct NoVars;

impl Vars for NoVars {
    fn with_prefix(&self, _: &str) -> Vec<(String, String)> {
        Vec::new()
    }
    fn var(&self, _: &str) -> Option<String> {
        None
    }
}

/// Somebody who has signed in and minted a token.
struct Person {
    user: UserId,
    cookie: String,
    token: String,
    token_id: TokenId,
}

fn front_actor() -> Actor {
    Actor { via: Via::Front, request: String::new(), address: String::new(), user_agent: String::new() }
}

impl World {
    fn new() -> (Self, Control<TestAuthority>) {
        let (hot_faults, record_faults) = (Faults::default(), Faults::default());
        let world = Self {
            hot: FaultyHot::new(MemoryHot::new(Generation(7)), hot_faults.clone()),
            hot_faults,
            records: MemoryRecords::new(record_faults.clone()),
            record_faults,
            clock: FixedClock::at(Millis(NOW.0 * 1000)),
            random: SeededRandom::default(),
            background: Tasks::default(),
            router: None,
        };
        let seed = |first: u8| std::array::from_fn(|index| first ^ u8::try_from(index * 7).unwrap());
        world.serve(KeySet::new(NOW, seed(1), seed(2)))
    }

    /// Puts a front and a control plane on this world's stores.
    fn serve(mut self, keys: KeySet) -> (Self, Control<TestAuthority>) {
        let document = "[signin]\nissuer = \"https://id.example\"\nclient_id = \"gw\"\nallow_anyone = true\n";
        let config = Arc::new(Config::load(document, &NoVars).unwrap());
        let public = keys.public().unwrap();
        let control = Control::new(TestAuthority(self.clone()), Arc::clone(&config), keys);
        let platform = TestPlatform { world: self.clone(), control: Near(control_router(control.clone())) };
        self.router = Some(front_router(Front::new(platform, config, public).unwrap()));
        (self, control)
    }

    async fn person(&self, control: &Control<TestAuthority>) -> Person {
        let email = Email::parse("ann@example.com").unwrap();
        let record = SignInRecord {
            issuer: "https://id.example".to_owned(),
            subject: "ann".to_owned(),
            email: email.clone(),
            name: None,
            groups: Vec::new(),
            authenticated_at: None,
        };
        let outcome = control.sign_in(&front_actor(), &record).await.unwrap();
        let SignInOutcome::Welcome { user, session_epoch: epoch } = outcome else { panic!("{outcome:?}") };
        let ticket = Ticket::new([9; 32]);
        let session = Session {
            ticket: ticket.hash(),
            user,
            email,
            created: NOW,
            last_seen: NOW,
            absolute_expiry: NOW.plus(86400),
            idle: 3600,
            epoch,
            idp_session: None,
            user_agent: String::new(),
            address: String::new(),
        };
        self.hot.open_session(&session).await.unwrap();
        let request = MintRequest { token_name: "laptop".to_owned(), expires_in: None, scopes: None };
        let minted = control.mint(&front_actor(), user, &request).await.unwrap();
        Person {
            user,
            cookie: format!("{SESSION_COOKIE}={}", ticket.expose()),
            token: secrecy::ExposeSecret::expose_secret(&minted.secret).to_owned(),
            token_id: minted.token.id,
        }
    }

    /// Asks, and lets the clock run out if nothing else answers.
    async fn ask(&self, request: Request<Body>) -> (StatusCode, http::HeaderMap, Value) {
        let router = self.router.clone().unwrap();
        let clock = self.clock.clone();
        let answer = tokio::select! {
            biased;
            answer = router.oneshot(request) => answer.unwrap(),
            () = async { loop { tokio::task::yield_now().await; clock.advance(Duration::from_millis(10)); } } => unreachable!(),
        };
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn call(&self, person: &Person) -> (StatusCode, http::HeaderMap, Value) {
        let body = json!({"model": "echo", "max_tokens": 9, "messages": [{"role": "user", "content": "ping"}]});
        let request =
            Self::request(Method::POST, "/v1/messages").header("authorization", format!("Bearer {}", person.token));
        self.ask(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn revoke(&self, person: &Person) -> (StatusCode, http::HeaderMap, Value) {
        let body = json!({"token_id": person.token_id});
        let request = Self::request(Method::POST, "/api/token/revoke").header("cookie", &person.cookie);
        let request = request.header("sec-fetch-site", "same-origin").header("content-type", "application/json");
        self.ask(request.body(Body::from(body.to_string())).unwrap()).await
    }

    fn request(method: Method, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(path).header("host", "localhost:8080")
    }

    /// Runs what waits in the background, the clock running with it, and returns what was charged and what is held.
    async fn settled(&self) -> (usize, i64) {
        let clock = self.clock.clone();
        tokio::select! {
            biased;
            () = self.background.run() => {}
            () = async { loop { tokio::task::yield_now().await; clock.advance(Duration::from_millis(10)); } } => {}
        }
        let (events, _) = self.hot.pending_usage(100).await.unwrap();
        (events.len(), events.iter().map(|event| event.settlement.cost.0).sum())
    }
}

/// "ping" is one token in and one out: 1,000 and 5,000 nanodollars.
const PING: i64 = 6000;

#[tokio::test]
async fn settles_one_event_for_each_call() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    assert_eq!(world.call(&ann).await.0, StatusCode::OK);
    assert_eq!(world.settled().await, (1, PING));
}

#[tokio::test]
async fn takes_an_answer_for_complete_when_its_last_byte_is_there() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    for (stream, frames) in [(false, 1), (true, 6)] {
        let body = json!({"model": "echo", "stream": stream, "messages": [{"role": "user", "content": "ping"}]});
        let request =
            World::request(Method::POST, "/v1/messages").header("authorization", format!("Bearer {}", ann.token));
        let request = request.body(Body::from(body.to_string())).unwrap();
        let mut answer = world.router.clone().unwrap().oneshot(request).await.unwrap().into_body();
        // As servers do: a body of known length is let go of with its last byte, a stream when it says that it ended.
        for _ in 0..frames {
            assert!(answer.frame().await.unwrap().is_ok());
        }
        if stream {
            assert!(answer.frame().await.is_none());
        }
        drop(answer);
        world.settled().await;
        let (events, through) = world.hot.pending_usage(1).await.unwrap();
        let settlement = &events[0].settlement;
        assert_eq!(
            (settlement.estimated, settlement.error, settlement.cost.0),
            (false, None, PING),
            "stream: {stream}"
        );
        world.hot.discard_usage(through).await.unwrap();
    }
}

#[tokio::test]
async fn charges_no_call_that_it_answered_503() {
    for fault in [Fault::Lost, Fault::Applied, Fault::Stalled] {
        let (world, control) = World::new();
        let ann = world.person(&control).await;
        world.hot_faults.fail_next(fault);
        let (status, headers, body) = world.call(&ann).await;
        assert_eq!(
            (status, &body["error"]["type"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!("api_error")),
            "{fault:?}"
        );
        assert_eq!(headers["retry-after"], "1");
        assert_eq!(world.settled().await, (0, 0), "{fault:?}");
        assert_eq!(control.sweep().await.unwrap(), 0);
        world.clock.advance(Duration::from_hours(2));
        assert_eq!(control.sweep().await.unwrap(), 0, "{fault:?}: no lease stays open");
    }
}

#[tokio::test]
async fn settles_until_the_store_has_taken_it() {
    for fault in [Fault::Lost, Fault::Applied, Fault::Stalled] {
        let (world, control) = World::new();
        let ann = world.person(&control).await;
        world.hot_faults.pass_next();
        world.hot_faults.fail_next(fault);
        world.hot_faults.fail_next(fault);
        assert_eq!(world.call(&ann).await.0, StatusCode::OK);
        assert_eq!(world.settled().await, (1, PING), "{fault:?}");
    }
}

#[tokio::test]
async fn settles_a_call_whose_client_left_before_it_was_answered() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    world.hot_faults.fail_next(Fault::Stalled);
    let mut call = Box::pin(world.call(&ann));
    let waker = std::task::Waker::noop();
    for _ in 0..3 {
        assert!(call.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    }
    drop(call);
    assert_eq!(world.settled().await, (0, 0));
    world.clock.advance(Duration::from_hours(2));
    assert_eq!(control.sweep().await.unwrap(), 0, "the lease was given up");
}

#[tokio::test]
async fn revokes_with_effect_or_says_that_it_did_not() {
    for fault in [Fault::Lost, Fault::Applied, Fault::Stalled] {
        let (world, control) = World::new();
        let ann = world.person(&control).await;
        assert_eq!(world.call(&ann).await.0, StatusCode::OK);
        // The session is read first, then the revocation is installed.
        world.hot_faults.pass_next();
        world.hot_faults.fail_next(fault);
        let (status, headers, body) = world.revoke(&ann).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{fault:?}");
        assert!(body["detail"].as_str().unwrap().contains("saved and is being applied"), "{body}");
        assert_eq!(headers["retry-after"], "1");
        assert_eq!(control.apply_outbox().await.unwrap(), 1, "{fault:?}");
        assert_eq!(control.apply_outbox().await.unwrap(), 0);
        assert_eq!(world.call(&ann).await.0, StatusCode::UNAUTHORIZED, "{fault:?}");
    }
}

#[tokio::test]
async fn promises_nothing_when_the_records_fail() {
    for fault in [Fault::Lost, Fault::Applied] {
        let (world, control) = World::new();
        let ann = world.person(&control).await;
        // The token is read, then written.
        world.record_faults.pass_next();
        world.record_faults.fail_next(fault);
        assert_eq!(world.revoke(&ann).await.0, StatusCode::SERVICE_UNAVAILABLE, "{fault:?}");
        assert_eq!(world.revoke(&ann).await.0, StatusCode::OK, "{fault:?}: asking again makes sure");
        assert_eq!(world.call(&ann).await.0, StatusCode::UNAUTHORIZED, "{fault:?}");
    }
}

#[tokio::test]
async fn learns_from_the_records_what_the_hot_state_forgot() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    let empty = FaultyHot::new(MemoryHot::new(Generation(8)), Faults::default());
    let (fresh, again) = World { hot: empty, ..world }.serve((*control.keys()).clone());
    assert_eq!(fresh.call(&ann).await.0, StatusCode::OK);
    again.revoke(&front_actor(), ann.user, ann.token_id).await.unwrap();
    assert_eq!(fresh.call(&ann).await.0, StatusCode::UNAUTHORIZED);
    assert!(fresh.records.token(ann.token_id).await.unwrap().is_some());
}

#[tokio::test]
async fn lets_nobody_through_a_gate_without_a_credential() {
    let (world, control) = World::new();
    world.person(&control).await;
    for route in ROUTES {
        for credential in [None, Some("Bearer garbage"), Some("Basic YTpi")] {
            let mut request = World::request(route.method.clone(), &route.path.replace("{name}", "app.css"));
            if let Some(credential) = credential {
                request = request.header("authorization", credential);
            }
            let (status, headers, _) = world.ask(request.body(Body::empty()).unwrap()).await;
            let expected = match route.gate {
                Gate::Open => continue,
                Gate::Front => StatusCode::NOT_FOUND,
                Gate::Page if credential.is_none() => StatusCode::FOUND,
                Gate::Page | Gate::Session | Gate::SessionOr(_) | Gate::Bearer(_) => StatusCode::UNAUTHORIZED,
            };
            assert_eq!(status, expected, "{} {} with {credential:?}", route.method, route.path);
            assert!(headers.contains_key("x-request-id"));
        }
    }
}

#[tokio::test]
async fn answers_503_and_never_401_when_sessions_cannot_be_read() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    for route in ROUTES.iter().filter(|route| matches!(route.gate, Gate::Session | Gate::SessionOr(_))) {
        world.hot_faults.fail_next(Fault::Lost);
        let request = World::request(route.method.clone(), route.path).header("cookie", &ann.cookie);
        let (status, headers, _) = world.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{}", route.path);
        assert_eq!(headers["retry-after"], "1");
    }
}

#[tokio::test]
async fn waits_for_no_body_for_ever_and_takes_none_of_any_size() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    let never = || Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let huge = || Body::from(vec![b' '; 64 * 1024 + 1]);
    let mint = || {
        let request = World::request(Method::POST, "/api/token/generate").header("cookie", &ann.cookie);
        request.header("sec-fetch-site", "same-origin").header("content-type", "application/json")
    };
    let call = || World::request(Method::POST, "/v1/messages").header("x-api-key", &ann.token);
    assert_eq!(world.ask(mint().body(never()).unwrap()).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(world.ask(call().body(never()).unwrap()).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(world.ask(mint().body(huge()).unwrap()).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.settled().await, (0, 0));
}
