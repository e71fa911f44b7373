//! Who made which answer, so that nobody continues somebody else's.

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::id::UserId;
use crate::time::Timestamp;

/// How many answers are known at most; beyond it the one that would be forgotten first goes. A million take about 150 MB.
const MAX_ANSWERS: usize = 1_000_000;

/// How many expired answers one new one makes room for: more than one, so that they go faster than they come.
const PRUNED_AT_ONCE: usize = 4;

/// An answer's id: 128 bits of its SHA-256, because providers choose how long ids are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AnswerKey([u8; 16]);

impl AnswerKey {
    /// Returns the key of an id.
    #[must_use]
    pub fn of(id: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(id).into();
        Self(std::array::from_fn(|index| digest[index]))
    }

    /// Returns the key as a text.
    pub(crate) fn text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

/// The answers that can be continued.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct AnswerTable {
    #[serde(with = "super::pairs")]
    answers: HashMap<AnswerKey, (UserId, Timestamp)>,
    by_expiry: BTreeSet<(Timestamp, AnswerKey)>,
}

impl AnswerTable {
    pub(super) fn maker(&self, key: AnswerKey, now: Timestamp) -> Option<UserId> {
        self.answers.get(&key).filter(|(_, expiry)| now < *expiry).map(|(user, _)| *user)
    }

    pub(super) fn note(&mut self, key: AnswerKey, user: UserId, now: Timestamp, expiry: Timestamp) {
        for _ in 0..PRUNED_AT_ONCE {
            let is_full = self.answers.len() >= MAX_ANSWERS;
            let Some(first) = self.by_expiry.first().filter(|(expiry, _)| is_full || *expiry <= now).copied() else {
                break;
            };
            self.by_expiry.remove(&first);
            self.answers.remove(&first.1);
        }
        if let Some((_, former)) = self.answers.insert(key, (user, expiry)) {
            self.by_expiry.remove(&(former, key));
        }
        self.by_expiry.insert((expiry, key));
    }
}
