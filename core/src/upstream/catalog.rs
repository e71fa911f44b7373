//! Which models there are, who serves each, and what it is called there.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;

use super::passthrough::{Passthrough, repeated};
use super::provider::Provider;
use super::splice::splice;
use super::{Format, Peek};
use crate::config::{self, Config, ConfigError, Vendor};
use crate::money::{ConfiguredPrice, Price, PriceAdditions, PriceTable};

/// Ends the names that stand for every model with that beginning.
const WILDCARD: char = '*';

/// Every model that can be called.
#[derive(Debug)]
pub struct Catalog {
    named: HashMap<String, Arc<Entry>>,
    /// Beginnings, the longest first.
    patterns: Vec<(String, Arc<Entry>)>,
    providers: BTreeMap<String, Arc<Provider>>,
    /// What the providers publish.
    published: PriceTable,
    passthroughs: Vec<Passthrough>,
}

/// One configured model.
#[derive(Debug)]
struct Entry {
    name: String,
    upstream_name: Option<String>,
    price: EntryPrice,
    provider: Arc<Provider>,
}

/// What the configuration says of a model's price.
#[derive(Debug)]
enum EntryPrice {
    /// It is what the provider publishes.
    Published,
    /// It is this, whatever the provider publishes.
    Own(Arc<Price>),
    /// It is what the provider publishes, and this.
    Added(PriceAdditions),
}

/// Where a call goes.
#[derive(Debug, Clone)]
pub struct ModelRoute {
    entry: Arc<Entry>,
    /// What the provider calls the model, where the client calls it something else.
    rename: Option<String>,
    /// What it costs.
    price: Option<Arc<Price>>,
}

impl Catalog {
    /// Reads the configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the provider, model or path that cannot be used.
    pub fn of(config: &Config) -> Result<Self, ConfigError> {
        let providers = providers(config)?;
        let vendors: Vec<&str> =
            providers.values().filter_map(|provider| provider.vendor()).map(Vendor::name).collect();
        let mut catalog = Self {
            named: HashMap::new(),
            patterns: Vec::new(),
            published: PriceTable::of(&vendors),
            providers,
            passthroughs: Vec::new(),
        };
        for (name, model) in &config.models {
            let key = |key: &str| format!("models.{name:?}.{key}");
            let entry = Entry {
                name: name.clone(),
                upstream_name: model.upstream_name.clone(),
                price: match model.price.clone() {
                    None => EntryPrice::Published,
                    Some(ConfiguredPrice::Whole(price)) => EntryPrice::Own(Arc::new(price)),
                    Some(ConfiguredPrice::Added(additions)) => EntryPrice::Added(additions),
                },
                provider: Arc::clone(catalog.provider(&model.provider, || key("provider"))?),
            };
            catalog.add(entry, &model.aliases).map_err(|reason| ConfigError::key(key("aliases"), reason))?;
        }
        catalog.patterns.sort_by_key(|(beginning, _)| std::cmp::Reverse(beginning.len()));
        catalog.pass_through(&config.passthrough)?;
        Ok(catalog)
    }

    fn pass_through(&mut self, configured: &[config::Passthrough]) -> Result<(), ConfigError> {
        let key = |index: usize, key: &str| format!("passthrough[{index}].{key}");
        for (index, config) in configured.iter().enumerate() {
            let provider = self.provider(&config.provider, || key(index, "provider"))?;
            let made = Passthrough::new(config, provider);
            self.passthroughs.push(made.map_err(|(name, reason)| ConfigError::key(key(index, name), reason))?);
        }
        match repeated(&self.passthroughs) {
            Some(index) => Err(ConfigError::key(key(index, "path"), "is the same as an earlier one")),
            None => Ok(()),
        }
    }

    fn provider(&self, name: &str, key: impl Fn() -> String) -> Result<&Arc<Provider>, ConfigError> {
        let missing = || ConfigError::key(key(), format!("names {name:?}, which is not among [providers]"));
        self.providers.get(name).ok_or_else(missing)
    }

    fn add(&mut self, entry: Entry, aliases: &[String]) -> Result<(), String> {
        let entry = Arc::new(entry);
        let pattern = entry.name.strip_suffix(WILDCARD);
        if let Some(beginning) = pattern {
            self.patterns.push((beginning.to_owned(), Arc::clone(&entry)));
        }
        if pattern.is_some() && !aliases.is_empty() {
            return Err("can only be given to a model with a name of its own".to_owned());
        }
        let own = pattern.is_none().then_some(&entry.name);
        for name in own.into_iter().chain(aliases) {
            if self.named.insert(name.clone(), Arc::clone(&entry)).is_some() {
                return Err(format!("have {name:?}, which is another model's name already"));
            }
        }
        Ok(())
    }

