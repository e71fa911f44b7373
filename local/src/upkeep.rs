//! What this process does from time to time.

use std::future::Future;
use std::time::Duration;

use gateway_core::control::{Authority, Control};
use gateway_core::http::Front;
use gateway_core::ports::{Platform, Unavailable};

use crate::keys::KeyFile;

/// Between two looks at the usage events that wait for the usage log.
const DRAIN: Duration = Duration::from_secs(2);

/// Between two looks at changes that the hot state may not have heard of.
const OUTBOX: Duration = Duration::from_secs(5);

/// Between two sweeps of leases of which nothing was heard.
const SWEEP: Duration = Duration::from_secs(30);

/// Between two looks at tokens that expired so long ago that no list shows them: there are a few a day.
const FORGET: Duration = Duration::from_hours(1);

/// Between two looks at the key file.
const KEYS: Duration = Duration::from_mins(1);

/// Starts all of it. It ends with the runtime: nothing here has to finish.
pub(crate) fn start<A: Authority, P: Platform>(control: &Control<A>, front: &Front<P>, keys: KeyFile) {
    let each = control.clone();
    every(DRAIN, "usage is not drained", move || {
        let control = each.clone();
        async move { control.drain_usage().await.map(drop) }
    });
    let each = control.clone();
    every(OUTBOX, "changes are not applied", move || {
        let control = each.clone();
        async move { control.apply_outbox().await.map(drop) }
    });
    let each = control.clone();
    every(SWEEP, "leases are not swept", move || {
        let control = each.clone();
        async move { control.sweep().await.map(drop) }
    });
    let each = control.clone();
    every(FORGET, "expired tokens are not forgotten", move || {
        let control = each.clone();
        async move { control.forget_tokens().await.map(drop) }
    });
    follow_keys(control.clone(), front.clone(), keys);
}

fn every<F>(period: Duration, failure: &'static str, work: impl Fn() -> F + Send + 'static)
where
    F: Future<Output = Result<(), Unavailable>> + Send,
{
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(period).await;
            if let Err(error) = work().await {
                tracing::warn!(%error, "{failure}");
            }
        }
    });
}

/// Takes over the keys that `llm-gateway keys rotate` has written.
fn follow_keys<A: Authority, P: Platform>(control: Control<A>, front: Front<P>, file: KeyFile) {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(KEYS).await;
            let read = file.read().map_err(|error| error.to_string());
            let keys = read.and_then(|keys| keys.ok_or_else(|| "the key file is gone".to_owned()));
            match keys.and_then(|keys| Ok((keys.public().map_err(|error| error.to_string())?, keys))) {
                Ok((public, keys)) => {
                    front.replace_keys(public);
                    control.replace_keys(keys);
                }
                Err(error) => tracing::error!(error, "the signing keys stay as they were"),
            }
        }
    });
}
