//! Where a configuration is used: what it has to say for that place, and what is the default there.

use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::{Config, ConfigError, HotStore, Seconds, VARIABLE_PREFIX};
use crate::ports::Vars;
use crate::time::Timestamp;
use crate::token::KeySet;
use crate::upstream::Catalog;

/// What runs there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The front and the control plane, in one process.
    Whole,
    /// The front alone, in an isolate of 128 MB, with stores across the network.
    Edge,
    /// The control plane alone.
    Control,
    /// Nothing: the program is told to do one thing and ends.
    Tool,
    /// The control plane alone, as a function that keeps nothing but what it is asked.
    Function,
    /// A function that does the control plane's errands: it signs nothing, and nobody asks it anything.
    Errand,
}

/// Stands for secrets that are not there yet when a configuration is built into a program: as long as a key, and known to
/// everybody.
const PLACEHOLDER: &str = "cGxhY2Vob2xkZXItcGxhY2Vob2xkZXItcGxhY2Vob2w";

impl Place {
    /// Returns how long the hot state has to answer there, in ms, unless something else is configured.
    pub(super) const fn deadline_ms(self) -> u32 {
        match self {
            Self::Whole | Self::Control | Self::Tool => 250,
            Self::Edge | Self::Function | Self::Errand => 1000,
        }
    }

    /// Returns for how long a verdict is fresh there, unless something else is configured: where the hot state is across the
    /// network, waiting for it is worth avoiding.
    pub(super) const fn freshness(self) -> Seconds {
        match self {
            Self::Whole | Self::Control | Self::Tool | Self::Function | Self::Errand => Seconds(0),
            Self::Edge => Seconds(5),
        }
    }

    /// Returns the largest body of a model call there, in bytes, unless something else is configured.
    pub(super) const fn body(self) -> usize {
        match self {
            Self::Whole | Self::Control | Self::Tool | Self::Function | Self::Errand => 32 * 1024 * 1024,
            Self::Edge => 8 * 1024 * 1024,
        }
    }
}

impl Config {
    /// Checks what only this place needs.
    pub(super) fn check_place(&self, place: Place) -> Result<(), ConfigError> {
        if matches!(place, Place::Whole | Place::Edge) {
            Catalog::of(self)?;
        }
        // Those who do the upkeep.
        if matches!(place, Place::Whole | Place::Control | Place::Errand) {
            self.check_exporters_secrets()?;
        }
        match place {
            Place::Whole => self.check_whole(),
            Place::Tool => Ok(()),
            Place::Edge => self.check_edge(),
            Place::Control => self.check_control(),
            Place::Function => self.check_function(),
            Place::Errand => self.check_stores(),
        }
    }

    fn check_whole(&self) -> Result<(), ConfigError> {
        let is_shared = self.records.dynamodb.is_some();
        if is_shared && matches!(self.hot.store()?, HotStore::Embedded) {
            let reason = "must be on Redis or at Upstash where the records are in a table, which others may change";
            return Err(ConfigError::key("hot", reason));
        }
        Ok(())
    }

    fn check_edge(&self) -> Result<(), ConfigError> {
        if !matches!(self.hot.store()?, HotStore::Upstash(_)) {
            return Err(ConfigError::key("hot.upstash", "is required at the edge, which can reach no other hot state"));
        }
        if self.control.address()?.is_none() {
            return Err(ConfigError::key("control.url", "is required at the edge, which has no records"));
        }
        if self.control.key.is_none() {
            return Err(ConfigError::secret("control.key"));
        }
        if self.signin.issuer.is_none() {
            return Err(ConfigError::key("signin.issuer", "is required at the edge, which has no development sign-in"));
        }
        if self.limits.body() > Place::Edge.body() {
            let reason = format!("must be at most {} at the edge, where an isolate has 128 MB", Place::Edge.body());
            return Err(ConfigError::key("limits.body", reason));
        }
        Ok(())
    }

    fn check_control(&self) -> Result<(), ConfigError> {
        if matches!(self.hot.store()?, HotStore::Embedded) {
            return Err(ConfigError::key("hot", "must be on Redis, where the fronts in other places reach it, too"));
        }
        if self.control.fronts.is_empty() {
            return Err(ConfigError::key("control.fronts", "names nobody; `llm-gateway keys front` makes a key"));
        }
        Ok(())
    }

    fn check_function(&self) -> Result<(), ConfigError> {
        self.check_stores()?;
        if self.tokens.keys.is_none() {
            return Err(ConfigError::secret("tokens.keys"));
        }
        self.check_control()
    }

