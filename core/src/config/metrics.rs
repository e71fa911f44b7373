//! `[metrics]`

use std::net::SocketAddr;

use secrecy::SecretString;
use serde::Deserialize;

use super::ConfigError;

/// Where what is measured can be read (`local` only).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// An address of its own, at which Prometheus reads `/metrics`. Whoever reaches it may.
    pub listen: Option<SocketAddr>,
    /// The bearer token that Prometheus shows to read `/metrics` where everything else is; without one there is none.
    pub token: Option<SecretString>,
}

impl Metrics {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        super::check_bearer("metrics.token", self.token.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load_with, vars};

    #[test]
    fn takes_no_token_that_could_be_guessed_or_not_be_sent() {
        for (token, is_good) in [
            ("obviously-fake-obviously-fake-32", true),
            ("obviously-fake-obviously-fake-3", false),
            ("obviously fake obviously fake 32", false),
        ] {
            let loaded = load_with("", &vars(&[("LLM_GATEWAY__METRICS__TOKEN", token)]));
            assert_eq!(loaded.is_ok(), is_good, "{token}");
            if let Err(error) = loaded {
                assert!(error.to_string().starts_with("metrics.token: must have 32"), "{error}");
            }
        }
    }
}