    /// Returns where calls to a model go: to the one of that name, or alias, or of the longest beginning that fits.
    #[must_use]
    pub fn route(&self, asked: &str) -> Option<ModelRoute> {
        let named = self.named.get(asked).map(|entry| (entry, None));
        let mut fitting = self.patterns.iter().filter_map(|(start, entry)| Some((entry, asked.strip_prefix(start)?)));
        let (entry, rest) = named.or_else(|| fitting.next().map(|(entry, rest)| (entry, Some(rest))))?;
        let called: Cow<str> = match (&entry.upstream_name, rest) {
            (Some(pattern), Some(rest)) => pattern.replace(WILDCARD, rest).into(),
            (Some(name), None) => name.into(),
            (None, Some(_)) => asked.into(),
            (None, None) => (&entry.name).into(),
        };
        let published = || self.published.price(entry.provider.vendor()?.name(), &called);
        let price = match &entry.price {
            EntryPrice::Own(price) => Some(Arc::clone(price)),
            EntryPrice::Published => published().cloned(),
            EntryPrice::Added(additions) => published().map(|price| Arc::new(additions.to(price))),
        };
        let rename = (called != asked).then(|| called.into_owned());
        Some(ModelRoute { entry: Arc::clone(entry), rename, price })
    }

    /// Returns the paths that are passed on without being read.
    #[must_use]
    pub fn passthroughs(&self) -> &[Passthrough] {
        &self.passthroughs
    }

    /// Returns the models' names in the configuration, those that stand for many among them.
    #[must_use]
    pub fn models(&self) -> Vec<&str> {
        let entries = self.named.values().chain(self.patterns.iter().map(|(_, entry)| entry));
        let mut names: Vec<&str> = entries.map(|entry| entry.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns the names of all models and aliases that are served in one of these forms, each with its provider's name.
    #[must_use]
    pub fn names(&self, formats: &[Format]) -> Vec<(&str, &str)> {
        let is_served = |entry: &Entry| formats.iter().any(|format| entry.provider.serves(*format));
        let served = self.named.iter().filter(|(_, entry)| is_served(entry));
        let mut names: Vec<_> = served.map(|(name, entry)| (name.as_str(), entry.provider.name())).collect();
        names.sort_unstable();
        names
    }
}

impl ModelRoute {
    /// Returns the model's name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// Returns the model by which rules go: the one of the configuration whatever the alias, or the one asked for where that stands
    /// for many.
    #[must_use]
    pub fn model<'a>(&'a self, asked: &'a str) -> &'a str {
        if self.entry.name.ends_with(WILDCARD) { asked } else { &self.entry.name }
    }

    /// Returns what its tokens cost.
    #[must_use]
    pub fn price(&self) -> Option<&Arc<Price>> {
        self.price.as_ref()
    }

    /// Says whether the configuration tells all of what they cost.
    #[must_use]
    pub fn has_own_price(&self) -> bool {
        matches!(self.entry.price, EntryPrice::Own(_))
    }

    /// Says whether the configuration adds to what the provider publishes.
    #[must_use]
    pub fn adds_to_price(&self) -> bool {
        matches!(self.entry.price, EntryPrice::Added(_))
    }

    /// Returns what the provider calls it, where the client calls it something else.
    #[must_use]
    pub fn rename(&self) -> Option<&str> {
        self.rename.as_deref()
    }

    /// Returns who serves it.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.entry.provider
    }

    /// Returns the first member of a body that the provider would obey and that is not the client's to set.
    #[must_use]
    pub fn forbidden(&self, peek: &Peek) -> Option<&'static str> {
        peek.proxy_control.filter(|_| self.provider().is_proxy())
    }

    /// Returns the body as the provider gets it, and whether it asks for usage that the client did not ask for.
    pub fn body(&self, body: &Bytes, peek: &Peek) -> (Body, bool) {
        splice(body, peek, self.rename.as_deref(), self.provider().asks_usage())
    }
}

