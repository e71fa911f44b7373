//! Writing the document.

use std::fmt::Write as _;

use super::budgets::Budget;
use super::deployment::Deployment;
use super::endpoint::{Base, Endpoint, Key, Kind};
use super::note::Note;
use super::providers;

/// What the document is made of.
pub(super) struct Parts<'a> {
    pub(super) models: Vec<Deployment>,
    pub(super) providers: Vec<(String, Endpoint)>,
    /// Aliases with the name of their model.
    pub(super) aliases: Vec<(String, String)>,
    pub(super) budgets: Vec<Budget>,
    pub(super) notes: &'a [Note],
}

/// Writes the document.
pub(super) fn document(parts: &Parts) -> String {
    let mut text = String::from("# Made of a LiteLLM configuration by llm-gateway import-litellm.\n#\n");
    for note in parts.notes {
        line(&mut text, format_args!("# {note}"));
    }
    for (name, endpoint) in &parts.providers {
        provider(&mut text, name, endpoint);
    }
    for model in &parts.models {
        let provider = parts.providers.iter().find(|(_, endpoint)| *endpoint == model.endpoint);
        let provider = provider.map(|(name, _)| name.as_str()).unwrap_or_default();
        let aliases = parts.aliases.iter().filter(|(_, target)| *target == model.name);
        let aliases: Vec<String> = aliases.map(|(alias, _)| quoted(alias)).collect();
        self::model(&mut text, model, provider, &aliases);
    }
    for Budget { scope, window, amount } in &parts.budgets {
        line(&mut text, format_args!("\n[[budgets]]\nscope = {}\nwindow = {}", quoted(scope), quoted(window)));
        line(&mut text, format_args!("amount = {}", quoted(amount)));
    }
    text
}

fn provider(text: &mut String, name: &str, endpoint: &Endpoint) {
    line(text, format_args!("\n[providers.{name}]\nkind = {}", quoted(endpoint.kind.name())));
    let prefix = format!("LLM_GATEWAY__PROVIDERS__{}", name.to_ascii_uppercase());
    match &endpoint.base {
        Base::Official => {}
        Base::Url(url) => line(text, format_args!("base_url = {}", quoted(url.as_str().trim_end_matches('/')))),
        Base::Variable(variable) => {
            let form = if endpoint.kind == Kind::Openai { "" } else { ", without /v1 at its end" };
            line(text, format_args!("# base_url: set {prefix}__BASE_URL to what {variable} holds{form}"));
            // RFC 6761: nobody is at such a name, so a key that was meant for somebody else goes nowhere.
            line(text, format_args!("base_url = \"https://{}.invalid\"", name.replace('_', "-")));
        }
    }
    match &endpoint.key {
        Key::Variable(variable) if providers::is_standard(name) => {
            line(text, format_args!("# api_key: from {variable}, as before"));
        }
        Key::Variable(variable) => {
            line(text, format_args!("# api_key: set {prefix}__API_KEY to what {variable} holds"));
        }
        Key::Literal(_) => {
            line(text, format_args!("# api_key: put the key into {prefix}__API_KEY, or its file's path into …_FILE"));
        }
        Key::None => line(text, format_args!("auth = \"none\"")),
    }
}

fn model(text: &mut String, model: &Deployment, provider: &str, aliases: &[String]) {
    line(text, format_args!("\n[models.{}]\nprovider = {}", quoted(&model.name), quoted(provider)));
    if model.upstream != model.name {
        line(text, format_args!("upstream_name = {}", quoted(&model.upstream)));
    }
    if !aliases.is_empty() {
        line(text, format_args!("aliases = [{}]", aliases.join(", ")));
    }
    if let Some(price) = &model.price {
        let prices: Vec<String> = price.iter().map(|(key, dollars)| format!("{key} = {}", quoted(dollars))).collect();
        line(text, format_args!("price = {{ {} }}", prices.join(", ")));
    }
}

fn line(text: &mut String, line: std::fmt::Arguments) {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "{line}");
}

/// Writes a basic string (TOML 1.0, "String").
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            _ if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(letter));
            }
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
