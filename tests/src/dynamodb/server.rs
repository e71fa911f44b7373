use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::{Process, free_port, place};

/// How long the server may take to start: about a second on an idle machine, and the rest for one that compiles something
/// else meanwhile.
const START: Duration = Duration::from_mins(2);

/// How often another port is tried, if somebody took the first one meanwhile.
const ATTEMPTS: usize = 5;

/// The server that the tests of this process share, each with a table of its own.
static SHARED: Mutex<Weak<DynamoDb>> = Mutex::const_new(Weak::new());

/// `DynamoDB` Local on the loopback address, in memory. It ends when this is dropped.
#[derive(Debug)]
pub struct DynamoDb {
    _process: Process,
    _directory: TempDir,
    port: u16,
}

impl DynamoDb {
    /// Returns the server that the tests of this process share; it starts for the first one, and ends with the last.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().await;
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start().await);
        *shared = Arc::downgrade(&server);
        server
    }

    async fn start() -> Self {
        for _ in 0..ATTEMPTS {
            let port = free_port().expect("a port is free");
            let directory = tempfile::tempdir().expect("there is room for a folder");
            let mut process = run(port, &directory);
            if process.listens(port, START).await.is_ok() {
                return Self { _process: process, _directory: directory, port };
            }
        }
        unreachable!("DynamoDB Local does not start")
    }

    /// Returns its address, as `AWS_ENDPOINT_URL_DYNAMODB` takes it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn run(port: u16, directory: &TempDir) -> Process {
    let home = place("LLM_GATEWAY_DYNAMODB").expect("scripts/test says where DynamoDB Local is");
    let java = place("LLM_GATEWAY_JAVA").map_or_else(|_| OsString::from("java"), PathBuf::into_os_string);
    let mut command = Command::new(java);
    // It does little at a time, and there are as many as there are test programs.
    command.args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
    command.arg(format!("-Djava.library.path={}", home.join("DynamoDBLocal_lib").display()));
    command.arg("-jar").arg(home.join("DynamoDBLocal.jar"));
    command.args(["-inMemory", "-sharedDb", "-port", &port.to_string()]).current_dir(directory.path());
    Process::start(&mut command).expect("scripts/tools has installed Java")
}
