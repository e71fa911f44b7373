use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::{Process, free_port, place, upstash};

/// How long a server may take to start: a moment, and the rest for a machine that compiles something else meanwhile.
const START: Duration = Duration::from_mins(1);

/// The file in which a server keeps what it holds.
const SNAPSHOT: &str = "dump.rdb";

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
        Self::in_folder(tempfile::tempdir().expect("there is room for a folder")).await
    }

    /// Starts another server that holds what this one holds now, as a replica that falls behind from now on.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn copy(&self) -> Self {
        self.save().await;
        let directory = tempfile::tempdir().expect("there is room for a folder");
        fs::copy(self.directory.path().join(SNAPSHOT), directory.path().join(SNAPSHOT)).expect("it was just written");
        Self::in_folder(directory).await
    }

    async fn in_folder(directory: TempDir) -> Self {
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

    /// Has the server keep what it holds for the next time that it starts.
    pub async fn save(&self) {
        self.command(&["SAVE"]).await;
    }

    /// Has the server forget everything, and go on.
    pub async fn forget(&self) {
        self.command(&["FLUSHALL"]).await;
    }

    /// Gives a key another name.
    pub async fn rename(&self, key: &str, name: &str) {
        self.command(&["RENAME", key, name]).await;
    }

    /// Has every lease of a gateway be long overdue, as it is an hour after its process was stopped in the middle of a call.
    pub async fn outdate_leases(&self) {
        let script = "for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do \
                          redis.call('ZADD', KEYS[1], 0, id) \
                          redis.call('HSET', 'gw:{main}:lease:' .. id, 'expiry', 0) \
                      end \
                      return redis.status_reply('OK')";
        self.command(&["EVAL", script, "1", "gw:{main}:leases"]).await;
    }

    async fn command(&self, command: &[&str]) {
        let server = upstash::Redis::new(&self.url(), Some(PASSWORD.to_owned()), START).expect("this is an address");
        let command = upstash::Command(command.iter().map(|part| part.as_bytes().to_vec()).collect());
        let replies = server.ask(&[&command]).await.expect("the server answers");
        assert_eq!(replies, [upstash::Reply::Status(b"OK".to_vec())]);
    }

    /// Ends the server, and with it all that was not saved.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again at the same address, with what was saved last, or empty.
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
