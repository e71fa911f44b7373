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
    /// The Redis database at Upstash that keeps the hot state instead, as the URL of its REST API.
    pub upstash: Option<String>,
    /// The token of that API.
    pub token: Option<SecretString>,
    /// What this gateway's keys start with, so that several gateways can use one server.
    pub name: String,
    /// Allows a server beyond loopback without a good password.
    pub insecure: bool,
}

impl Default for Hot {
    fn default() -> Self {
        let (redis, password, upstash, token) = (None, None, None, None);
        Self { redis, password, upstash, token, name: "main".to_owned(), insecure: false }
    }
}

/// Where the hot state is.
#[derive(Debug, Clone)]
pub enum HotStore {
    /// In this process.
    Embedded,
    /// On a Redis server.
    Redis(RedisServer),
    /// In a Redis database at Upstash.
    Upstash(UpstashDatabase),
}

/// A Redis database at Upstash. Its `Display` is the address alone.
#[derive(Debug, Clone)]
pub struct UpstashDatabase {
    /// The address of its REST API.
    pub url: Url,
    /// The token of that API, which may write.
    pub token: SecretString,
}

impl fmt::Display for UpstashDatabase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.url.host_str().unwrap_or_default())
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
    /// Returns where the hot state is. [`Config::load`](super::Config::load) has checked that this works.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Key`] names what cannot be used.
    pub fn store(&self) -> Result<HotStore, ConfigError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if self.name.is_empty() || self.name.len() > LONGEST_NAME || !self.name.bytes().all(is_plain) {
            let reason = format!("must be 1 to {LONGEST_NAME} letters, digits, '_' and '-'");
            return Err(ConfigError::key("hot.name", reason));
        }
        match (&self.redis, &self.upstash) {
            (None, None) => Ok(HotStore::Embedded),
            (Some(redis), None) => self.server(redis).map(HotStore::Redis),
            (None, Some(upstash)) => self.database(upstash).map(HotStore::Upstash),
            (Some(_), Some(_)) => Err(ConfigError::key("hot.upstash", "cannot be used together with hot.redis")),
        }
    }

    fn database(&self, text: &str) -> Result<UpstashDatabase, ConfigError> {
        let unusable = || ConfigError::key("hot.upstash", "must be a URL such as https://NAME.upstash.io");
        let url = Url::parse(text).map_err(|_| unusable())?;
        let host = address(url.host()).ok_or_else(unusable)?;
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&host));
        let has_extras = url.query().is_some() || !url.username().is_empty() || url.password().is_some();
        if !is_safe || has_extras {
            return Err(unusable());
        }
        let token = self.token.clone().filter(|token| !token.expose_secret().is_empty());
        let token = token.ok_or_else(|| ConfigError::secret("hot.token"))?;
        if !token.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ConfigError::key("hot.token", "has characters that no token has"));
        }
        Ok(UpstashDatabase { url, token })
    }

    fn server(&self, text: &SecretString) -> Result<RedisServer, ConfigError> {
        let unusable = || ConfigError::key("hot.redis", "must be a URL such as redis://HOST:6379 or rediss://HOST");
        let url = Url::parse(text.expose_secret()).map_err(|_| unusable())?;
        let tls = match url.scheme() {
            "redis" => false,
            "rediss" => true,
            _ => return Err(unusable()),
        };
        let host = address(url.host()).ok_or_else(unusable)?;
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
        Ok(RedisServer { host, port: url.port().unwrap_or(PORT), tls, username, password, database })
    }
}

/// Returns a host as one connects to it: an address of version 6 without its brackets.
fn address(host: Option<Host<&str>>) -> Option<String> {
    match host? {
        Host::Ipv6(address) => Some(address.to_string()),
        host => Some(host.to_string()).filter(|host| !host.is_empty()),
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
        match hot.store().map_err(|error| error.to_string())? {
            HotStore::Redis(server) => Ok(server),
            other => panic!("{other:?}"),
        }
    }

    fn database(url: &str, token: Option<&str>) -> Result<UpstashDatabase, String> {
        let hot = Hot { upstash: Some(url.to_owned()), token: token.map(Into::into), ..Hot::default() };
        match hot.store().map_err(|error| error.to_string())? {
            HotStore::Upstash(database) => Ok(database),
            other => panic!("{other:?}"),
        }
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
        assert!(insecure.store().is_ok());
    }

    #[test]
    fn refuses_other_addresses_without_repeating_them() {
        for url in ["http://hunter2", "redis:hunter2", "hunter2", "redis://:hunter2@localhost/x", "unix:///hunter2"] {
            let error = server(url, None).unwrap_err();
            assert!(error.starts_with("hot.redis") && !error.contains("hunter2"), "{error}");
        }
        for name in ["", "a}b", "a b", "a:b"] {
            let hot = Hot { name: name.to_owned(), ..Hot::default() };
            assert!(hot.store().unwrap_err().to_string().starts_with("hot.name"), "{name}");
        }
    }

    #[test]
    fn never_prints_a_password() {
        let hot = Hot { redis: Some("redis://:hunter2@localhost".into()), ..Hot::default() };
        let store = hot.store().unwrap();
        assert!(!format!("{hot:?} {store:?}").contains("hunter2"));
    }

    #[test]
    fn reads_which_database_it_is() {
        let fake = database("https://eu1-obvious-fake-1.upstash.io", Some("obviously-fake")).unwrap();
        assert_eq!(fake.to_string(), "eu1-obvious-fake-1.upstash.io");
        assert_eq!(fake.token.expose_secret(), "obviously-fake");
        assert!(!format!("{fake:?}").contains("obviously"));
        for url in ["http://localhost:8079", "http://127.0.0.1:8079", "http://[::1]:8079"] {
            assert!(database(url, Some("x")).is_ok(), "{url}: for tests, on this machine");
        }
    }

    #[test]
    fn refuses_databases_that_it_cannot_use() {
        for (url, token, key) in [
            ("https://a.upstash.io", None, "hot.token"),
            ("https://a.upstash.io", Some(""), "hot.token"),
            ("https://a.upstash.io", Some("hunter2\n"), "hot.token"),
            ("http://a.upstash.io", Some("hunter2"), "hot.upstash"),
            ("redis://a.upstash.io", Some("hunter2"), "hot.upstash"),
            ("https://a.upstash.io?_token=hunter2", Some("x"), "hot.upstash"),
            ("https://:hunter2@a.upstash.io", Some("x"), "hot.upstash"),
            ("hunter2", Some("x"), "hot.upstash"),
        ] {
            let error = database(url, token).unwrap_err();
            assert!(error.starts_with(key) && !error.contains("hunter2"), "{error}");
        }
        let (redis, upstash) = (Some("redis://localhost".into()), Some("https://a.upstash.io".to_owned()));
        let both = Hot { redis, upstash, token: Some("x".into()), ..Hot::default() };
        assert!(both.store().unwrap_err().to_string().starts_with("hot.upstash"));
    }
}
