//! Secrets in AWS Systems Manager's Parameter Store.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::Builder;
use aws_sdk_ssm::config::timeout::TimeoutConfig;
use aws_sdk_ssm::types::{ParameterStringFilter, ParameterType};
use gateway_core::Chain;
use gateway_core::token::{KeyError, KeySet};
use secrecy::{ExposeSecret as _, SecretString};

/// How long one request may take.
const ATTEMPT: Duration = Duration::from_secs(2);

/// How long a request may take with all that is tried again.
const OPERATION: Duration = Duration::from_secs(5);

/// How many parameters one request may ask for (`GetParameters`).
const AT_ONCE: usize = 10;

/// The parameter store of an account and a region.
#[derive(Debug, Clone)]
pub struct ParameterStore {
    client: Client,
}

/// Why a parameter cannot be used. Never holds what it says.
#[derive(Debug, thiserror::Error)]
pub enum ParameterError {
    /// There is none of that name.
    #[error("there is no parameter {0}")]
    Missing(String),
    /// There is none under that path.
    #[error("there is no parameter under {0}")]
    NoneUnder(String),
    /// The store does not answer, or refuses us.
    #[error("the parameter store does not answer, or refuses us")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Somebody else has written at the same time; what they wrote is lost.
    #[error("somebody else has written {0} at the same time, and their keys are lost; rotate again")]
    Overtaken(String),
    /// It holds no signing keys.
    #[error("the parameter {0} holds no keys that can be used")]
    Keys(String, #[source] KeyError),
}

impl ParameterStore {
    /// Makes a way to the store. Nothing is asked yet.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(OPERATION);
        Self { client: Client::from_conf(Builder::from(config).timeout_config(timeouts.build()).build()) }
    }

    /// Returns what parameters hold, decrypted.
    ///
    /// # Errors
    ///
    /// [`ParameterError`] if the store does not answer, or has not got one of them.
    pub async fn read(&self, names: &[String]) -> Result<BTreeMap<String, SecretString>, ParameterError> {
        let names: BTreeSet<&String> = names.iter().collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        let mut values = BTreeMap::new();
        for names in names.chunks(AT_ONCE) {
            let request = self.client.get_parameters().set_names(Some(names.to_vec())).with_decryption(true);
            let answer = Box::pin(request.send()).await.map_err(unavailable)?;
            for parameter in answer.parameters.unwrap_or_default() {
                if let (Some(name), Some(value)) = (parameter.name, parameter.value) {
                    // A version or label that was asked for, such as `:3`, comes apart from the name.
                    values.insert(name + &parameter.selector.unwrap_or_default(), value.into());
                }
            }
        }
        match names.iter().find(|name| !values.contains_key(*name)) {
            Some(missing) => Err(ParameterError::Missing(missing.clone())),
            None => Ok(values),
        }
    }

    /// Returns what all parameters under a path hold, decrypted, by the rest of their names. The path ends in a slash.
    ///
    /// # Errors
    ///
    /// [`ParameterError`] if the store does not answer, or has none there.
    pub async fn read_under(&self, path: &str) -> Result<BTreeMap<String, SecretString>, ParameterError> {
        // A path with a slash at its end is another resource to who grants access.
        let request = self.client.get_parameters_by_path().path(path.trim_end_matches('/'));
        let request = request.recursive(true).with_decryption(true);
        let mut values = BTreeMap::new();
        let mut next = None;
        loop {
            let answer = Box::pin(request.clone().set_next_token(next).send()).await.map_err(unavailable)?;
            for parameter in answer.parameters.unwrap_or_default() {
                let name = parameter.name.unwrap_or_default();
                if let (Some(rest), Some(value)) = (name.strip_prefix(path), parameter.value) {
                    values.insert(rest.to_owned(), value.into());
                }
            }
            next = answer.next_token;
            if next.is_none() {
                break;
            }
        }
        if values.is_empty() { Err(ParameterError::NoneUnder(path.to_owned())) } else { Ok(values) }
    }

    /// Returns the signing keys that a parameter holds.
    ///
    /// # Errors
    ///
    /// [`ParameterError`] if there are none, or they cannot be used.
    pub async fn keys(&self, name: &str) -> Result<KeySet, ParameterError> {
        let mut values = self.read(&[name.to_owned()]).await?;
        let json = values.remove(name).ok_or_else(|| ParameterError::Missing(name.to_owned()))?;
        KeySet::parse(json.expose_secret()).map_err(|error| ParameterError::Keys(name.to_owned(), error))
    }

    /// Returns the signing keys that a parameter holds, and its version; `None` if there is no such parameter.
    ///
    /// # Errors
    ///
    /// [`ParameterError`] if they cannot be read or used.
    pub async fn versioned_keys(&self, name: &str) -> Result<Option<(KeySet, i64)>, ParameterError> {
        let request = self.client.get_parameters().names(name).with_decryption(true);
        let answer = Box::pin(request.send()).await.map_err(unavailable)?;
        let Some(parameter) = answer.parameters.unwrap_or_default().pop() else { return Ok(None) };
        let keys = KeySet::parse(parameter.value.as_deref().unwrap_or_default());
        let keys = keys.map_err(|error| ParameterError::Keys(name.to_owned(), error))?;
        Ok(Some((keys, parameter.version)))
    }

    /// Writes signing keys into a parameter, of which that version was read. It is encrypted with the key of KMS that is named, else
    /// with the one that it was encrypted with, else the account's own.
    ///
    /// # Errors
    ///
    /// - [`ParameterError::Overtaken`]: somebody else wrote at the same time.
    /// - [`ParameterError::Unavailable`] if they were not written.
    pub async fn write_keys(
        &self,
        name: &str,
        keys: &KeySet,
        seen: Option<i64>,
        kms_key: Option<&str>,
    ) -> Result<(), ParameterError> {
        let kms_key = match (kms_key, seen) {
            (Some(key), _) => Some(key.to_owned()),
            (None, Some(_)) => self.kms_key(name).await?,
            (None, None) => None,
        };
        let request = self.client.put_parameter().name(name).value(compact(keys)).overwrite(true);
        let written = Box::pin(request.r#type(ParameterType::SecureString).set_key_id(kms_key).send()).await;
        let version = written.map_err(unavailable)?.version;
        if version == seen.unwrap_or(0) + 1 { Ok(()) } else { Err(ParameterError::Overtaken(name.to_owned())) }
    }

    /// Returns the key of KMS that a parameter is encrypted with: one that is overwritten would lose it.
    async fn kms_key(&self, name: &str) -> Result<Option<String>, ParameterError> {
        let named = ParameterStringFilter::builder().key("Name").option("Equals").values(name).build();
        let named = named.map_err(unavailable)?;
        let answer =
            Box::pin(self.client.describe_parameters().parameter_filters(named).send()).await.map_err(unavailable)?;
        Ok(answer.parameters.unwrap_or_default().pop().and_then(|parameter| parameter.key_id))
    }
}

/// Returns keys on one line: a parameter has room for 4,096 characters, some twenty keys.
fn compact(keys: &KeySet) -> String {
    let json = keys.to_json();
    let value: Option<serde_json::Value> = serde_json::from_str(json.expose_secret()).ok();
    value.map_or_else(|| json.expose_secret().to_owned(), |value| value.to_string())
}

/// Keeps what can be displayed of an error; its `Debug` may hold the answer, and that a secret.
fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> ParameterError {
    ParameterError::Unavailable(Chain(&error).to_string().into())
}
