//! YAML as LiteLLM reads it: merge keys included, and every scalar as it is spelled, so that no price passes through
//! floating point.

use saphyr::{ScalarStyle, Yaml, YamlLoader};
use saphyr_parser::{Parser, ScanError};

/// A value.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// Nothing, which counts as absent.
    Null,
    /// A scalar, as it is spelled.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping whose keys are scalars, in the document's order.
    Map(Vec<(String, Node)>),
}

/// Why a text is no YAML.
#[derive(Debug, thiserror::Error)]
#[error("not YAML: line {line}, column {column}: {reason}")]
pub(crate) struct InvalidYaml {
    line: usize,
    column: usize,
    reason: String,
}

impl From<ScanError> for InvalidYaml {
    fn from(error: ScanError) -> Self {
        let (line, column) = (error.marker().line(), error.marker().col() + 1);
        Self { line, column, reason: error.info().to_owned() }
    }
}

/// Reads the first document of a text.
///
/// # Errors
///
/// [`InvalidYaml`] says where it goes wrong.
pub(super) fn read(text: &str) -> Result<Node, InvalidYaml> {
    let mut loader: YamlLoader<Yaml> = YamlLoader::default();
    loader.early_parse(false);
    Parser::new_from_str(text).load(&mut loader, false)?;
    if let Some(error) = loader.error() {
        return Err(error.clone().into());
    }
    Ok(loader.into_documents().into_iter().next().map_or(Node::Null, node))
}

impl Node {
    /// Returns a mapping's value, unless it is null.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Returns a mapping's entries that are not null; there are none in anything else.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let entries = if let Self::Map(entries) = self { entries.as_slice() } else { &[] };
        entries.iter().map(|(name, value)| (name.as_str(), value)).filter(|(_, value)| !matches!(value, Self::Null))
    }

    /// Returns a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Returns a sequence.
    pub(super) fn list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    /// Says whether the value turns something off.
    pub(super) fn is_off(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.eq_ignore_ascii_case("false"),
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
        }
    }
}

fn node(yaml: Yaml) -> Node {
    match yaml {
        Yaml::Representation(text, style, _) => {
            let is_null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
            if is_null { Node::Null } else { Node::Text(text.into_owned()) }
        }
        Yaml::Sequence(items) => Node::List(items.into_iter().map(node).collect()),
        Yaml::Mapping(entries) => map(entries),
        Yaml::Tagged(_, inner) => node(*inner),
        Yaml::Value(_) | Yaml::Alias(_) | Yaml::BadValue => Node::Null,
    }
}

/// Makes a mapping. What a merge key (yaml.org/type/merge) brings gives way to what the mapping says itself.
fn map(mapping: saphyr::Mapping) -> Node {
    const MERGE: &str = "<<";
    let mut own = Vec::new();
    let mut merged = Vec::new();
    for (key, value) in mapping {
        match (node(key), node(value)) {
            (Node::Text(key), Node::Map(entries)) if key == MERGE => merged.extend(entries),
            (Node::Text(key), Node::List(maps)) if key == MERGE => {
                let entries =
                    maps.into_iter().flat_map(|map| if let Node::Map(entries) = map { entries } else { vec![] });
                merged.extend(entries);
            }
            (Node::Text(key), value) => own.push((key, value)),
            _ => {}
        }
    }
    for (key, value) in merged {
        if own.iter().all(|(name, _)| *name != key) {
            own.push((key, value));
        }
    }
    Node::Map(own)
}
