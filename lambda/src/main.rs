//! The gateway's control plane as AWS Lambda functions: one program, told by `LLM_GATEWAY_FUNCTION` which of them it is.
//!
//! In scope: the clients that a function keeps between invocations, what invokes it, and serving the core's router. Out of
//! scope: any decision; those are the core's.

mod authority;
mod control;
mod keys;
mod start;
mod stream;
mod upkeep;

use std::process::ExitCode;

use gateway_core::Chain;
use gateway_core::config::{Log, LogFormat};
use gateway_core::ports::Vars as _;
use gateway_native::host::Environment;
use gateway_native::logging;
use lambda_http::lambda_runtime;

/// The variable that says which function this is.
const WHICH: &str = "LLM_GATEWAY_FUNCTION";

/// Why no function starts.
#[derive(Debug, thiserror::Error)]
#[error("{WHICH} must be control, upkeep or stream")]
struct NoFunction;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody has said yet how to log, if it is the configuration that cannot be used; else this changes nothing.
            let _ = logging::start(&Log { format: LogFormat::Json, ..Log::default() });
            tracing::error!("the function does not start: {}", Chain(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::read()?;
    match environment.var(WHICH).as_deref() {
        Some("control") => control::serve(start::start(environment).await?).await,
        Some("upkeep") => upkeep::serve(start::start_errands(environment).await?).await,
        Some("stream") => stream::serve(start::start_errands(environment).await?).await,
        _ => Err(NoFunction.into()),
    }
}
