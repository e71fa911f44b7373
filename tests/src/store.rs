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
        let bridge = UpstashBridge::start(Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            redis: format!("redis://127.0.0.1:{}", relay.port()),
            password: Some(redis.password().to_owned()),
            token: TOKEN.to_owned(),
            delay: Duration::ZERO,
            deadline: PATIENCE,
        });
        let bridge = Some(bridge.await.expect("a port is free"));
        Self { redis, relay, bridge }
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
            Some(bridge) => format!("[hot]\nupstash = \"{}\"\ntoken = \"{TOKEN}\"\n", bridge.url()),
            None => format!(
                "[hot]\nredis = \"redis://127.0.0.1:{}\"\npassword = \"{}\"\n",
                self.relay.port(),
                self.redis.password()
            ),
        }
    }
}
