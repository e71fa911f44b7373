//! Where the signing keys are that this gateway follows.

use std::path::Path;

use gateway_core::config::Config;
use gateway_core::token::KeySet;
use gateway_native::host::{Environment, SIGNING_KEYS, SystemClock, SystemRandom};
use gateway_native::parameters::ParameterStore;

use crate::keys::KeyFile;

/// Where the signing keys are.
#[derive(Debug)]
pub(crate) enum KeySource {
    /// In the data folder.
    File(KeyFile),
    /// In a parameter of AWS's parameter store.
    Parameter(ParameterStore, String),
    /// In the configuration, which is read once.
    Configuration,
}

impl KeySource {
    /// Finds the keys that the configuration names, or those in the data folder, which are made if there are none. Says whether
    /// they were.
    ///
    /// # Errors
    ///
    /// Whatever keeps them from being used.
    pub(crate) async fn open(
        config: &Config,
        environment: &Environment,
        data: &Path,
    ) -> Result<(Self, KeySet, bool), Box<dyn std::error::Error>> {
        let Some(keys) = config.tokens.keys()? else {
            let file = KeyFile::new(data);
            let (keys, made) = file.read_or_create(&SystemClock, &SystemRandom)?;
            return Ok((Self::File(file), keys, made));
        };
        let source = match environment.parameter(SIGNING_KEYS) {
            Some(name) => Self::Parameter(ParameterStore::new(&gateway_native::aws::load().await), name.to_owned()),
            None => Self::Configuration,
        };
        Ok((source, keys, false))
    }

    /// Reads the keys as they are now; `None` if they never change.
    ///
    /// # Errors
    ///
    /// Whatever keeps them from being used.
    pub(crate) async fn read(&self) -> Result<Option<KeySet>, Box<dyn std::error::Error + Send + Sync>> {
        match self {
            Self::File(file) => Ok(Some(file.read()?.ok_or("the key file is gone")?)),
            Self::Parameter(store, name) => Ok(Some(store.keys(name).await?)),
            Self::Configuration => Ok(None),
        }
    }
}
