//! Reading the configuration: the document, then the variables over it, then the checks that need more than one key.

use std::borrow::Cow;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::inherited::inherit;
use super::unknown::explain;
use super::{BudgetEntry, Config, Model, Place, Provider, ProviderKind, PublicUrl, Seconds, Usage};
use crate::money::{Budget, ConfiguredPrice, InvalidAmount, Nanodollars, Price, Rates};
use crate::ports::Vars;
use crate::signin::SigninConfigError;

/// How variables that override a key start: `LLM_GATEWAY__SERVER__PUBLIC_URL` is `public_url` in `[server]`.
pub const VARIABLE_PREFIX: &str = "LLM_GATEWAY__";

/// Why the configuration is not good. Messages name the key and never repeat a value, which could be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The document is not TOML, or a key is unknown or of the wrong type.
    #[error("line {line}: {message}")]
    Document {
        /// Where, counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A variable names no key, or its value is of the wrong type.
    #[error("from the environment: {message}")]
    Variable {
        /// What is wrong.
        message: String,
    },
    /// What is said about signing in cannot be used.
    #[error(transparent)]
    Signin(#[from] SigninConfigError),
    /// A secret is not there.
    #[error("{key} is missing; {variable} may hold it")]
    Secret {
        /// Which.
        key: String,
        /// The variable that may hold it.
        variable: String,
    },
    /// A key's value cannot be used.
    #[error("{key}: {reason}")]
    Key {
        /// Which.
        key: String,
        /// Why not.
        reason: String,
    },
}

impl ConfigError {
    pub(crate) fn key(key: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Key { key: key.into(), reason: reason.to_string() }
    }
}

impl Config {
    /// Reads a document and the variables that override it, for a process that is all of the gateway; see
    /// [`Config::load_at`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first key that cannot be used.
    pub fn load(document: &str, vars: &impl Vars) -> Result<Self, ConfigError> {
        Self::load_at(Place::Whole, document, vars)
    }

    /// Reads a document and the variables that override it, for use at that place.
    ///
    /// A variable's value is taken as TOML if it is a number, a boolean, an array, an inline table or a quoted text, and as a
    /// plain text otherwise.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first key that cannot be used.
    pub fn load_at(place: Place, document: &str, vars: &impl Vars) -> Result<Self, ConfigError> {
        Self::load_with(place, |name| TimeZone::get(name).ok(), document, vars)
    }

    /// The same for who knows time zones otherwise than from the database, which is in the feature `time-zones`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first key that cannot be used.
    pub fn load_with(
        place: Place,
        zone: impl Fn(&str) -> Option<TimeZone>,
        document: &str,
        vars: &impl Vars,
    ) -> Result<Self, ConfigError> {
        let table = parse_document(document)?;
        let overrides = vars.with_prefix(VARIABLE_PREFIX);
        let mut config =
            overridden(&table, &overrides)?.map_err(|error| wrong_variable(&table, &overrides, error.message()))?;
        inherit(&mut config, vars)?;
        config.calendar.zone = zone(&config.calendar.time_zone);
        config.complete(place)
    }

    fn complete(mut self, place: Place) -> Result<Self, ConfigError> {
        let url = match self.server.public_url.take() {
            Some(url) => url,
            None if self.server.listen.ip().is_loopback() => PublicUrl::localhost(self.server.listen.port()),
            None => return Err(ConfigError::key("server.public_url", "is required when listening beyond loopback")),
        };
        if !url.is_https() && !url.is_loopback() && !self.server.insecure {
            return Err(ConfigError::key("server.public_url", "must be https (or set server.insecure = true)"));
        }
        self.server.public_url = Some(url);
        if self.models.is_empty() && self.providers.is_empty() {
            self.offer_echo();
        }
        self.admission.deadline_ms.get_or_insert(place.deadline_ms());
        self.admission.freshness.get_or_insert(place.freshness());
        self.limits.body.get_or_insert(place.body());
        self.check()?;
        self.check_place(place)?;
        Ok(self)
    }

    /// With nothing else to call, offers the echo model, at 1 dollar per million tokens in and 5 out.
    fn offer_echo(&mut self) {
        const ECHO: &str = "echo";
        let input = 1_000_000;
        let rates = Rates { input, cache_write_5m: input, cache_write_1h: input, cache_read: input, output: 5_000_000 };
        self.providers.insert(ECHO.to_owned(), Provider::new(ProviderKind::Echo));
        self.models.insert(
            ECHO.to_owned(),
            Model { price: Some(ConfiguredPrice::Whole(Price::flat(rates))), ..Model::of(ECHO) },
        );
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.calendar.zone.is_none() {
            let reason = "is not a time zone of the IANA database, or not the one that this was built for";
            return Err(ConfigError::key("calendar.time_zone", reason));
        }
        self.records.check()?;
        self.hot.store()?;
        self.signin.validate()?;
        self.scim.check()?;
        self.log.check()?;
        self.metrics.check()?;
        self.alerts.check(self.server.insecure)?;
        self.check_exporters()?;
        self.content.check()?;
        self.tokens.keys()?;
        self.control.address()?;
        self.control.signer()?;
        self.control.front_keys()?;
        for (index, entry) in self.budgets.iter().enumerate() {
            entry.budget().map_err(|error| ConfigError::key(format!("budgets[{index}].amount"), error))?;
        }
        self.check_rules()?;
        let ranges = [
            ("session.idle", self.session.idle, 60, 30 * 86400),
            ("session.absolute", self.session.absolute, 60, 90 * 86400),
            ("tokens.max_lifetime", self.tokens.max_lifetime, 60, 366 * 86400),
            ("tokens.default_lifetime", self.tokens.default_lifetime, 60, self.tokens.max_lifetime.0),
            (
                "tokens.require_sign_in_within",
                self.tokens.require_sign_in_within.unwrap_or(Seconds(3600)),
                3600,
                366 * 86400,
            ),
            ("admission.freshness", self.admission.freshness.unwrap_or(Seconds(0)), 0, 60),
            ("upstream.first_byte", self.upstream.first_byte, 1, 3600),
            ("upstream.idle", self.upstream.idle, 1, 3600),
            ("upstream.max_duration", self.upstream.max_duration, 1, 3600),
            ("usage.keep", self.usage.keep, Usage::LEAST, Usage::MOST),
        ];
        for (key, value, least, most) in ranges {
            if !(least..=most).contains(&value.0) {
                return Err(ConfigError::key(key, format!("must be between {least} and {most} seconds")));
            }
        }
        if !(Duration::from_millis(10)..=Duration::from_secs(30)).contains(&self.admission.deadline()) {
            return Err(ConfigError::key("admission.deadline_ms", "must be between 10 and 30000"));
        }
        Ok(())
    }
}

impl BudgetEntry {
    /// Returns the budget.
    pub(super) fn budget(&self) -> Result<Budget, InvalidAmount> {
        let limit = Nanodollars::parse_dollars(&self.amount)?;
        Ok(Budget { scope: self.scope.clone(), window: self.window, limit })
    }
}

/// Reads a document, and checks that it makes a configuration by itself: only here it is known on which line an error is.
fn parse_document(document: &str) -> Result<DeTable<'_>, ConfigError> {
    let located = |error: &toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = document.get(..start).unwrap_or_default().matches('\n').count() + 1;
        ConfigError::Document { line, message: explain(error.message()) }
    };
    let table = DeTable::parse(document).map_err(|error| located(&error))?.into_inner();
    typed(table.clone()).map_err(|error| located(&error))?;
    Ok(table)
}

