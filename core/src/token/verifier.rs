//! A verifier that remembers: checking a token it has seen costs a hash instead of a signature.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use lru::LruCache;
use sha2::{Digest as _, Sha256};

use super::claims::MAX_TOKEN;
use super::{PublicKeys, TokenPolicy, Verified, VerifyError, verify};
use crate::time::Timestamp;

/// How many verified tokens are remembered: a few hundred bytes each, enough for every token that is busy at once.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(8192).expect("not zero");

/// Checks tokens against the current keys and remembers the good ones by the SHA-256 of the whole token.
///
/// What is remembered was checked against this policy and these keys: new keys empty the memory. Expiry is checked on
/// each use, and scopes are the caller's to check on each use.
pub struct Verifier {
    policy: TokenPolicy,
    keys: RwLock<Arc<PublicKeys>>,
    seen: Mutex<LruCache<[u8; 32], Verified>>,
}

impl Verifier {
    /// Makes a verifier that has seen nothing.
    #[must_use]
    pub fn new(policy: TokenPolicy, keys: PublicKeys) -> Self {
        Self { policy, keys: RwLock::new(Arc::new(keys)), seen: Mutex::new(LruCache::new(CAPACITY)) }
    }

    /// Checks a token.
    ///
    /// # Errors
    ///
    /// As [`verify()`].
    pub fn verify(&self, text: &str, now: Timestamp) -> Result<Verified, VerifyError> {
        if text.len() > MAX_TOKEN {
            return Err(VerifyError::Invalid);
        }
        let digest: [u8; 32] = Sha256::digest(text).into();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        if let Some(verified) = seen {
            return if now < verified.expiry { Ok(verified) } else { Err(VerifyError::Expired) };
        }
        let keys = self.keys();
        let verified = verify(text, &keys, &self.policy, now)?;
        if Arc::ptr_eq(&keys, &self.keys()) {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).put(digest, verified.clone());
        }
        Ok(verified)
    }

    /// Returns the current keys.
    #[must_use]
    pub fn keys(&self) -> Arc<PublicKeys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the keys, and forgets every token that older ones had verified.
    pub fn replace_keys(&self, keys: PublicKeys) {
        if self.keys().same_as(&keys) {
            return;
        }
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("policy", &self.policy).finish_non_exhaustive()
    }
}
