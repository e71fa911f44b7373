//! The Worker on this machine: under `wrangler dev`, or in workerd itself.

use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{fs, io};

use tempfile::TempDir;
use toml::{Table, Value};

use crate::process::until_printed;
use crate::upstash::UpstashBridge;
use crate::variables::as_variables;
use crate::{NotReady, Process, Store, Unset, place};

/// How long wrangler may take from its start to the Worker's first answer.
///
/// About 3 seconds on an idle machine; the rest is for one that compiles something else meanwhile.
const START: Duration = Duration::from_mins(1);

/// What runs a Worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// `wrangler dev`, as a developer does.
    Wrangler,
    /// The runtime itself: nothing is between a client and the Worker.
    Bare,
    /// The runtime itself, with something before the Worker that watches it (`tests/node/watched_worker.js`).
    Watched,
}

/// The Worker of a deployment.
#[derive(Debug)]
pub(crate) struct Edge {
    port: u16,
    runtime: Runtime,
    variables: Table,
    /// Its own way to the hot state.
    bridge: UpstashBridge,
    worker: Option<EdgeWorker>,
}

/// The two halves of a front's key, as `llm-gateway keys front` prints them.
#[derive(Debug, Clone)]
pub(crate) struct FrontKeys {
    /// The front's.
    pub(crate) private: String,
    /// The control plane's, as a list.
    pub(crate) public: String,
}

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

impl Edge {
    /// Prepares a Worker at this port, with a gateway's configuration, the value of its section `control`, and its own way to the
    /// hot state.
    pub(crate) fn new(port: u16, runtime: Runtime, configuration: &str, control: &str, bridge: UpstashBridge) -> Self {
        let mut variables = as_variables(configuration);
        variables.extend(as_variables(&Store::over(&bridge)));
        variables.insert("LLM_GATEWAY__CONTROL".to_owned(), Value::String(control.to_owned()));
        Self { port, runtime, variables, bridge, worker: None }
    }

    /// Starts it.
    pub(crate) async fn start(&mut self) {
        let started = EdgeWorker::start(self.runtime, self.port, &self.variables).await;
        self.worker = Some(started.expect("the worker starts"));
    }

    /// Ends it without a warning.
    pub(crate) fn stop(&mut self) {
        self.worker = None;
    }

    /// Returns what it has printed since it started.
    pub(crate) fn log(&self) -> String {
        self.worker.as_ref().map(EdgeWorker::log).unwrap_or_default()
    }

    /// Returns what runs it.
    pub(crate) const fn runtime(&self) -> Runtime {
        self.runtime
    }

    /// Returns its own way to the hot state.
    pub(crate) const fn bridge(&self) -> &UpstashBridge {
        &self.bridge
    }
}

impl FrontKeys {
    /// Reads what the program has printed.
    pub(crate) fn read(printed: &str) -> Self {
        let value = |name: &str| {
            let line = printed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_else(|| unreachable!("{name} is not there: {printed}")).trim_matches('\'').to_owned()
        };
        Self { private: value("LLM_GATEWAY__CONTROL__KEY"), public: value("LLM_GATEWAY__CONTROL__FRONTS") }
    }
}

impl EdgeWorker {
    /// Starts the Worker that `scripts/worker` built, at this port and with these variables in place of those that
    /// `wrangler.toml` has; returns once it listens, and under wrangler once it answers.
    ///
    /// It runs as `wrangler.toml` says but for the build command and the addresses, from a directory of its own, so that tests
    /// that run beside each other neither build nor share state.
    ///
    /// # Errors
    ///
    /// - [`EdgeError::Unset`] outside `scripts/test`.
    /// - [`EdgeError::Config`], [`EdgeError::Start`]: it was not started.
    /// - [`EdgeError::NotReady`], with what it printed, if it does not answer.
    pub async fn start(runtime: Runtime, port: u16, variables: &Table) -> Result<Self, EdgeError> {
        let root = place("LLM_GATEWAY_ROOT")?;
        let directory = tempfile::tempdir()?;
        let settings: Table = fs::read_to_string(root.join("wrangler.toml"))?.parse()?;
        let process = match runtime {
            Runtime::Wrangler => under_wrangler(port, settings, variables, &root, directory.path()).await,
            Runtime::Bare => alone(port, &settings, variables, None, &root, directory.path()).await,
            Runtime::Watched => {
                alone(port, &settings, variables, Some("watched_worker.js"), &root, directory.path()).await
            }
        };
        Ok(Self { process: process?, _directory: directory })
    }

    /// Waits until it has printed something.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub async fn prints(&self, text: &str) {
        until_printed(|| self.log(), text).await;
    }

    /// Returns what the Worker has printed, and wrangler if that runs it.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }
}

async fn under_wrangler(
    port: u16,
    mut settings: Table,
    variables: &Table,
    root: &Path,
    directory: &Path,
) -> Result<Process, EdgeError> {
    settings.remove("build");
    // wrangler would have requests come for them.
    settings.remove("routes");
    settings.insert("vars".to_owned(), Value::Table(variables.clone()));
    if let Some(Value::String(main)) = settings.get_mut("main") {
        *main = root.join(&main).to_string_lossy().into_owned();
    }
    fs::write(directory.join("wrangler.toml"), settings.to_string())?;
    let mut process = Process::start(
        Command::new(place("LLM_GATEWAY_NODE")?.join("node_modules/.bin/wrangler"))
            .args(["dev", "--local", "--ip", "127.0.0.1", "--port", &port.to_string(), "--inspector-port", "0"])
            .args(["--show-interactive-dev-session", "false"])
            .current_dir(directory)
            // Not the settings, logs and running Workers of whoever runs the tests.
            .env("XDG_CONFIG_HOME", directory)
            .env("WRANGLER_SEND_METRICS", "false"),
    )?;
    process.answers(&format!("http://127.0.0.1:{port}/healthz"), START).await?;
    Ok(process)
}

/// Starts it in the runtime itself; `entry` is a file of `tests/node` that stands before it.
async fn alone(
    port: u16,
    settings: &Table,
    variables: &Table,
    entry: Option<&str>,
    root: &Path,
    directory: &Path,
) -> Result<Process, EdgeError> {
    fs::write(directory.join("worker.capnp"), bare(port, settings, variables, entry))?;
    for folder in ["edge", "tests"] {
        std::os::unix::fs::symlink(root.join(folder), directory.join(folder))?;
    }
    let program = place("LLM_GATEWAY_NODE")?.join("node_modules/.bin/workerd");
    let mut process = Process::start(Command::new(program).args(["serve", "worker.capnp"]).current_dir(directory))?;
    process.listens(port, START).await?;
    Ok(process)
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
