//! Who is signed in, and who has been seen.

use super::{Change, Decision, Memory, limits};
use crate::id::UserId;
use crate::ports::{Activity, Page, PageRequest, SessionCounts, SessionQuery};
use crate::session::Session;
use crate::time::Timestamp;

impl Memory {
    /// Lists sessions; see [`crate::ports::Presence::sessions`].
    #[must_use]
    pub fn list_sessions(&self, query: &SessionQuery) -> Page<Session> {
        self.sessions.page(query)
    }

    /// Counts sessions; see [`crate::ports::Presence::session_counts`].
    #[must_use]
    pub fn session_counts(&self, now: Timestamp) -> SessionCounts {
        self.sessions.counts(now)
    }

    /// Lists people who were seen; see [`crate::ports::Presence::seen`].
    #[must_use]
    pub fn seen(&self, now: Timestamp, page: &PageRequest) -> Page<Activity> {
        let Page { items, next } = self.sessions.seen.page(now, page);
        Page { items: items.into_iter().map(|(_, user)| self.activity_of(user, now)).collect(), next }
    }

    /// Counts people who were seen; see [`crate::ports::Presence::seen_count`].
    #[must_use]
    pub fn seen_count(&self, now: Timestamp) -> u64 {
        self.sessions.seen.count(now)
    }

    /// Tells what is known of people; see [`crate::ports::Presence::activity`].
    #[must_use]
    pub fn activity(&self, users: &[UserId], now: Timestamp) -> Vec<Activity> {
        users.iter().map(|user| self.activity_of(*user, now)).collect()
    }

    fn activity_of(&self, user: UserId, now: Timestamp) -> Activity {
        let seen = self.sessions.seen.sightings(user, now);
        let (sessions, expiry) = self.sessions.of(user, now);
        let tokens = self.known.roster.active_of(user, now);
        Activity { user, by_session: seen.by_session, by_token: seen.by_token, sessions, expiry, tokens }
    }

    /// Counts one more; see [`crate::ports::Limits::count`].
    #[must_use]
    pub fn count(&self, name: &str, seconds: u32, now: Timestamp) -> Decision<(u64, u32)> {
        let left = limits::runs_on(seconds, now);
        let end = now.plus(i64::from(left));
        let count = self.limits.count(name, end) + 1;
        ((count, left), vec![Change::Counted { name: name.to_owned(), now, end }])
    }
}
