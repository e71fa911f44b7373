//! The configuration: one typed document, read once at start, the same on every host.
//!
//! It comes from `gateway.toml` and from variables that override it. What is not known is refused by name; nothing has a
//! secret for a default.

mod alerts;
mod content;
mod control;
mod duration;
mod exporters;
mod hot;
mod inherited;
mod load;
mod log;
mod metrics;
mod place;
mod public_url;
mod records;
mod rules;
mod unknown;
mod usage;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

pub use alerts::{AlertFormat, Alerts};
pub use content::{BuiltInRule, Content, RedactionRule};
pub use control::ControlLink;
pub use duration::Seconds;
pub use exporters::{Exporter, ExporterKind};
pub use hot::{Hot, HotStore, RedisServer, UpstashDatabase};
pub use inherited::INHERITED;
#[cfg(test)]
use load::tests;
pub use load::{ConfigError, VARIABLE_PREFIX};
pub use log::{Log, LogFormat};
pub use metrics::Metrics;
pub use place::Place;
pub use public_url::{HostMatch, InvalidPublicUrl, PublicUrl};
pub use records::Records;
pub use usage::Usage;

use crate::admission::{AccessRule, RateLimit};
use crate::identity::RolePolicy;
use crate::money::{Budget, BudgetScope, ConfiguredPrice, WindowKind};
use crate::signin::SigninConfig;
use crate::token::KeySet;
use crate::upstream::Format;

/// Everything that can be configured.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the gateway is reached.
    pub server: Server,
    /// Where it keeps its files.
    pub data: Data,
    /// Where the records are.
    pub records: Records,
    /// Where the hot state is.
    pub hot: Hot,
    /// The way between a front and a control plane in different places.
    pub control: ControlLink,
    /// How people sign in, and who may.
    pub signin: SigninConfig,
    /// The company's directory, which says who has joined and who has left.
    pub scim: Scim,
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
    /// How often who may call, and how much at once.
    pub rate_limits: Vec<RateLimit>,
    /// Who may call which models, and use tokens for what.
    pub access: Vec<AccessRule>,
    /// Whom to tell when they run out.
    pub alerts: Alerts,
    /// Where usage events go besides the usage log, by name.
    pub exporters: BTreeMap<String, Exporter>,
    /// What those of them are told that are told what was said.
    pub content: Content,
    /// Who serves models, by name.
    pub providers: BTreeMap<String, Provider>,
    /// The models that may be called, by name; a name that ends in `*` stands for all with that beginning.
    pub models: BTreeMap<String, Model>,
    /// Paths under `/v1` that are passed on without being read.
    pub passthrough: Vec<Passthrough>,
    /// What is logged, and how.
    pub log: Log,
    /// What is measured, and where.
    pub metrics: Metrics,
    /// What is kept of calls.
    pub usage: Usage,
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

/// `[scim]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scim {
    /// The bearer token that the directory shows; without one there is no SCIM.
    pub token: Option<SecretString>,
}

/// The shortest bearer token that may be configured, in characters: whoever guesses the directory's removes everybody.
const SHORTEST_BEARER: usize = 32;

impl Scim {
    fn check(&self) -> Result<(), ConfigError> {
        check_bearer("scim.token", self.token.as_ref())
    }
}

fn check_bearer(key: &str, token: Option<&SecretString>) -> Result<(), ConfigError> {
    let Some(token) = token else { return Ok(()) };
    let text = token.expose_secret();
    if text.len() < SHORTEST_BEARER || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let reason = format!("must have {SHORTEST_BEARER} characters, and none that a header cannot carry");
        return Err(ConfigError::key(key, reason));
    }
    Ok(())
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
    /// The keys that sign them, as `keys.json` has them; without any this process keeps them in that file.
    pub keys: Option<SecretString>,
    /// The lifetime when none is asked for.
    pub default_lifetime: Seconds,
    /// The longest lifetime that may be asked for.
    pub max_lifetime: Seconds,
    /// How long ago a person may have signed in for their tokens to work; without it they work until they expire.
    pub require_sign_in_within: Option<Seconds>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            keys: None,
            default_lifetime: Seconds(30 * 86400),
            max_lifetime: Seconds(90 * 86400),
            require_sign_in_within: None,
        }
    }
}

