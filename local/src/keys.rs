//! The file of signing keys.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use gateway_core::ports::{Clock, Random};
use gateway_core::token::{KeyError, KeySet};
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::NamedTempFile;

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
    /// The file was there, and is gone.
    #[error("{0} has vanished")]
    Vanished(PathBuf),
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

    /// Reads the keys, or makes the first ones. Says whether it made them. Of several processes that start on a new folder, one
    /// makes them for all.
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
        if self.write_first(&keys)? {
            return Ok((keys, true));
        }
        // Another process was faster, and its keys are there, whole.
        self.read()?.map(|keys| (keys, false)).ok_or_else(|| KeyFileError::Vanished(self.path.clone()))
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

    /// Writes the file unless there is one; says whether it did.
    fn write_first(&self, keys: &KeySet) -> Result<bool, KeyFileError> {
        self.write_with(keys, |file| match file.persist_noclobber(&self.path) {
            Ok(_) => Ok(true),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.error),
        })
    }

    /// Writes the file in place of the one that is there.
    fn write(&self, keys: &KeySet) -> Result<(), KeyFileError> {
        self.write_with(keys, |file| file.persist(&self.path).map(drop).map_err(|error| error.error))
    }

    /// Writes beside the file and has that one moved there, so that nobody ever reads half of it.
    fn write_with<T>(
        &self,
        keys: &KeySet,
        persist: impl FnOnce(NamedTempFile) -> std::io::Result<T>,
    ) -> Result<T, KeyFileError> {
        let write = || -> std::io::Result<T> {
            // Readable by its owner only, from the first moment on.
            let folder = self.path.parent().unwrap_or(Path::new("."));
            let mut file = NamedTempFile::with_prefix_in(FILE, folder)?;
            file.write_all(keys.to_json().expose_secret().as_bytes())?;
            file.as_file().sync_all()?;
            persist(file)
        };
        write().map_err(|source| KeyFileError::Write { path: self.path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use gateway_native::host::{SystemClock, SystemRandom};

    #[test]
    fn makes_one_set_for_all_that_start_at_once() {
        let data = TempDir::new().unwrap();
        let barrier = std::sync::Barrier::new(8);
        let made: Vec<(String, bool)> = std::thread::scope(|scope| {
            let start = || {
                barrier.wait();
                let (keys, made) = KeyFile::new(data.path()).read_or_create(&SystemClock, &SystemRandom).unwrap();
                (keys.to_json().expose_secret().to_owned(), made)
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(made.iter().all(|(keys, _)| *keys == made[0].0), "somebody signs with keys that nobody believes");
        assert_eq!(made.iter().filter(|(_, made)| *made).count(), 1);
        assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
