//! The way to a server: over TCP.

use std::time::Duration;

use gateway_core::config::{Hot, HotStore, RedisServer};
use gateway_native::redis::{ConnectError, RedisTransport};
use gateway_tests::Redis;

use crate::support::Recording;

/// How many histories are tried: as many as take some seconds.
pub(crate) const HISTORIES: u64 = 200;

/// What carries commands.
pub(crate) type Way = RedisTransport;

/// What has to be kept while a server is used.
pub(crate) type Server = Redis;

pub(crate) fn address(redis: &Redis) -> RedisServer {
    let (url, password) = (Some(redis.url().into()), Some(redis.password().into()));
    let hot = Hot { redis: url, password, ..Hot::default() };
    match hot.store().expect("the URL is good") {
        HotStore::Redis(server) => server,
        other => unreachable!("it names a server: {other:?}"),
    }
}

pub(crate) async fn connect(server: &RedisServer, deadline: Duration) -> Result<Recording, ConnectError> {
    RedisTransport::connect(server, deadline).await.map(Recording::of)
}

/// Starts a server; returns a way to it.
pub(crate) async fn start(deadline: Duration) -> (Recording, Server) {
    let redis = Redis::start().await;
    (connect(&address(&redis), deadline).await.expect("the server runs"), redis)
}