    fn check_stores(&self) -> Result<(), ConfigError> {
        if !matches!(self.hot.store()?, HotStore::Upstash(_)) {
            return Err(ConfigError::key("hot.upstash", "is required for a function, as it is at the edge"));
        }
        if self.records.dynamodb.is_none() {
            return Err(ConfigError::key("records.dynamodb", "is required for a function, which has no disk"));
        }
        Ok(())
    }

    /// Checks a configuration whose secrets come later, and returns the variables that have to hold them.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first key that cannot be used, whatever the secrets are.
    pub fn check_without_secrets(place: Place, document: &str, vars: &impl Vars) -> Result<Vec<String>, ConfigError> {
        Self::load_without_secrets(place, document, vars).map(|(_, missing)| missing)
    }

    /// Reads a configuration with stand-ins for the secrets that it lacks, for those who need none; returns the variables that
    /// should hold them, too.
    ///
    /// # Errors
    ///
    /// As [`Config::check_without_secrets`].
    pub fn load_without_secrets(
        place: Place,
        document: &str,
        vars: &impl Vars,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let mut missing = Vec::new();
        loop {
            let vars = Supplied { vars, missing: &missing };
            match Self::load_at(place, document, &vars) {
                Ok(config) => return Ok((config, missing)),
                Err(ConfigError::Secret { variable, .. }) if !missing.contains(&variable) => missing.push(variable),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Variables, and stand-ins for those that are missing.
struct Supplied<'a, V> {
    vars: &'a V,
    missing: &'a [String],
}

impl<V: Vars> Vars for Supplied<'_, V> {
    fn with_prefix(&self, prefix: &str) -> Vec<(String, String)> {
        let supplied = self.missing.iter().filter(|name| name.starts_with(prefix));
        let supplied = supplied.map(|name| (name.clone(), placeholder(name)));
        self.vars.with_prefix(prefix).into_iter().chain(supplied).collect()
    }

    fn var(&self, name: &str) -> Option<String> {
        self.vars.var(name)
    }
}

/// Returns what stands for a secret.
fn placeholder(variable: &str) -> String {
    if !variable.ends_with("TOKENS__KEYS") {
        return PLACEHOLDER.to_owned();
    }
    let seed = |first: u8| std::array::from_fn(|index| first.wrapping_add(u8::try_from(index).unwrap_or_default()));
    KeySet::new(Timestamp(0), seed(0), seed(1)).to_json().expose_secret().to_owned()
}

impl ConfigError {
    /// A secret that only a variable should hold.
    pub(crate) fn secret(key: impl Into<String>) -> Self {
        let key = key.into();
        let variable = format!("{VARIABLE_PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"));
        Self::Secret { key, variable }
    }
}

impl super::Admission {
    /// Returns how long the hot state has to answer.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms.unwrap_or(Place::Whole.deadline_ms()).into())
    }

    /// Returns for how long a verdict is fresh.
    #[must_use]
    pub fn freshness(&self) -> Duration {
        Duration::from_secs(self.freshness.unwrap_or(Place::Whole.freshness()).0.into())
    }
}

