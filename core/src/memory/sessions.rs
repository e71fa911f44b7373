//! Browser sessions.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::Change;
use crate::session::{Session, SessionId, TicketHash};
use crate::time::Timestamp;

/// How often a use is noted, in seconds: a page that is open asks far more often, and every note is a write.
const SEEN_EVERY: i64 = 60;

/// The part of the idle time that may go unnoted: a session that ends soon is noted more often, or it would end in use.
const UNNOTED: i64 = 4;

/// How many sessions that are over one new one makes room for: more than one, so that they go faster than they come.
const PRUNED_AT_ONCE: usize = 4;

/// The sessions that nobody has ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SessionTable {
    sessions: HashMap<SessionId, Session>,
    by_expiry: BTreeSet<(Timestamp, SessionId)>,
}

/// Returns how many seconds lie between two uses of a session that are noted.
pub(crate) fn noted_every(session: &Session) -> i64 {
    SEEN_EVERY.min(i64::from(session.idle) / UNNOTED).max(1)
}

/// Returns the change that notes a use, if the last one noted is old enough.
pub(super) fn seen(session: &Session, now: Timestamp) -> Option<Change> {
    (now.since(session.last_seen) >= noted_every(session))
        .then(|| Change::SessionSeen { id: session.ticket.session(), at: now })
}

impl SessionTable {
    /// Returns the session that a ticket opens, unless its time is over.
    pub(super) fn live(&self, ticket: &TicketHash, now: Timestamp) -> Option<&Session> {
        self.sessions.get(&ticket.session()).filter(|session| session.ticket == *ticket && now < session.expiry())
    }

    pub(super) fn has(&self, id: &SessionId) -> bool {
        self.sessions.contains_key(id)
    }

    pub(super) fn open(&mut self, session: Session) {
        self.prune(session.created);
        let id = session.ticket.session();
        self.by_expiry.insert((session.expiry(), id.clone()));
        self.sessions.insert(id, session);
    }

    pub(super) fn see(&mut self, id: &SessionId, at: Timestamp) {
        if let Some(mut session) = self.take(id) {
            session.last_seen = at;
            self.by_expiry.insert((session.expiry(), id.clone()));
            self.sessions.insert(id.clone(), session);
        }
    }

    pub(super) fn end(&mut self, id: &SessionId) {
        self.take(id);
    }

    fn take(&mut self, id: &SessionId) -> Option<Session> {
        let session = self.sessions.remove(id)?;
        self.by_expiry.remove(&(session.expiry(), id.clone()));
        Some(session)
    }

    fn prune(&mut self, now: Timestamp) {
        for _ in 0..PRUNED_AT_ONCE {
            let Some((_, id)) = self.by_expiry.first().filter(|(expiry, _)| *expiry <= now).cloned() else { return };
            self.end(&id);
        }
    }
}
