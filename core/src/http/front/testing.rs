//! For tests: the front and the control plane together, on stores that fail when they are told to, before a provider that
//! answers as it is told.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{Front, front_router};
use crate::config::Config;
use crate::conformance::faulty::{Faults, FaultyHot};
use crate::conformance::fixture::front_actor;
use crate::conformance::host::{FixedClock, SeededRandom};
use crate::conformance::memory_hot::MemoryHot;
use crate::conformance::memory_records::MemoryRecords;
use crate::control::{Actor, Authority, Control, MintRequest, SignInOutcome, SignInRecord};
use crate::http::control_router;
use crate::id::{TokenId, UserId};
use crate::identity::{Account, Email};
use crate::ports::{
    Background, ControlPlane, Http, HttpError, Platform, Random as _, Sessions as _, Unavailable, Usage as _,
};
use crate::session::{SESSION_COOKIE, Session, Ticket};
use crate::signin::testing as identity;
use crate::time::{Millis, Timestamp};
use crate::token::KeySet;
use crate::version::Generation;

pub(super) const NOW: Timestamp = Timestamp(1_800_000_000);

#[derive(Clone)]
pub(super) struct World {
    pub(super) hot: FaultyHot<MemoryHot>,
    pub(super) hot_faults: Faults,
    pub(super) records: MemoryRecords,
    pub(super) record_faults: Faults,
    pub(super) clock: FixedClock,
    pub(super) random: SeededRandom,
    pub(super) background: Tasks,
    /// The provider of models.
    pub(super) provider: FakeProvider,
    /// The identity provider.
    pub(super) identity: identity::FakeProvider,
    pub(super) configuration: String,
    pub(super) router: Option<Router>,
}

/// Tasks that run when the test says so.
#[derive(Clone, Default)]
pub(super) struct Tasks(Arc<Mutex<Vec<futures_util::future::BoxFuture<'static, ()>>>>);

impl Background for Tasks {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.lock().unwrap().push(Box::pin(task));
    }
}

impl Tasks {
    pub(super) async fn run(&self) {
        loop {
            let tasks = std::mem::take(&mut *self.0.lock().unwrap());
            if tasks.is_empty() {
                return;
            }
            futures_util::future::join_all(tasks).await;
        }
    }
}

/// A provider that gives the answers it was told, in their order, and keeps what it was sent.
#[derive(Clone, Default)]
pub(super) struct FakeProvider {
    answers: Arc<Mutex<VecDeque<Reply>>>,
    sent: Arc<Mutex<Vec<Request<Bytes>>>>,
}

/// What a provider does with a request. By default it never answers.
pub(super) enum Reply {
    /// It answers.
    Answer(http::Response<Body>),
    /// It cannot be asked.
    Error(HttpError),
}

impl FakeProvider {
    pub(super) fn will(&self, reply: Reply) {
        self.answers.lock().unwrap().push_back(reply);
    }

    /// Answers with this status, type and pieces of a body.
    pub(super) fn will_answer(&self, status: u16, content_type: &str, pieces: Vec<io::Result<Bytes>>) {
        let answer = http::Response::builder().status(status).header("content-type", content_type);
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        self.will(Reply::Answer(answer.body(body).unwrap()));
    }

    /// Returns the requests that it got so far.
    pub(super) fn sent(&self) -> Vec<Request<Bytes>> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }
}

impl Http for FakeProvider {
    async fn send(&self, request: Request<Body>) -> Result<http::Response<Body>, HttpError> {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        self.sent.lock().unwrap().push(Request::from_parts(head, body));
        let reply = self.answers.lock().unwrap().pop_front();
        match reply {
            Some(Reply::Answer(answer)) => Ok(answer),
            Some(Reply::Error(error)) => Err(error),
            None => std::future::pending().await,
        }
    }
}

/// Everything that can be reached: the identity provider under its name, the models' under any other.
#[derive(Clone)]
pub(super) struct FakeWeb {
    models: FakeProvider,
    identity: identity::FakeProvider,
}

impl Http for FakeWeb {
    async fn send(&self, request: Request<Body>) -> Result<http::Response<Body>, HttpError> {
        if request.uri().to_string().starts_with(identity::ISSUER) {
            self.identity.send(request).await
        } else {
            self.models.send(request).await
        }
    }
}

#[derive(Clone)]
pub(super) struct Near(Router);

impl ControlPlane for Near {
    async fn call(&self, actor: &Actor, request: Request<Bytes>) -> Result<http::Response<Bytes>, Unavailable> {
        let mut request = request.map(Body::from);
        request.extensions_mut().insert(actor.clone());
        let (parts, body) = self.0.clone().oneshot(request).await.unwrap().into_parts();
        Ok(http::Response::from_parts(parts, to_bytes(body, usize::MAX).await.unwrap()))
    }
}

#[derive(Clone)]
pub(super) struct TestAuthority(World);

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
pub(super) struct TestPlatform {
    web: FakeWeb,
    world: World,
    control: Near,
}

impl Platform for TestPlatform {
    type Hot = FaultyHot<MemoryHot>;
    type Clock = FixedClock;
    type Random = SeededRandom;
    type Http = FakeWeb;
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
    fn http(&self) -> &FakeWeb {
        &self.web
    }
    fn background(&self) -> &Tasks {
        &self.world.background
    }
    fn control(&self) -> &Near {
        &self.control
    }
}

