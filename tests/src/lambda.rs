//! The function under `cargo lambda watch`, which plays AWS's side.

use std::io;
use std::process::Command;
use std::time::Duration;

use crate::{NotReady, Process, Unset, free_port, place};

/// How long the function may take from its start to its first answer.
///
/// Well under a second on an idle machine; the rest is for one that compiles something else meanwhile.
const START: Duration = Duration::from_mins(1);

/// A running function, and the runtime that hands it requests.
#[derive(Debug)]
pub struct LambdaFunction {
    _function: Process,
    _runtime: Process,
    url: String,
}

/// Why there is no function to test.
#[derive(Debug, thiserror::Error)]
pub enum LambdaError {
    /// A place that only `scripts/test` knows.
    #[error(transparent)]
    Unset(#[from] Unset),

    /// A program could not be run.
    #[error("the function could not be started")]
    Start(#[from] io::Error),

    /// It was started and does not answer.
    #[error(transparent)]
    NotReady(#[from] NotReady),
}

impl LambdaFunction {
    /// Starts the program that `scripts/test` built, and returns once it answers.
    ///
    /// cargo-lambda only serves Lambda's APIs here: let it start the function, and it would compile it anew.
    ///
    /// # Errors
    ///
    /// - [`LambdaError::Unset`] outside `scripts/test`.
    /// - [`LambdaError::Start`]: it was not started.
    /// - [`LambdaError::NotReady`], with what the function printed, if it does not answer.
    pub async fn start() -> Result<Self, LambdaError> {
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        let mut runtime = Process::start(
            Command::new(place("LLM_GATEWAY_CARGO_LAMBDA")?)
                .args(["lambda", "watch", "--only-lambda-apis", "--disable-cors"])
                .args(["--invoke-address", "127.0.0.1", "--invoke-port", &port.to_string()]),
        )?;
        // The function asks for work as soon as it starts, and ends if nobody is there.
        runtime.listens(port, START).await?;
        let mut function = Process::start(
            Command::new(place("LLM_GATEWAY_LAMBDA_BIN")?)
                .env("AWS_LAMBDA_RUNTIME_API", format!("{url}/.rt"))
                .env("AWS_LAMBDA_FUNCTION_NAME", "_")
                .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
                .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
                .env("AWS_REGION", "us-east-1"),
        )?;
        function.answers(&format!("{url}/healthz"), START).await?;
        Ok(Self { _function: function, _runtime: runtime, url })
    }

    /// Returns the function's origin, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}
