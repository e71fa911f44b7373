//! What people see of what they spent, and what is forgotten of it.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;

use super::testing::{Person, World};
use crate::accounts::Days;
use crate::conformance::faulty::Fault;
use crate::money::Calendar;

/// Looks, and returns how many calls are told of.
async fn calls(world: &World, person: &Person) -> i64 {
    let (status, answer) = world.as_page(person, Method::GET, "/api/usage/me", None).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["total"]["requests"].as_i64().unwrap()
}

#[tokio::test]
async fn shows_the_newest_call_to_whoever_looks() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    world.call(&ann).await;
    world.settled().await;
    assert_eq!(calls(&world, &ann).await, 1);
    let bob = world.somebody(&control, "bob@example.com").await;
    assert_eq!(calls(&world, &bob).await, 0, "it is not his");
}

#[tokio::test]
async fn drains_for_whoever_looks_every_two_seconds_at_most() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    assert_eq!(calls(&world, &ann).await, 0);
    world.call(&ann).await;
    world.settled().await;
    assert_eq!(calls(&world, &ann).await, 0);
    world.clock.advance(Duration::from_millis(2001));
    assert_eq!(calls(&world, &ann).await, 1);
}

#[tokio::test]
async fn shows_what_there_is_when_usage_cannot_be_drained() {
    for fault in [Fault::Lost, Fault::Applied, Fault::Stalled] {
        let (world, control) = World::new();
        let ann = world.person(&control).await;
        world.call(&ann).await;
        world.settled().await;
        // Who they are is read before it is tried.
        world.record_faults.pass_next();
        world.record_faults.fail_next(fault);
        assert_eq!(calls(&world, &ann).await, i64::from(fault != Fault::Lost), "{fault:?}");
        world.clock.advance(Duration::from_secs(3));
        assert_eq!(calls(&world, &ann).await, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn says_that_it_cannot_tell_when_a_store_does_not_answer() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    assert_eq!(calls(&world, &ann).await, 0);
    world.record_faults.fail_next(Fault::Lost);
    let (status, answer) = world.as_page(&ann, Method::GET, "/api/usage/me", None).await;
    assert_eq!((status, &answer["status"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(503)), "{answer}");
}

#[tokio::test]
async fn forgets_calls_as_configured_and_keeps_their_sums() {
    let (world, control) = World::with("[usage]\nkeep = \"7d\"\n");
    let ann = world.person(&control).await;
    world.call(&ann).await;
    world.settled().await;
    control.drain_usage().await.unwrap();
    let today = Calendar::at(control.now(), &jiff::tz::TimeZone::UTC);
    world.clock.advance(Duration::from_hours(7 * 24 - 1));
    assert_eq!(control.forget_usage().await.unwrap(), 0);
    world.clock.advance(Duration::from_hours(2));
    assert_eq!(control.forget_usage().await.unwrap(), 1);
    assert_eq!(control.forget_usage().await.unwrap(), 0);
    let days = Days::up_to(Days::parse(today.day()).unwrap(), 1);
    assert_eq!(control.own_usage(ann.user, days).await.unwrap()[0].sum.usage.requests, 1);
}