/// Somebody who has signed in and minted a token.
pub(super) struct Person {
    pub(super) user: UserId,
    pub(super) cookie: String,
    pub(super) token: String,
    pub(super) token_id: TokenId,
}

impl World {
    pub(super) fn new() -> (Self, Control<TestAuthority>) {
        Self::with("")
    }

    /// Makes a world with this configuration beside what it needs.
    pub(super) fn with(configuration: &str) -> (Self, Control<TestAuthority>) {
        let (hot_faults, record_faults) = (Faults::default(), Faults::default());
        let world = Self {
            hot: FaultyHot::new(MemoryHot::new(Generation(7)), hot_faults.clone()),
            hot_faults,
            records: MemoryRecords::new(record_faults.clone()),
            record_faults,
            clock: FixedClock::at(Millis(NOW.0 * 1000)),
            random: SeededRandom::default(),
            background: Tasks::default(),
            provider: FakeProvider::default(),
            identity: identity::FakeProvider::default(),
            configuration: configuration.to_owned(),
            router: None,
        };
        let seed = |first: u8| std::array::from_fn(|index| first ^ u8::try_from(index * 7).unwrap());
        world.serve(KeySet::new(NOW, seed(1), seed(2)))
    }

    /// Puts a front and a control plane on this world's stores.
    pub(super) fn serve(mut self, keys: KeySet) -> (Self, Control<TestAuthority>) {
        let document = "[signin]\nissuer = \"https://id.example\"\nclient_id = \"gw\"\nallow_anyone = true\n";
        let config = Arc::new(Config::load(&format!("{document}{}", self.configuration), &()).unwrap());
        let control = Control::new(TestAuthority(self.clone()), Arc::clone(&config), keys);
        let web = FakeWeb { models: self.provider.clone(), identity: self.identity.clone() };
        let platform = TestPlatform { web, world: self.clone(), control: Near(control_router(control.clone())) };
        self.router = Some(front_router(Front::new(platform, config).unwrap()));
        (self, control)
    }

    pub(super) async fn person(&self, control: &Control<TestAuthority>) -> Person {
        self.somebody(control, "ann@example.com").await
    }

    /// Signs somebody in.
    pub(super) async fn somebody(&self, control: &Control<TestAuthority>, address: &str) -> Person {
        let email = Email::parse(address).unwrap();
        let record = SignInRecord {
            account: Account {
                issuer: "https://id.example".to_owned(),
                subject: address.split('@').next().unwrap_or_default().to_owned(),
            },
            email: email.clone(),
            name: None,
            groups: Vec::new(),
            authenticated_at: None,
        };
        let outcome = control.sign_in(&front_actor(), &record).await.unwrap();
        let SignInOutcome::Welcome { user, session_epoch: epoch } = outcome else { panic!("{outcome:?}") };
        let ticket = Ticket::new(self.random.bytes());
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
    pub(super) async fn ask(&self, request: Request<Body>) -> (StatusCode, http::HeaderMap, Value) {
        let (parts, body) = self.send(request).await.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Asks, and returns the answer as soon as its head is there.
    pub(super) async fn send(&self, request: Request<Body>) -> http::Response<Body> {
        self.while_time_passes(self.router.clone().unwrap().oneshot(request)).await.unwrap()
    }

    /// Waits, and lets the clock run while nothing else happens.
    pub(super) async fn while_time_passes<T>(&self, waited: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            output = waited => output,
            () = async { loop { tokio::task::yield_now().await; self.clock.advance(Duration::from_millis(10)); } } => unreachable!(),
        }
    }

    pub(super) async fn call(&self, person: &Person) -> (StatusCode, http::HeaderMap, Value) {
        self.say(person, "ping").await
    }

    pub(super) async fn say(&self, person: &Person, text: &str) -> (StatusCode, http::HeaderMap, Value) {
        let body = json!({"model": "echo", "max_tokens": 9, "messages": [{"role": "user", "content": text}]});
        let request =
            Self::request(Method::POST, "/v1/messages").header("authorization", format!("Bearer {}", person.token));
        self.ask(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(super) async fn revoke(&self, person: &Person) -> (StatusCode, http::HeaderMap, Value) {
        let body = json!({"token_id": person.token_id});
        let request = Self::request(Method::POST, "/api/token/revoke").header("cookie", &person.cookie);
        let request = request.header("sec-fetch-site", "same-origin").header("content-type", "application/json");
        self.ask(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// Asks our own API for something, or to change something, as a page of ours does for that person.
    pub(super) async fn as_page(
        &self,
        person: &Person,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let request = Self::request(method, path).header("cookie", &person.cookie);
        let request = request.header("sec-fetch-site", "same-origin").header("content-type", "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let (status, _, answer) = self.ask(request.body(body).unwrap()).await;
        (status, answer)
    }

    pub(super) fn request(method: Method, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(path).header("host", "localhost:8080")
    }

    /// Runs what waits in the background, the clock running with it, and returns what was charged and what is held.
    pub(super) async fn settled(&self) -> (usize, i64) {
        self.while_time_passes(self.background.run()).await;
        let (events, _) = self.hot.pending_usage(100).await.unwrap();
        (events.len(), events.iter().map(|event| event.settlement.cost.0).sum())
    }
}