impl Tokens {
    /// Returns the keys that sign tokens, if the configuration has them.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Key`] if they cannot be used.
    pub fn keys(&self) -> Result<Option<KeySet>, ConfigError> {
        let keys = self.keys.as_ref().map(|json| KeySet::parse(json.expose_secret())).transpose();
        keys.map_err(|error| ConfigError::key("tokens.keys", format!("cannot be used: {error}")))
    }
}

/// `[admission]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admission {
    /// How many milliseconds the hot state has to answer.
    pub deadline_ms: Option<u32>,
    /// For how long after a token was admitted its next calls go to the provider beside the question whether they may.
    pub freshness: Option<Seconds>,
}

/// `[upstream]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Upstream {
    /// How long a provider may take until its answer begins.
    pub first_byte: Seconds,
    /// How long an answer may pause.
    pub idle: Seconds,
    /// How long a call may take; streams are cut there.
    pub max_duration: Seconds,
}

impl Default for Upstream {
    fn default() -> Self {
        Self { first_byte: Seconds(10 * 60), idle: Seconds(5 * 60), max_duration: Seconds(30 * 60) }
    }
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest body of a model call, in bytes.
    pub body: Option<usize>,
    /// How many sign-ins may be begun from one address in a minute; 0 if that is not limited, here as below.
    pub sign_ins_per_address: u32,
    /// How many times in a minute one person may sign in.
    pub sign_ins_per_user: u32,
    /// How many tokens may be minted from one address in a minute.
    pub mints_per_address: u32,
    /// How many tokens one person may mint in a minute.
    pub mints_per_user: u32,
}

impl Default for Limits {
    /// A whole office comes to work behind one address.
    fn default() -> Self {
        Self {
            body: None,
            sign_ins_per_address: 300,
            sign_ins_per_user: 20,
            mints_per_address: 300,
            mints_per_user: 30,
        }
    }
}

/// `[calendar]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Calendar {
    /// The time zone (IANA) whose days, weeks and months budgets follow.
    pub time_zone: String,
    /// Its rules.
    #[serde(skip)]
    zone: Option<TimeZone>,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { time_zone: "UTC".to_owned(), zone: None }
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
    /// Where it is, as SDKs take it: Anthropic's without `/v1`, OpenAI's with. Anthropic and OpenAI have a default.
    pub base_url: Option<String>,
    /// Our key there.
    pub api_key: Option<SecretString>,
    /// How it knows us.
    #[serde(default)]
    pub auth: ProviderAuth,
    /// Whether OpenAI's streams are asked for their usage where the client did not ask.
    #[serde(default = "yes")]
    pub include_usage: bool,
    /// Whose published prices hold, if not those of its kind and address.
    pub prices: Option<Vendor>,
    /// How many milliseconds the echo provider waits before each word of a stream.
    #[serde(default)]
    pub pace_ms: u32,
}

impl Provider {
    /// Returns a provider of that kind with nothing else said.
    #[must_use]
    pub const fn new(kind: ProviderKind) -> Self {
        Self {
            kind,
            base_url: None,
            api_key: None,
            auth: ProviderAuth::Key,
            include_usage: true,
            prices: None,
            pace_ms: 0,
        }
    }
}

impl Provider {
    /// Says whether it knows us by a key.
    #[must_use]
    pub fn needs_key(&self) -> bool {
        self.kind != ProviderKind::Echo && self.auth == ProviderAuth::Key
    }
}

const fn yes() -> bool {
    true
}

