use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::{Process, Redis, free_port, place};

/// How long a deployment may take from its start to its first answer: a fraction of a second, and the rest for a machine
/// that compiles something else meanwhile.
const START: Duration = Duration::from_mins(1);

/// The variable that says which deployment to test.
const WHICH: &str = "LLM_GATEWAY_DEPLOYMENT";

/// A running gateway. Its data outlives its processes until this is dropped.
#[derive(Debug)]
pub struct Deployment {
    process: Option<Process>,
    directory: TempDir,
    origin: String,
    redis: Option<Redis>,
}

impl Deployment {
    /// Starts the deployment that `LLM_GATEWAY_DEPLOYMENT` names (`embedded`, which is the default, or `redis`), with this
    /// configuration beside what the deployment itself needs.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn start(configuration: &str) -> Self {
        let which = place(WHICH).unwrap_or_else(|_| PathBuf::from("embedded"));
        match which.to_str() {
            Some("embedded") => Self::with(None, configuration).await,
            Some("redis") => Self::on_redis(configuration).await,
            _ => unreachable!("{WHICH} names no deployment: {}", which.display()),
        }
    }

    /// Starts the gateway with its hot state on a Redis server of its own.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn on_redis(configuration: &str) -> Self {
        let redis = Redis::start().await;
        let hot = format!("[hot]\nredis = \"{}\"\npassword = \"{}\"\n", redis.url(), redis.password());
        Self::with(Some(redis), &(hot + configuration)).await
    }

    async fn with(redis: Option<Redis>, configuration: &str) -> Self {
        let directory = tempfile::tempdir().expect("there is room for a data folder");
        let port = free_port().expect("a port is free");
        let origin = format!("http://localhost:{port}");
        let own =
            format!("[server]\nlisten = \"127.0.0.1:{port}\"\n[data]\ndir = \"{}\"\n", directory.path().display());
        fs::write(directory.path().join("gateway.toml"), own + configuration).expect("there is room for a file");
        let mut deployment = Self { process: None, directory, origin, redis };
        deployment.run().await;
        deployment
    }

    /// Returns the command that runs the program with this deployment's configuration, to be told what to do.
    ///
    /// # Panics
    ///
    /// If nobody says where the program is.
    #[must_use]
    pub fn program(&self) -> Command {
        let mut command = Command::new(place("LLM_GATEWAY_BIN").expect("scripts/test says where the program is"));
        command.arg("--config").arg(self.directory.path().join("gateway.toml")).env_clear();
        command
    }

    async fn run(&mut self) {
        let mut process = Process::start(&mut self.program()).expect("the program runs");
        let ready = process.answers(&format!("{}/readyz", self.origin), START).await;
        assert!(ready.is_ok(), "{}", ready.map_or_else(|error| error.to_string(), |()| String::new()));
        self.process = Some(process);
    }

    /// Ends the processes without a warning (SIGKILL) and starts them anew.
    pub async fn kill_and_restart(&mut self) {
        drop(self.process.take());
        self.run().await;
    }

    /// Ends the processes and makes the hot state forget all that the records can tell again, before it starts them anew.
    ///
    /// # Panics
    ///
    /// If they do not start.
    pub async fn forget_and_restart(&mut self) {
        drop(self.process.take());
        if let Some(redis) = &mut self.redis {
            redis.stop();
            redis.start_again().await;
        }
        self.run().await;
    }

    /// Asks the processes to stop (SIGTERM).
    pub fn ask_to_stop(&self) {
        self.process().ask_to_stop();
    }

    /// Waits until the processes have ended, and starts them anew.
    ///
    /// # Panics
    ///
    /// If they did not end well.
    pub async fn wait_and_restart(&mut self) {
        let mut process = self.process.take().expect("it runs");
        let status = tokio::task::spawn_blocking(move || process.wait()).await.expect("waiting does not panic");
        assert!(status.expect("the operating system knows").success());
        self.run().await;
    }

    /// Returns the address that browsers and clients use.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the Redis server of the deployment.
    ///
    /// # Panics
    ///
    /// If it has none.
    pub const fn redis(&mut self) -> &mut Redis {
        self.redis.as_mut().expect("the deployment is on Redis")
    }

    /// Returns what the processes have printed.
    #[must_use]
    pub fn log(&self) -> String {
        self.process().log()
    }

    /// Returns the most memory that the processes have had at any time, in bytes.
    ///
    /// # Panics
    ///
    /// If the operating system does not say, which Linux does.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        self.process().peak_memory().expect("Linux tells the peak of a process that runs")
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("it runs between restarts")
    }
}
