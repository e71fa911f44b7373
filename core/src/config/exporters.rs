//! `[exporters.NAME]`

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::{Host, Url};

use super::{Config, ConfigError};

/// Where usage events go besides the usage log. What a kind does not need is refused for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exporter {
    /// What takes them there.
    pub kind: ExporterKind,
    /// Where that is, without the path that each kind adds.
    pub url: String,
    /// Headers that are sent along, by name; an underscore stands for a hyphen, which variables cannot have (`otlp`).
    #[serde(default)]
    pub headers: BTreeMap<String, SecretString>,
    /// The public key of the project (`langfuse`).
    pub public_key: Option<SecretString>,
    /// Its secret key (`langfuse`).
    pub secret_key: Option<SecretString>,
    /// Who writes (`clickhouse`).
    pub user: Option<String>,
    /// Their password (`clickhouse`).
    pub password: Option<SecretString>,
    /// The database of the table (`clickhouse`).
    pub database: Option<String>,
    /// The table (`clickhouse`).
    pub table: Option<String>,
    /// Whether it is told what was said, too; see [`Content`](super::Content).
    #[serde(default)]
    pub content: bool,
}

/// What takes usage events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExporterKind {
    /// Whatever takes OpenTelemetry's traces over HTTP, such as its collector.
    Otlp,
    /// Langfuse.
    Langfuse,
    /// `ClickHouse`, over HTTP.
    Clickhouse,
}

/// The database where none is named.
const DATABASE: &str = "llm_gateway";

/// The table where none is named.
const TABLE: &str = "usage";

/// The longest name of an exporter, in characters.
const LONGEST_NAME: usize = 64;

/// The user where none is named, which is who `ClickHouse` takes for everybody without a name.
const USER: &str = "default";

impl Exporter {
    /// Returns the name of the table, with its database.
    #[must_use]
    pub fn full_table(&self) -> String {
        let database = self.database.as_deref().unwrap_or(DATABASE);
        format!("{database}.{}", self.table.as_deref().unwrap_or(TABLE))
    }

    /// Returns who writes.
    #[must_use]
    pub fn user(&self) -> &str {
        self.user.as_deref().unwrap_or(USER)
    }

    /// Returns the headers, as they are sent. [`Config::load`] has checked them.
    pub(crate) fn header_pairs(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        self.headers.iter().filter_map(|(name, value)| Some((header_name(name)?, header_value(value)?)))
    }

    /// Checks what does not depend on secrets.
    fn check(&self, key: &str, allows_http: bool) -> Result<(), ConfigError> {
        let wrong = |name: &str, reason: &str| ConfigError::key(format!("{key}.{name}"), reason);
        if let Some(name) = self.superfluous() {
            return Err(wrong(name, "is not for an exporter of this kind"));
        }
        let url = Url::parse(&self.url).map_err(|_| wrong("url", "is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("url", "must have neither a user, a query nor a fragment"));
        }
        match url.scheme() {
            "https" => {}
            "http" if allows_http || is_near(url.host().as_ref()) => {}
            _ => return Err(wrong("url", "must be https, except to this machine or to a name without dots")),
        }
        for (name, value) in &self.headers {
            let (Some(_), Some(_)) = (header_name(name), header_value(value)) else {
                return Err(wrong(&format!("headers.{name}"), "cannot be a header"));
            };
        }
        for (name, value) in [("database", &self.database), ("table", &self.table)] {
            if value.as_deref().is_some_and(|value| !is_identifier(value)) {
                return Err(wrong(name, "must be letters, digits and '_', and begin with no digit"));
            }
        }
        Ok(())
    }

    /// Returns the first key that says something which its kind does not need.
    fn superfluous(&self) -> Option<&'static str> {
        let said = [
            ("headers", !self.headers.is_empty(), ExporterKind::Otlp),
            ("public_key", self.public_key.is_some(), ExporterKind::Langfuse),
            ("secret_key", self.secret_key.is_some(), ExporterKind::Langfuse),
            ("user", self.user.is_some(), ExporterKind::Clickhouse),
            ("password", self.password.is_some(), ExporterKind::Clickhouse),
            ("database", self.database.is_some(), ExporterKind::Clickhouse),
            ("table", self.table.is_some(), ExporterKind::Clickhouse),
        ];
        said.into_iter().find(|(_, is_said, kind)| *is_said && *kind != self.kind).map(|(name, ..)| name)
    }
}

impl Config {
    /// Checks what is said about exporters, apart from secrets.
    pub(super) fn check_exporters(&self) -> Result<(), ConfigError> {
        for (name, exporter) in &self.exporters {
            let key = format!("exporters.{name}");
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            let has_gap = name.starts_with('_') || name.ends_with('_') || name.contains("__");
            if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_plain) || has_gap {
                let reason = "has a name with more than 64 characters, or with others than a-z, 0-9 and single underscores between them";
                return Err(ConfigError::key(key, reason));
            }
            exporter.check(&key, self.server.insecure)?;
        }
        Ok(())
    }

    /// Checks that the secrets are there without which an exporter cannot send anything.
    pub(super) fn check_exporters_secrets(&self) -> Result<(), ConfigError> {
        for (name, exporter) in &self.exporters {
            if exporter.kind != ExporterKind::Langfuse {
                continue;
            }
            for (key, value) in [("public_key", &exporter.public_key), ("secret_key", &exporter.secret_key)] {
                if value.is_none() {
                    return Err(ConfigError::secret(format!("exporters.{name}.{key}")));
                }
            }
        }
        Ok(())
    }
}

