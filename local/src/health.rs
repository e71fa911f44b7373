//! `llm-gateway health`: asks the gateway of this machine whether it is ready, for containers that have nothing else to ask
//! with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use gateway_core::ports::{Body, Http as _};
use gateway_native::http_client::HttpClient;
use http::{Request, StatusCode};

/// How long the gateway may take. Its stores have less.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks whether the gateway that listens there is ready.
///
/// # Errors
///
/// Says why it is not.
pub(crate) async fn check(listen: SocketAddr) -> Result<(), Box<dyn std::error::Error>> {
    let url = format!("http://{}/readyz", reachable(listen));
    let request = Request::get(&url).body(Body::empty())?;
    let answer = tokio::time::timeout(PATIENCE, HttpClient::new()?.send(request)).await;
    let answer = answer.map_err(|_| format!("{url} does not answer"))?.map_err(|error| format!("{url}: {error}"))?;
    if answer.status() == StatusCode::OK { Ok(()) } else { Err(format!("{url} says {}", answer.status()).into()) }
}

/// Returns an address at which this machine reaches what listens there.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reaches_what_listens_everywhere_by_loopback() {
        for (listen, expected) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("192.0.2.1:80", "192.0.2.1:80"),
            ("127.0.0.1:1", "127.0.0.1:1"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), expected);
        }
    }
}
