//! Values that may be used once.

use std::collections::{BTreeSet, HashMap};

use crate::time::Timestamp;

/// How many expired values one new one makes room for: more than one, so that they go faster than they come.
const PRUNED_AT_ONCE: usize = 4;

/// The values that nobody has used yet.
#[derive(Debug, Clone, Default)]
pub(super) struct OnceTable {
    values: HashMap<String, (String, Timestamp)>,
    by_expiry: BTreeSet<(Timestamp, String)>,
}

/// Returns the key of a kind and an id. Kinds are ours and have no colon.
pub(super) fn key(kind: &str, id: &str) -> String {
    format!("{kind}:{id}")
}

impl OnceTable {
    pub(super) fn value(&self, key: &str, now: Timestamp) -> Option<&str> {
        self.values.get(key).filter(|(_, expiry)| now < *expiry).map(|(value, _)| value.as_str())
    }

    pub(super) fn keep(&mut self, key: String, value: String, now: Timestamp, expiry: Timestamp) {
        for _ in 0..PRUNED_AT_ONCE {
            let Some((_, oldest)) = self.by_expiry.first().filter(|(expiry, _)| *expiry <= now).cloned() else { break };
            self.forget(&oldest);
        }
        self.forget(&key);
        self.by_expiry.insert((expiry, key.clone()));
        self.values.insert(key, (value, expiry));
    }

    pub(super) fn forget(&mut self, key: &str) {
        if let Some((_, expiry)) = self.values.remove(key) {
            self.by_expiry.remove(&(expiry, key.to_owned()));
        }
    }
}
