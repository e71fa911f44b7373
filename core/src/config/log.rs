//! `[log]`: what is logged, and how.

use serde::Deserialize;

use super::ConfigError;

/// The levels, least first.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

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

impl Log {
    /// Checks that every host can read the filter, and that it says what it seems to say: a level, or targets with theirs.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Key`] if not.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let is_good = self.level.split(',').all(|directive| match directive.split_once('=') {
            Some((target, level)) => is_target(target) && is_level(level),
            None => is_level(directive),
        });
        let reason = "must be off, error, warn, info, debug or trace, or a filter such as \"info,gateway_core=debug\"";
        if is_good { Ok(()) } else { Err(ConfigError::key("log.level", reason)) }
    }
}

fn is_level(text: &str) -> bool {
    LEVELS.iter().any(|level| text.trim().eq_ignore_ascii_case(level))
}

fn is_target(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_levels_and_targets_and_no_misspelling() {
        let check = |level: &str| Log { level: level.to_owned(), ..Log::default() }.check();
        for level in ["info", "INFO", "off", "info,gateway_core=debug", "warn, gateway_core::http=trace"] {
            assert!(check(level).is_ok(), "{level}");
        }
        for level in ["", "inof", "gateway_core", "info,", "=info", "gateway_core=loud", "[span]=info", "a=b=info"] {
            assert!(check(level).is_err(), "{level}");
        }
    }
}
