//! What is known of a request before anybody is asked who sent it.

use std::net::IpAddr;

use http::header::{HeaderName, HeaderValue, USER_AGENT};
use http::{Extensions, HeaderMap};
use ipnet::IpNet;

use crate::ports::Random;
use crate::time::Millis;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Longest part of a `User-Agent` that is kept, in characters.
const MAX_USER_AGENT: usize = 256;

/// The headers in which clients name a conversation: Claude Code's, Codex's, and the one that is common among others.
const SESSION: [HeaderName; 3] = [
    HeaderName::from_static("x-claude-code-session-id"),
    HeaderName::from_static("session_id"),
    HeaderName::from_static("x-session-id"),
];

/// Longest name of a conversation that is kept, in characters: a UUID has 36.
const MAX_SESSION: usize = 128;

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
    /// The conversation that the request is part of, as the client names it.
    pub session: Option<String>,
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
            session: SESSION.iter().find_map(|name| session(headers.get(name)?)),
        }
    }

    /// Makes the id of a request that came in at `now`.
    #[must_use]
    pub fn new_id(now: Millis, random: &impl Random) -> String {
        format!("req_{}", crate::id::LeaseId::new(now, random.bytes()))
    }
}

/// Returns the name of a conversation, if a header has one that is fit to be kept.
fn session(value: &HeaderValue) -> Option<String> {
    let name = value.to_str().ok()?.trim();
    (!name.is_empty() && name.len() <= MAX_SESSION).then(|| name.to_owned())
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
    fn knows_the_conversation_by_the_names_of_the_clients() {
        let session = |pairs: &[(&str, &str)]| {
            let named = |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            let headers: HeaderMap = pairs.iter().map(named).collect();
            SESSION.iter().find_map(|name| super::session(headers.get(name)?))
        };
        assert_eq!(session(&[("X-Claude-Code-Session-Id", "c1"), ("x-session-id", "other")]).as_deref(), Some("c1"));
        assert_eq!(session(&[("session_id", "codex")]).as_deref(), Some("codex"));
        assert_eq!(session(&[("x-session-id", " "), ("x-other", "x")]), None);
        assert_eq!(session(&[("x-session-id", &"s".repeat(MAX_SESSION + 1))]), None, "too long to be a name");
    }

    #[test]
    fn stops_at_what_is_no_address() {
        assert_eq!(seen("10.0.0.1", &["203.0.113.9, unknown"], &["10.0.0.0/8"]), "10.0.0.1");
    }
}
