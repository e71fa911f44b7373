//! The Worker under `wrangler dev`: workerd with its bindings simulated on this machine.

use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{fs, io};

use tempfile::TempDir;
use toml::{Table, Value};

use crate::{NotReady, Process, Unset, place};

/// How long wrangler may take from its start to the Worker's first answer.
///
/// About 3 seconds on an idle machine; the rest is for one that compiles something else meanwhile.
const START: Duration = Duration::from_mins(1);

/// A running Worker, with state of its own.
#[derive(Debug)]
pub struct EdgeWorker {
    process: Process,
    _directory: TempDir,
}

/// Why there is no Worker to test.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// A place that only `scripts/test` knows.
    #[error(transparent)]
    Unset(#[from] Unset),

    /// `wrangler.toml` is not TOML.
    #[error("wrangler.toml is not what wrangler reads")]
    Config(#[from] toml::de::Error),

    /// Its files could not be read or written, or wrangler not be run.
    #[error("the worker could not be started")]
    Start(#[from] io::Error),

    /// It was started and does not answer.
    #[error(transparent)]
    NotReady(#[from] NotReady),
}

impl EdgeWorker {
    /// Starts the Worker that `scripts/worker` built, at this port and with these variables in place of those that
    /// `wrangler.toml` has; returns once it answers.
    ///
    /// It runs as `wrangler.toml` says but for the build command and the addresses, from a directory of its own, so that tests that run
    /// beside each other neither build nor share state.
    ///
    /// # Errors
    ///
    /// - [`EdgeError::Unset`] outside `scripts/test`.
    /// - [`EdgeError::Config`], [`EdgeError::Start`]: it was not started.
    /// - [`EdgeError::NotReady`], with what wrangler printed, if it does not answer.
    pub async fn start(port: u16, variables: &Table) -> Result<Self, EdgeError> {
        let root = place("LLM_GATEWAY_ROOT")?;
        let directory = tempfile::tempdir()?;
        let config = prebuilt(&fs::read_to_string(root.join("wrangler.toml"))?, &root, variables)?;
        fs::write(directory.path().join("wrangler.toml"), config)?;

        let mut process = Process::start(
            Command::new(place("LLM_GATEWAY_NODE")?.join("node_modules/.bin/wrangler"))
                .args(["dev", "--local", "--ip", "127.0.0.1", "--port", &port.to_string(), "--inspector-port", "0"])
                .args(["--show-interactive-dev-session", "false"])
                .current_dir(directory.path())
                // Not the settings, logs and running Workers of whoever runs the tests.
                .env("XDG_CONFIG_HOME", directory.path())
                .env("WRANGLER_SEND_METRICS", "false"),
        )?;
        let url = format!("http://127.0.0.1:{port}");
        process.answers(&format!("{url}/healthz"), START).await?;
        Ok(Self { process, _directory: directory })
    }

    /// Starts the same Worker in the runtime itself, without wrangler: nothing is between a client and the Worker. `entry` is
    /// a file of `tests/node` that stands before it.
    ///
    /// # Errors
    ///
    /// As [`EdgeWorker::start`].
    pub async fn start_bare(port: u16, variables: &Table, entry: Option<&str>) -> Result<Self, EdgeError> {
        let root = place("LLM_GATEWAY_ROOT")?;
        let directory = tempfile::tempdir()?;
        let settings: Table = fs::read_to_string(root.join("wrangler.toml"))?.parse()?;
        fs::write(directory.path().join("worker.capnp"), bare(port, &settings, variables, entry))?;
        for folder in ["edge", "tests"] {
            std::os::unix::fs::symlink(root.join(folder), directory.path().join(folder))?;
        }

        let mut process = Process::start(
            Command::new(place("LLM_GATEWAY_NODE")?.join("node_modules/.bin/workerd"))
                .args(["serve", "worker.capnp"])
                .current_dir(directory.path()),
        )?;
        process.listens(port, START).await?;
        Ok(Self { process, _directory: directory })
    }

    /// Returns what the Worker has printed, and wrangler if that runs it.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// Returns `config` without its build command and its addresses, for use from any directory, with other variables.
fn prebuilt(config: &str, root: &Path, variables: &Table) -> Result<String, toml::de::Error> {
    let mut config: Table = config.parse()?;
    config.remove("build");
    // wrangler would have requests come for them.
    config.remove("routes");
    config.insert("vars".to_owned(), Value::Table(variables.clone()));
    if let Some(Value::String(main)) = config.get_mut("main") {
        *main = root.join(&main).to_string_lossy().into_owned();
    }
    Ok(config.to_string())
}

/// Returns what workerd reads: the Worker with the compatibility that `wrangler.toml` says, and these variables.
fn bare(port: u16, settings: &Table, variables: &Table, entry: Option<&str>) -> String {
    let entry = entry.map(|name| format!("(name = \"{name}\", esModule = embed \"tests/node/{name}\"),"));
    let text = |value: &Value| serde_json::Value::from(value.as_str().unwrap_or_default()).to_string();
    let bindings: Vec<String> =
        variables.iter().map(|(name, value)| format!("(name = \"{name}\", text = {})", text(value))).collect();
    format!(
        r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .gateway),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")],
);
const gateway :Workerd.Worker = (
  modules = [
    {entry}
    (name = "worker.js", esModule = embed "edge/worker.js"),
    (name = "build/bindings.js", esModule = embed "edge/build/bindings.js"),
    (name = "build/gateway.wasm", wasm = embed "edge/build/gateway.wasm"),
  ],
  compatibilityDate = {date},
  compatibilityFlags = {flags},
  bindings = [{bindings}],
);
"#,
        entry = entry.unwrap_or_default(),
        date = settings["compatibility_date"],
        flags = settings["compatibility_flags"],
        bindings = bindings.join(", "),
    )
}
