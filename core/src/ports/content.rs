//! What was said in calls, in the hot state.

use std::future::Future;

use super::Unavailable;
use crate::id::LeaseId;
use crate::time::Timestamp;

/// Keeps what was said in calls until exporters have taken it. Nobody's money depends on it: a store that has no room, or that loses its
/// memory, does without.
pub trait Contents {
    /// Keeps what was said in a call until `expiry`; says whether there was room.
    fn keep_content(
        &self,
        id: LeaseId,
        content: &str,
        now: Timestamp,
        expiry: Timestamp,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Returns what was said in each of these calls, in their order, as far as it is kept at `now`: some dozen calls at most.
    fn contents(
        &self,
        ids: &[LeaseId],
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Option<String>>, Unavailable>> + Send;

    /// Forgets what was said in these calls.
    fn discard_contents(&self, ids: &[LeaseId]) -> impl Future<Output = Result<(), Unavailable>> + Send;
}