/// What a provider is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// Anthropic's API.
    Anthropic,
    /// OpenAI's API, or one like it.
    Openai,
    /// A LiteLLM proxy: both forms; told who calls.
    Litellm,
    /// The built-in one that answers with what it was told.
    Echo,
}

impl ProviderKind {
    /// Says whether it takes calls of that form.
    #[must_use]
    pub const fn serves(self, format: Format) -> bool {
        match self {
            Self::Anthropic => format.is_anthropic(),
            Self::Openai => !format.is_anthropic(),
            Self::Litellm => true,
            Self::Echo => matches!(format, Format::Messages | Format::CountTokens | Format::ChatCompletions),
        }
    }
}

/// Who publishes prices that the gateway takes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vendor {
    /// Anthropic.
    Anthropic,
    /// `DeepSeek`.
    Deepseek,
    /// Google's Gemini API.
    Gemini,
    /// Mistral.
    Mistral,
    /// OpenAI.
    Openai,
    /// xAI.
    Xai,
}

impl Vendor {
    /// Returns its name in the price table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Deepseek => "deepseek",
            Self::Gemini => "gemini",
            Self::Mistral => "mistral",
            Self::Openai => "openai",
            Self::Xai => "xai",
        }
    }

    /// Returns whose API answers at a host.
    #[must_use]
    pub fn at(host: &str) -> Option<Self> {
        match host {
            "api.anthropic.com" => Some(Self::Anthropic),
            "api.deepseek.com" => Some(Self::Deepseek),
            "generativelanguage.googleapis.com" => Some(Self::Gemini),
            "api.mistral.ai" => Some(Self::Mistral),
            "api.openai.com" => Some(Self::Openai),
            "api.x.ai" => Some(Self::Xai),
            _ => None,
        }
    }
}

/// How a provider knows us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderAuth {
    /// By `api_key`.
    #[default]
    Key,
    /// Not at all: for servers of one's own.
    None,
}

/// `[models.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Who serves it.
    pub provider: String,
    /// What it is called there, if not the same; `*` stands for the rest of a name that ends in `*`.
    pub upstream_name: Option<String>,
    /// Other names for it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What it costs, if not what its provider publishes; without a price it is refused where a budget applies.
    pub price: Option<ConfiguredPrice>,
}

impl Model {
    /// Returns a model that a provider serves under the same name.
    #[must_use]
    pub fn of(provider: &str) -> Self {
        Self { provider: provider.to_owned(), upstream_name: None, aliases: Vec::new(), price: None }
    }
}

/// `[[passthrough]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passthrough {
    /// The method.
    pub method: PassthroughMethod,
    /// The path, such as `/v1/files/{id}`; a name in braces stands for any one segment.
    pub path: String,
    /// Who serves it.
    pub provider: String,
    /// Dollars that each call costs that is answered with success, as a text such as `"0.01"`.
    pub price: Option<String>,
    /// Says that its calls cost nothing.
    #[serde(default)]
    pub unmetered: bool,
}

/// A method of [`Passthrough`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PassthroughMethod {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `DELETE`
    Delete,
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

    /// Returns the time zone of budgets. [`Config::load`] has filled it in.
    #[must_use]
    pub fn time_zone(&self) -> TimeZone {
        self.calendar.zone.clone().unwrap_or(TimeZone::UTC)
    }

    /// Returns a model that can be called in that form, to show how: the first that has a name of its own.
    #[must_use]
    pub fn example_model(&self, format: Format) -> Option<&str> {
        let serves =
            |model: &Model| self.providers.get(&model.provider).is_some_and(|provider| provider.kind.serves(format));
        let mut named = self.models.iter().filter(|(name, _)| !name.ends_with('*'));
        named.find(|(_, model)| serves(model)).map(|(name, _)| name.as_str())
    }

    /// Returns the configured budgets. [`Config::load`] has checked their amounts.
    #[must_use]
    pub fn budgets(&self) -> Vec<Budget> {
        self.budgets.iter().filter_map(|entry| entry.budget().ok()).collect()
    }
}
