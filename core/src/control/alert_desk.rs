//! What one process knows of alerts: which were noted, and how long none is to be sent.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use crate::time::Timestamp;

/// How many alerts are remembered: some hundred bytes each.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// The desk from which alerts are sent. What it forgets costs a write or a try more.
pub(super) struct AlertDesk(Mutex<Known>);

struct Known {
    noted: LruCache<String, ()>,
    /// Alerts that alone were not taken, and until when.
    put_off: HashMap<String, Timestamp>,
    /// Until when none is to be sent.
    paused: Timestamp,
    /// How long the next pause is, in seconds; 0 if the first.
    seconds: i64,
}

impl Default for AlertDesk {
    fn default() -> Self {
        let noted = LruCache::new(CAPACITY);
        Self(Mutex::new(Known { noted, put_off: HashMap::new(), paused: Timestamp(i64::MIN), seconds: 0 }))
    }
}

impl AlertDesk {
    /// Says whether it is known that an alert was noted.
    pub(super) fn was_noted(&self, id: &str) -> bool {
        self.lock().noted.get(id).is_some()
    }

    /// Remembers that an alert was noted.
    pub(super) fn noted(&self, id: String) {
        self.lock().noted.put(id, ());
    }

    /// Says whether no alert is to be sent at `now`.
    pub(super) fn pauses(&self, now: Timestamp) -> bool {
        now < self.lock().paused
    }

    /// Sends none for a while, which it returns in seconds: each time twice as long as before, between these.
    pub(super) fn pause(&self, now: Timestamp, first: i64, longest: i64) -> i64 {
        let mut known = self.lock();
        let seconds = known.seconds.clamp(first, longest);
        known.paused = now.plus(seconds);
        known.seconds = seconds * 2;
        seconds
    }

    /// One was taken: the next pause is the first.
    pub(super) fn goes_on(&self) {
        self.lock().seconds = 0;
    }

    /// Says whether an alert waits for another time.
    pub(super) fn puts_off(&self, id: &str, now: Timestamp) -> bool {
        self.lock().put_off.get(id).is_some_and(|until| now < *until)
    }

    /// Has an alert wait.
    pub(super) fn put_off(&self, id: String, until: Timestamp) {
        let mut known = self.lock();
        if known.put_off.len() >= CAPACITY.get() {
            known.put_off.clear();
        }
        known.put_off.insert(id, until);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
