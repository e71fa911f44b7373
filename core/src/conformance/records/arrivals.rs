//! In which order events arrived in the usage log, and how far exporters are.

use super::helpers::{ANSWERS, logged_event, put};
use crate::admission::UsageEvent;
use crate::conformance::fixture::{lease_id, usage_event};
use crate::id::LeaseId;
use crate::ports::{Arrived, Records};

/// Reads to the end, and returns everything and the last place.
async fn to_the_end(records: &impl Records, mut place: u64, limit: u32) -> (Vec<UsageEvent>, u64) {
    let mut events = Vec::new();
    loop {
        let arrived = records.arrived(place, limit).await.expect(ANSWERS);
        if arrived.place == place {
            assert_eq!(arrived.events, [], "what is returned is before the place to go on from");
            return (events, place);
        }
        assert!(arrived.place > place, "places go up");
        place = arrived.place;
        events.extend(arrived.events);
    }
}

fn ids(events: &[UsageEvent]) -> Vec<LeaseId> {
    events.iter().map(|event| event.id).collect()
}

/// Events come as they were written, whatever their ids.
pub async fn returns_events_in_the_order_of_their_arrival(records: &impl Records) {
    assert_eq!(records.arrived(0, 9).await.expect(ANSWERS), Arrived { events: Vec::new(), place: 0 });
    put(records, [usage_event(7, 1), usage_event(3, 1)]).await;
    put(records, [usage_event(5, 1)]).await;
    put(records, [usage_event(3, 1), usage_event(1, 1)]).await;
    let expected = [7, 3, 5, 1].map(|number| logged_event(number, 1));
    for limit in [1, 2, 500] {
        assert_eq!(to_the_end(records, 0, limit).await.0, expected, "{limit} at once");
    }
}

/// A correction is behind everything that was there before it, also for who has read all of that.
pub async fn has_corrected_events_arrive_again(records: &impl Records) {
    put(records, [usage_event(1, 1), usage_event(2, 1)]).await;
    let (_, place) = to_the_end(records, 0, 500).await;
    put(records, [usage_event(1, 2)]).await;
    put(records, [usage_event(1, 1)]).await;
    let (events, end) = to_the_end(records, place, 500).await;
    assert_eq!(events, [logged_event(1, 2)]);
    assert_eq!(to_the_end(records, end, 500).await, (Vec::new(), end));
    let (all, _) = to_the_end(records, 0, 500).await;
    assert!(all.contains(&logged_event(2, 1)) && !all.contains(&logged_event(1, 1)), "they come as they are now");
    assert_eq!(all.last(), Some(&logged_event(1, 2)));
}

/// Whoever reads a little, while others write, has all of it in the end.
pub async fn misses_no_event_between_two_looks(records: &impl Records) {
    let (mut seen, mut place) = (Vec::new(), 0);
    for round in 0..4_u16 {
        // Later ids come first.
        put(records, (1..=3).map(|number| usage_event(100 - 10 * round + number, 1))).await;
        let arrived = records.arrived(place, 2).await.expect(ANSWERS);
        seen.extend(ids(&arrived.events));
        place = arrived.place;
    }
    seen.extend(ids(&to_the_end(records, place, 2).await.0));
    let expected: Vec<LeaseId> =
        (0..4).flat_map(|round| (1..=3).map(move |number| lease_id(100 - 10 * round + number))).collect();
    assert_eq!(seen, expected);
}

/// A place behind the end is the end.
pub async fn takes_odd_places_without_falling_over(records: &impl Records) {
    put(records, [usage_event(1, 1)]).await;
    for place in [1_000_000, u64::try_from(i64::MAX).expect("it is positive"), u64::MAX] {
        let arrived = records.arrived(place, 9).await.expect(ANSWERS);
        assert_eq!(arrived, Arrived { events: Vec::new(), place });
    }
    assert_eq!(records.arrived(0, 0).await.expect(ANSWERS).events.len(), 1, "no limit is below one");
    assert_eq!(records.arrived(0, u32::MAX).await.expect(ANSWERS).events.len(), 1);
}

/// Places go forward only, each exporter's by itself.
pub async fn remembers_how_far_exporters_are(records: &impl Records) {
    assert_eq!(records.exported("a").await.expect(ANSWERS), 0);
    for (place, expected) in [(3, 3), (2, 3), (7, 7)] {
        records.note_exported("a", place).await.expect(ANSWERS);
        assert_eq!(records.exported("a").await.expect(ANSWERS), expected);
    }
    records.note_exported("b", 1).await.expect(ANSWERS);
    assert_eq!((records.exported("a").await.expect(ANSWERS), records.exported("b").await.expect(ANSWERS)), (7, 1));
    assert_eq!(records.exported("c'").await.expect(ANSWERS), 0);
}
