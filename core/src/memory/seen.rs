//! Who has been seen, and how.

use std::collections::{BTreeSet, HashMap};

use super::Change;
use super::places::{page, place, placed};
use crate::id::UserId;
use crate::ports::{Page, PageRequest};
use crate::session::SEEN_FOR;
use crate::time::Timestamp;

/// How often it is noted that somebody's tokens are used, in seconds.
pub(crate) const TOKEN_SEEN_EVERY: i64 = 60;

/// How many people who were not seen for long one who is seen makes room for: more than one, so that they go faster than they
/// come.
const PRUNED_AT_ONCE: usize = 4;

/// When somebody was seen, in each way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sightings {
    pub(super) by_session: Option<Timestamp>,
    pub(super) by_token: Option<Timestamp>,
}

impl Sightings {
    fn last(self) -> Option<Timestamp> {
        self.by_session.max(self.by_token)
    }
}

/// Returns the earliest time that still counts at `now`.
pub(crate) fn seen_since(now: Timestamp) -> Timestamp {
    now.plus(-SEEN_FOR)
}

/// The people who were seen.
#[derive(Debug, Clone, Default)]
pub(super) struct SeenTable {
    people: HashMap<UserId, Sightings>,
    by_time: BTreeSet<(Timestamp, UserId)>,
}

impl SeenTable {
    /// Returns the change that notes the use of a token, if the last one noted is old enough.
    pub(super) fn token_seen(&self, user: UserId, at: Timestamp) -> Option<Change> {
        let last = self.people.get(&user).and_then(|sightings| sightings.by_token);
        let is_due = last.is_none_or(|last| at.since(last) >= TOKEN_SEEN_EVERY);
        is_due.then_some(Change::TokenSeen { user, at })
    }

    pub(super) fn by_session(&mut self, user: UserId, at: Timestamp) {
        self.note(user, at, |sightings| &mut sightings.by_session);
    }

    pub(super) fn by_token(&mut self, user: UserId, at: Timestamp) {
        self.note(user, at, |sightings| &mut sightings.by_token);
    }

    /// Takes over whose tokens `former` saw.
    pub(super) fn take_over_tokens(&mut self, former: &Self) {
        for (user, sightings) in &former.people {
            if let Some(at) = sightings.by_token {
                self.by_token(*user, at);
            }
        }
    }

    /// Returns when somebody was seen within [`SEEN_FOR`] of `now`.
    pub(super) fn sightings(&self, user: UserId, now: Timestamp) -> Sightings {
        let Sightings { by_session, by_token } = self.people.get(&user).copied().unwrap_or_default();
        let counts = |at: &Timestamp| *at >= seen_since(now);
        Sightings { by_session: by_session.filter(counts), by_token: by_token.filter(counts) }
    }

    pub(super) fn count(&self, now: Timestamp) -> u64 {
        // What was not seen for long is forgotten soon; of the others nobody looks at each.
        let past = self.by_time.iter().take_while(|(at, _)| *at < seen_since(now)).count();
        (self.by_time.len() - past) as u64
    }

    /// Returns one page of those who were seen, with when they were.
    pub(super) fn page(&self, now: Timestamp, request: &PageRequest) -> Page<(Timestamp, UserId)> {
        let rows = request.rows() as usize;
        let before = placed(request.cursor.as_ref()).and_then(|(at, id)| Some((at, id.parse::<UserId>().ok()?)));
        let all = match before {
            Some(before) => self.by_time.range(..before),
            None => self.by_time.range(..),
        };
        let seen = all.rev().take_while(|(at, _)| *at >= seen_since(now)).take(rows + 1);
        page(seen.copied().collect(), rows, |(at, user)| place(*at, user))
    }

    fn note(&mut self, user: UserId, at: Timestamp, way: impl Fn(&mut Sightings) -> &mut Option<Timestamp>) {
        self.prune(at);
        let sightings = self.people.entry(user).or_default();
        let former = sightings.last();
        let seen = way(sightings);
        *seen = (*seen).max(Some(at));
        let last = sightings.last();
        if former != last {
            former.map(|former| self.by_time.remove(&(former, user)));
            last.map(|last| self.by_time.insert((last, user)));
        }
    }

    fn prune(&mut self, now: Timestamp) {
        for _ in 0..PRUNED_AT_ONCE {
            let Some(first) = self.by_time.first().copied().filter(|(at, _)| *at < seen_since(now)) else { return };
            self.by_time.remove(&first);
            self.people.remove(&first.1);
        }
    }
}
