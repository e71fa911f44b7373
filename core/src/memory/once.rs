//! Values that may be used once, and what was said in calls.

use std::collections::{BTreeSet, HashMap};

use super::{Change, Decision, Memory};
use crate::id::LeaseId;
use crate::time::Timestamp;

/// How many expired values one new one makes room for: more than one, so that they go faster than they come.
const PRUNED_AT_ONCE: usize = 4;

/// How many values of one kind are held.
///
/// Anybody may begin to sign in, and each beginning keeps a value of about a kilobyte, at most three, for ten minutes.
/// This many take a hundred megabytes and are 160 sign-ins a second, which no company has; whoever begins more keeps
/// others from signing in for ten minutes, and nothing else.
const CAPACITY: usize = 100_000;

/// Of how many calls it is held what was said: at the size that is configured if nothing is, 160 MB at most, and a tenth of that as a rule.
/// They wait for seconds, but where a sink is down.
const CONTENT_CAPACITY: usize = 5000;

/// The kind of what was said in calls.
pub(crate) const CONTENT: &str = "content";

/// Returns how many values of a kind are held.
pub(crate) fn capacity(kind: &str) -> usize {
    if kind == CONTENT { CONTENT_CAPACITY } else { CAPACITY }
}

/// Why a value was not kept: no room is left for its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many one-time values of this kind are held")]
pub struct Full;

/// The values that nobody has used yet, by kind: one that fills up takes nothing from the others.
#[derive(Debug, Clone, Default)]
pub(super) struct OnceTable {
    kinds: HashMap<String, Held>,
}

/// The values of one kind.
#[derive(Debug, Clone, Default)]
struct Held {
    values: HashMap<String, (String, Timestamp)>,
    by_expiry: BTreeSet<(Timestamp, String)>,
}

/// Returns the key of a kind and an id. Kinds are ours and have no colon.
fn key(kind: &str, id: &str) -> String {
    format!("{kind}:{id}")
}

fn kind(key: &str) -> &str {
    key.split_once(':').map_or(key, |(kind, _)| kind)
}

impl Memory {
    /// Keeps a value under a fresh id; see [`crate::ports::OneTime::keep`].
    pub fn keep(
        &self,
        kind: &str,
        id: &str,
        value: &str,
        now: Timestamp,
        expiry: Timestamp,
    ) -> Decision<Result<bool, Full>> {
        let key = key(kind, id);
        if self.once.value(&key, now).is_some() {
            return (Ok(false), Vec::new());
        }
        if self.once.is_full(&key, now) {
            return (Err(Full), Vec::new());
        }
        (Ok(true), vec![Change::Kept { key, value: value.to_owned(), now, expiry }])
    }

    /// Hands a value out, once; see [`crate::ports::OneTime::redeem`].
    #[must_use]
    pub fn redeem(&self, kind: &str, id: &str, now: Timestamp) -> Decision<Option<String>> {
        let key = key(kind, id);
        match self.once.value(&key, now) {
            Some(value) => (Some(value.to_owned()), vec![Change::Redeemed { key }]),
            None => (None, Vec::new()),
        }
    }

    /// Keeps what was said in a call; see [`crate::ports::Contents::keep_content`].
    #[must_use]
    pub fn keep_content(&self, id: LeaseId, content: &str, now: Timestamp, expiry: Timestamp) -> Decision<bool> {
        let (kept, changes) = self.keep(CONTENT, &id.to_string(), content, now, expiry);
        (kept == Ok(true), changes)
    }

    /// Returns what was said in calls; see [`crate::ports::Contents::contents`].
    #[must_use]
    pub fn contents(&self, ids: &[LeaseId], now: Timestamp) -> Vec<Option<String>> {
        let content = |id: &LeaseId| self.once.value(&key(CONTENT, &id.to_string()), now).map(str::to_owned);
        ids.iter().map(content).collect()
    }

    /// Forgets what was said in calls; see [`crate::ports::Contents::discard_contents`].
    #[must_use]
    pub fn discard_contents(&self, ids: &[LeaseId]) -> Decision<()> {
        let discarded = ids.iter().map(|id| Change::Redeemed { key: key(CONTENT, &id.to_string()) });
        ((), discarded.collect())
    }
}

impl OnceTable {
    fn value(&self, key: &str, now: Timestamp) -> Option<&str> {
        let values = &self.kinds.get(kind(key))?.values;
        values.get(key).filter(|(_, expiry)| now < *expiry).map(|(value, _)| value.as_str())
    }

    /// Says whether another value of that key's kind would be too many. Values whose time is over do not count: they make
    /// room when one is kept.
    fn is_full(&self, key: &str, now: Timestamp) -> bool {
        let kind = kind(key);
        let is_full = |held: &Held| held.values.len() >= capacity(kind) && held.overdue(now).is_none();
        self.kinds.get(kind).is_some_and(is_full)
    }

    pub(super) fn keep(&mut self, key: String, value: String, now: Timestamp, expiry: Timestamp) {
        let held = self.kinds.entry(kind(&key).to_owned()).or_default();
        for _ in 0..PRUNED_AT_ONCE {
            let Some(overdue) = held.overdue(now).map(str::to_owned) else { break };
            held.forget(&overdue);
        }
        held.forget(&key);
        held.by_expiry.insert((expiry, key.clone()));
        held.values.insert(key, (value, expiry));
    }

    pub(super) fn forget(&mut self, key: &str) {
        if let Some(held) = self.kinds.get_mut(kind(key)) {
            held.forget(key);
        }
    }
}

impl Held {
    /// Returns the value that expired first, if one has.
    fn overdue(&self, now: Timestamp) -> Option<&str> {
        self.by_expiry.first().filter(|(expiry, _)| *expiry <= now).map(|(_, key)| key.as_str())
    }

    fn forget(&mut self, key: &str) {
        if let Some((_, expiry)) = self.values.remove(key) {
            self.by_expiry.remove(&(expiry, key.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::memory::{Full, Memory};
    use crate::time::Timestamp;
    use crate::version::Generation;

    use super::CAPACITY;

    fn keep(memory: &mut Memory, kind: &str, id: &str, now: i64) -> Result<bool, Full> {
        let (kept, changes) = memory.keep(kind, id, "value", Timestamp(now), Timestamp(now + 600));
        for change in changes {
            memory.apply(change);
        }
        kept
    }

    #[test]
    fn holds_no_more_of_a_kind_than_it_has_room_for() {
        let mut memory = Memory::new(Generation(1));
        for number in 0..CAPACITY {
            assert_eq!(keep(&mut memory, "flow", &number.to_string(), 0), Ok(true));
        }
        assert_eq!(keep(&mut memory, "flow", "more", 599), Err(Full));
        assert_eq!(keep(&mut memory, "flow", "0", 599), Ok(false), "what is held stays");
        assert_eq!(keep(&mut memory, "replay", "other", 599), Ok(true), "another kind has room of its own");

        let (redeemed, changes) = memory.redeem("flow", "7", Timestamp(599));
        assert_eq!(redeemed.as_deref(), Some("value"));
        for change in changes {
            memory.apply(change);
        }
        assert_eq!(keep(&mut memory, "flow", "more", 599), Ok(true), "a value that was used makes room");
        assert_eq!(keep(&mut memory, "flow", "one more", 599), Err(Full));
        for number in 1..CAPACITY {
            assert_eq!(keep(&mut memory, "flow", &format!("later {number}"), 600), Ok(true), "and expired ones do");
        }
    }
}
