//! A value that is fetched now and then, and kept meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::time::Millis;

/// How long a value is used without asking again, in ms: what was changed where it comes from shows within ten minutes.
const FRESH: u64 = 10 * 60 * 1000;

/// How long a value is used when asking again fails, in ms. Who is down for a day has other troubles; a key
/// that was withdrawn must not work for ever.
const STALE: u64 = 24 * 60 * 60 * 1000;

/// How long after asking nobody asks again for the same reason, in ms. So one request at a time refreshes, and a token with
/// an invented key id cannot make the gateway hammer whoever has the keys. The two reasons have a pause each: keys may
/// change a moment after they were fetched.
const PAUSE: u64 = 30 * 1000;

/// How long the first fetch of all is worth waiting for, in ms: somebody is at it, and where many need the value at once it would
/// be asked for as often.
const AWAITED: u64 = 3 * 1000;

/// Keeps a value, and when somebody asked for a newer one, and why.
///
/// It holds values, never a future: where one process is many isolates, a request must not wait for another's I/O.
pub(crate) struct Shelf<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    value: Option<(Arc<T>, Millis)>,
    refreshed: Option<Millis>,
    missed: Option<Millis>,
    failed: Option<Millis>,
}

/// What a look at the shelf says.
pub(crate) enum Look<T> {
    /// Use this.
    Use(Arc<T>),
    /// Fetch a new one; if that fails, use this, if there is one.
    Fetch(Option<Arc<T>>),
}

impl<T> Shelf<T> {
    pub(crate) const fn new() -> Self {
        Self { state: Mutex::new(State { value: None, refreshed: None, missed: None, failed: None }) }
    }

    /// Says what to do at `now`. Who is told to fetch has claimed it; others use the older value meanwhile.
    pub(crate) fn look(&self, now: Millis) -> Look<T> {
        let mut state = self.lock();
        let held = state.value.as_ref().map(|(value, since)| (Arc::clone(value), now.since(*since)));
        match held {
            Some((value, age)) if age < FRESH => Look::Use(value),
            Some((value, age)) if age < STALE && is_paused(state.refreshed, now) => Look::Use(value),
            held => {
                state.refreshed = Some(now);
                Look::Fetch(held.filter(|(_, age)| *age < STALE).map(|(value, _)| value))
            }
        }
    }

    /// Claims a fetch although the value is fresh, because something is missing from it; says whether to fetch.
    pub(crate) fn claim(&self, now: Millis) -> bool {
        let mut state = self.lock();
        let claimed = !is_paused(state.missed, now);
        if claimed {
            state.missed = Some(now);
        }
        claimed
    }

    /// Keeps a value that was fetched at `now`.
    pub(crate) fn put(&self, value: T, now: Millis) -> Arc<T> {
        let value = Arc::new(value);
        self.lock().value = Some((Arc::clone(&value), now));
        value
    }

    /// Notes that a fetch has failed at `now`.
    pub(crate) fn note_failure(&self, now: Millis) {
        self.lock().failed = Some(now);
    }

    /// Says whether who began to wait at `began` does best to look again in a moment: nothing is held, and somebody is fetching it.
    /// Nobody waits longer for another than for an answer of their own, nor for one who has failed.
    pub(crate) fn is_awaited(&self, began: Millis, now: Millis) -> bool {
        let state = self.lock();
        let is_asked = state
            .refreshed
            .is_some_and(|since| now.since(since) < AWAITED && state.failed.is_none_or(|failed| failed < since));
        let has_failed = state.failed.is_some_and(|failed| failed >= began);
        !state.is_held(now) && is_asked && !has_failed && now.since(began) < AWAITED
    }

    /// Says whether nothing is held and a fetch has failed since `began`: another would hardly fare better.
    pub(crate) fn has_failed_since(&self, began: Millis, now: Millis) -> bool {
        let state = self.lock();
        !state.is_held(now) && state.failed.is_some_and(|failed| failed >= began)
    }

