//! The conformance suite on a real Redis server, and what only a store in another process can get wrong.

use std::sync::LazyLock;
use std::time::Duration;

use gateway_core::config::{Hot, RedisServer};
use gateway_core::conformance::fixture::START;
use gateway_core::conformance::host::{FixedClock, SeededRandom};
use gateway_core::redis::RedisHot;
use gateway_core::time::Millis;
use gateway_local::redis::RedisTransport;
use gateway_tests::Redis;
use tokio::runtime::Runtime;

/// How long a command may take: far more than it does, and far less than anybody waits for a test.
const DEADLINE: Duration = Duration::from_secs(5);

/// One runtime for all: connections outlive the call that made them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("the system can run threads"));

type Store = RedisHot<RedisTransport, FixedClock, SeededRandom>;

fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

fn address(redis: &Redis) -> RedisServer {
    let (url, password) = (Some(redis.url().into()), Some(redis.password().into()));
    let hot = Hot { redis: url, password, ..Hot::default() };
    hot.server().expect("the URL is good").expect("it names a server")
}

async fn connect(redis: &Redis) -> RedisTransport {
    RedisTransport::connect(&address(redis), DEADLINE).await.expect("the server runs")
}

fn store_on(transport: RedisTransport, name: &str) -> Store {
    RedisHot::new(transport, FixedClock::at(Millis(START.0 * 1000)), SeededRandom::default(), name)
}

fn store() -> (Store, Redis) {
    block_on(async {
        let redis = Redis::start().await;
        (store_on(connect(&redis).await, "main"), redis)
    })
}

gateway_core::hot_conformance!(block_on, store());
