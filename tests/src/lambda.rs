//! The functions under `cargo lambda watch`, which plays AWS's side.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::{NotReady, Process, place};

/// How long a function may take from its start to its first answer.
///
/// Well under a second on an idle machine; the rest is for one that compiles something else meanwhile.
const START: Duration = Duration::from_mins(1);

/// How many requests the control function answers at once.
const INSTANCES: usize = 3;

/// How many seconds an invocation waits for a function.
const PATIENCE: &str = "30";

/// The functions of a deployment, and the runtime that hands them requests.
#[derive(Debug)]
pub struct Lambda {
    runtime: Process,
    _directory: TempDir,
    functions: Vec<(&'static str, Process)>,
    url: String,
}

/// Makes a project that has these functions: the runtime knows no others. Nothing of it is ever built.
fn project() -> TempDir {
    let directory = tempfile::tempdir().expect("there is room for a folder");
    let binary = |name: &str| format!("[[bin]]\nname = \"{name}\"\npath = \"main.rs\"\n");
    let binaries: String = ["control", "upkeep", "stream"].map(binary).concat();
    let manifest = format!("[package]\nname = \"functions\"\nedition = \"2024\"\n{binaries}");
    for (file, content) in [("Cargo.toml", manifest.as_str()), ("main.rs", "fn main() {}")] {
        fs::write(directory.path().join(file), content).expect("there is room for a file");
    }
    directory
}

impl Lambda {
    /// Starts the program that `scripts/test` built, as each of its functions, at this port, and returns once they take
    /// requests.
    ///
    /// cargo-lambda only serves Lambda's APIs here: let it start the functions, and it would compile them anew.
    ///
    /// # Errors
    ///
    /// [`NotReady`], with what was printed, if one does not start.
    ///
    /// # Panics
    ///
    /// Outside `scripts/test`, and if a program cannot be run.
    pub async fn start(port: u16, variables: &[(String, String)]) -> Result<Self, NotReady> {
        let url = format!("http://127.0.0.1:{port}");
        let directory = project();
        let mut runtime = Process::start(
            Command::new(place("LLM_GATEWAY_CARGO_LAMBDA").expect("scripts/test says where that is"))
                .args(["lambda", "watch", "--only-lambda-apis", "--disable-cors", "--timeout", PATIENCE])
                .args(["--concurrency", &INSTANCES.to_string()])
                .args(["--invoke-address", "127.0.0.1", "--invoke-port", &port.to_string()])
                .current_dir(directory.path()),
        )
        .expect("cargo-lambda runs");
        // A function asks for work as soon as it starts, and ends if nobody is there.
        runtime.listens(port, START).await?;
        let mut lambda = Self { runtime, _directory: directory, functions: Vec::new(), url };
        for function in [["control"; INSTANCES].as_slice(), &["upkeep", "stream"]].concat() {
            lambda.functions.push((function, lambda.function(function, variables)));
        }
        Ok(lambda)
    }

    fn function(&self, name: &'static str, variables: &[(String, String)]) -> Process {
        // The one whose name is `_` is asked at the root.
        let called = if name == "control" { "_" } else { name };
        let mut command = Command::new(place("LLM_GATEWAY_LAMBDA_BIN").expect("scripts/test says where that is"));
        command.env_clear().env("LLM_GATEWAY_FUNCTION", name);
        command.env("AWS_LAMBDA_RUNTIME_API", format!("{}/.rt/{called}", self.url));
        command.env("AWS_LAMBDA_FUNCTION_NAME", called).env("AWS_LAMBDA_FUNCTION_VERSION", "1");
        command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256");
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        Process::start(&mut command).expect("the program runs")
    }

    /// Returns the control function's address, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Invokes a function as AWS does, and returns what it says; the error it reports, if it fails.
    ///
    /// # Errors
    ///
    /// What it reports.
    ///
    /// # Panics
    ///
    /// If it says nothing at all.
    pub async fn invoke(&self, name: &str, event: &Value) -> Result<Value, Value> {
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.url);
        let answer = reqwest::Client::new().post(url).json(event).send().await.expect("the runtime answers");
        let has_failed = !answer.status().is_success() || answer.headers().contains_key("x-amz-function-error");
        let told = answer.json().await.expect("a function speaks JSON");
        if has_failed { Err(told) } else { Ok(told) }
    }

    /// Returns what the functions have printed.
    #[must_use]
    pub fn log(&self) -> String {
        self.functions.iter().map(|(_, process)| process.log()).chain([self.runtime.log()]).collect()
    }
}
