//! The one address by which the gateway is known.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The gateway's public origin: scheme, host and port, nothing else.
///
/// Issuer, audience, redirect URIs and the kind of cookies follow from it, never from what a request says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PublicUrl(Url);

/// Why a text is no public address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an origin such as https://gateway.example.com, without path, query or user")]
pub struct InvalidPublicUrl;

impl PublicUrl {
    /// Parses an origin.
    ///
    /// # Errors
    ///
    /// [`InvalidPublicUrl`] for another scheme than http and https, and for anything beside the origin.
    pub fn parse(text: &str) -> Result<Self, InvalidPublicUrl> {
        let url = Url::parse(text).map_err(|_| InvalidPublicUrl)?;
        let only_origin = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if only_origin && matches!(url.scheme(), "http" | "https") { Ok(Self(url)) } else { Err(InvalidPublicUrl) }
    }

    /// Returns the address of a loopback listener on that port.
    ///
    /// # Panics
    ///
    /// Never: every number makes a port.
    #[must_use]
    pub fn localhost(port: u16) -> Self {
        Self::parse(&format!("http://localhost:{port}")).expect("every number makes a port")
    }

    /// Returns the origin, without a slash at its end.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Returns the address of a path that starts with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        self.origin() + path
    }

    /// Returns the URL, for parsing others against it.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// Says whether cookies may be marked secure.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Says whether the address is this machine's own.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Returns the value of a `Host` header that names this address (RFC 9110 §7.2).
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Returns how a request's `Host` relates to this address.
    #[must_use]
    pub fn recognise(&self, host: &str) -> HostMatch {
        if host.eq_ignore_ascii_case(&self.authority()) {
            return HostMatch::Canonical;
        }
        let aliases = ["localhost", "127.0.0.1", "[::1]"];
        let port = self.0.port().map(|port| format!(":{port}")).unwrap_or_default();
        let is_alias = aliases.iter().any(|name| host.eq_ignore_ascii_case(&format!("{name}{port}")));
        if self.is_loopback() && is_alias { HostMatch::Alias } else { HostMatch::Foreign }
    }
}

/// How a request's `Host` relates to the public address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostMatch {
    /// It is the public address.
    Canonical,
    /// It is another name of the same loopback address.
    Alias,
    /// It is somewhere else: a page that reached us by DNS rebinding, or a wrong set-up.
    Foreign,
}

impl std::fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.origin())
    }
}

impl From<PublicUrl> for String {
    fn from(url: PublicUrl) -> Self {
        url.origin()
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = InvalidPublicUrl;

    fn try_from(text: String) -> Result<Self, InvalidPublicUrl> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_more_than_an_origin() {
        for text in [
            "gateway.example.com",
            "ftp://a.example",
            "https://a.example/x",
            "https://u@a.example",
            "https://a.example?x",
        ] {
            assert_eq!(PublicUrl::parse(text), Err(InvalidPublicUrl), "{text}");
        }
    }

    #[test]
    fn knows_its_hosts() {
        let url = PublicUrl::parse("http://localhost:8080").unwrap();
        assert_eq!(url.recognise("LOCALHOST:8080"), HostMatch::Canonical);
        assert_eq!(url.recognise("127.0.0.1:8080"), HostMatch::Alias);
        assert_eq!(url.recognise("[::1]:8080"), HostMatch::Alias);
        for host in ["localhost", "localhost:8081", "evil.example:8080", "", "localhost:8080.evil.example"] {
            assert_eq!(url.recognise(host), HostMatch::Foreign, "{host}");
        }
    }

    #[test]
    fn has_no_aliases_on_a_public_address() {
        let url = PublicUrl::parse("https://gw.example.com").unwrap();
        assert_eq!(url.recognise("gw.example.com"), HostMatch::Canonical);
        assert_eq!(url.recognise("localhost"), HostMatch::Foreign);
    }
}
