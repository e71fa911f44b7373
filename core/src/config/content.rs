//! `[content]`

use serde::Deserialize;

use super::{Config, ConfigError};

/// What exporters with `content = true` are told of what was said.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Content {
    /// How many bytes are kept of what a call asks, and as many of what is answered.
    pub max_bytes: usize,
    /// Which of the built-in rules hold.
    pub built_in: Vec<BuiltInRule>,
    /// More rules, in their order.
    pub redact: Vec<RedactionRule>,
}

/// A rule that the gateway brings along: what is left out before anything leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuiltInRule {
    /// API keys, tokens and private keys.
    Secrets,
    /// Addresses of people.
    Emails,
    /// Numbers of payment cards.
    CardNumbers,
}

/// A rule of an operator's own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedactionRule {
    /// What is left out: a regular expression.
    pub pattern: String,
    /// What stands in its place; `$1` is what the pattern's first group has found.
    #[serde(default = "redacted")]
    pub replacement: String,
}

fn redacted() -> String {
    "[redacted]".to_owned()
}

impl Default for Content {
    fn default() -> Self {
        Self {
            max_bytes: 16 * 1024,
            built_in: vec![BuiltInRule::Secrets, BuiltInRule::Emails, BuiltInRule::CardNumbers],
            redact: Vec::new(),
        }
    }
}

impl Content {
    /// The least that is worth keeping, in bytes.
    const LEAST: usize = 256;

    /// The most that is kept, in bytes: what one command to the hot state takes with it.
    const MOST: usize = 256 * 1024;

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(Self::LEAST..=Self::MOST).contains(&self.max_bytes) {
            let reason = format!("must be between {} and {} bytes", Self::LEAST, Self::MOST);
            return Err(ConfigError::key("content.max_bytes", reason));
        }
        self.check_patterns()
    }

    /// Checks the patterns wherever the configuration is read but on the edge: it redacts nothing, has no room for what reads patterns, and
    /// its configuration was read once before, when it was built.
    #[cfg(not(target_arch = "wasm32"))]
    fn check_patterns(&self) -> Result<(), ConfigError> {
        crate::export::Redaction::of(self).map(drop)
    }

    #[cfg(target_arch = "wasm32")]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "elsewhere it looks at them")]
    const fn check_patterns(&self) -> Result<(), ConfigError> {
        Ok(())
    }
}

impl Config {
    /// Returns how many bytes are kept of what a call asks, and as many of what is answered; `None` if no exporter is told.
    #[must_use]
    pub fn content_room(&self) -> Option<usize> {
        let is_told = self.exporters.values().any(|exporter| exporter.content);
        is_told.then_some(self.content.max_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load_with, vars};
    use super::*;

    const EXPORTER: &str = "[exporters.x]\nkind = \"otlp\"\nurl = \"https://otlp.example.com\"\n";

    fn load(document: &str) -> Result<Config, ConfigError> {
        load_with(document, &vars(&[]))
    }

    #[test]
    fn keeps_nothing_unless_an_exporter_is_told() {
        assert_eq!(load(EXPORTER).unwrap().content_room(), None);
        assert_eq!(load("[content]\nmax_bytes = 512").unwrap().content_room(), None);
        let told = load(&format!("{EXPORTER}content = true\n[content]\nmax_bytes = 512")).unwrap();
        assert_eq!(told.content_room(), Some(512));
    }

    #[test]
    fn names_what_cannot_be_used() {
        for (keys, beginning) in [
            ("max_bytes = 255", "content.max_bytes: must be between 256 and 262144 bytes"),
            ("max_bytes = 262145", "content.max_bytes: must be"),
            ("built_in = [\"names\"]", "line 2: must be one of"),
            ("redact = [{ pattern = \"a\" }, { pattern = \"(\" }]", "content.redact[1].pattern: regex parse error"),
            ("redact = [{ pattern = \"\" }]", "content.redact[0].pattern: finds nothing"),
            ("redact = [{ pattern = \"a\", with = \"b\" }]", "line 2: unknown key \"with\""),
        ] {
            let error = load(&format!("[content]\n{keys}")).unwrap_err().to_string();
            assert!(error.starts_with(beginning), "{error} of {keys}");
        }
    }
}
