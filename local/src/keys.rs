//! The file of signing keys.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use gateway_core::ports::{Clock, Random};
use gateway_core::token::{KeyError, KeySet};
use secrecy::{ExposeSecret as _, SecretString};

/// The file's name in the data folder.
const FILE: &str = "keys.json";

/// Why the signing keys cannot be used. Never holds their content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyFileError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: std::io::Error },
    /// The file cannot be written.
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: std::io::Error },
    /// What the file says is no good.
    #[error("{path} is no good")]
    Content { path: PathBuf, source: KeyError },
}

/// Where the signing keys are kept.
#[derive(Debug, Clone)]
pub(crate) struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// Names the key file of a data folder.
    pub(crate) fn new(data: &Path) -> Self {
        Self { path: data.join(FILE) }
    }

    /// Reads the keys; `None` if there is no file.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if there is one that cannot be used.
    pub(crate) fn read(&self) -> Result<Option<KeySet>, KeyFileError> {
        let path = || self.path.clone();
        match std::fs::read_to_string(&self.path).map(SecretString::from) {
            Ok(json) => {
                let keys = KeySet::parse(json.expose_secret());
                keys.map(Some).map_err(|source| KeyFileError::Content { path: path(), source })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(KeyFileError::Read { path: path(), source }),
        }
    }

    /// Reads the keys, or makes the first ones. Says whether it made them.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if they cannot be read or written.
    pub(crate) fn read_or_create(
        &self,
        clock: &impl Clock,
        random: &impl Random,
    ) -> Result<(KeySet, bool), KeyFileError> {
        if let Some(keys) = self.read()? {
            return Ok((keys, false));
        }
        let keys = KeySet::new(clock.now().seconds(), random.bytes(), random.bytes());
        self.write(&keys)?;
        Ok((keys, true))
    }

    /// Rotates the keys; see [`KeySet::rotate`].
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if they cannot be read or written; the file is as it was then.
    pub(crate) fn rotate(
        &self,
        max_lifetime: u32,
        clock: &impl Clock,
        random: &impl Random,
    ) -> Result<KeySet, KeyFileError> {
        let (keys, _) = self.read_or_create(clock, random)?;
        let rotated = keys.rotate(clock.now().seconds(), max_lifetime, random.bytes());
        self.write(&rotated)?;
        Ok(rotated)
    }

    /// Writes beside the file and renames, so that nobody ever reads half of it.
    fn write(&self, keys: &KeySet) -> Result<(), KeyFileError> {
        let beside = self.path.with_extension("json.new");
        let write = || -> std::io::Result<()> {
            let mut options = std::fs::OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
            file.write_all(keys.to_json().expose_secret().as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, &self.path)
        };
        write().map_err(|source| KeyFileError::Write { path: self.path.clone(), source })
    }
}
