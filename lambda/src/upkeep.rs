//! The function that is invoked each minute.

use std::time::Duration;

use gateway_core::control::{Chore, Control};
use gateway_core::ports::{Clock as _, in_time};
use gateway_native::host::SystemClock;
use gateway_native::http_client::HttpClient;
use lambda_http::lambda_runtime::{Error, LambdaEvent, run};
use lambda_http::service_fn;
use serde_json::Value;

use crate::authority::LambdaAuthority;

/// For how long one invocation has the duty, in seconds, and how long it works at most: less than until the next one comes, and
/// than the function may take.
const ON_DUTY: u32 = 50;

/// How long one chore may keep the others waiting. What it leaves is done the next time.
const EACH: Duration = Duration::from_secs(10);

/// The same for those of which there is much after a while without upkeep.
const LONG: Duration = Duration::from_secs(20);

/// Why an invocation counts as failed, so that somebody is told.
#[derive(Debug, thiserror::Error)]
#[error("not everything could be done: {0:?}")]
struct LeftUndone(Vec<Chore>);

/// Serves the schedule until the runtime ends it.
pub(crate) async fn serve(control: Control<LambdaAuthority>) -> Result<(), Error> {
    let client = HttpClient::new()?;
    let (control, client) = (&control, &client);
    run(service_fn(|_: LambdaEvent<Value>| Box::pin(attend(control, client)))).await
}

async fn attend(control: &Control<LambdaAuthority>, client: &HttpClient) -> Result<(), Error> {
    if !control.is_on_duty(ON_DUTY).await? {
        tracing::info!("another process does the upkeep");
        return Ok(());
    }
    let end = SystemClock.now().seconds().plus(ON_DUTY.into());
    let mut left = Vec::new();
    for chore in Chore::ALL {
        let rest = Duration::from_secs(end.since(SystemClock.now().seconds()).max(0).cast_unsigned());
        let patience = if matches!(chore, Chore::Recover | Chore::Drain | Chore::Enrol) { LONG } else { EACH };
        match in_time(&SystemClock, rest.min(patience), Box::pin(control.attend_to(chore, client))).await {
            Some(true) => {}
            // It goes on where it is the next time, and nobody waits for it.
            None if chore == Chore::Enrol => tracing::info!("not all tokens are counted yet"),
            Some(false) | None => left.push(chore),
        }
    }
    if left.is_empty() { Ok(()) } else { Err(LeftUndone(left).into()) }
}
