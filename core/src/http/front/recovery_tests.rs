//! Stores that lose their memory, or go back to an older one, under a front and a control plane.

use std::time::Duration;

use http::StatusCode;

use super::testing::{Person, TestAuthority, World};
use crate::conformance::faulty::Fault;
use crate::conformance::fixture::front_actor;
use crate::control::Control;
use crate::money::{Calendar, Counter, WindowKind};
use crate::ports::{Beats as _, Clock as _, Usage as _};

/// What "ping" costs: 1,000 and 5,000 nanodollars for a token in and one out.
const PING: i64 = 6000;

/// A budget for one call.
const ONE_CALL: &str = "[[budgets]]\nscope = \"default_user\"\nwindow = \"daily\"\namount = \"0.000006\"\n";

async fn revoke(control: &Control<TestAuthority>, person: &Person) {
    control.revoke(&front_actor(), person.user, person.token_id).await.unwrap();
}

/// Returns what somebody spent, by window.
async fn spent(world: &World, control: &Control<TestAuthority>, person: &Person) -> Vec<i64> {
    let calendar = Calendar::at(world.clock.now().seconds(), &control.config().time_zone());
    let counters = WindowKind::ALL.map(|kind| (kind, Counter::User(person.user)));
    let totals = world.hot.totals(&calendar, &counters).await.unwrap();
    totals.into_iter().map(|totals| totals.spent.0).collect()
}

#[tokio::test]
async fn keeps_what_was_spent_when_the_hot_state_is_lost() {
    let (world, control) = World::with(ONE_CALL);
    let ann = world.person(&control).await;
    assert_eq!(world.call(&ann).await.0, StatusCode::OK);
    assert_eq!(world.settled().await, (1, PING));
    control.drain_usage().await.unwrap();
    world.hot.inner().wipe();
    assert_eq!(world.call(&ann).await.0, StatusCode::TOO_MANY_REQUESTS, "the budget is used up");
    assert_eq!(spent(&world, &control, &ann).await, [PING; 4]);
}

#[tokio::test]
async fn moves_what_waits_into_the_log_before_it_recovers() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    let former = world.hot.inner().snapshot();
    assert_eq!(world.call(&ann).await.0, StatusCode::OK);
    assert_eq!(world.settled().await, (1, PING));
    control.rebuild().await.unwrap();
    assert_eq!(spent(&world, &control, &ann).await, [PING; 4]);
    // An older copy, in which the call was never made.
    world.hot.inner().go_back(former);
    control.rebuild().await.unwrap();
    assert_eq!(spent(&world, &control, &ann).await, [PING; 4]);
}

#[tokio::test]
async fn charges_no_call_again_that_an_older_copy_takes_for_open() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    // Its answer comes, and its lease is settled when the background runs.
    assert_eq!(world.call(&ann).await.0, StatusCode::OK);
    let former = world.hot.inner().snapshot();
    assert_eq!(world.settled().await, (1, PING));
    control.drain_usage().await.unwrap();
    world.hot.inner().go_back(former);
    control.rebuild().await.unwrap();
    world.clock.advance(Duration::from_hours(2));
    assert_eq!(control.sweep().await.unwrap(), 0, "nothing is open");
    control.drain_usage().await.unwrap();
    assert_eq!(spent(&world, &control, &ann).await[3], PING);
}

#[tokio::test]
async fn forgets_no_revocation_when_the_hot_state_is_lost() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    let bob = world.somebody(&control, "bob@example.com").await;
    revoke(&control, &ann).await;
    world.hot.inner().wipe();
    assert_eq!(world.call(&ann).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(world.call(&bob).await.0, StatusCode::OK);
}

#[tokio::test]
async fn repairs_a_revocation_that_was_confirmed_and_lost() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    let bob = world.somebody(&control, "bob@example.com").await;
    assert_eq!(world.call(&ann).await.0, StatusCode::OK);
    let former = world.hot.inner().snapshot();
    revoke(&control, &ann).await;
    world.hot.inner().go_back(former);
    assert_eq!(world.call(&ann).await.0, StatusCode::OK, "nobody can know yet");
    // Two people who signed in, two tokens.
    assert_eq!(control.repair().await.unwrap(), 4);
    assert_eq!(world.call(&ann).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(world.call(&bob).await.0, StatusCode::OK);
}

#[tokio::test]
async fn notices_a_hot_state_that_is_older_than_the_repair_reaches() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    let bob = world.somebody(&control, "bob@example.com").await;
    let former = world.hot.inner().snapshot();
    revoke(&control, &ann).await;
    for _ in 0..30 {
        control.repair().await.unwrap();
        world.clock.advance(Duration::from_mins(1));
    }
    world.hot.inner().go_back(former);
    assert_eq!(world.call(&ann).await.0, StatusCode::OK, "nobody can know yet");
    assert_eq!(control.repair().await.unwrap(), 0, "nothing has changed lately");
    assert_eq!(world.call(&ann).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(world.call(&bob).await.0, StatusCode::OK);
    assert_eq!(control.repair().await.unwrap(), 0);
    assert_eq!(world.records.beats().await.unwrap(), 32);
}

#[tokio::test]
async fn admits_nobody_under_a_budget_until_it_has_recovered() {
    let (world, control) = World::with(ONE_CALL);
    let ann = world.person(&control).await;
    assert_eq!(world.call(&ann).await.0, StatusCode::OK);
    world.settled().await;
    control.drain_usage().await.unwrap();
    world.hot.inner().wipe();
    // The person, the token and what was spent are read; the last of it fails.
    world.record_faults.pass_next();
    world.record_faults.pass_next();
    world.record_faults.fail_next(Fault::Lost);
    let (status, headers, _) = world.call(&ann).await;
    assert_eq!((status, headers["retry-after"].to_str().unwrap()), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert_eq!(world.call(&ann).await.0, StatusCode::TOO_MANY_REQUESTS);
}
