//! One entry of `model_list`.

use super::endpoint::{Base, Endpoint, Key, Kind};
use super::note::Notes;
use super::price::{self, Price};
use super::yaml::Node;

/// Ends a name that stands for every model with that beginning.
const WILDCARD: char = '*';

/// Beginnings of names that LiteLLM takes for OpenAI's without being told.
const OPENAI_NAMES: [&str; 7] = ["gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-", "ft:gpt-"];

/// Members of `litellm_params` that are read here.
const PARAMETERS: [&str; 6] =
    ["model", "api_key", "api_base", "base_url", "custom_llm_provider", "litellm_credential_name"];

/// Members of `model_info` that only describe.
const DESCRIPTIONS: [&str; 7] =
    ["id", "mode", "version", "description", "base_model", "max_tokens", "max_input_tokens"];

/// A model that can be called, and what calls it.
pub(super) struct Deployment {
    /// What clients call it.
    pub(super) name: String,
    /// What the provider calls it.
    pub(super) upstream: String,
    pub(super) endpoint: Endpoint,
    pub(super) price: Option<Price>,
}

/// `credential_list`: what several deployments share.
pub(super) struct Credentials<'a>(Vec<(&'a str, &'a Node)>);

impl<'a> Credentials<'a> {
    pub(super) fn of(root: &'a Node) -> Self {
        let list = root.get("credential_list").and_then(Node::list).unwrap_or_default();
        let named = |item: &'a Node| Some((item.get("credential_name")?.text()?, item.get("credential_values")?));
        Self(list.iter().filter_map(named).collect())
    }

    fn values(&self, name: &str) -> Option<&'a Node> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, values)| *values)
    }
}

impl Deployment {
    /// Reads the list: of each name the first deployment that can be taken over.
    pub(super) fn read_all(entries: &[Node], credentials: &Credentials, notes: &mut Notes) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let Some(name) = entry.get("model_name").and_then(Node::text) else {
                notes.not_taken(format!("model_list[{index}]: it has no model_name"));
                continue;
            };
            let model = entry.get("litellm_params").and_then(|params| params.get("model")).and_then(Node::text);
            let what = format!("model {name} ({})", model.unwrap_or("no litellm_params.model"));
            if found.iter().any(|deployment| deployment.name == name) {
                notes.not_taken(format!("{what}: calls go to one deployment of a model, and this is another"));
                continue;
            }
            match Self::read(name, entry, credentials) {
                Ok(deployment) => {
                    deployment.report(entry, &what, notes);
                    found.push(deployment);
                }
                Err(reason) => notes.not_taken(format!("{what}: {reason}")),
            }
        }
        if found.is_empty() {
            notes.ask("add providers and models: none could be taken over");
        }
        found
    }

    fn read(name: &str, entry: &Node, credentials: &Credentials) -> Result<Self, String> {
        let params = entry.get("litellm_params").ok_or("it has no litellm_params")?;
        let model = params.get("model").and_then(Node::text).ok_or("it names no model")?;
        let shared = match params.get("litellm_credential_name").and_then(Node::text) {
            Some(name) => Some(credentials.values(name).ok_or("its credential is not in credential_list")?),
            None => None,
        };
        let param = |key: &str| params.get(key).or_else(|| shared.and_then(|values| values.get(key)));
        let api_base = param("api_base").or_else(|| param("base_url"));
        let named = params.get("custom_llm_provider").and_then(Node::text);
        let (provider, upstream) = provider(model, named, api_base.is_some())?;
        let kind = Kind::of(provider).ok_or_else(|| {
            format!("calls to {provider} are not supported; what speaks OpenAI's API can be a provider of kind openai")
        })?;
        let is_described_elsewhere = kind == Kind::Openai && provider != "openai" && api_base.is_none();
        if is_described_elsewhere {
            return Err("it has no api_base".to_owned());
        }
        let base = Base::read(kind, api_base.and_then(Node::text))?;
        let upstream = renamed(name, upstream)?;
        let endpoint = Endpoint { kind, base, key: Key::read(provider, param("api_key")) };
        let (price, _) = price::read([entry.get("model_info"), Some(params)]);
        Ok(Self { name: name.to_owned(), upstream, endpoint, price })
    }

    /// Notes what else the entry says.
    fn report(&self, entry: &Node, what: &str, notes: &mut Notes) {
        let (params, info) = (entry.get("litellm_params"), entry.get("model_info"));
        for flaw in price::read([info, params]).1 {
            notes.not_taken(format!("{what}: {flaw}"));
        }
        if self.endpoint.base.gains_version(self.endpoint.kind) {
            notes.ask(format!("{what}: see whether its server answers under /v1; its api_base does not say so"));
        }
        if self.price.is_none() {
            notes.ask(format!(
                "{what}: see with llm-gateway prices whether its price is known; without one it is refused where a budget applies"
            ));
        }
        let is_unread = |key: &&str| !PARAMETERS.contains(key) && !price::is_price(key);
        let unread = params.iter().flat_map(|params| params.entries()).map(|(key, _)| key).filter(is_unread);
        for key in unread {
            notes.not_taken(format!("{what}: {key}: calls go to the provider as clients make them"));
        }
        let is_unread =
            |key: &&str| !DESCRIPTIONS.contains(key) && !key.starts_with("supports_") && !price::is_price(key);
        let unread = info.iter().flat_map(|info| info.entries()).map(|(key, _)| key).filter(is_unread);
        for key in unread {
            notes.not_taken(format!("{what}: model_info.{key}: the gateway has nothing like it"));
        }
    }
}

/// Returns what LiteLLM calls the provider of a model, and what that calls the model.
fn provider<'a>(model: &'a str, named: Option<&'a str>, has_base: bool) -> Result<(&'a str, &'a str), String> {
    if let Some(named) = named {
        let rest = model.strip_prefix(named).and_then(|rest| rest.strip_prefix('/'));
        return Ok((named, rest.unwrap_or(model)));
    }
    match model.split_once('/') {
        Some(parts) => Ok(parts),
        None if model.starts_with("claude") => Ok(("anthropic", model)),
        None if has_base || OPENAI_NAMES.iter().any(|name| model.starts_with(name)) => Ok(("openai", model)),
        None => Err("it does not say who serves the model".to_owned()),
    }
}

/// Returns what the provider calls a model, where a wildcard stands for the rest of a name.
fn renamed(name: &str, upstream: &str) -> Result<String, &'static str> {
    let stars = name.matches(WILDCARD).count();
    let stood_for = upstream.matches(WILDCARD).count();
    if stars > 1 || (stars == 1 && !name.ends_with(WILDCARD)) {
        return Err("a wildcard can only end a name");
    }
    if stood_for > stars { Err("it has a wildcard for which its name has none") } else { Ok(upstream.to_owned()) }
}
