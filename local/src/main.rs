//! llm-gateway in one process: the front door and the control plane on axum.
#![cfg_attr(not(test), expect(dead_code, reason = "main does not wire the adapters yet"))]

mod dev_oidc;
mod host;
mod http_client;

fn main() {}
