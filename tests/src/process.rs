use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::NamedTempFile;
use tokio::net::TcpStream;

/// Ports below those that Linux gives out by itself (32768 and above, unless somebody configured it otherwise).
const PORTS: Range<u16> = 12_000..32_000;

/// The ports that this process has given out: none is given twice, because tests run beside each other.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// How often another port is tried if one is taken.
const ATTEMPTS: usize = 100;

/// How long a test waits for a line of a log: a moment, and the rest for a machine that compiles something else meanwhile.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often a server that is starting is asked whether it answers, and a log is looked at.
const POLL: Duration = Duration::from_millis(50);

/// A server under test: a process group that ends when this is dropped, however the test ends.
///
/// What it prints is kept, and shown if the test panics.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: NamedTempFile,
}

/// Why a server could not be used.
#[derive(thiserror::Error)]
pub enum NotReady {
    /// It ended first.
    #[error("{name} ended with {status} before it answered\n{log}")]
    Ended {
        /// The program.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        log: String,
    },

    /// It ran, and did not answer in time.
    #[error("{name} did not answer {url} within {deadline:?}\n{log}")]
    Late {
        /// The program.
        name: String,
        /// What it was asked for.
        url: String,
        /// How long it had.
        deadline: Duration,
        /// What it printed.
        log: String,
    },

    /// The operating system does not tell whether it runs.
    #[error("{name} could not be watched")]
    Unknown {
        /// The program.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// As `Display`, because `unwrap` shows this one, and what the server printed is for reading.
impl fmt::Debug for NotReady {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Process {
    /// Starts `command` in a process group of its own, with nothing to read and its output kept.
    ///
    /// # Errors
    ///
    /// Whatever the operating system says when there is no such program, or no room for its output.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let log = NamedTempFile::new()?;
        let output = log.reopen()?;
        let child = command.process_group(0).stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output).spawn()?;
        Ok(Self { name: command.get_program().to_string_lossy().into_owned(), child, log })
    }

    /// Returns once a GET of `url` succeeds.
    ///
    /// # Errors
    ///
    /// - [`NotReady::Ended`] as soon as the process has ended.
    /// - [`NotReady::Late`] if `deadline` passes first.
    /// - [`NotReady::Unknown`] if the operating system does not tell whether it runs.
    pub async fn answers(&mut self, url: &str, deadline: Duration) -> Result<(), NotReady> {
        let client = reqwest::Client::new();
        let succeeds = async || client.get(url).send().await.is_ok_and(|response| response.status().is_success());
        self.until(succeeds, url, deadline).await
    }

    /// Returns once something takes connections at `port` of the loopback address: for a server that nothing can be
    /// asked of yet.
    ///
    /// # Errors
    ///
    /// As [`Process::answers`].
    pub async fn listens(&mut self, port: u16, deadline: Duration) -> Result<(), NotReady> {
        let connects = async || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok();
        self.until(connects, &format!("127.0.0.1:{port}"), deadline).await
    }

    async fn until(&mut self, ready: impl AsyncFn() -> bool, url: &str, deadline: Duration) -> Result<(), NotReady> {
        let asked = tokio::time::timeout(deadline, self.poll(ready)).await;
        asked.unwrap_or_else(|_| {
            let url = url.to_owned();
            Err(NotReady::Late { name: self.name.clone(), url, deadline, log: self.log() })
        })
    }

    async fn poll(&mut self, ready: impl AsyncFn() -> bool) -> Result<(), NotReady> {
        loop {
            let ended = self.child.try_wait();
            if let Some(status) = ended.map_err(|source| NotReady::Unknown { name: self.name.clone(), source })? {
                return Err(NotReady::Ended { name: self.name.clone(), status, log: self.log() });
            }
            if ready().await {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Asks the process to stop (SIGTERM), as an operator's tools do.
    pub fn ask_to_stop(&self) {
        // An error says that it has stopped already.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::TERM);
    }

    /// Waits until the process has ended by itself, and returns how.
    ///
    /// # Errors
    ///
    /// Whatever the operating system says.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Returns the most memory that the process has had at any time, in bytes (`VmHWM` of `proc_pid_status(5)`).
    #[must_use]
    pub fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// Returns what the process has printed so far, both streams as they came.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read(self.log.path()).map_or_else(
            |error| format!("(its output cannot be read: {error})"),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The whole group: wrangler starts workerd, which would outlive it. Nothing to be done about an error: the only
        // one there is says that the group has already ended.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
        if std::thread::panicking() {
            #[expect(clippy::disallowed_macros, reason = "the test harness shows it beside the failure")]
            {
                eprintln!("--- {} printed:\n{}---", self.name, self.log());
            }
        }
    }
}

/// Waits until a text is in a log: what some servers print comes a moment later.
///
/// # Panics
///
/// If it does not come, with what was printed instead.
pub(crate) async fn until_printed(log: impl Fn() -> String, text: &str) {
    let printed = async {
        while !log().contains(text) {
            tokio::time::sleep(POLL).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, printed).await;
    assert!(waited.is_ok(), "{text} is not printed: {}", log());
}

/// Returns a port of the loopback address that nothing listens on.
///
/// It is free, and no other test of this process gets it. It is none of those that the operating system gives to connections and to
/// listeners that ask for any, of which tests make thousands.
///
/// # Errors
///
/// Whatever the operating system says when it has none left.
pub fn free_port() -> io::Result<u16> {
    let mut taken = None;
    for _ in 0..ATTEMPTS {
        let mut random = [0; 2];
        #[expect(clippy::disallowed_methods, reason = "test binaries that run at once know nothing of each other")]
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let port = PORTS.start + u16::from_be_bytes(random) % (PORTS.end - PORTS.start);
        // Whoever it was given to may not have begun to listen yet.
        if !GIVEN.lock().unwrap_or_else(PoisonError::into_inner).insert(port) {
            continue;
        }
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => return Ok(port),
            Err(error) => taken = Some(error),
        }
    }
    Err(taken.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;

    use super::*;

    fn shell(script: &str) -> Process {
        Process::start(Command::new("sh").args(["-c", script])).unwrap()
    }

    fn nowhere() -> String {
        format!("http://127.0.0.1:{}/", free_port().unwrap())
    }

    #[tokio::test]
    async fn says_what_a_server_printed_before_it_ended() {
        let error = shell("echo to stdout; echo to stderr >&2; exit 3")
            .answers(&nowhere(), Duration::from_mins(1))
            .await
            .unwrap_err();
        let NotReady::Ended { status, log, .. } = error else { panic!("{error}") };
        assert_eq!(status.code(), Some(3));
        assert_eq!(log, "to stdout\nto stderr\n");
    }

    #[tokio::test]
    async fn stops_waiting_at_the_deadline() {
        let error = shell("exec sleep 60").answers(&nowhere(), Duration::from_millis(1)).await.unwrap_err();
        assert!(matches!(error, NotReady::Late { .. }), "{error}");
    }

    #[test]
    fn ends_the_children_of_what_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("held");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let script = "(sleep 60; echo survived) >\"$0\" & wait";
        let process = Process::start(Command::new("sh").args(["-c", script]).arg(&pipe)).unwrap();
        // Opening waits until the child has opened it, reading until the last holder is gone.
        let mut held = File::open(&pipe).unwrap();
        drop(process);
        let mut said = String::new();
        held.read_to_string(&mut said).unwrap();
        assert_eq!(said, "");
    }
}
