use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::upstash::{Options, UpstashBridge};
use crate::{Redis, Relay};

/// What the bridge asks for.
const TOKEN: &str = "obviously-a-fake-token";

/// How long the bridge waits for the server: longer than anybody waits for the bridge.
const PATIENCE: Duration = Duration::from_mins(1);

/// A Redis server, and the ways to it.
#[derive(Debug)]
pub struct Store {
    redis: Redis,
    relay: Relay,
    bridge: Option<UpstashBridge>,
}

impl Store {
    /// Starts a server that is reached over TCP.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn over_tcp() -> Self {
        let redis = Redis::start().await;
        let relay = Relay::to(&[redis.port()]).await;
        Self { redis, relay, bridge: None }
    }

    /// Starts a server that is reached over Upstash's REST API.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn over_http() -> Self {
        let Self { redis, relay, .. } = Self::over_tcp().await;
        let bridge = Some(lead_to(&redis, &relay).await);
        Self { redis, relay, bridge }
    }

    /// Makes another way to the server over Upstash's REST API.
    pub async fn another_bridge(&self) -> UpstashBridge {
        lead_to(&self.redis, &self.relay).await
    }

    /// Returns the server.
    pub const fn redis(&mut self) -> &mut Redis {
        &mut self.redis
    }

    /// Returns the way to the server: what its name in a configuration leads to, or what the bridge leads to.
    #[must_use]
    pub const fn relay(&self) -> &Relay {
        &self.relay
    }

    /// Returns what is before the server.
    ///
    /// # Panics
    ///
    /// If it is reached over TCP.
    #[must_use]
    pub const fn bridge(&self) -> &UpstashBridge {
        self.bridge.as_ref().expect("it is reached over HTTP")
    }

    /// Returns what the bridge asks for.
    #[must_use]
    pub const fn token(&self) -> &'static str {
        TOKEN
    }

    /// Returns a gateway's configuration for this store.
    #[must_use]
    pub fn configuration(&self) -> String {
        match &self.bridge {
            Some(bridge) => Self::over(bridge),
            None => format!(
                "[hot]\nredis = \"redis://127.0.0.1:{}\"\npassword = \"{}\"\n",
                self.relay.port(),
                self.redis.password()
            ),
        }
    }

    /// Returns a gateway's configuration for a store behind this bridge.
    #[must_use]
    pub fn over(bridge: &UpstashBridge) -> String {
        format!("[hot]\nupstash = \"{}\"\ntoken = \"{TOKEN}\"\n", bridge.url())
    }
}

async fn lead_to(redis: &Redis, relay: &Relay) -> UpstashBridge {
    let bridge = UpstashBridge::start(Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        redis: format!("redis://127.0.0.1:{}", relay.port()),
        password: Some(redis.password().to_owned()),
        token: TOKEN.to_owned(),
        delay: Duration::ZERO,
        deadline: PATIENCE,
    });
    bridge.await.expect("a port is free")
}
