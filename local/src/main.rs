//! p

mod dev_oidc;
mod host;
mod http_client;

fn main() {}