impl super::Limits {
    /// Returns the largest body of a model call, in bytes.
    #[must_use]
    pub fn body(&self) -> usize {
        self.body.unwrap_or(Place::Whole.body())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::vars as load_vars;
    use super::*;
    use crate::token::FrontKey;

    const EDGE: &str = "[server]\npublic_url = \"https://gw.example.com\"
        [hot]\nupstash = \"https://obviously-fake.upstash.io\"
        [control]\nurl = \"https://control.example.com\"
        [signin]\nissuer = \"https://id.example.com\"\nclient_id = \"gw\"\nallow_anyone = true
        [providers.claude]\nkind = \"anthropic\"\n[models.\"claude-*\"]\nprovider = \"claude\"\n";

    fn edge(document: &str) -> Result<Vec<String>, String> {
        Config::check_without_secrets(Place::Edge, document, &()).map_err(|error| error.to_string())
    }

    #[test]
    fn names_the_variables_of_missing_secrets() {
        let missing = edge(EDGE).unwrap();
        assert_eq!(
            missing,
            ["LLM_GATEWAY__HOT__TOKEN", "LLM_GATEWAY__PROVIDERS__CLAUDE__API_KEY", "LLM_GATEWAY__CONTROL__KEY"]
        );
        let key = FrontKey::new(std::array::from_fn(|index| u8::try_from(index * 7).unwrap()));
        let secrets: Vec<_> = missing.iter().map(|name| (name.as_str(), key.expose())).collect();
        let config = Config::load_at(Place::Edge, EDGE, &load_vars(&secrets)).unwrap();
        assert_eq!((config.limits.body(), config.admission.deadline()), (8 << 20, Duration::from_secs(1)));
        assert_eq!(config.admission.freshness(), Duration::from_secs(5));
        let error = Config::load_at(Place::Edge, EDGE, &load_vars(&secrets[..2])).unwrap_err().to_string();
        assert_eq!(error, "control.key is missing; LLM_GATEWAY__CONTROL__KEY may hold it");
    }

    #[test]
    fn refuses_at_the_edge_what_cannot_work_there() {
        for (what, with, key) in [
            ("upstash = \"https://obviously-fake.upstash.io\"", "redis = \"redis://localhost\"", "hot.upstash"),
            ("url = \"https://control.example.com\"", "", "control.url"),
            ("issuer = \"https://id.example.com\"", "", "signin.issuer"),
            ("[signin]", "[limits]\nbody = 9000000\n[signin]", "limits.body"),
            ("[signin]", "[signin]\nzzz = 1", "line"),
        ] {
            let error = edge(&EDGE.replace(what, with)).unwrap_err();
            assert!(error.starts_with(key), "{error}");
        }
    }

    #[test]
    fn refuses_for_a_function_what_cannot_work_there() {
        let key = FrontKey::new(std::array::from_fn(|index| u8::try_from(index * 7).unwrap()));
        let fronts = format!("[\"{}\"]", key.public());
        let vars = [
            ("LLM_GATEWAY__CONTROL__FRONTS", fronts.as_str()),
            ("LLM_GATEWAY__RECORDS__DYNAMODB", "records"),
            ("LLM_GATEWAY__HOT__TOKEN", "x"),
            ("LLM_GATEWAY__TOKENS__KEYS", "{\"keys\": []}"),
        ];
        let with = |count: usize| {
            let loaded = Config::load_at(Place::Function, EDGE, &load_vars(&vars[..count]));
            loaded.map_err(|error| error.to_string())
        };
        assert!(with(1).unwrap_err().starts_with("hot.token"));
        assert!(with(3).unwrap_err().starts_with("tokens.keys is missing; LLM_GATEWAY__TOKENS__KEYS"));
        assert!(with(4).unwrap_err().starts_with("tokens.keys: cannot be used"), "they are none");
        let without = |name: &str| {
            let vars: Vec<_> = vars[..3].iter().filter(|(other, _)| *other != name).copied().collect();
            Config::check_without_secrets(Place::Function, EDGE, &load_vars(&vars)).unwrap_err().to_string()
        };
        assert!(without("LLM_GATEWAY__RECORDS__DYNAMODB").starts_with("records.dynamodb"));
        assert!(without("LLM_GATEWAY__CONTROL__FRONTS").starts_with("control.fronts"));
        let missing = Config::check_without_secrets(Place::Function, EDGE, &load_vars(&vars[..2])).unwrap();
        assert_eq!(missing, ["LLM_GATEWAY__HOT__TOKEN", "LLM_GATEWAY__TOKENS__KEYS"]);
        assert!(Config::load_at(Place::Errand, EDGE, &load_vars(&vars[1..3])).is_ok(), "it signs nothing");
    }

    #[test]
    fn refuses_to_keep_what_is_shared_for_itself() {
        let load =
            |vars: &[(&str, &str)]| Config::load("", &load_vars(vars)).map(drop).map_err(|error| error.to_string());
        let table = ("LLM_GATEWAY__RECORDS__DYNAMODB", "records");
        assert!(load(&[table]).unwrap_err().starts_with("hot: must be on Redis"));
        load(&[table, ("LLM_GATEWAY__HOT__REDIS", "redis://localhost")]).unwrap();
    }

    #[test]
    fn asks_of_a_control_plane_no_secret_of_the_front() {
        let key = FrontKey::new(std::array::from_fn(|index| u8::try_from(index * 7).unwrap()));
        let fronts = format!("[\"{}\"]", key.public());
        let vars = [("LLM_GATEWAY__HOT__TOKEN", "x"), ("LLM_GATEWAY__CONTROL__FRONTS", fronts.as_str())];
        assert!(Config::load_at(Place::Control, EDGE, &load_vars(&vars)).is_ok());
        let nobody = Config::load_at(Place::Control, EDGE, &load_vars(&vars[..1])).unwrap_err().to_string();
        assert!(nobody.starts_with("control.fronts"), "{nobody}");
        let embedded = EDGE.replace("[hot]\nupstash = \"https://obviously-fake.upstash.io\"", "");
        let alone = Config::load_at(Place::Control, &embedded, &load_vars(&vars[1..])).unwrap_err().to_string();
        assert!(alone.starts_with("hot: "), "{alone}");
    }
}