/// Reads the configuration that a table makes. It is the only way to one: the code that does it is a tenth of a Worker.
fn typed(table: DeTable) -> Result<Config, toml::de::Error> {
    Config::deserialize(Deserializer::from(Spanned::new(0..0, table)))
}

/// Reads the configuration that a document and variables make, or says what its types have against it.
fn overridden(
    document: &DeTable,
    variables: &[(String, String)],
) -> Result<Result<Config, toml::de::Error>, ConfigError> {
    let mut table = document.clone();
    for (name, value) in variables {
        set(&mut table, name, value)?;
    }
    Ok(typed(table))
}

/// Names the variable without which the types have nothing against the configuration, if it is one alone.
fn wrong_variable(document: &DeTable, variables: &[(String, String)], message: &str) -> ConfigError {
    let is_good_without = |index: usize| {
        let others = [&variables[..index], &variables[index + 1..]].concat();
        matches!(overridden(document, &others), Ok(Ok(_)))
    };
    let culprit =
        (0..variables.len()).find(|index| is_good_without(*index)).map(|index| format!("{}: ", variables[index].0));
    ConfigError::Variable { message: format!("{}{}", culprit.unwrap_or_default(), explain(message)) }
}

fn set<'a>(table: &mut DeTable<'a>, name: &'a str, value: &'a str) -> Result<(), ConfigError> {
    let path = name.strip_prefix(VARIABLE_PREFIX).unwrap_or(name).to_ascii_lowercase();
    let mut parts: Vec<&str> = path.split("__").collect();
    let unknown = || ConfigError::Variable { message: format!("{name} names no configuration key") };
    let last = parts.pop().filter(|last| !last.is_empty()).ok_or_else(unknown)?;
    let key = |part: &str| nowhere(Cow::Owned(part.to_owned()));
    let mut here = table;
    for part in parts {
        let next = here.entry(key(part)).or_insert_with(|| nowhere(DeValue::Table(DeTable::new())));
        let DeValue::Table(table) = next.get_mut() else { return Err(unknown()) };
        here = table;
    }
    here.insert(key(last), nowhere(value_of(value)));
    Ok(())
}

