//! The signing keys, as the parameter store has them: rotated without a deployment.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gateway_core::Chain;
use gateway_core::control::{Authority, Control};
use gateway_core::ports::{Clock as _, in_time};
use gateway_core::time::Timestamp;
use gateway_native::host::SystemClock;
use gateway_native::parameters::ParameterStore;

/// How long keys are used until they are read again, in seconds.
const FRESH: i64 = 60;

/// How long somebody's request waits for them. It takes some milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where signing keys come from, and when they were last asked for.
pub(crate) struct FollowedKeys {
    /// The store and the parameter's name; none if the keys were given by value.
    source: Option<(ParameterStore, String)>,
    asked: Mutex<Timestamp>,
}

impl FollowedKeys {
    /// Follows keys that were read just now.
    pub(crate) fn new(source: Option<(ParameterStore, String)>) -> Self {
        Self { source, asked: Mutex::new(SystemClock.now().seconds()) }
    }

    /// Reads them again, if that was last done a minute ago. If it cannot be done, they stay as they were.
    ///
    /// A process is frozen between requests, so this is done before one.
    pub(crate) async fn follow<A: Authority>(&self, control: &Control<A>) {
        let Some((store, name)) = &self.source else { return };
        if !self.is_due(SystemClock.now().seconds()) {
            return;
        }
        match in_time(&SystemClock, PATIENCE, store.keys(name)).await {
            Some(Ok(keys)) => control.replace_keys(keys),
            Some(Err(error)) => tracing::error!(error = %Chain(&error), "the signing keys stay as they were"),
            None => tracing::error!("the parameter store is slow; the signing keys stay as they were"),
        }
    }

    /// Says whether it is time to ask; if so, it has been done for the next minute.
    fn is_due(&self, now: Timestamp) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = now >= asked.plus(FRESH);
        if is_due {
            *asked = now;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_again_after_a_minute_and_once_for_each() {
        let keys = FollowedKeys { source: None, asked: Mutex::new(Timestamp(1000)) };
        assert!(!keys.is_due(Timestamp(1059)));
        assert!(keys.is_due(Timestamp(1060)));
        assert!(!keys.is_due(Timestamp(1060)), "one asks for all");
        assert!(keys.is_due(Timestamp(1120)));
    }
}
