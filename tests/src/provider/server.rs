use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use super::shared::Shared;
use super::{Behaviour, Received, connection};

/// The key that callers must have where no other was said. It opens nothing.
pub const KEY: &str = "key-of-the-mock-provider";

/// How a provider is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The key that callers must have.
    pub key: String,
    /// Whether what it receives is kept.
    pub record: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 0).into(), key: KEY.to_owned(), record: true }
    }
}

/// A running provider. It ends when this is dropped, in the midst of whatever it says.
#[derive(Debug)]
pub struct MockProvider {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

impl MockProvider {
    /// Starts a provider on a free port, in the runtime of the test.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await.expect("a port is free")
    }

    /// Starts a provider.
    ///
    /// # Errors
    ///
    /// Whatever the operating system says if it cannot listen there.
    pub async fn start_with(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(options.key, options.record));
        let task = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Ok(Self { address, shared, task })
    }

    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its URL, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers one request to come in this way. Said repeatedly, they are used up in order, each once.
    pub fn next(&self, behaviour: Behaviour) {
        self.shared.script().next.push_back(behaviour);
    }

    /// Answers all requests for a model in this way, from now on.
    pub fn on_model(&self, model: &str, behaviour: Behaviour) {
        self.shared.script().models.insert(model.to_owned(), behaviour);
    }

    /// Takes only this key from now on.
    pub fn expect_key(&self, key: &str) {
        key.clone_into(&mut self.shared.script().key);
    }

    /// Returns what arrived so far, refused or not, in the order in which it was complete.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.shared.record().requests()
    }

    /// Waits until that many requests have arrived since the start, and returns all.
    ///
    /// # Panics
    ///
    /// If they do not come.
    pub async fn received(&self, count: u64) -> Vec<Received> {
        self.shared.record().received(count).await;
        self.requests()
    }

    /// Waits until that many answers have gone out as it was scripted, since the start.
    ///
    /// # Panics
    ///
    /// If they do not.
    pub async fn completed(&self, count: u64) {
        self.shared.record().completed(count).await;
    }

    /// Waits until that many callers have gone away before the end of their answer, since the start.
    ///
    /// # Panics
    ///
    /// If they do not.
    pub async fn aborted(&self, count: u64) {
        self.shared.record().aborted(count).await;
    }

    /// Returns how many callers have gone away so far.
    #[must_use]
    pub fn aborts(&self) -> u64 {
        self.shared.record().aborts()
    }
}

impl Drop for MockProvider {
    fn drop(&mut self) {
        // With the task go the connections, which it owns.
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        // What a connection breaks with is the caller's to notice.
        while connections.try_join_next().is_some() {}
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(connection::serve(stream, Arc::clone(&shared)));
        }
    }
}
