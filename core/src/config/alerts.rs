//! `[alerts]`

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
    /// What signs them, if the receiver checks that (Standard Webhooks: the text after `whsec_` is not decoded).
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

impl Alerts {
    pub(super) fn check(&self, allows_http: bool) -> Result<(), ConfigError> {
        let wrong = |reason: &str| ConfigError::key("alerts.webhook", reason);
        let Some(webhook) = &self.webhook else { return Ok(()) };
        let url = url::Url::parse(webhook.expose_secret()).map_err(|_| wrong("is not a URL"))?;
        let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match url.scheme() {
            "https" => Ok(()),
            "http" if is_local || allows_http => Ok(()),
            _ => Err(wrong("must be https (or set server.insecure = true)")),
        }
    }
}
