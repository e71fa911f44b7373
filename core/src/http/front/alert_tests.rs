//! What is told when budgets run out, and when.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::testing::{Person, Reply, TestAuthority, World};
use crate::conformance::fixture::front_actor;
use crate::control::{Administrator, Control, Whom};
use crate::identity::Role;
use crate::ports::HttpError;

/// A call of "ping" costs 6,000 nanodollars: three of them half of the budget, five more than three quarters, six all.
const BUDGET: &str = "[alerts]\nwebhook = \"https://hooks.example/secret\"\n\
                      [[budgets]]\nscope = \"default_user\"\nwindow = \"daily\"\namount = \"0.000036\"\n";

async fn ping(world: &World, control: &Control<TestAuthority>, ann: &Person) {
    assert_eq!(world.call(ann).await.0, StatusCode::OK);
    world.background.run().await;
    control.drain_usage().await.unwrap();
}

/// Sends what there is to tell to a server that takes it; returns what it got.
async fn told(world: &World, control: &Control<TestAuthority>) -> Vec<Value> {
    for _ in 0..3 {
        world.provider.will_answer(204, "text/plain", Vec::new());
    }
    control.send_alerts(&world.provider).await.unwrap();
    let sent = world.provider.sent();
    sent.iter().map(|request| serde_json::from_slice(request.body()).unwrap()).collect()
}

async fn percents(world: &World, control: &Control<TestAuthority>) -> Vec<Value> {
    told(world, control).await.iter().map(|told| told["percent"].clone()).collect()
}

#[tokio::test]
async fn tells_each_part_once_in_each_window_and_only_the_largest_that_is_new() {
    let (world, control) = World::with(BUDGET);
    let ann = world.person(&control).await;
    for expected in [json!([]), json!([]), json!([50]), json!([]), json!([75]), json!([100])] {
        ping(&world, &control, &ann).await;
        assert_eq!(json!(percents(&world, &control).await), expected);
    }
    world.clock.advance(Duration::from_hours(24));
    for _ in 0..4 {
        assert_eq!(world.call(&ann).await.0, StatusCode::OK);
        world.background.run().await;
    }
    // From nothing to more than three quarters between two looks: one sentence is enough.
    ping(&world, &control, &ann).await;
    assert_eq!(percents(&world, &control).await, [json!(75)]);
}

#[tokio::test]
async fn loses_none_while_nobody_takes_them_and_asks_more_and_more_seldom() {
    let (world, control) = World::with(BUDGET);
    let ann = world.person(&control).await;
    for _ in 0..3 {
        ping(&world, &control, &ann).await;
    }
    let refuse = |status| world.provider.will_answer(status, "text/plain", Vec::new());
    let tries = async || {
        assert_eq!(control.send_alerts(&world.provider).await.unwrap(), 0);
        world.provider.sent().len()
    };
    refuse(500);
    assert_eq!(tries().await, 1);
    assert_eq!(tries().await, 0, "it pauses for 5 s");
    world.clock.advance(Duration::from_secs(5));
    world.provider.will(Reply::Error(HttpError::Timeout));
    assert_eq!(tries().await, 1);
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(tries().await, 0, "and then for 10");
    world.clock.advance(Duration::from_secs(5));
    refuse(429);
    assert_eq!(tries().await, 1);
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(percents(&world, &control).await, [json!(50)]);
    assert!(percents(&world, &control).await.is_empty());
}

#[tokio::test]
async fn lets_one_that_is_not_taken_keep_no_other() {
    let (world, control) = World::with(BUDGET);
    let ann = world.person(&control).await;
    let bob = world.somebody(&control, "bob@example.com").await;
    for person in [&ann, &bob] {
        for _ in 0..3 {
            ping(&world, &control, person).await;
        }
        world.clock.advance(Duration::from_secs(1));
    }
    world.provider.will_answer(422, "text/plain", Vec::new());
    world.provider.will_answer(200, "text/plain", Vec::new());
    assert_eq!(control.send_alerts(&world.provider).await.unwrap(), 1);
    let names: Vec<Value> = world
        .provider
        .sent()
        .iter()
        .map(|one| serde_json::from_slice::<Value>(one.body()).unwrap()["name"].clone())
        .collect();
    assert_eq!(names, ["ann@example.com", "bob@example.com"]);
    assert!(percents(&world, &control).await.is_empty(), "it waits for ten minutes");
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(percents(&world, &control).await, [json!(50)]);
}

/// A call of yesterday's last minute counts yesterday, whenever it is looked at.
#[tokio::test]
async fn tells_of_the_window_in_which_a_call_counts() {
    let (world, control) = World::with(BUDGET);
    let ann = world.person(&control).await;
    for _ in 0..3 {
        assert_eq!(world.call(&ann).await.0, StatusCode::OK);
        world.background.run().await;
    }
    world.clock.advance(Duration::from_hours(24));
    control.drain_usage().await.unwrap();
    let told = told(&world, &control).await;
    assert_eq!((told.len(), &told[0]["percent"]), (1, &json!(50)));
}

#[tokio::test]
async fn notes_what_there_is_to_tell_before_the_calls_are_forgotten() {
    let (world, control) = World::with(BUDGET);
    let ann = world.person(&control).await;
    for _ in 0..3 {
        assert_eq!(world.call(&ann).await.0, StatusCode::OK);
        world.background.run().await;
    }
    // The process ends between the log and the alert.
    world.record_faults.pass_next();
    world.record_faults.fail_next(crate::conformance::faulty::Fault::Lost);
    assert!(control.drain_usage().await.is_err());
    assert!(percents(&world, &control).await.is_empty());
    control.drain_usage().await.unwrap();
    assert_eq!(percents(&world, &control).await, [json!(50)]);
}

#[tokio::test]
async fn names_nobody_whose_record_was_erased() {
    let (world, control) = World::with(&format!("[roles]\nsuper_admins = [\"root@example.com\"]\n{BUDGET}"));
    let ann = world.person(&control).await;
    for _ in 0..3 {
        ping(&world, &control, &ann).await;
    }
    let root = world.somebody(&control, "root@example.com").await;
    let email = crate::identity::Email::parse("root@example.com").unwrap();
    let by = Administrator { id: root.user, email, role: Role::SuperAdmin };
    control.erase(&front_actor(), &by, &Whom::Id(ann.user)).await.unwrap();
    let told = told(&world, &control).await;
    assert_eq!(told[0]["name"], json!(ann.user));
    assert!(!told[0].to_string().contains("ann@"), "{told:?}");
}

#[tokio::test]
async fn notes_nothing_where_nobody_is_to_be_told() {
    let (world, control) = World::with(&BUDGET[BUDGET.find("[[").unwrap()..]);
    let ann = world.person(&control).await;
    for _ in 0..3 {
        ping(&world, &control, &ann).await;
    }
    assert!(percents(&world, &control).await.is_empty());
}
