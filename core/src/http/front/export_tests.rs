//! What exporters do while their sinks take what they are sent, and while they do not.

use std::time::Duration;

use http::StatusCode;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::testing::{Person, TestAuthority, World};
use crate::accounts::Posting;
use crate::control::Control;
use crate::id::LeaseId;
use crate::ports::{Exports as _, PageRequest, UsageLog as _, UsageQuery};

const ONE: &str = "[exporters.one]\nkind = \"clickhouse\"\nurl = \"https://one.example\"\n";

const TWO: &str = "[exporters.two]\nkind = \"clickhouse\"\nurl = \"https://two.example\"\n";

/// Makes so many calls, and moves them into the log.
async fn calls(world: &World, control: &Control<TestAuthority>, ann: &Person, count: usize) {
    for _ in 0..count {
        assert_eq!(world.call(ann).await.0, StatusCode::OK);
        world.background.run().await;
        world.clock.advance(Duration::from_millis(1));
    }
    control.drain_usage().await.unwrap();
}

fn answers(world: &World, statuses: &[u16]) {
    for status in statuses {
        world.provider.will_answer(*status, "text/plain", Vec::new());
    }
}

/// Returns the ids in each request that was sent.
fn sent(world: &World) -> Vec<Vec<LeaseId>> {
    let id = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        row["id"].as_str().unwrap().parse().unwrap()
    };
    let requests = world.provider.sent();
    requests.iter().map(|request| std::str::from_utf8(request.body()).unwrap().lines().map(id).collect()).collect()
}

fn sizes(world: &World) -> Vec<usize> {
    sent(world).iter().map(Vec::len).collect()
}

#[tokio::test]
async fn sends_each_event_once_while_all_is_well() {
    let (world, control) = World::with(ONE);
    let ann = world.person(&control).await;
    assert_eq!(control.export(&world.provider).await.unwrap(), 0);
    calls(&world, &control, &ann, 3).await;
    answers(&world, &[200]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 3);
    assert_eq!(sizes(&world), [3]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 0);
    calls(&world, &control, &ann, 1).await;
    answers(&world, &[200]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 1);
    assert_eq!(sizes(&world), [1]);
}

#[tokio::test]
async fn loses_none_while_a_sink_is_down_and_asks_more_and_more_seldom() {
    let (world, control) = World::with(ONE);
    let ann = world.person(&control).await;
    calls(&world, &control, &ann, 2).await;
    let tries = async |status: u16| {
        answers(&world, &[status]);
        assert_eq!(control.export(&world.provider).await.unwrap(), 0);
        sizes(&world).len()
    };
    assert_eq!(tries(503).await, 1);
    for (pause, status) in [(5, 401), (10, 404), (20, 429)] {
        world.clock.advance(Duration::from_secs(pause - 1));
        assert_eq!(control.export(&world.provider).await.unwrap(), 0);
        assert_eq!(sizes(&world).len(), 0, "it pauses for {pause} s");
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(tries(status).await, 1);
    }
    assert_eq!(world.records.exported("one").await.unwrap(), 0);
    world.clock.advance(Duration::from_mins(10));
    answers(&world, &[200, 200]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 2);
}

#[tokio::test]
async fn waits_as_long_as_a_sink_asks_for() {
    let (world, control) = World::with(ONE);
    let ann = world.person(&control).await;
    calls(&world, &control, &ann, 1).await;
    let busy = http::Response::builder().status(429).header("retry-after", "60").body(axum::body::Body::empty());
    world.provider.will(super::testing::Reply::Answer(busy.unwrap()));
    assert_eq!(control.export(&world.provider).await.unwrap(), 0);
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(control.export(&world.provider).await.unwrap(), 0);
    assert_eq!(sizes(&world), [1]);
    world.clock.advance(Duration::from_secs(1));
    answers(&world, &[200]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 1);
}

#[tokio::test]
async fn passes_over_a_single_event_that_is_refused_while_others_are_taken() {
    let (world, control) = World::with(ONE);
    let ann = world.person(&control).await;
    calls(&world, &control, &ann, 4).await;
    // All, the first two, the last two, the first, the second.
    answers(&world, &[400, 422, 200, 413, 200]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 3);
    assert_eq!(sizes(&world), [4, 2, 2, 1, 1]);
    assert!(world.records.exported("one").await.unwrap() > 0);
    assert_eq!(control.export(&world.provider).await.unwrap(), 0);
    assert!(sizes(&world).is_empty(), "nothing is left");
}

