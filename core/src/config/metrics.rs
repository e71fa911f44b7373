//! `[metrics]`

use std::net::SocketAddr;

use serde::Deserialize;

/// Where what is measured can be read (`local` only).
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// An address of its own, at which Prometheus reads `/metrics`. Whoever reaches it may.
    pub listen: Option<SocketAddr>,
}
