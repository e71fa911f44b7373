use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::{Process, free_port, place};

/// How long a server may take to start: a moment, and the rest for a machine that compiles something else meanwhile.
const START: Duration = Duration::from_mins(1);

/// What the server asks for.
const PASSWORD: &str = "a-password-of-this-test";

/// How often another port is tried, if somebody took the first one meanwhile.
const ATTEMPTS: usize = 5;

/// A Redis server on the loopback address, with a password and without persistence. It ends when this is dropped.
#[derive(Debug)]
pub struct Redis {
    process: Option<Process>,
    directory: TempDir,
    port: u16,
}

impl Redis {
    /// Starts a server: the program that `LLM_GATEWAY_REDIS` names, or `redis-server`.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().expect("there is room for a folder");
        let mut redis = Self { process: None, directory, port: 0 };
        for _ in 0..ATTEMPTS {
            redis.port = free_port().expect("a port is free");
            if redis.run().await {
                return redis;
            }
        }
        unreachable!("no server started at any of {ATTEMPTS} ports")
    }

    /// Returns the server's address as a URL, without the password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Returns the port of the loopback address where it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the server's password.
    #[must_use]
    pub const fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Ends the server, and with it all that it holds.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again at the same address, empty.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn start_again(&mut self) {
        assert!(self.run().await, "the server started before");
    }

    /// Says whether it started.
    async fn run(&mut self) -> bool {
        let program =
            place("LLM_GATEWAY_REDIS").map_or_else(|_| OsString::from("redis-server"), PathBuf::into_os_string);
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--requirepass", PASSWORD, "--save", "", "--appendonly", "no"]);
        command.arg("--port").arg(self.port.to_string()).arg("--dir").arg(self.directory.path());
        let mut process = Process::start(&mut command).expect("scripts/tools has installed redis-server");
        let is_there = process.listens(self.port, START).await.is_ok();
        self.process = Some(process).filter(|_| is_there);
        is_there
    }
}
