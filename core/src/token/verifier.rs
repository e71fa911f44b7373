//! A verifier that remembers: checking a token it has seen costs a hash instead of a signature.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use lru::LruCache;
use sha2::{Digest as _, Sha256};

use super::MAX_TOKEN;
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
    pub fn new(policy: TokenPolicy, keys: impl Into<Arc<PublicKeys>>) -> Self {
        Self { policy, keys: RwLock::new(keys.into()), seen: Mutex::new(LruCache::new(CAPACITY)) }
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
        self.remember(digest, &verified, &keys);
        Ok(verified)
    }

    /// Remembers a token that these keys have verified, unless they were replaced since.
    fn remember(&self, digest: [u8; 32], verified: &Verified, keys: &Arc<PublicKeys>) {
        // Locked before the keys are compared: whoever replaces them meanwhile clears after this, and not before.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(keys, &self.keys()) {
            seen.put(digest, verified.clone());
        }
    }

    /// Returns the current keys.
    #[must_use]
    pub fn keys(&self) -> Arc<PublicKeys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the keys, and forgets every token that older ones had verified.
    pub fn replace_keys(&self, keys: impl Into<Arc<PublicKeys>>) {
        let keys = keys.into();
        if self.keys().same_as(&keys) {
            return;
        }
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("policy", &self.policy).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::id::{TokenId, UserId};
    use crate::time::Millis;
    use crate::token::{KeySet, Scopes};
    use crate::version::Epoch;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn keys(first: u8) -> PublicKeys {
        let seed = |first: u8| std::array::from_fn(|index| first.wrapping_add(u8::try_from(index).unwrap() * 7));
        KeySet::new(NOW, seed(first), seed(first + 1)).public().unwrap()
    }

    fn verified() -> Verified {
        Verified {
            user: UserId::new(Millis(0), [1; 10]),
            token: TokenId::new(Millis(0), [2; 10]),
            expiry: NOW.plus(60),
            epoch: Epoch(0),
            scopes: Scopes::default(),
        }
    }

    #[test]
    fn remembers_nothing_that_replaced_keys_have_verified() {
        let policy = TokenPolicy { issuer: String::new(), max_lifetime: 60 };
        let verifier = Verifier::new(policy, keys(1));
        let (old, good) = (verifier.keys(), verified());
        let mut replacing = verifier.keys.write().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| verifier.remember([7; 32], &good, &old));
            // Whoever remembers keeps others from clearing before it compares the keys, for which it waits here.
            let is_waiting = |_| {
                verifier.seen.try_lock().is_err() || {
                    thread::yield_now();
                    false
                }
            };
            assert!((0..10_000_000).any(is_waiting), "the keys are compared first");
            *replacing = Arc::new(keys(3));
            drop(replacing);
        });
        assert_eq!(verifier.seen.lock().unwrap().len(), 0);
        verifier.remember([7; 32], &good, &verifier.keys());
        assert_eq!(verifier.seen.lock().unwrap().len(), 1);
        verifier.replace_keys(keys(1));
        assert_eq!(verifier.seen.lock().unwrap().len(), 0);
    }
}
