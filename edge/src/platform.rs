//! The adapters of the front at the edge.

use std::sync::Arc;

use gateway_core::http::RemoteControl;
use gateway_core::ports::Platform;
use gateway_core::redis::{RedisHot, UpstashTransport};

use crate::host::{WorkerClock, WorkerRandom};
use crate::http_client::FetchClient;
use crate::work::RequestBackground;

/// The hot state, at Upstash.
pub(crate) type EdgeHot = RedisHot<UpstashTransport<FetchClient, WorkerClock>, WorkerClock, WorkerRandom>;

/// The way to the control plane, over HTTPS.
pub(crate) type EdgeControl = RemoteControl<FetchClient, WorkerClock, WorkerRandom>;

/// What the front is made of.
pub(crate) struct Adapters {
    pub(crate) hot: EdgeHot,
    pub(crate) control: EdgeControl,
}

/// Hands it to the front. Clones share it.
#[derive(Clone)]
pub(crate) struct EdgePlatform(Arc<Adapters>);

impl EdgePlatform {
    pub(crate) fn new(adapters: Adapters) -> Self {
        Self(Arc::new(adapters))
    }
}

impl Platform for EdgePlatform {
    type Hot = EdgeHot;
    type Clock = WorkerClock;
    type Random = WorkerRandom;
    type Http = FetchClient;
    type Background = RequestBackground;
    type Control = EdgeControl;

    fn hot(&self) -> &EdgeHot {
        &self.0.hot
    }

    fn clock(&self) -> &WorkerClock {
        &WorkerClock
    }

    fn random(&self) -> &WorkerRandom {
        &WorkerRandom
    }

    fn http(&self) -> &FetchClient {
        &FetchClient
    }

    fn background(&self) -> &RequestBackground {
        &RequestBackground
    }

    fn control(&self) -> &EdgeControl {
        &self.0.control
    }
}
