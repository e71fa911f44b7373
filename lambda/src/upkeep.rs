//! The function that is invoked each minute.

use gateway_core::control::Chore;
use lambda_http::lambda_runtime::{Error, LambdaEvent, run};
use lambda_http::service_fn;
use serde_json::Value;

use crate::start::Started;

/// For how long one invocation has the duty, in seconds: less than until the next one comes.
const ON_DUTY: u32 = 50;

/// Why an invocation counts as failed, so that somebody is told.
#[derive(Debug, thiserror::Error)]
#[error("not everything could be done: {0:?}")]
struct LeftUndone(Vec<Chore>);

/// Serves the schedule until the runtime ends it.
pub(crate) async fn serve(started: Started) -> Result<(), Error> {
    let started = &started;
    run(service_fn(|_: LambdaEvent<Value>| attend(started))).await
}

async fn attend(started: &Started) -> Result<(), Error> {
    let control = &started.control;
    started.keys.follow(control).await;
    if !control.is_on_duty(ON_DUTY).await? {
        tracing::info!("another process does the upkeep");
        return Ok(());
    }
    let mut left = Vec::new();
    for chore in Chore::ALL {
        if !control.attend_to(chore).await {
            left.push(chore);
        }
    }
    if left.is_empty() { Ok(()) } else { Err(LeftUndone(left).into()) }
}
