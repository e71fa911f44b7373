use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::dynamodb::{DynamoShim, Fault};
use crate::edge::{Edge, FrontKeys, Runtime};
use crate::process::until_printed;
use crate::upstash::UpstashBridge;
use crate::{Assertion, OidcProvider, Process, Redis, Relay, Serverless, Store, free_port, place};

/// How long a deployment may take from its start to its first answer: a fraction of a second, and the rest for a machine
/// that compiles something else meanwhile.
const START: Duration = Duration::from_mins(1);

/// The variable that says which deployment to test.
const WHICH: &str = "LLM_GATEWAY_DEPLOYMENT";

/// A running gateway. Its data outlives its processes until this is dropped.
#[derive(Debug)]
pub struct Deployment {
    processes: Vec<Process>,
    directory: TempDir,
    origin: String,
    /// Where each process listens.
    ports: Vec<u16>,
    /// Where the processes of the deployment that has several are reached, in turn.
    balancer: Option<Relay>,
    store: Option<Store>,
    /// The front, where the processes are the control plane alone.
    edge: Option<Edge>,
    /// The keys of that front.
    front: Option<FrontKeys>,
    /// The control plane, where it is no process but functions.
    serverless: Option<Serverless>,
    /// Who signs people in, where that is not the gateway itself.
    _provider: Option<OidcProvider>,
}

