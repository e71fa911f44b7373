//! The configuration: one typed document, read once at start, the same on every host.
//!
//! It comes from `gateway.toml` and from variables that override it. What is not known is refused by name; nothing has a
//! secret for a default.

mod duration;
mod load;
mod public_url;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Deserialize;

pub use duration::Seconds;
pub use load::{ConfigError, SUPER_ADMIN_EMAIL, VARIABLE_PREFIX};
pub use public_url::{HostMatch, InvalidPublicUrl, PublicUrl};

use crate::identity::RolePolicy;
use crate::money::{Budget, BudgetScope, Price, WindowKind};
use crate::signin::SigninConfig;

/// Everything that can be configured.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the gateway is reached.
    pub server: Server,
    /// Where it keeps its files.
    pub data: Data,
    /// How people sign in, and who may.
    pub signin: SigninConfig,
    /// Browser sessions.
    pub session: Sessions,
    /// Issued tokens.
    pub tokens: Tokens,
    /// Who administers.
    pub roles: RolePolicy,
    /// How calls are admitted.
    pub admission: Admission,
    /// Calls to providers.
    pub upstream: Upstream,
    /// Sizes.
    pub limits: Limits,
    /// When days begin.
    pub calendar: Calendar,
    /// Who may spend what.
    pub budgets: Vec<BudgetEntry>,
    /// Who serves models, by name.
    pub providers: BTreeMap<String, Provider>,
    /// The models that may be called, by name.
    pub models: BTreeMap<String, Model>,
    /// What is logged, and how.
    pub log: Log,
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The address and port to listen on (`local` only).
    pub listen: std::net::SocketAddr,
    /// The address that browsers and clients use. Issuer, audience, redirect URIs and cookies follow from it.
    pub public_url: Option<PublicUrl>,
    /// Allows `http` on addresses that are not loopback.
    pub insecure: bool,
    /// Networks of reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
}

impl Default for Server {
    fn default() -> Self {
        Self { listen: ([127, 0, 0, 1], 8080).into(), public_url: None, insecure: false, trusted_proxies: Vec::new() }
    }
}

/// `[data]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// The folder of `records.db`, `hot.db` and `keys.json` (`local` only).
    pub dir: String,
}

impl Default for Data {
    fn default() -> Self {
        Self { dir: "./data".to_owned() }
    }
}

/// `[session]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// How long a session may go unused.
    pub idle: Seconds,
    /// How long it lasts at most.
    pub absolute: Seconds,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { idle: Seconds(8 * 3600), absolute: Seconds(24 * 3600) }
    }
}

/// `[tokens]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tokens {
    /// The lifetime when none is asked for.
    pub default_lifetime: Seconds,
    /// The longest lifetime that may be asked for.
    pub max_lifetime: Seconds,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { default_lifetime: Seconds(30 * 86400), max_lifetime: Seconds(90 * 86400) }
    }
}

/// `[admission]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admission {
    /// How many milliseconds the hot state has to answer.
    pub deadline_ms: u32,
}

impl Default for Admission {
    fn default() -> Self {
        Self { deadline_ms: 250 }
    }
}

/// `[upstream]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Upstream {
    /// How long a call may take; streams are cut there.
    pub max_duration: Seconds,
}

impl Default for Upstream {
    fn default() -> Self {
        Self { max_duration: Seconds(30 * 60) }
    }
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest body of a model call, in bytes.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body: 32 * 1024 * 1024 }
    }
}

/// `[calendar]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Calendar {
    /// The time zone (IANA) whose days, weeks and months budgets follow.
    pub time_zone: String,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { time_zone: "UTC".to_owned() }
    }
}

/// `[[budgets]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetEntry {
    /// Who shares it.
    pub scope: BudgetScope,
    /// When it starts afresh.
    pub window: WindowKind,
    /// Dollars, as a text such as `"25.00"`.
    pub amount: String,
}

/// `[providers.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// What it is.
    pub kind: ProviderKind,
    /// How many milliseconds the echo provider waits before each word of a stream.
    #[serde(default)]
    pub pace_ms: u32,
}

/// What a provider is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// The built-in one that answers with what it was told.
    Echo,
}

/// `[models.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Who serves it.
    pub provider: String,
    /// What it costs; without a price it is refused where a budget applies.
    pub price: Option<Price>,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,gateway_core=debug`.
    pub level: String,
    /// How.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Returns the public address. [`Config::load`] has filled it in.
    ///
    /// # Panics
    ///
    /// On a configuration that was not loaded.
    #[must_use]
    pub fn public_url(&self) -> &PublicUrl {
        self.server.public_url.as_ref().expect("loading fills it in")
    }

    /// Returns the time zone of budgets. [`Config::load`] has checked that it exists.
    #[must_use]
    pub fn time_zone(&self) -> TimeZone {
        TimeZone::get(&self.calendar.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// Returns a model and who serves it. [`Config::load`] has checked that somebody does.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<(&Model, &Provider)> {
        let model = self.models.get(name)?;
        Some((model, self.providers.get(&model.provider)?))
    }

    /// Returns the configured budgets. [`Config::load`] has checked their amounts.
    #[must_use]
    pub fn budgets(&self) -> Vec<Budget> {
        self.budgets.iter().filter_map(|entry| entry.budget().ok()).collect()
    }
}
