//! The mock of the model providers as a program, for benchmarks and for trying things by hand.

use std::net::{Ipv4Addr, SocketAddr};

use clap::Parser;
use gateway_tests::provider::{KEY, MockProvider, Options};

/// Answers as Anthropic's and OpenAI's APIs do, without a model.
///
/// The name of the model says how: `mock` at once, and `mock-` with `events-N`, `pace-MS`, `size-N`, `status-N`, `cut-N`,
/// `fail-N`, `thinking`, `gzip`, `stamped` or `tool`, as in `mock-events-400-pace-50`. Any other name is as good as `mock`.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    listen: SocketAddr,

    /// The key that callers must have.
    #[arg(long, default_value = KEY)]
    key: String,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let Arguments { listen, key } = Arguments::parse();
    let provider = MockProvider::start_with(Options { listen, key, record: false }).await?;
    #[expect(clippy::disallowed_macros, reason = "the address is this command's answer")]
    {
        println!("{}", provider.url());
    }
    tokio::signal::ctrl_c().await
}
