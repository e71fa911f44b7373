//! A front and a control plane that only have HTTP between them.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use url::Url;

use super::testing::{NOW, World};
use crate::conformance::faulty::Fault;
use crate::conformance::fixture::front_actor;
use crate::conformance::host::{FixedClock, SeededRandom};
use crate::control::{Actor, Via};
use crate::http::{RemoteControl, remote_control_router};
use crate::ports::{ControlPlane as _, Http, HttpError};
use crate::session::SessionId;
use crate::token::KeySet;

/// The network: it carries requests to the control plane, and keeps what it has carried.
#[derive(Clone)]
struct Wire {
    there: Router,
    carried: Arc<Mutex<Vec<Request<Bytes>>>>,
}

impl Http for Wire {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, HttpError> {
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, to_bytes(body, usize::MAX).await.unwrap());
        self.carried.lock().unwrap().push(request.clone());
        Ok(self.there.clone().oneshot(served(request)).await.unwrap())
    }
}

/// Makes of a request what a server sees of it.
fn served(request: Request<Bytes>) -> Request<Body> {
    let mut request = request.map(Body::from);
    let target = request.uri().path_and_query().unwrap().as_str().strip_prefix("/control").unwrap().parse().unwrap();
    *request.uri_mut() = target;
    request
}

type Remote = RemoteControl<Wire, FixedClock, SeededRandom>;

fn keys(first: u8) -> KeySet {
    let seed = |first: u8| std::array::from_fn(|index| first ^ u8::try_from(index * 5).unwrap());
    KeySet::new(NOW, seed(first), seed(first + 1))
}

struct Far {
    world: World,
    session: Actor,
    wire: Wire,
    remote: Remote,
}

/// Makes a control plane that believes the front with the key 1, and a front with the key `number`.
async fn far(number: u8) -> Far {
    let (world, control) = World::new();
    let person = world.person(&control).await;
    let via = Via::Session { user: person.user, session: SessionId("s".repeat(22)) };
    let there = remote_control_router(control.clone(), keys(1).public().unwrap());
    let wire = Wire { there, carried: Arc::default() };
    let (url, origin) = (Url::parse("https://control.example/control/").unwrap(), "http://localhost:8080".to_owned());
    let signer = keys(number).signer().unwrap();
    let remote = RemoteControl::new(wire.clone(), world.clock.clone(), world.random.clone(), &url, origin, signer);
    Far { world, session: Actor { via, ..front_actor() }, wire, remote }
}

fn get(target: &str) -> Request<Bytes> {
    Request::get(target).body(Bytes::new()).unwrap()
}

impl Far {
    async fn mint(&self) -> Response<Bytes> {
        let request = Request::post("/api/token/generate").header("content-type", "application/json");
        let request = request.body(Bytes::from(json!({"token_name": "far"}).to_string())).unwrap();
        self.remote.call(&self.session, request).await.unwrap()
    }

    async fn replay(&self, change: impl FnOnce(&mut Request<Bytes>)) -> (StatusCode, Value) {
        let mut request = self.wire.carried.lock().unwrap().last().cloned().unwrap();
        change(&mut request);
        let asked = self.wire.there.clone().oneshot(served(request));
        let (head, body) = self.world.while_time_passes(asked).await.unwrap().into_parts();
        (head.status, serde_json::from_slice(&to_bytes(body, usize::MAX).await.unwrap()).unwrap())
    }
}

#[tokio::test]
async fn asks_on_behalf_of_the_one_who_asked() {
    let far = far(1).await;
    let minted = far.mint().await;
    assert_eq!(minted.status(), StatusCode::CREATED);
    let me = far.remote.call(&far.session, get("/api/me")).await.unwrap();
    let me: Value = serde_json::from_slice(me.body()).unwrap();
    assert_eq!(me["user"]["email"], "ann@example.com");
    let list = far.remote.call(&far.session, get("/api/token/list?limit=1")).await.unwrap();
    let list: Value = serde_json::from_slice(list.body()).unwrap();
    assert_eq!(list["count"], 1);
}

#[tokio::test]
async fn the_gates_hold_for_those_who_come_from_afar() {
    let far = far(1).await;
    let answer = far.remote.call(&far.session, get("/internal/ready")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_assertion_is_good_once() {
    let far = far(1).await;
    far.mint().await;
    assert_eq!(far.replay(|_| ()).await.0, StatusCode::UNAUTHORIZED);
    let list = far.remote.call(&far.session, get("/api/token/list")).await.unwrap();
    let list: Value = serde_json::from_slice(list.body()).unwrap();
    assert_eq!(list["count"], 2, "one by the sign-in's fixture, one minted");
}

#[tokio::test]
async fn without_an_assertion_nothing_is_told() {
    let far = far(1).await;
    far.mint().await;
    for path in ["/api/me", "/internal/ready", "/nowhere"] {
        let without = |request: &mut Request<Bytes>| {
            request.headers_mut().remove("authorization");
            *request.uri_mut() = format!("/control{path}").parse().unwrap();
        };
        let (status, problem) = far.replay(without).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(problem.to_string().contains("The assertion is missing or not valid."), "{problem}");
    }
}

#[tokio::test]
async fn a_front_with_another_key_is_told_that_we_are_unavailable() {
    let far = far(9).await;
    let error = far.remote.call(&far.session, get("/api/me")).await.unwrap_err();
    assert!(crate::Chain(&error).to_string().contains("does not take our assertion"), "{error:?}");
}

#[tokio::test]
async fn refuses_when_it_cannot_tell_whether_an_assertion_is_new() {
    let far = far(1).await;
    for fault in [Fault::Lost, Fault::Applied, Fault::Stalled] {
        far.world.hot_faults.fail_next(fault);
        let asked = far.remote.call(&far.session, get("/api/me"));
        let answer = far.world.while_time_passes(asked).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{fault:?}");
    }
}

#[tokio::test]
async fn reads_no_more_than_it_has_to() {
    let far = far(1).await;
    far.mint().await;
    let (status, _) = far.replay(|request| *request.body_mut() = vec![b' '; 64 * 1024 + 1].into()).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn asserts_the_longest_request_that_a_front_passes_on() {
    let mut far = far(1).await;
    // A client's name that doubles in JSON.
    far.session.user_agent = "\"".repeat(256);
    let request = Request::get(format!("/api/token/list?limit=1&x={}", "x".repeat(1014)));
    let request = request.header("content-type", "x".repeat(256)).body(Bytes::new()).unwrap();
    assert_eq!(request.uri().query().unwrap().len(), 1024);
    let answer = far.remote.call(&far.session, request).await.unwrap();
    assert!(answer.status().is_success() || answer.status() == StatusCode::BAD_REQUEST, "{answer:?}");
}
