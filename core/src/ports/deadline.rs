//! Waiting no longer than agreed.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::{Clock, Unavailable};

/// Waits for `call`, at most for `limit`.
///
/// # Errors
///
/// The call's own, or [`Unavailable`] for `what` when the time is up; the call may still take effect then.
pub async fn within<T, E: From<Unavailable>>(
    clock: &impl Clock,
    limit: Duration,
    what: &'static str,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    in_time(clock, limit, call).await.unwrap_or_else(|| Err(Unavailable::timed_out(what).into()))
}

/// Waits for `call`, at most for `limit`; `None` if the time is up first. The call is given up then.
pub async fn in_time<T>(clock: &impl Clock, limit: Duration, call: impl Future<Output = T>) -> Option<T> {
    match select(pin!(call), pin!(clock.sleep(limit))).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(((), _)) => None,
    }
}
