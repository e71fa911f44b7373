//! The front and the control plane together, on stores that fail when they are told to.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::json;
use tower::ServiceExt as _;

use super::testing::{NOW, World};
use crate::conformance::faulty::{Fault, Faults, FaultyHot};
use crate::conformance::fixture::{audit, front_actor};
use crate::conformance::memory_hot::MemoryHot;
use crate::http::{Gate, ROUTES};
use crate::identity::{Status, User};
use crate::ports::{Clock as _, Tokens as _, Usage as _, Users as _};
use crate::token::KeySet;
use crate::version::Generation;

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
async fn forgets_tokens_thirty_days_after_their_expiry() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    let expiry = world.records.token(ann.token_id).await.unwrap().unwrap().value.expiry;
    let days = u64::try_from(expiry.since(world.clock.now().seconds())).unwrap() + 30 * 86400;
    world.clock.advance(Duration::from_secs(days - 1));
    assert_eq!(control.forget_tokens().await.unwrap(), 0);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(control.forget_tokens().await.unwrap(), 1);
    assert_eq!(world.records.token(ann.token_id).await.unwrap(), None);
}

#[tokio::test]
async fn asks_anew_for_keys_when_a_token_names_one_that_it_does_not_know() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    assert_eq!(world.call(&ann).await.0, StatusCode::OK);
    let seed = |first: u8| std::array::from_fn(|index| first ^ u8::try_from(index * 7).unwrap());
    control.replace_keys(KeySet::new(NOW, seed(7), seed(8)));
    let bob = world.somebody(&control, "bob@example.com").await;
    assert_eq!(world.call(&bob).await.0, StatusCode::OK);
    assert_eq!(world.call(&ann).await.0, StatusCode::UNAUTHORIZED, "her key was withdrawn");
    control.replace_keys(KeySet::new(NOW, seed(1), seed(2)));
    assert_eq!(world.call(&ann).await.0, StatusCode::UNAUTHORIZED, "nobody makes it ask more than twice a minute");
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(world.call(&ann).await.0, StatusCode::OK);
}

#[tokio::test]
async fn drains_usage_in_large_steps_only() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    world.call(&ann).await;
    world.settled().await;
    // It reads what waits, and discards it; asked once more, the store would fail.
    world.hot_faults.pass_next();
    world.hot_faults.pass_next();
    world.hot_faults.fail_next(Fault::Lost);
    assert_eq!(control.drain_usage().await.unwrap(), 1);
    assert!(control.drain_usage().await.is_err(), "the fault is still there");
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
                Gate::Page | Gate::PageFor(_) if credential.is_none() => StatusCode::FOUND,
                // No directory is configured.
                Gate::Front | Gate::Directory => StatusCode::NOT_FOUND,
                _ => StatusCode::UNAUTHORIZED,
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
    for route in ROUTES
        .iter()
        .filter(|route| matches!(route.gate, Gate::Session | Gate::SessionOr(_) | Gate::Admin | Gate::SuperAdmin))
    {
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

#[tokio::test]
async fn passes_nothing_on_that_no_assertion_has_room_for() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    let list = async |query: &str, kind: &str| {
        let request =
            World::request(Method::GET, &format!("/api/token/list?cursor={query}")).header("cookie", &ann.cookie);
        world.ask(request.header("content-type", kind).body(Body::empty()).unwrap()).await
    };
    let (status, _, problem) = list(&"x".repeat(1024), "text/plain").await;
    assert_eq!(
        (status, &problem["detail"]),
        (StatusCode::BAD_REQUEST, &json!("The query may have 1024 bytes at most."))
    );
    let (status, _, problem) = list("", &"x".repeat(257)).await;
    let told = "The content type may have 256 bytes at most.";
    assert_eq!((status, &problem["detail"]), (StatusCode::BAD_REQUEST, &json!(told)));
}

#[tokio::test]
async fn refuses_an_administrator_whom_the_records_have_removed() {
    let (world, control) = World::with("[roles]\nadmins = [\"ann@example.com\"]\n");
    let person = world.person(&control).await;
    let ask = async || {
        let request = http::Request::get("http://localhost:8080/api/admin/tokens").header("host", "localhost:8080");
        world.ask(request.header("cookie", &person.cookie).body(Body::empty()).unwrap()).await
    };
    let (status, _, list) = ask().await;
    assert_eq!((status, list["tokens"].as_array().map(Vec::len)), (StatusCode::OK, Some(1)));
    // The hot state has not heard of it, so the session still opens.
    let stored = world.records.user(person.user).await.unwrap().unwrap();
    let removed = User { status: Status::Removed, ..stored.value.clone() };
    world.records.replace_user(&removed, &stored, &audit(99, "a", "b")).await.unwrap();
    assert_eq!(ask().await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn says_that_it_lives_on_both_paths_and_refuses_to_be_written_to() {
    let (world, _) = World::new();
    let ask = async |method: Method, path: &str| {
        let request = http::Request::builder().method(method).uri(format!("http://localhost:8080{path}"));
        world.ask(request.header("host", "localhost:8080").body(Body::empty()).unwrap()).await
    };
    for path in ["/healthz", "/health"] {
        let (status, headers, body) = ask(Method::GET, path).await;
        assert_eq!((status, body), (StatusCode::OK, json!({"status": "ok"})), "{path}");
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["cache-control"], "no-store");
    }
    assert_eq!(ask(Method::POST, "/healthz").await.0, StatusCode::METHOD_NOT_ALLOWED);
}
