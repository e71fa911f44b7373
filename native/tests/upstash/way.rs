//! The way to a server: HTTP to a bridge, and TCP from there.

use std::time::Duration;

use gateway_core::config::{Hot, HotStore, UpstashDatabase};
use gateway_core::conformance::fixture::START;
use gateway_core::ports::Clock;
use gateway_core::redis::UpstashTransport;
use gateway_core::time::Millis;
use gateway_native::http_client::HttpClient;
use gateway_tests::Store;

use crate::support::Recording;

/// How many histories are tried: as many as take some seconds.
pub(crate) const HISTORIES: u64 = 20;

/// What carries commands.
pub(crate) type Way = UpstashTransport<HttpClient, Patience>;

/// What has to be kept while a server is used.
pub(crate) type Server = Store;

/// A clock that only waits.
#[derive(Debug, Clone)]
pub(crate) struct Patience;

impl Clock for Patience {
    fn now(&self) -> Millis {
        Millis(START.0 * 1000)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Returns a way to whatever listens there.
pub(crate) fn way(url: &str, token: &str, deadline: Duration) -> Way {
    let hot = Hot { upstash: Some(url.to_owned()), token: Some(token.into()), ..Hot::default() };
    let database: UpstashDatabase = match hot.store().expect("the URL is good") {
        HotStore::Upstash(database) => database,
        other => unreachable!("it names a database: {other:?}"),
    };
    let client = HttpClient::new().expect("the library does TLS");
    UpstashTransport::new(client, Patience, &database, deadline).expect("the token fits into a header")
}

/// Starts a server and a bridge; returns a way to it.
pub(crate) async fn start(deadline: Duration) -> (Recording, Server) {
    let store = Store::over_http().await;
    (Recording::of(way(store.bridge().url(), store.token(), deadline)), store)
}
