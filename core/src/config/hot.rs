//! `[hot]`: where the hot state is.

use std::fmt;
use std::net::IpAddr;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::{Host, Url};

use super::ConfigError;

/// Redis's port when the URL names none.
const PORT: u16 = 6379;

/// The shortest password that is taken beyond loopback, in characters: Redis answers as many guesses as are sent.
const SHORTEST_PASSWORD: usize = 16;

/// The longest `name`, in bytes: every key begins with it.
const LONGEST_NAME: usize = 32;

/// `[hot]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hot {
    /// The Redis server that keeps the hot state, as a URL; without one this process keeps it in `hot.db`. A secret,
    /// because the URL may hold a password.
    pub redis: Option<SecretString>,
    /// The password there.
    pub password: Option<SecretString>,
    /// What this gateway's keys start with, so that several gateways can use one server.
    pub name: String,
    /// Allows a server beyond loopback without a good password.
    pub insecure: bool,
}

impl Default for Hot {
    fn default() -> Self {
        Self { redis: None, password: None, name: "main".to_owned(), insecure: false }
    }
}

/// A Redis server. Its `Display` is the address alone.
#[derive(Debug, Clone)]
pub struct RedisServer {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Who we are there, if not the default user.
    pub username: Option<String>,
    /// Our password there.
    pub password: Option<SecretString>,
    /// The number of the database.
    pub database: i64,
}

impl fmt::Display for RedisServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

impl Hot {
    /// Returns the Redis server that keeps the hot state, if one does. [`Config::load`](super::Config::load) has checked
    /// that this works.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Key`] names what cannot be used.
    pub fn server(&self) -> Result<Option<RedisServer>, ConfigError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if self.name.is_empty() || self.name.len() > LONGEST_NAME || !self.name.bytes().all(is_plain) {
            let reason = format!("must be 1 to {LONGEST_NAME} letters, digits, '_' and '-'");
            return Err(ConfigError::key("hot.name", reason));
        }
        let Some(text) = &self.redis else { return Ok(None) };
        let unusable = || ConfigError::key("hot.redis", "must be a URL such as redis://HOST:6379 or rediss://HOST");
        let url = Url::parse(text.expose_secret()).map_err(|_| unusable())?;
        let tls = match url.scheme() {
            "redis" => false,
            "rediss" => true,
            _ => return Err(unusable()),
        };
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) if !host.to_string().is_empty() => host.to_string(),
            _ => return Err(unusable()),
        };
        let database = match url.path().trim_start_matches('/') {
            "" => 0,
            number => number.parse::<u16>().map_err(|_| unusable())?.into(),
        };
        let password = self.password.clone().or(part(url.password(), unusable)?.map(SecretString::from));
        if !self.insecure && !is_loopback(&host) && !is_good(password.as_ref()) {
            let reason = format!(
                "must have {SHORTEST_PASSWORD} characters for a server beyond loopback (or set hot.insecure = true)"
            );
            return Err(ConfigError::key("hot.password", reason));
        }
        let username = part(Some(url.username()), unusable)?;
        Ok(Some(RedisServer { host, port: url.port().unwrap_or(PORT), tls, username, password, database }))
    }
}

/// Reads a part of a URL that may be missing or percent-encoded.
fn part(text: Option<&str>, unusable: impl Fn() -> ConfigError) -> Result<Option<String>, ConfigError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8().map_err(|_| unusable())?;
    Ok(Some(decoded.into_owned()))
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    address.map_or_else(|_| host.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
}

fn is_good(password: Option<&SecretString>) -> bool {
    password.is_some_and(|password| password.expose_secret().chars().count() >= SHORTEST_PASSWORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(redis: &str, password: Option<&str>) -> Result<RedisServer, String> {
        let (redis, password) = (Some(redis.into()), password.map(Into::into));
        let hot = Hot { redis, password, ..Hot::default() };
        hot.server().map(|server| server.unwrap()).map_err(|error| error.to_string())
    }

    fn password(server: &RedisServer) -> Option<&str> {
        server.password.as_ref().map(secrecy::ExposeSecret::expose_secret)
    }

    #[test]
    fn reads_where_the_server_is() {
        let plain = server("redis://localhost", None).unwrap();
        assert_eq!((plain.to_string().as_str(), plain.tls, plain.database), ("localhost:6379", false, 0));
        let full = server("rediss://ann:p%40ssword-p%40ssword@redis.example.com:7000/3", None).unwrap();
        assert_eq!((full.to_string().as_str(), full.tls, full.database), ("redis.example.com:7000", true, 3));
        assert_eq!((full.username.as_deref(), password(&full)), (Some("ann"), Some("p@ssword-p@ssword")));
        let sixth = server("redis://[::1]:7000", None).unwrap();
        assert_eq!(sixth.host, "::1");
    }

    #[test]
    fn prefers_the_password_outside_the_url() {
        let named = server("redis://:inner-inner-inner@10.0.0.1", Some("outer-outer-outer")).unwrap();
        assert_eq!(password(&named), Some("outer-outer-outer"));
    }

    #[test]
    fn refuses_weak_passwords_beyond_loopback() {
        for (url, secret) in [
            ("redis://10.0.0.1", None),
            ("redis://redis:6379", Some("")),
            ("redis://redis:6379", Some("fifteen-letters")),
            ("rediss://:short@redis.example.com", None),
            ("redis://127.0.0.1.example.com", None),
        ] {
            assert!(server(url, secret).unwrap_err().starts_with("hot.password"), "{url}");
        }
        for url in ["redis://127.0.0.1", "redis://[::1]", "redis://localhost:7000"] {
            assert!(server(url, None).is_ok(), "{url}");
        }
        let insecure = Hot { redis: Some("redis://10.0.0.1".into()), insecure: true, ..Hot::default() };
        assert!(insecure.server().is_ok());
    }

    #[test]
    fn refuses_other_addresses_without_repeating_them() {
        for url in ["http://hunter2", "redis:hunter2", "hunter2", "redis://:hunter2@localhost/x", "unix:///hunter2"] {
            let error = server(url, None).unwrap_err();
            assert!(error.starts_with("hot.redis") && !error.contains("hunter2"), "{error}");
        }
        for name in ["", "a}b", "a b", "a:b"] {
            let hot = Hot { name: name.to_owned(), ..Hot::default() };
            assert!(hot.server().unwrap_err().to_string().starts_with("hot.name"), "{name}");
        }
    }

    #[test]
    fn never_prints_a_password() {
        let hot = Hot { redis: Some("redis://:hunter2@localhost".into()), ..Hot::default() };
        let server = hot.server().unwrap().unwrap();
        assert!(!format!("{hot:?} {server:?} {server}").contains("hunter2"));
    }
}
