//! `llm-gateway import-litellm`: reads the configuration of a LiteLLM proxy and writes the one that does the same here.
//!
//! In scope: models, providers, prices, aliases and budgets, and saying of everything else why it was left behind. Out of
//! scope: keys, which are never repeated, and whatever LiteLLM keeps in its database.

mod aliases;
mod budgets;
mod deployment;
mod endpoint;
mod note;
mod price;
mod providers;
mod render;
mod settings;
mod yaml;

pub(crate) use note::Note;
pub(crate) use yaml::InvalidYaml;

use deployment::{Credentials, Deployment};
use endpoint::Kind;
use note::Notes;
use yaml::Node;

/// What became of a LiteLLM configuration.
pub(crate) struct Imported {
    /// The document for `gateway.toml`.
    pub(crate) document: String,
    /// What is left to do, and what was left behind. The document has them as comments.
    pub(crate) notes: Vec<Note>,
}

/// Why nothing can be made of a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// It is not YAML.
    #[error(transparent)]
    Yaml(#[from] InvalidYaml),
    /// It is YAML about something else.
    #[error("no configuration of a LiteLLM proxy: it has no list of models under model_list")]
    NoModels,
}

/// Translates a LiteLLM configuration.
///
/// # Errors
///
/// [`ImportError`] if the text is no such configuration. What has no counterpart is no error, but a note.
pub(crate) fn import(text: &str) -> Result<Imported, ImportError> {
    let root = yaml::read(text)?;
    let entries = root.get("model_list").and_then(Node::list).ok_or(ImportError::NoModels)?;
    let mut notes = Notes::default();
    notes.ask("say who may sign in and who administers: [signin] and [roles], see docs/CONFIGURATION.md");
    let models = Deployment::read_all(entries, &Credentials::of(&root), &mut notes);
    let providers = providers::name(&models);
    if providers.iter().any(|(name, _)| !providers::is_standard(name)) {
        notes.ask("set the keys of providers: the comments in [providers] name the variables");
    }
    if providers.iter().any(|(_, endpoint)| endpoint.kind != Kind::Litellm) {
        notes.not_taken(
            "translation between APIs: models of kind anthropic are called at /v1/messages, those of kind openai at \
             /v1/chat/completions, /v1/responses and /v1/embeddings",
        );
    }
    let aliases = aliases::read(&root, &models, &mut notes);
    let budgets = budgets::read(&root, &mut notes);
    settings::report(&root, &mut notes);
    let notes = notes.sorted();
    let document = render::document(&render::Parts { models, providers, aliases, budgets, notes: &notes });
    Ok(Imported { document, notes })
}

#[cfg(test)]
mod tests;
