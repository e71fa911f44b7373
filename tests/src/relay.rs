use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A name that leads to one server or to several in turn, as those of balancers and of managed stores do: it can be made to
/// lead elsewhere, and the way can become slow. It ends with the runtime that started it.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    way: Arc<watch::Sender<Way>>,
}

/// Where it leads, and how.
#[derive(Debug, Clone)]
struct Way {
    targets: Vec<u16>,
    /// Counts the targets: connections to former ones are cut.
    number: u64,
    delay: Duration,
}

impl Relay {
    /// Starts one that leads to ports of the loopback address.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn to(targets: &[u16]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("it listens").port();
        let way = Arc::new(watch::Sender::new(Way { targets: targets.to_vec(), number: 0, delay: Duration::ZERO }));
        tokio::spawn(serve(listener, Arc::clone(&way)));
        Self { port, way }
    }

    /// Returns the port that it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Leads elsewhere from now on, and cuts the connections that there are.
    pub fn lead_to(&self, targets: &[u16]) {
        self.way.send_modify(|way| {
            way.targets = targets.to_vec();
            way.number += 1;
        });
    }

    /// Keeps what comes back for so long from now on.
    pub fn delay(&self, delay: Duration) {
        self.way.send_modify(|way| way.delay = delay);
    }
}

async fn serve(listener: TcpListener, way: Arc<watch::Sender<Way>>) {
    let mut turn = 0;
    while let Ok((client, _)) = listener.accept().await {
        let way = way.subscribe();
        let Way { targets, number, .. } = way.borrow().clone();
        turn += 1;
        tokio::spawn(async move {
            let Some(server) = reach(&targets, turn).await else { return };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let mut cut = way.clone();
            // Whatever ends first ends the other: a connection is there in both directions, or not at all.
            tokio::select! {
                _ = cut.wait_for(|way| way.number != number) => {}
                _ = pass(from_client, to_server, None) => {}
                _ = pass(from_server, to_client, Some(way)) => {}
            }
        });
    }
}

/// Connects to the server whose turn it is, or to the next one that is there.
async fn reach(targets: &[u16], turn: usize) -> Option<TcpStream> {
    for offset in 0..targets.len() {
        let target = targets[(turn + offset) % targets.len()];
        if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await {
            return Some(server);
        }
    }
    None
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Option<watch::Receiver<Way>>) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let delay = way.as_ref().map_or(Duration::ZERO, |way| way.borrow().delay);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}