/// A table without a column refuses everything: that is no reason to pass over everything.
#[tokio::test]
async fn passes_over_nothing_while_a_sink_takes_nothing() {
    let (world, control) = World::with(ONE);
    let ann = world.person(&control).await;
    calls(&world, &control, &ann, 2).await;
    answers(&world, &[400, 400, 400]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 0);
    assert_eq!(sizes(&world), [2, 1, 1]);
    assert_eq!(world.records.exported("one").await.unwrap(), 0);
    world.clock.advance(Duration::from_secs(5));
    answers(&world, &[200]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 2);
}

#[tokio::test]
async fn sends_no_event_again_that_was_taken_before_a_failure_in_the_middle() {
    let (world, control) = World::with(ONE);
    let ann = world.person(&control).await;
    calls(&world, &control, &ann, 4).await;
    answers(&world, &[400, 200, 503]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 2);
    let before = sent(&world);
    world.clock.advance(Duration::from_secs(5));
    answers(&world, &[200, 200]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 2);
    let after: Vec<LeaseId> = sent(&world).concat();
    assert_eq!(after, before[0][2..], "the second half");
}

#[tokio::test]
async fn keeps_one_sink_waiting_for_no_other() {
    let (world, control) = World::with(&format!("{ONE}{TWO}"));
    let ann = world.person(&control).await;
    calls(&world, &control, &ann, 2).await;
    answers(&world, &[503, 200]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 2);
    let places = (world.records.exported("one").await.unwrap(), world.records.exported("two").await.unwrap());
    assert!(places.0 == 0 && places.1 > 0, "{places:?}");
}

#[tokio::test]
async fn gives_up_on_a_sink_that_does_not_answer() {
    let (world, control) = World::with(ONE);
    let ann = world.person(&control).await;
    calls(&world, &control, &ann, 1).await;
    // Nothing is prepared, so that nothing ever comes.
    assert_eq!(world.while_time_passes(control.export(&world.provider)).await.unwrap(), 0);
    assert_eq!(world.records.exported("one").await.unwrap(), 0);
}

/// Corrects an event, as a settlement does that comes after a sweep.
async fn correct(world: &World, id: LeaseId) {
    let query = UsageQuery { after: None, page: PageRequest { limit: 9, cursor: None } };
    let events = world.records.usage(&query).await.unwrap().items;
    let mut event = events.into_iter().find(|event| event.id == id).unwrap();
    event.revision = 2;
    world.records.put_usage(&[Posting::of(event, &TimeZone::UTC)]).await.unwrap();
}

#[tokio::test]
async fn sends_a_correction_after_what_it_corrects() {
    let (world, control) = World::with(ONE);
    let ann = world.person(&control).await;
    calls(&world, &control, &ann, 2).await;
    answers(&world, &[200]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 2);
    let first = sent(&world)[0][0];
    correct(&world, first).await;
    answers(&world, &[200]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 1);
    let requests = world.provider.sent();
    let row: Value = serde_json::from_slice(requests[0].body()).unwrap();
    assert_eq!((row["id"].clone(), row["revision"].as_u64()), (serde_json::json!(first), Some(2)));
    assert_eq!(row["user_email"], "ann@example.com");
}

/// What it corrects was taken, and the rest of the batch was not.
#[tokio::test]
async fn sends_a_correction_that_comes_into_a_batch_which_is_tried_again() {
    let (world, control) = World::with(ONE);
    let ann = world.person(&control).await;
    calls(&world, &control, &ann, 2).await;
    answers(&world, &[400, 200, 503]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 1);
    let [first, second] = sent(&world)[0][..] else { unreachable!("there are two") };
    correct(&world, first).await;
    world.clock.advance(Duration::from_secs(5));
    answers(&world, &[200]);
    assert_eq!(control.export(&world.provider).await.unwrap(), 2);
    assert_eq!(sent(&world), [[second, first]]);
}

#[tokio::test]
async fn sends_again_what_it_may_have_sent_when_the_records_fail() {
    let (world, control) = World::with(ONE);
    let ann = world.person(&control).await;
    calls(&world, &control, &ann, 1).await;
    answers(&world, &[200, 200]);
    // How far it was, what arrived, and who they are; then the place is not noted.
    for _ in 0..3 {
        world.record_faults.pass_next();
    }
    world.record_faults.fail_next(crate::conformance::faulty::Fault::Lost);
    assert!(control.export(&world.provider).await.is_err());
    assert_eq!(control.export(&world.provider).await.unwrap(), 1);
    assert_eq!(sizes(&world), [1, 1]);
}
