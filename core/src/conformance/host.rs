//! A clock that stands still, and chance that repeats itself.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::ports::{Clock, Random};
use crate::time::Millis;

/// A clock that moves when it is told to. Clones show the same time.
#[derive(Debug, Clone)]
pub struct FixedClock {
    state: Arc<Mutex<ClockState>>,
}

#[derive(Debug)]
struct ClockState {
    now: Millis,
    sleepers: Vec<Waker>,
}

impl FixedClock {
    /// Makes a clock that shows `now`.
    #[must_use]
    pub fn at(now: Millis) -> Self {
        Self { state: Arc::new(Mutex::new(ClockState { now, sleepers: Vec::new() })) }
    }

    /// Moves the clock, and wakes whoever slept until then.
    pub fn advance(&self, duration: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now.0 += i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2);
        state.sleepers.drain(..).for_each(Waker::wake);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Millis {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).now
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        let state = Arc::clone(&self.state);
        let until = self.now().0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
        std::future::poll_fn(move |context| {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.now.0 >= until {
                return Poll::Ready(());
            }
            state.sleepers.push(context.waker().clone());
            Poll::Pending
        })
    }
}

/// Bits that look random and are the same in each run.
#[derive(Debug, Clone, Default)]
pub struct SeededRandom {
    state: Arc<Mutex<u64>>,
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in bytes {
            // One step for each byte is plenty for tests.
            *byte = split_mix(&mut state).to_be_bytes()[0];
        }
    }
}

/// Returns the next number of `SplitMix64` (Steele, Lea and Flood, 2014).
pub(super) const fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
