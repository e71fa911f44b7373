//! What is known of a request before anybody is asked who sent it.

use std::net::IpAddr;

use http::header::{HeaderName, USER_AGENT};
use http::{Extensions, HeaderMap};
use ipnet::IpNet;

use crate::ports::Random;
use crate::time::Millis;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Longest part of a `User-Agent` that is kept, in characters.
const MAX_USER_AGENT: usize = 256;

/// The address of the connection's other end. Hosts put it into the request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub IpAddr);

/// One request: its id, and where it came from.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Names the request in the answer, the log and the audit log.
    pub id: String,
    /// When it came in.
    pub at: Millis,
    /// The client's address.
    pub address: String,
    /// The client, as it names itself.
    pub user_agent: String,
}

impl RequestContext {
    /// Makes the context of a request. The id is ours: clients do not choose it.
    #[must_use]
    pub fn new(
        headers: &HeaderMap,
        extensions: &Extensions,
        trusted: &[IpNet],
        now: Millis,
        random: &impl Random,
    ) -> Self {
        let peer = extensions.get::<PeerAddress>().map(|peer| peer.0);
        let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self {
            id: Self::new_id(now, random),
            at: now,
            address: peer.map(|peer| client(peer, headers, trusted).to_string()).unwrap_or_default(),
            user_agent: user_agent.chars().take(MAX_USER_AGENT).collect(),
        }
    }

    /// Makes the id of a request that came in at `now`.
    #[must_use]
    pub fn new_id(now: Millis, random: &impl Random) -> String {
        format!("req_{}", crate::id::LeaseId::new(now, random.bytes()))
    }
}

/// Returns the rightmost address that no trusted proxy vouches for: what lies further left, the client may have written.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer;
    let hops = headers.get_all(FORWARDED_FOR).iter().rev();
    for hop in hops.flat_map(|value| value.to_str().unwrap_or_default().rsplit(',')) {
        if !is_trusted(&client) {
            break;
        }
        let Ok(address) = hop.trim().parse() else { break };
        client = address;
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn believes_nobody_by_default() {
        assert_eq!(seen("192.0.2.1", &["203.0.113.9"], &[]), "192.0.2.1");
    }

    #[test]
    fn takes_the_rightmost_untrusted_hop() {
        let trusted = &["10.0.0.0/8"];
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"], trusted), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6", "203.0.113.9"], trusted), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &[], trusted), "10.0.0.1");
    }

    #[test]
    fn stops_at_what_is_no_address() {
        assert_eq!(seen("10.0.0.1", &["203.0.113.9, unknown"], &["10.0.0.0/8"]), "10.0.0.1");
    }
}
