//! What the identity provider says is over, on stores that fail when they are told to.

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::testing::{NOW, TestAuthority, World};
use crate::conformance::faulty::Fault;
use crate::control::Control;
use crate::signin::testing::{ISSUER, SigningKey};

fn token(id: &str) -> String {
    SigningKey::ed("k1").sign(&json!({
        "iss": ISSUER, "aud": "gw", "iat": NOW, "exp": NOW.plus(120), "jti": id, "sub": "ann",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }))
}

/// Makes a world whose identity provider has a key.
fn world() -> (World, Control<TestAuthority>) {
    let (world, control) = World::new();
    world.identity.describe(&json!({}));
    world.identity.publish(&[SigningKey::ed("k1").jwk()]);
    (world, control)
}

async fn send(world: &World, token: &str) -> (StatusCode, Value) {
    let request = World::request(Method::POST, "/oauth2/backchannel-logout");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let (status, _, body) = world.ask(request.body(Body::from(format!("logout_token={token}"))).unwrap()).await;
    (status, body)
}

#[tokio::test]
async fn a_logout_token_that_came_to_nothing_may_be_sent_again() {
    for fault in [Fault::Lost, Fault::Applied] {
        let (world, control) = world();
        let ann = world.person(&control).await;
        let token = token("one");
        // The token is kept; then the person is looked up.
        world.record_faults.fail_next(fault);
        let (status, body) = send(&world, &token).await;
        let expected = (StatusCode::SERVICE_UNAVAILABLE, &json!("temporarily_unavailable"));
        assert_eq!((status, &body["error"]), expected, "{fault:?}");
        assert_eq!(world.as_page(&ann, Method::GET, "/api/me", None).await.0, StatusCode::OK, "{fault:?}");
        assert_eq!(send(&world, &token).await.0, StatusCode::OK, "{fault:?}");
        assert_eq!(world.as_page(&ann, Method::GET, "/api/me", None).await.0, StatusCode::UNAUTHORIZED, "{fault:?}");
        assert_eq!(send(&world, &token).await.0, StatusCode::BAD_REQUEST, "it was acted on");
    }
}

#[tokio::test]
async fn acts_on_no_logout_token_of_which_it_cannot_tell_whether_it_is_new() {
    for fault in [Fault::Lost, Fault::Applied, Fault::Stalled] {
        let (world, control) = world();
        let ann = world.person(&control).await;
        world.hot_faults.fail_next(fault);
        assert_eq!(send(&world, &token("one")).await.0, StatusCode::SERVICE_UNAVAILABLE, "{fault:?}");
        assert_eq!(world.as_page(&ann, Method::GET, "/api/me", None).await.0, StatusCode::OK, "{fault:?}");
    }
}
