//! What the control plane is made of here.

use gateway_core::control::Authority;
use gateway_core::redis::{RedisHot, UpstashTransport};
use gateway_native::dynamodb::DynamoRecords;
use gateway_native::host::{SystemClock, SystemRandom};
use gateway_native::http_client::HttpClient;

/// The hot state, at Upstash.
pub(crate) type Hot = RedisHot<UpstashTransport<HttpClient, SystemClock>, SystemClock, SystemRandom>;

/// The adapters. Clones share their connections.
#[derive(Clone)]
pub(crate) struct LambdaAuthority {
    pub(crate) records: DynamoRecords,
    pub(crate) hot: Hot,
}

impl Authority for LambdaAuthority {
    type Records = DynamoRecords;
    type Hot = Hot;
    type Clock = SystemClock;
    type Random = SystemRandom;

    fn records(&self) -> &DynamoRecords {
        &self.records
    }

    fn hot(&self) -> &Hot {
        &self.hot
    }

    fn clock(&self) -> &SystemClock {
        &SystemClock
    }

    fn random(&self) -> &SystemRandom {
        &SystemRandom
    }
}