    /// Says whether nothing is held and a fetch has failed a moment ago: who can do without does not wait for another.
    pub(crate) fn is_out(&self, now: Millis) -> bool {
        let state = self.lock();
        !state.is_held(now) && is_paused(state.failed, now)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics while it is held, and a half-made change would only mean another fetch.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn is_held(&self, now: Millis) -> bool {
        self.value.as_ref().is_some_and(|(_, since)| now.since(*since) < STALE)
    }
}

fn is_paused(asked: Option<Millis>, now: Millis) -> bool {
    asked.is_some_and(|asked| now.since(asked) < PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_700_000_000_000;

    fn at(millis: u64) -> Millis {
        Millis(START + i64::try_from(millis).unwrap())
    }

    #[test]
    fn uses_a_value_while_it_is_fresh() {
        let shelf = Shelf::new();
        shelf.put(7, at(0));
        assert!(matches!(shelf.look(at(FRESH - 1)), Look::Use(value) if *value == 7));
    }

    #[test]
    fn lets_one_refresh_and_the_others_use_the_older_value() {
        let shelf = Shelf::new();
        shelf.put(7, at(0));
        assert!(matches!(shelf.look(at(FRESH)), Look::Fetch(Some(_))));
        assert!(matches!(shelf.look(at(FRESH + PAUSE - 1)), Look::Use(_)));
        assert!(matches!(shelf.look(at(FRESH + PAUSE)), Look::Fetch(Some(_))));
    }

    #[test]
    fn forgets_a_value_after_a_day() {
        let shelf = Shelf::new();
        shelf.put(7, at(0));
        assert!(matches!(shelf.look(at(STALE - PAUSE)), Look::Fetch(Some(_))));
        assert!(matches!(shelf.look(at(STALE)), Look::Fetch(None)));
    }

    #[test]
    fn is_out_for_a_pause_after_a_failure_unless_it_holds_something() {
        let shelf = Shelf::new();
        assert!(!shelf.is_out(at(0)));
        shelf.note_failure(at(0));
        assert!(shelf.is_out(at(PAUSE - 1)));
        assert!(!shelf.is_out(at(PAUSE)));
        shelf.put(7, at(0));
        shelf.note_failure(at(FRESH));
        assert!(!shelf.is_out(at(FRESH)));
        shelf.note_failure(at(STALE));
        assert!(shelf.is_out(at(STALE)));
    }

    #[test]
    fn is_awaited_while_somebody_fetches_the_first_value() {
        let shelf = Shelf::new();
        assert!(!shelf.is_awaited(at(0), at(0)), "nobody is at it");
        assert!(matches!(shelf.look(at(0)), Look::Fetch(None)));
        assert!(shelf.is_awaited(at(10), at(AWAITED - 1)));
        assert!(!shelf.is_awaited(at(10), at(AWAITED)), "whoever is at it is not coming back");
        assert!(matches!(shelf.look(at(AWAITED)), Look::Fetch(None)));
        assert!(!shelf.is_awaited(at(10), at(AWAITED + 10)), "nobody waits for one after the other");
        shelf.put(7, at(AWAITED + 20));
        assert!(!shelf.is_awaited(at(AWAITED + 15), at(AWAITED + 21)));
        assert!(matches!(shelf.look(at(AWAITED + 20 + FRESH)), Look::Fetch(Some(_))));
        let later = at(AWAITED + 20 + FRESH + 1);
        assert!(!shelf.is_awaited(later, later), "there is an older one to use");
    }

    #[test]
    fn lets_all_go_who_wait_for_a_fetch_that_fails() {
        let shelf: Shelf<u8> = Shelf::new();
        assert!(matches!(shelf.look(at(0)), Look::Fetch(None)));
        assert!(!shelf.has_failed_since(at(0), at(1)));
        shelf.note_failure(at(5));
        for began in [0, 5] {
            assert!(!shelf.is_awaited(at(began), at(6)) && shelf.has_failed_since(at(began), at(6)));
        }
        assert!(
            !shelf.has_failed_since(at(6), at(6)) && !shelf.is_awaited(at(6), at(6)),
            "who comes later tries again"
        );
        assert!(matches!(shelf.look(at(6)), Look::Fetch(None)));
        assert!(shelf.is_awaited(at(7), at(7)));
    }

    #[test]
    fn claims_at_most_every_pause() {
        let shelf = Shelf::new();
        shelf.put(7, at(0));
        assert!(shelf.claim(at(1)));
        assert!(!shelf.claim(at(PAUSE)));
        assert!(shelf.claim(at(PAUSE + 1)));
        assert!(!shelf.claim(at(PAUSE + 1)));
    }

    #[test]
    fn claims_what_is_missing_although_it_has_just_refreshed() {
        let shelf = Shelf::new();
        assert!(matches!(shelf.look(at(0)), Look::Fetch(None)));
        shelf.put(7, at(0));
        assert!(shelf.claim(at(0)));
    }
}
