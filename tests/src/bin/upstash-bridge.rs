//! Upstash's REST protocol over a plain Redis server, as a program.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::Parser;
use gateway_tests::upstash::{Options, UpstashBridge};

/// Serves Upstash's REST protocol over a plain Redis server.
///
/// GET /test/count says without a token how many other requests have come.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    listen: SocketAddr,

    /// The Redis server.
    #[arg(long, default_value = "redis://127.0.0.1:6379")]
    redis: String,

    /// The Redis server's password; without it, what `REDIS_PASSWORD` holds.
    #[arg(long)]
    password: Option<String>,

    /// The token that callers must have.
    #[arg(long)]
    token: String,

    /// How much later than it could it answers, in milliseconds.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,

    /// How long the Redis server may take for a request, in milliseconds.
    #[arg(long, default_value_t = 5000)]
    deadline_ms: u64,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let Arguments { listen, redis, password, token, delay_ms, deadline_ms } = Arguments::parse();
    #[expect(clippy::disallowed_methods, reason = "a password among the arguments is for everybody to see")]
    let password = password.or_else(|| std::env::var("REDIS_PASSWORD").ok());
    let password = password.filter(|password| !password.is_empty());
    let (delay, deadline) = (Duration::from_millis(delay_ms), Duration::from_millis(deadline_ms));
    let bridge = UpstashBridge::start(Options { listen, redis, password, token, delay, deadline }).await?;
    #[expect(clippy::disallowed_macros, reason = "the address is this command's answer")]
    {
        println!("{}", bridge.url());
    }
    tokio::signal::ctrl_c().await
}
