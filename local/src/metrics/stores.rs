//! What is asked of the stores.

use gateway_core::ports::{Unavailable, WriteError};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use super::Stopwatch;

/// How long operations take. Each is one round trip, or some if there is much to read.
const DURATION: &str = "llm_gateway_store_operation_seconds";

/// How many failed.
const ERRORS: &str = "llm_gateway_store_errors_total";

/// The histogram with its buckets, in seconds: from a look into memory to the last deadline.
pub(super) const HISTOGRAM: (&str, &[f64]) =
    (DURATION, &[0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0]);

pub(super) fn describe() {
    describe_histogram!(DURATION, Unit::Seconds, "How long operations of the stores take, such as to admit a call");
    let text = "Operations of the stores that failed, or were given up because they took too long";
    describe_counter!(ERRORS, Unit::Count, text);
}

/// An operation of a store, from its beginning until this is dropped.
pub(crate) struct Operation {
    store: &'static str,
    name: &'static str,
    began: Stopwatch,
    /// What went wrong with it.
    error: Option<&'static str>,
}

impl Operation {
    /// Begins an operation. Unless it is ended, it was given up.
    pub(crate) fn begin(store: &'static str, name: &'static str) -> Self {
        Self { store, name, began: Stopwatch::start(), error: Some("given_up") }
    }

    /// Ends it with the store's answer.
    pub(crate) fn end<T>(mut self, answer: &Result<T, impl Failure>) {
        let is_failure = answer.as_ref().is_err_and(Failure::is_failure);
        self.error = is_failure.then_some("failed");
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        let (store, operation) = (self.store, self.name);
        histogram!(DURATION, "store" => store, "operation" => operation).record(self.began.seconds());
        if let Some(error) = self.error {
            counter!(ERRORS, "store" => store, "operation" => operation, "error" => error).increment(1);
        }
    }
}

/// What a store answers where it does not do what it was asked.
pub(crate) trait Failure {
    /// Says whether that is the store's fault.
    fn is_failure(&self) -> bool;
}

impl Failure for Unavailable {
    fn is_failure(&self) -> bool {
        true
    }
}

impl Failure for WriteError {
    fn is_failure(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

#[cfg(test)]
mod tests {
    use super::super::recorder;
    use super::*;

    #[test]
    fn counts_what_failed_and_what_was_given_up() {
        let recorder = recorder().unwrap();
        metrics::with_local_recorder(&recorder, || {
            Operation::begin("hot", "good").end(&Ok::<_, Unavailable>(()));
            Operation::begin("hot", "bad").end(&Err::<(), _>(Unavailable::timed_out("it")));
            Operation::begin("records", "conflict").end(&Err::<(), _>(WriteError::Conflict));
            drop(Operation::begin("hot", "slow"));
        });
        let text = recorder.handle().render();
        for (operation, error) in
            [("good", None), ("bad", Some("failed")), ("conflict", None), ("slow", Some("given_up"))]
        {
            assert!(text.contains(&format!("operation=\"{operation}\",le=\"+Inf\"}} 1")), "{text}");
            let failed = text
                .lines()
                .find(|line| line.starts_with(ERRORS) && line.contains(&format!("operation=\"{operation}\"")));
            assert_eq!(failed.is_some(), error.is_some(), "{operation}");
            assert!(error.is_none_or(|error| failed.is_some_and(|line| line.contains(error))), "{failed:?}");
        }
    }
}