fn providers(config: &Config) -> Result<BTreeMap<String, Arc<Provider>>, ConfigError> {
    let make = |(name, config): (&String, &config::Provider)| {
        if !is_provider_name(name) {
            let reason = "has a name with more than a-z, 0-9 and single underscores between them";
            return Err(ConfigError::key(format!("providers.{name:?}"), reason));
        }
        if config.needs_key() && config.api_key.is_none() {
            return Err(ConfigError::secret(format!("providers.{name}.api_key")));
        }
        let made = Provider::new(name, config);
        let made = made.map_err(|(key, reason)| ConfigError::key(format!("providers.{name}.{key}"), reason))?;
        Ok((name.clone(), Arc::new(made)))
    };
    config.providers.iter().map(make).collect()
}

/// Provider names go into the names of variables.
fn is_provider_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty()
        && name.bytes().all(is_plain)
        && !name.contains("__")
        && !name.starts_with('_')
        && !name.ends_with('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROVIDERS: &str = "
        [providers.claude]\nkind = \"anthropic\"\napi_key = \"k\"
        [providers.gpt]\nkind = \"openai\"\napi_key = \"k\"
        [providers.all]\nkind = \"litellm\"\napi_key = \"k\"\nbase_url = \"http://litellm:4000\"\n";

    fn catalog(models: &str) -> Result<Catalog, ConfigError> {
        Catalog::of(&Config::load(&format!("{PROVIDERS}{models}"), &())?)
    }

    /// Returns who serves a model, and what it is called there if not the same.
    fn route(catalog: &Catalog, asked: &str) -> Option<(String, Option<String>)> {
        catalog.route(asked).map(|route| (route.provider().name().to_owned(), route.rename))
    }

    #[test]
    fn finds_models_by_name_alias_and_beginning() {
        let catalog = catalog(
            "[models.a]\nprovider = \"claude\"\nupstream_name = \"a-2026\"\naliases = [\"best\"]
             [models.\"claude-*\"]\nprovider = \"claude\"
             [models.\"claude-x*\"]\nprovider = \"all\"\nupstream_name = \"vendor/x*\"
             [models.b]\nprovider = \"gpt\"\naliases = [\"claude-b\"]",
        )
        .unwrap();
        let expected = |provider: &str, rename: Option<&str>| Some((provider.to_owned(), rename.map(str::to_owned)));
        assert_eq!(route(&catalog, "a"), expected("claude", Some("a-2026")));
        assert_eq!(route(&catalog, "best"), expected("claude", Some("a-2026")));
        assert_eq!(route(&catalog, "claude-7"), expected("claude", None));
        assert_eq!(route(&catalog, "claude-x1"), expected("all", Some("vendor/x1")));
        assert_eq!(route(&catalog, "claude-b"), expected("gpt", Some("b")));
        assert_eq!(route(&catalog, "b"), expected("gpt", None));
        for unknown in ["A", "claude", "a ", "*", "claude-".trim_end_matches('-')] {
            assert_eq!(route(&catalog, unknown), None, "{unknown}");
        }
    }

    #[test]
    fn lists_models_by_the_forms_in_which_they_are_served() {
        let catalog = catalog(
            "[models.a]\nprovider = \"claude\"\naliases = [\"best\"]\n[models.b]\nprovider = \"gpt\"
             [models.c]\nprovider = \"all\"\n[models.\"d*\"]\nprovider = \"all\"",
        )
        .unwrap();
        let names = |format| catalog.names(&[format]).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(Format::Messages), ["a", "best", "c"]);
        assert_eq!(names(Format::ChatCompletions), ["b", "c"]);
    }

    #[test]
    fn refuses_what_is_ambiguous_or_leads_nowhere() {
        for (models, key) in [
            ("[models.y]\nprovider = \"x\"", "models.\"y\".provider"),
            (
                "[models.a]\nprovider = \"gpt\"\naliases = [\"b\"]\n[models.b]\nprovider = \"gpt\"",
                "models.\"b\".aliases",
            ),
            ("[models.a]\nprovider = \"gpt\"\naliases = [\"a\"]", "models.\"a\".aliases"),
            ("[models.\"a*\"]\nprovider = \"gpt\"\naliases = [\"b\"]", "models.\"a*\".aliases"),
            ("[providers.\"A B\"]\nkind = \"echo\"", "providers.\"A B\""),
            ("[providers.a__b]\nkind = \"echo\"", "providers.\"a__b\""),
        ] {
            let error = catalog(models).unwrap_err().to_string();
            assert!(error.starts_with(key), "{error}");
        }
    }
}
