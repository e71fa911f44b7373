//! `[alerts]`

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::ConfigError;

/// Whom to tell when budgets run out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alerts {
    /// The address to post to, if anybody is to be told. Whoever knows it can post there, so it is a secret.
    pub webhook: Option<SecretString>,
    /// In which words.
    pub format: AlertFormat,
    /// What signs them, if the receiver checks that: `whsec_` and the key in base64, as Standard Webhooks has it, or any text.
    pub secret: Option<SecretString>,
}

/// How an alert is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertFormat {
    /// Everything, by name.
    #[default]
    Json,
    /// A sentence, as Slack's incoming webhooks take it, and Mattermost's.
    Slack,
}

/// How secrets of Standard Webhooks begin.
const SECRET_PREFIX: &str = "whsec_";

impl Alerts {
    /// Returns the key that signs, if there is one.
    pub(crate) fn signing_key(&self) -> Option<Vec<u8>> {
        let secret = self.secret.as_ref()?.expose_secret();
        Some(decoded(secret).unwrap_or_else(|| secret.as_bytes().to_vec()))
    }

    pub(super) fn check(&self, allows_http: bool) -> Result<(), ConfigError> {
        let wrong = |reason: &str| ConfigError::key("alerts.webhook", reason);
        let Some(webhook) = &self.webhook else { return Ok(()) };
        let is_undecodable = |secret: &SecretString| {
            secret.expose_secret().starts_with(SECRET_PREFIX) && decoded(secret.expose_secret()).is_none()
        };
        if self.secret.as_ref().is_some_and(is_undecodable) {
            return Err(ConfigError::key("alerts.secret", "is not base64 after whsec_"));
        }
        let url = url::Url::parse(webhook.expose_secret()).map_err(|_| wrong("is not a URL"))?;
        let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match url.scheme() {
            "https" => Ok(()),
            "http" if is_local || allows_http => Ok(()),
            _ => Err(wrong("must be https (or set server.insecure = true)")),
        }
    }
}

fn decoded(secret: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alerts(webhook: &str, secret: &str) -> Alerts {
        let secret = Some(SecretString::from(secret.to_owned()));
        Alerts { webhook: Some(SecretString::from(webhook.to_owned())), secret, ..Alerts::default() }
    }

    #[test]
    fn signs_with_what_is_behind_the_prefix_or_with_all_of_it() {
        assert_eq!(alerts("https://h.example", "whsec_aGk=").signing_key().as_deref(), Some(b"hi".as_slice()));
        assert_eq!(alerts("https://h.example", "plain").signing_key().as_deref(), Some(b"plain".as_slice()));
        assert!(alerts("https://h.example", "whsec_?").check(false).is_err());
    }

    #[test]
    fn posts_in_the_clear_to_this_machine_only() {
        for (webhook, is_good) in [
            ("https://hooks.example/T/B", true),
            ("http://localhost:9/hook", true),
            ("http://[::1]:9/hook", true),
            ("http://hooks.example/T/B", false),
            ("ftp://hooks.example", false),
            ("hooks.example", false),
        ] {
            assert_eq!(alerts(webhook, "s").check(false).is_ok(), is_good, "{webhook}");
        }
        assert!(alerts("http://hooks.example", "s").check(true).is_ok());
    }
}