impl Deployment {
    /// Starts the deployment that `LLM_GATEWAY_DEPLOYMENT` names (`embedded`, which is the default, `compose`, `upstash`, `edge`,
    /// `bare-edge`, or `serverless`), with this configuration beside what the deployment itself needs.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn start(configuration: &str) -> Self {
        let which = place(WHICH).unwrap_or_else(|_| PathBuf::from("embedded"));
        match which.to_str() {
            Some("embedded") => Self::embedded(configuration).await,
            Some("compose") => Self::compose(configuration).await,
            Some("upstash") => Self::on_upstash(configuration).await,
            Some("edge") => Self::edge(configuration).await,
            Some("bare-edge") => Self::bare_edge(configuration).await,
            Some("serverless") => Self::serverless(configuration).await,
            _ => unreachable!("{WHICH} names no deployment: {}", which.display()),
        }
    }

    /// Starts one process that keeps its hot state itself.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn embedded(configuration: &str) -> Self {
        let port = free_port().expect("a port is free");
        Self::with(vec![port], None, None, configuration).await
    }

    /// Starts one process with its hot state on a Redis server of its own.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn on_redis(configuration: &str) -> Self {
        let port = free_port().expect("a port is free");
        Self::with(vec![port], None, Some(Store::over_tcp().await), configuration).await
    }

    /// Starts one process with its hot state on a Redis server of its own, reached over Upstash's REST API.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn on_upstash(configuration: &str) -> Self {
        let port = free_port().expect("a port is free");
        Self::with(vec![port], None, Some(Store::over_http().await), configuration).await
    }

    /// Starts what `compose.yaml` does with two replicas: processes with a Redis server and a data folder in common, reached in
    /// turn. They sign people in with an OpenID provider, unless the configuration names one.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn compose(configuration: &str) -> Self {
        let store = Store::over_tcp().await;
        let ports = two_ports().to_vec();
        let balancer = Relay::to(&ports).await;
        let (provider, configuration) = with_sign_in(configuration).await;
        let deployment = Self::with(ports, Some(balancer), Some(store), &configuration).await;
        deployment.signing_in_at(provider).await
    }

    /// Starts the front as a Worker, and the control plane alone as a process, with a Redis server reached over Upstash's REST
    /// API. They sign people in with an OpenID provider, unless the configuration names one.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn edge(configuration: &str) -> Self {
        Self::at_edge(configuration, Runtime::Wrangler).await
    }

    /// Starts the same with the Worker in the runtime itself, without wrangler, which hides from it when a client leaves.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn bare_edge(configuration: &str) -> Self {
        Self::at_edge(configuration, Runtime::Bare).await
    }

    /// Starts the same with a Worker that is watched, and panics at a request with the header `x-test-panic`.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn watched_edge(configuration: &str) -> Self {
        Self::at_edge(configuration, Runtime::Watched).await
    }

    /// Starts the front as a Worker, and the control plane as Lambda functions with their records in `DynamoDB`, with a Redis server
    /// reached over Upstash's REST API. They sign people in with an OpenID provider, unless the configuration names one.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn serverless(configuration: &str) -> Self {
        let store = Store::over_http().await;
        let [control, port] = two_ports();
        let (provider, configuration) = with_sign_in(configuration).await;
        let deployment = Self::prepare(vec![control], &format!("http://localhost:{port}"), Some(store), &configuration);
        let deployment = deployment.on_functions(port).await;
        deployment.signing_in_at(provider).await
    }

    async fn at_edge(configuration: &str, runtime: Runtime) -> Self {
        let store = Store::over_http().await;
        let [control, port] = two_ports();
        let (provider, configuration) = with_sign_in(configuration).await;
        let deployment = Self::prepare(vec![control], &format!("http://localhost:{port}"), Some(store), &configuration);
        let deployment = deployment.behind_edge(port, runtime).await;
        deployment.signing_in_at(provider).await
    }

    async fn with(ports: Vec<u16>, balancer: Option<Relay>, store: Option<Store>, configuration: &str) -> Self {
        let origin = format!("http://localhost:{}", balancer.as_ref().map_or(ports[0], Relay::port));
        let mut deployment = Self { balancer, ..Self::prepare(ports, &origin, store, configuration) };
        deployment.run().await;
        deployment
    }

    /// Writes everything that the processes need.
    fn prepare(ports: Vec<u16>, origin: &str, store: Option<Store>, configuration: &str) -> Self {
        let directory = tempfile::tempdir().expect("there is room for a data folder");
        let own = format!("[server]\npublic_url = \"{origin}\"\n[data]\ndir = \"{}\"\n", directory.path().display());
        let hot = store.as_ref().map_or_else(String::new, Store::configuration);
        fs::write(directory.path().join("gateway.toml"), own + &hot + configuration).expect("there is room for a file");
        let origin = origin.to_owned();
        Self {
            processes: Vec::new(),
            directory,
            origin,
            ports,
            balancer: None,
            store,
            edge: None,
            front: None,
            serverless: None,
            _provider: None,
        }
    }

    /// Makes the key of a front, and starts the control plane that believes it and the front itself.
    async fn behind_edge(mut self, port: u16, runtime: Runtime) -> Self {
        self.make_front(port, runtime).await;
        self.run().await;
        self
    }

    /// Does the same with functions for the control plane.
    async fn on_functions(mut self, port: u16) -> Self {
        let configuration = self.make_front(port, Runtime::Wrangler).await;
        let token = self.store.as_ref().expect("the hot state is on Redis").token();
        self.serverless = Some(Serverless::new(self.ports[0], &configuration, token).await);
        self.run().await;
        self
    }

    /// Prepares a front with a key of its own; returns the configuration of a control plane that believes it.
    async fn make_front(&mut self, port: u16, runtime: Runtime) -> String {
        let made = self.program().args(["keys", "front"]).output().expect("the program runs");
        let keys = FrontKeys::read(&String::from_utf8(made.stdout).expect("it prints text"));
        let place = self.directory.path().join("gateway.toml");
        let common = fs::read_to_string(&place).expect("it was just written");
        self.front = Some(keys.clone());
        let configuration = format!("{common}[control]\nfronts = {}\n", keys.public);
        fs::write(&place, &configuration).expect("there is room for a file");

        let store = self.store.as_ref().expect("the front's hot state is on Redis");
        let bridge = store.another_bridge().await;
        let control = format!("{{url = \"http://127.0.0.1:{}\", key = \"{}\"}}", self.ports[0], keys.private);
        self.edge = Some(Edge::new(port, runtime, &common, &control, bridge));
        configuration
    }

    async fn signing_in_at(self, provider: Option<OidcProvider>) -> Self {
        if let Some(provider) = &provider {
            provider.welcome(&self).await;
        }
        Self { _provider: provider, ..self }
    }

    /// Returns the largest body of a model call that it takes, in bytes.
    #[must_use]
    pub const fn largest_body(&self) -> usize {
        if self.is_edge() { 8 << 20 } else { 32 << 20 }
    }

    /// Waits until the processes have printed something: of some, what they print comes a moment later.
    ///
    /// # Panics
    ///
    /// If they do not.
    pub async fn prints(&self, text: &str) {
        until_printed(|| self.log(), text).await;
    }

    /// Returns how many instances of its program a watched Worker has had, and how much memory the newest has, in bytes.
    ///
    /// # Panics
    ///
    /// If it does not say.
    pub async fn instances(&self) -> (u64, u64) {
        let answer = reqwest::get(format!("{}/test/instances", self.origin)).await.expect("the worker answers");
        let told: serde_json::Value = answer.json().await.expect("it is watched");
        let number = |name: &str| told[name].as_u64().expect("a number");
        (number("instances"), number("bytes"))
    }

    /// Returns the Worker's own way to the hot state.
    ///
    /// # Panics
    ///
    /// If the front is no Worker.
    #[must_use]
    pub const fn bridge(&self) -> &UpstashBridge {
        self.edge.as_ref().expect("the front is a Worker").bridge()
    }

    /// Says whether the front is a Worker under wrangler, which has a proxy of its own before it.
    #[must_use]
    pub fn is_under_wrangler(&self) -> bool {
        self.edge.as_ref().is_some_and(|edge| edge.runtime() == Runtime::Wrangler)
    }

    /// Says whether the front is a Worker.
    #[must_use]
    pub const fn is_edge(&self) -> bool {
        self.edge.is_some()
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
        command.env("LLM_GATEWAY__SERVER__LISTEN", format!("127.0.0.1:{}", self.ports[0]));
        command
    }

    /// Rotates the signing keys, as an operator does.
    ///
    /// # Panics
    ///
    /// If it cannot be done.
    pub async fn rotate_keys(&self) {
        if let Some(functions) = &self.serverless {
            return functions.rotate_keys().await;
        }
        let rotated = self.program().args(["keys", "rotate"]).output().expect("the program runs");
        assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    }

    /// Starts all processes at once, and waits for them.
    async fn run(&mut self) {
        if let Some(functions) = &mut self.serverless {
            functions.start().await;
        } else {
            self.run_processes().await;
        }
        if let Some(edge) = &mut self.edge {
            edge.start().await;
        }
    }

    async fn run_processes(&mut self) {
        for port in &self.ports {
            let listen = format!("127.0.0.1:{port}");
            let mut program = self.program();
            if self.edge.is_some() {
                program.args(["serve", "--control"]);
            }
            let process = Process::start(program.env("LLM_GATEWAY__SERVER__LISTEN", listen));
            self.processes.push(process.expect("the program runs"));
        }
        for (process, port) in self.processes.iter_mut().zip(&self.ports) {
            let ready = match self.edge {
                // It answers nothing to anybody but the front.
                Some(_) => process.listens(*port, START).await,
                None => process.answers(&format!("http://localhost:{port}/readyz"), START).await,
            };
            assert!(ready.is_ok(), "{}", ready.map_or_else(|error| error.to_string(), |()| String::new()));
        }
    }

    /// Ends the processes without a warning (SIGKILL).
    fn kill(&mut self) {
        self.processes.clear();
        if let Some(functions) = &mut self.serverless {
            functions.stop();
        }
        if let Some(edge) = &mut self.edge {
            edge.stop();
        }
    }

    /// Ends the processes without a warning (SIGKILL) and starts them anew.
    pub async fn kill_and_restart(&mut self) {
        self.kill();
        self.run().await;
    }

    /// Ends one of several processes without a warning (SIGKILL).
    ///
    /// # Panics
    ///
    /// If there is only one.
    pub fn kill_one(&mut self, process: usize) {
        assert!(self.processes.len() > 1, "somebody has to be left");
        drop(self.processes.remove(process));
        self.ports.remove(process);
    }

    /// Has only one of several processes reached from now on.
    ///
    /// # Panics
    ///
    /// If there is only one.
    pub fn lead_to(&self, process: usize) {
        self.balancer.as_ref().expect("there are several").lead_to(&self.ports[process..=process]);
    }

    /// Ends the processes and makes the hot state forget all that the records can tell again, before it starts them anew.
    ///
    /// # Panics
    ///
    /// If they do not start.
    pub async fn forget_and_restart(&mut self) {
        self.kill();
        if let Some(store) = &mut self.store {
            store.redis().stop();
            store.redis().start_again().await;
        }
        self.run().await;
    }

    /// Asks the processes to stop (SIGTERM).
    pub fn ask_to_stop(&self) {
        self.processes.iter().for_each(Process::ask_to_stop);
    }

    /// Waits until the processes have ended, and starts them anew.
    ///
    /// # Panics
    ///
    /// If they did not end well.
    pub async fn wait_and_restart(&mut self) {
        for mut process in self.processes.drain(..) {
            let status = tokio::task::spawn_blocking(move || process.wait()).await.expect("waiting does not panic");
            assert!(status.expect("the operating system knows").success());
        }
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
        self.store.as_mut().expect("the deployment is on Redis").redis()
    }

    /// Returns the way to the Redis server of the deployment.
    ///
    /// # Panics
    ///
    /// If it has none.
    #[must_use]
    pub const fn way_to_redis(&self) -> &Relay {
        self.store.as_ref().expect("the deployment is on Redis").relay()
    }

    /// Asserts a GET of the control plane by the front itself.
    ///
    /// # Panics
    ///
    /// If front and control plane are in the same place.
    #[must_use]
    pub fn assertion(&self, target: &str) -> Assertion {
        let keys = self.front.as_ref().expect("the front is in another place");
        let public = keys.public.trim_matches(['[', ']', '"']);
        Assertion::get(target, &self.origin, &keys.private, public)
    }

    /// Returns the control plane's own way to the hot state.
    ///
    /// # Panics
    ///
    /// If that is not over HTTP.
    #[must_use]
    pub const fn control_bridge(&self) -> &UpstashBridge {
        self.store.as_ref().expect("the deployment is on Redis").bridge()
    }

    /// Keeps the records from being written until what it returns is dropped.
    ///
    /// # Panics
    ///
    /// If that does not work.
    #[must_use]
    pub fn without_records(&self) -> WithoutRecords<'_> {
        if let Some(functions) = &self.serverless {
            functions.table().meet_all(Some(Fault::Failed));
            return WithoutRecords::Table(functions.table());
        }
        let records = rusqlite::Connection::open(self.data().join("records.db")).expect("SQLite is there");
        records.busy_timeout(Duration::from_secs(10)).expect("it is open");
        records.execute_batch("BEGIN IMMEDIATE").expect("nobody holds it for long");
        WithoutRecords::File { _lock: records }
    }

    /// Has the records lose every token, as if they had never heard of them.
    ///
    /// # Panics
    ///
    /// If that does not work.
    pub async fn lose_tokens(&self) {
        if let Some(functions) = &self.serverless {
            return functions.lose_tokens().await;
        }
        let records = rusqlite::Connection::open(self.data().join("records.db")).expect("SQLite is there");
        records.execute("DELETE FROM token", []).expect("tokens have a table");
    }

    /// Returns the functions of the control plane, and what they keep.
    ///
    /// # Panics
    ///
    /// If it is a process.
    pub const fn functions(&mut self) -> &mut Serverless {
        self.serverless.as_mut().expect("the control plane is functions")
    }

    /// Returns how many fronts there are, each with a memory of its own.
    #[must_use]
    pub fn fronts(&self) -> usize {
        if self.is_edge() { 1 } else { self.processes.len() }
    }

    /// Returns what the processes have printed.
    #[must_use]
    pub fn log(&self) -> String {
        let worker = self.edge.as_ref().map(Edge::log);
        let functions = self.serverless.as_ref().map(Serverless::log);
        self.processes.iter().map(Process::log).chain(functions).chain(worker).collect()
    }

    /// Returns which process has printed something.
    ///
    /// # Panics
    ///
    /// If none has.
    #[must_use]
    pub fn printed_by(&self, text: &str) -> usize {
        let printed = self.processes.iter().position(|process| process.log().contains(text));
        printed.unwrap_or_else(|| unreachable!("nobody has printed {text}: {}", self.log()))
    }

    /// Returns the most memory that any of the processes has had at any time, in bytes.
    ///
    /// # Panics
    ///
    /// If the operating system does not say, which Linux does.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        let peak = |process: &Process| process.peak_memory().expect("Linux tells the peak of a process that runs");
        self.processes.iter().map(peak).max().expect("one runs between restarts")
    }
}

/// Records that cannot be written, for as long as this is there.
#[derive(Debug)]
pub enum WithoutRecords<'a> {
    /// They are in a table that does not answer.
    Table(&'a DynamoShim),
    /// They are in a file that somebody else is writing.
    File {
        /// Who that is.
        _lock: rusqlite::Connection,
    },
}

impl Drop for WithoutRecords<'_> {
    fn drop(&mut self) {
        if let Self::Table(table) = self {
            table.meet_all(None);
        }
    }
}

/// Returns two ports that are free.
fn two_ports() -> [u16; 2] {
    [(); 2].map(|()| free_port().expect("a port is free"))
}

/// Starts an OpenID provider, unless the configuration names one, and adds it to the configuration.
async fn with_sign_in(configuration: &str) -> (Option<OidcProvider>, String) {
    if configuration.contains("[signin]") {
        return (None, configuration.to_owned());
    }
    let provider = OidcProvider::start().await;
    let mut signin = provider.signin("public", "allow_anyone = true");
    if !configuration.contains("[roles]") {
        signin += "[roles]\nsuper_admins = [\"admin@example.com\"]\n";
    }
    (Some(provider), signin + configuration)
}