/// Says whether a host is this machine, or one that has a name in a network of its own only, as containers have.
fn is_near(host: Option<&Host<&str>>) -> bool {
    match host {
        Some(Host::Domain(name)) => !name.contains('.'),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn header_name(name: &str) -> Option<HeaderName> {
    name.replace('_', "-").parse().ok()
}

fn header_value(value: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn is_identifier(name: &str) -> bool {
    let is_first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(is_first) && name.bytes().all(|byte| is_first(byte) || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::super::tests::{load_with, vars};
    use super::*;

    fn error(keys: &str) -> Option<String> {
        let loaded = load_with(&format!("[exporters.x]\n{keys}"), &vars(&[]));
        loaded.err().map(|error| error.to_string())
    }

    #[test]
    fn takes_what_each_kind_needs() {
        for keys in [
            "kind = \"otlp\"\nurl = \"https://otlp.example.com\"\nheaders = { x_api_key = \"k\" }",
            "kind = \"langfuse\"\nurl = \"https://langfuse.example.com\"\npublic_key = \"p\"\nsecret_key = \"s\"",
            "kind = \"clickhouse\"\nurl = \"http://clickhouse:8123\"\nuser = \"gw\"\npassword = \"p\"\ntable = \"t1\"",
        ] {
            assert_eq!(error(keys), None, "{keys}");
        }
    }

    #[test]
    fn names_what_is_missing_or_not_for_that_kind() {
        let langfuse = "kind = \"langfuse\"\nurl = \"https://l.example\"\n";
        for (keys, beginning) in [
            ("url = \"https://x.example\"".to_owned(), "line 1: missing field `kind`"),
            ("kind = \"otlp\"".to_owned(), "line 1: missing field `url`"),
            (
                langfuse.to_owned(),
                "exporters.x.public_key is missing; LLM_GATEWAY__EXPORTERS__X__PUBLIC_KEY may hold it",
            ),
            (format!("{langfuse}public_key = \"p\""), "exporters.x.secret_key is missing"),
            (format!("{langfuse}password = \"p\""), "exporters.x.password: is not for an exporter of this kind"),
            (format!("{langfuse}batch = 5"), "line 4: unknown key \"batch\""),
            ("kind = \"kafka\"\nurl = \"https://x.example\"".to_owned(), "line 2: must be one of"),
            (
                "kind = \"clickhouse\"\nurl = \"https://x.example\"\ntable = \"a; DROP TABLE b\"".to_owned(),
                "exporters.x.table",
            ),
            (
                "kind = \"otlp\"\nurl = \"https://x.example\"\nheaders = { \"a b\" = \"c\" }".to_owned(),
                "exporters.x.headers.a b",
            ),
        ] {
            let error = error(&keys).unwrap_or_default();
            assert!(error.starts_with(beginning), "{error} of {keys}");
        }
        assert!(load_with("[exporters.\"A-b\"]\nkind = \"otlp\"\nurl = \"https://x.example\"", &vars(&[])).is_err());
    }

    #[test]
    fn takes_secrets_from_variables() {
        let vars = vars(&[
            ("LLM_GATEWAY__EXPORTERS__X__HEADERS__X_API_KEY", "obviously-fake"),
            ("LLM_GATEWAY__EXPORTERS__X__URL", "https://otlp.example.com"),
        ]);
        let config = load_with("[exporters.x]\nkind = \"otlp\"\nurl = \"https://other.example\"", &vars).unwrap();
        let exporter = &config.exporters["x"];
        assert_eq!(exporter.url, "https://otlp.example.com");
        let headers: Vec<_> = exporter.header_pairs().collect();
        assert_eq!((headers[0].0.as_str(), headers[0].1.to_str().unwrap()), ("x-api-key", "obviously-fake"));
        assert!(!format!("{config:?}").contains("obviously-fake"));
    }

    #[test]
    fn sends_in_the_clear_to_what_is_near_only() {
        let with = |url: &str, more: &str| {
            error(&format!("kind = \"otlp\"\nurl = \"{url}\"\n[server]\ninsecure = {more}")).is_none()
        };
        for (url, is_good) in [
            ("https://otlp.example.com", true),
            ("http://localhost:4318", true),
            ("http://127.0.0.1:4318", true),
            ("http://[::1]:4318", true),
            ("http://collector:4318", true),
            ("http://otlp.example.com", false),
            ("http://10.0.0.5:4318", false),
            ("ftp://collector", false),
            ("https://user:password@otlp.example.com", false),
            ("https://otlp.example.com/?key=k", false),
            ("collector:4318", false),
        ] {
            assert_eq!(with(url, "false"), is_good, "{url}");
        }
        assert!(with("http://10.0.0.5:4318", "true"));
    }

    #[test]
    fn asks_the_edge_for_no_secret_of_an_exporter() {
        let document = "[exporters.x]\nkind = \"langfuse\"\nurl = \"https://l.example\"";
        let missing = |place| Config::check_without_secrets(place, document, &()).map_err(|error| error.to_string());
        assert_eq!(missing(Place::Tool), Ok(Vec::new()));
        let named = ["PUBLIC", "SECRET"].map(|which| format!("LLM_GATEWAY__EXPORTERS__X__{which}_KEY"));
        assert_eq!(missing(Place::Whole), Ok(named.to_vec()));
    }
}
