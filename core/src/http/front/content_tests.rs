//! What was said in calls: kept for exporters that are told of it, and for nobody else.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::testing::{Person, TestAuthority, World};
use crate::conformance::faulty::Fault;
use crate::control::Control;
use crate::ports::{Clock as _, Contents as _, Usage as _, UsageLog as _};

fn exporter(name: &str, content: bool) -> String {
    format!("[exporters.{name}]\nkind = \"clickhouse\"\nurl = \"https://{name}.example\"\ncontent = {content}\n")
}

/// Says something in a call, and moves what it cost into the log.
async fn say(world: &World, control: &Control<TestAuthority>, ann: &Person, text: &str) {
    let answer = world.say(ann, text).await;
    assert_eq!(answer.0, StatusCode::OK, "{}", answer.2);
    world.background.run().await;
    control.drain_usage().await.unwrap();
}

/// Exports, while each of these exporters, in the order of their names, is answered with its status; returns the rows that were sent.
async fn export(world: &World, control: &Control<TestAuthority>, statuses: &[u16]) -> Vec<Value> {
    for status in statuses {
        world.provider.will_answer(*status, "text/plain", Vec::new());
    }
    control.export(&world.provider).await.unwrap();
    let sent = world.provider.sent();
    sent.iter().map(|request| serde_json::from_slice(request.body()).unwrap()).collect()
}

/// Returns of how many calls in the log it is kept what was said.
async fn kept(world: &World) -> usize {
    let query = crate::ports::UsageQuery { after: None, page: crate::ports::PageRequest { limit: 9, cursor: None } };
    let ids: Vec<_> = world.records.usage(&query).await.unwrap().items.into_iter().map(|event| event.id).collect();
    assert!(!ids.is_empty());
    let contents = world.hot.contents(&ids, world.clock.now().seconds()).await.unwrap();
    contents.iter().flatten().count()
}

#[tokio::test]
async fn tells_what_was_said_to_those_who_are_to_know_and_then_forgets_it() {
    let (world, control) = World::with(&(exporter("one", false) + &exporter("two", true)));
    let ann = world.person(&control).await;
    say(&world, &control, &ann, "I am ann@example.com").await;
    assert_eq!(kept(&world).await, 1);
    let rows = export(&world, &control, &[200, 200]).await;
    assert_eq!((&rows[0]["input_messages"], &rows[0]["output_messages"]), (&Value::Null, &Value::Null));
    let said = |member: &str| serde_json::from_str::<Value>(rows[1][member].as_str().unwrap()).unwrap();
    let parts = json!([{"type": "text", "content": "I am [email]"}]);
    assert_eq!(said("input_messages"), json!([{"role": "user", "parts": parts}]));
    assert_eq!(said("output_messages"), json!([{"role": "assistant", "parts": parts, "finish_reason": "stop"}]));
    assert_eq!(kept(&world).await, 0);
}

#[tokio::test]
async fn keeps_what_was_said_until_the_last_of_them_has_it() {
    let (world, control) = World::with(&(exporter("one", true) + &exporter("two", true)));
    let ann = world.person(&control).await;
    say(&world, &control, &ann, "ping").await;
    export(&world, &control, &[503, 200]).await;
    assert_eq!(kept(&world).await, 1);
    world.clock.advance(Duration::from_secs(5));
    let rows = export(&world, &control, &[200]).await;
    assert!(rows[0]["input_messages"].is_string());
    assert_eq!(kept(&world).await, 0);
}

#[tokio::test]
async fn keeps_nothing_where_nobody_is_to_know() {
    let (world, control) = World::with(&exporter("one", false));
    let ann = world.person(&control).await;
    say(&world, &control, &ann, "ping").await;
    assert_eq!(kept(&world).await, 0);
}

#[tokio::test]
async fn tells_of_a_call_without_what_was_said_an_hour_later() {
    let (world, control) = World::with(&exporter("one", true));
    let ann = world.person(&control).await;
    say(&world, &control, &ann, "ping").await;
    world.clock.advance(Duration::from_hours(1));
    let rows = export(&world, &control, &[200]).await;
    assert_eq!((rows[0]["status"].as_u64(), &rows[0]["input_messages"]), (Some(200), &Value::Null));
}

/// What was said is not worth a call's charge, nor its event.
#[tokio::test]
async fn charges_a_call_of_which_nothing_can_be_kept() {
    let (world, control) = World::with(&exporter("one", true));
    let ann = world.person(&control).await;
    world.hot_faults.pass_next();
    world.hot_faults.fail_next(Fault::Lost);
    assert_eq!(world.call(&ann).await.0, StatusCode::OK);
    world.while_time_passes(world.background.run()).await;
    let (events, _) = world.hot.pending_usage(9).await.unwrap();
    assert_eq!(events.len(), 1);
    let ids = [events[0].id];
    assert_eq!(world.hot.contents(&ids, world.clock.now().seconds()).await.unwrap(), [None]);
}

/// It is not lost on the way, and not told without what it says.
#[tokio::test]
async fn waits_for_a_hot_state_that_does_not_tell_what_was_said() {
    let (world, control) = World::with(&exporter("one", true));
    let ann = world.person(&control).await;
    say(&world, &control, &ann, "ping").await;
    world.hot_faults.fail_next(Fault::Lost);
    assert!(control.export(&world.provider).await.is_err());
    let rows = export(&world, &control, &[200]).await;
    assert!(rows[0]["input_messages"].is_string());
}

#[tokio::test]
async fn tells_people_that_others_are_told_what_they_say() {
    for content in [false, true] {
        let (world, control) = World::with(&exporter("one", content));
        let ann = world.person(&control).await;
        let request = World::request(http::Method::GET, "/token-manager").header("cookie", &ann.cookie);
        let page = world.send(request.body(axum::body::Body::empty()).unwrap()).await;
        let page = axum::body::to_bytes(page.into_body(), usize::MAX).await.unwrap();
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert_eq!(page.contains("records what you say"), content, "{page}");
    }
}