/// Says of what a variable holds that it is on no line.
fn nowhere<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

fn value_of(text: &str) -> DeValue<'_> {
    match DeValue::parse(text).map(Spanned::into_inner) {
        Ok(
            value @ (DeValue::Integer(_)
            | DeValue::Boolean(_)
            | DeValue::Array(_)
            | DeValue::Table(_)
            | DeValue::String(_)),
        ) => value,
        _ => DeValue::String(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::super::Seconds;
    use super::*;
    use crate::identity::Email;
    use crate::money::WindowKind;

    pub(in crate::config) type Map = BTreeMap<String, String>;

    pub(in crate::config) fn vars(pairs: &[(&str, &str)]) -> Map {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    pub(in crate::config) fn load_with(document: &str, vars: &Map) -> Result<Config, ConfigError> {
        Config::load(document, vars)
    }

    fn load(document: &str) -> Result<Config, ConfigError> {
        load_with(document, &vars(&[]))
    }

    #[test]
    fn nothing_at_all_is_a_good_configuration() {
        let config = load("").unwrap();
        assert_eq!(config.public_url().origin(), "http://localhost:8080");
        assert_eq!(config.session.idle, Seconds(8 * 3600));
    }

    #[test]
    fn variables_override_the_document() {
        let vars = vars(&[
            ("LLM_GATEWAY__SERVER__LISTEN", "127.0.0.1:9000"),
            ("LLM_GATEWAY__ADMISSION__DEADLINE_MS", "400"),
            ("LLM_GATEWAY__ROLES__ADMINS", r#"["ann@example.com"]"#),
            ("LLM_GATEWAY__PROVIDERS", r#"{ mine = { kind = "openai", base_url = "https://mine.example" } }"#),
            ("LLM_GATEWAY__PROVIDERS__MINE__API_KEY", "obviously-fake"),
        ]);
        let config = load_with("[server]\nlisten = \"127.0.0.1:1\"", &vars).unwrap();
        assert_eq!(config.public_url().origin(), "http://localhost:9000");
        assert_eq!(config.admission.deadline(), Duration::from_millis(400));
        assert_eq!(config.roles.admins, [Email::parse("ann@example.com").unwrap()]);
        assert_eq!(config.providers["mine"].base_url.as_deref(), Some("https://mine.example"));
        assert!(config.providers["mine"].api_key.is_some());
    }

    #[test]
    fn refuses_unknown_keys_by_name() {
        let Err(ConfigError::Document { line, message }) = load("[server]\n\nlisten_on = \"x\"") else {
            panic!("an unknown key was taken");
        };
        assert_eq!(line, 3);
        assert!(message.contains("\"listen_on\"; did you mean \"listen\"?"), "{message}");
        let Err(ConfigError::Variable { message }) = load_with("", &vars(&[("LLM_GATEWAY__SERVER__LISEN", "x")]))
        else {
            panic!("an unknown variable was taken");
        };
        assert!(message.starts_with("LLM_GATEWAY__SERVER__LISEN: "), "{message}");
        assert!(message.contains("\"lisen\"; did you mean \"listen\"?"), "{message}");
    }

    #[test]
    fn names_the_variable_whose_value_is_of_another_type() {
        let vars = vars(&[
            ("LLM_GATEWAY__ADMISSION__DEADLINE_MS", "hunter2"),
            ("LLM_GATEWAY__SERVER__LISTEN", "127.0.0.1:9000"),
        ]);
        let error = load_with("", &vars).unwrap_err().to_string();
        assert_eq!(error, "from the environment: LLM_GATEWAY__ADMISSION__DEADLINE_MS: must be u32");
    }

    #[test]
    fn errors_repeat_no_values() {
        for document in [
            "[session]\nidle = { secret = \"hunter2\" }",
            "[admission]\ndeadline_ms = \"hunter2\"",
            "[log]\nformat = \"hunter2\"",
            "[providers.x]\nkind = \"openai\"\napi_key = \"hunter2\\n\"",
        ] {
            let error = load(document).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn refuses_http_beyond_loopback() {
        let document = "[server]\npublic_url = \"http://gw.example.com\"";
        assert!(load(document).is_err());
        assert!(load(&format!("{document}\ninsecure = true")).is_ok());
        assert!(load("[server]\nlisten = \"0.0.0.0:80\"").unwrap_err().to_string().starts_with("server.public_url"));
    }

    #[test]
    fn reads_budgets_exactly() {
        let config =
            load("[[budgets]]\nscope = \"default_user\"\nwindow = \"monthly\"\namount = \"25.000000001\"").unwrap();
        let budget = &config.budgets()[0];
        assert_eq!((budget.window, budget.limit), (WindowKind::Monthly, Nanodollars(25_000_000_001)));
    }

    #[test]
    fn takes_every_example_of_the_documentation() {
        let documents = [include_str!("../../../docs/CONFIGURATION.md"), include_str!("../../../README.md")];
        let examples: Vec<_> = documents.iter().flat_map(|text| text.split("```toml\n").skip(1)).collect();
        assert!(examples.len() >= 5);
        for example in examples {
            let example = example.split("```").next().unwrap();
            assert!(load(example).is_ok(), "{:?} in {example}", load(example).err());
        }
    }

    #[test]
    fn says_nothing_in_the_example_and_takes_it_uncommented() {
        let example = include_str!("../../../gateway.toml");
        assert!(example.lines().all(|line| line.is_empty() || line.starts_with('#')));
        let (_, body) = example.split_once("\n\n").unwrap();
        let uncommented: String = body.lines().map(|line| line.trim_start_matches("# ").to_owned() + "\n").collect();
        let config = load_with(&uncommented, &vars(&[("ANTHROPIC_API_KEY", "obviously-fake")])).unwrap();
        assert!(config.models.contains_key("claude-sonnet-4-5") && config.signin.issuer.is_some());
    }

    /// Returns the keys that the types know in a section, as the error about an unknown one lists them.
    fn known_keys(document: &str) -> Vec<String> {
        let message = load(document).unwrap_err().to_string();
        let known = message.split_once("(known are: ").unwrap_or_else(|| panic!("{message}")).1;
        known.trim_end_matches(')').split(", ").map(str::to_owned).collect()
    }

    #[test]
    fn documents_every_key_in_its_section() {
        let mut section = String::new();
        let mut documented = std::collections::BTreeSet::new();
        let blocks = include_str!("../../../docs/CONFIGURATION.md").split("```toml\n").skip(1);
        for line in blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines()) {
            if let Some(header) = line.strip_prefix('[') {
                let name = header.trim_start_matches('[').split([']', '.']).next().unwrap_or_default();
                name.clone_into(&mut section);
            }
            let key = line.trim_start_matches("# ").split([' ', ':', '=']).next().unwrap_or_default();
            documented.insert(format!("{section}.{key}"));
        }
        for name in known_keys("zzz = 1") {
            let header = match name.as_str() {
                "access" | "budgets" | "passthrough" | "rate_limits" => format!("[[{name}]]"),
                "exporters" | "providers" | "models" => format!("[{name}.x]"),
                _ => format!("[{name}]"),
            };
            for key in known_keys(&format!("{header}\nzzz = 1")) {
                assert!(documented.contains(&format!("{name}.{key}")), "{key} of [{name}] is not documented");
            }
        }
    }

    #[test]
    fn offers_echo_when_there_is_nothing_else_to_call() {
        let config = load("").unwrap();
        let Some(ConfiguredPrice::Whole(price)) = &config.models["echo"].price else { unreachable!("it has one") };
        assert_eq!(price.rates.output, 5_000_000);
        assert_eq!(config.providers["echo"].kind, ProviderKind::Echo);
        let other = load("[providers.x]\nkind = \"echo\"\n[models.y]\nprovider = \"x\"").unwrap();
        assert!(!other.models.contains_key("echo") && other.models.contains_key("y"));
    }

    #[test]
    fn requires_a_rule_about_who_may_sign_in() {
        let error = load("[signin]\nissuer = \"https://id.example\"\nclient_id = \"gw\"").unwrap_err();
        assert!(error.to_string().contains("signin.allow_anyone"), "{error}");
    }

    #[test]
    fn never_ignores_a_budget_on_an_unknown_field() {
        for (wrong, named) in [
            ("limit = \"1.00\"", "\"limit\""),
            ("max_budget = \"1.00\"", "\"max_budget\""),
            ("amount = \"1.00\"\nuser = \"ann@example.com\"", "\"user\""),
        ] {
            let error = load(&format!("[[budgets]]\nscope = \"org\"\nwindow = \"daily\"\n{wrong}")).unwrap_err();
            assert!(error.to_string().contains(&format!("unknown key {named}")), "{error}");
        }
        assert!(load("[[budget]]\nscope = \"org\"").unwrap_err().to_string().contains("did you mean \"budgets\""));
    }

    #[test]
    fn names_the_budget_that_is_wrong() {
        for amount in ["-1", "1.0000000001", "ten"] {
            let document = format!("[[budgets]]\nscope = \"org\"\nwindow = \"daily\"\namount = \"{amount}\"");
            assert!(load(&document).unwrap_err().to_string().starts_with("budgets[0].amount"), "{amount}");
        }
    }
}
