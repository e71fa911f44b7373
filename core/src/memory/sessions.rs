//! Browser sessions, and the lists in which they are.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::Change;
use super::places::{page, place, placed};
use super::seen::SeenTable;
use crate::id::UserId;
use crate::ports::{Page, SessionCounts, SessionQuery, SessionsOf};
use crate::session::{Session, SessionId, TicketHash};
use crate::time::Timestamp;

/// How often a use is noted, in seconds: a page that is open asks far more often, and every note is a write.
const SEEN_EVERY: i64 = 60;

/// The part of the idle time that may go unnoted: a session that ends soon is noted more often, or it would end in use.
const UNNOTED: i64 = 4;

/// How many sessions that are over one new one makes room for: more than one, so that they go faster than they come.
const PRUNED_AT_ONCE: usize = 4;

/// The sessions that nobody has ended, and who was seen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Written")]
pub(super) struct SessionTable {
    sessions: HashMap<SessionId, Session>,
    by_expiry: ByExpiry,
    #[serde(skip)]
    order: Order,
    #[serde(skip)]
    owned: HashMap<UserId, Owned>,
    #[serde(skip)]
    by_provider: HashMap<String, Order>,
    /// Those who have sessions, by the time at which the last of these is over.
    #[serde(skip)]
    people: BTreeSet<(Timestamp, UserId)>,
    #[serde(skip)]
    pub(super) seen: SeenTable,
}

/// Sessions in the order of lists, backwards: those that were opened last are last.
type Order = BTreeSet<(Timestamp, SessionId)>;

/// Sessions, those that are over first before the others.
type ByExpiry = BTreeSet<(Timestamp, SessionId)>;

/// One person's sessions.
#[derive(Debug, Clone, Default)]
struct Owned {
    by_expiry: ByExpiry,
    order: Order,
}

/// What is read of the sessions that were written: all else follows from them.
#[derive(Deserialize)]
struct Written {
    sessions: HashMap<SessionId, Session>,
}

impl From<Written> for SessionTable {
    fn from(written: Written) -> Self {
        let mut table = Self::default();
        for session in written.sessions.into_values() {
            table.insert(session);
        }
        table
    }
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

    pub(super) fn find(&self, id: &SessionId) -> Option<&Session> {
        self.sessions.get(id)
    }

    pub(super) fn has(&self, id: &SessionId) -> bool {
        self.sessions.contains_key(id)
    }

    pub(super) fn open(&mut self, session: Session) {
        self.prune(session.created);
        self.take(&session.ticket.session());
        self.insert(session);
    }

    pub(super) fn see(&mut self, id: &SessionId, at: Timestamp) {
        if let Some(session) = self.take(id) {
            self.insert(Session { last_seen: at, ..session });
        }
    }

    pub(super) fn end(&mut self, id: &SessionId) {
        self.take(id);
    }

    /// Returns one page of sessions.
    pub(super) fn page(&self, query: &SessionQuery) -> Page<Session> {
        let order = match &query.of {
            SessionsOf::Everybody => Some(&self.order),
            SessionsOf::User(user) => self.owned.get(user).map(|owned| &owned.order),
            SessionsOf::Provider(id) => self.by_provider.get(id),
        };
        let rows = query.page.rows() as usize;
        let before = placed(query.page.cursor.as_ref()).map(|(at, id)| (at, SessionId(id.to_owned())));
        let all = order.into_iter().flat_map(|order| match &before {
            Some(before) => order.range(..before.clone()).rev(),
            None => order.range(..).rev(),
        });
        let sessions = all.filter_map(|(_, id)| self.sessions.get(id));
        let sessions = sessions.filter(|session| query.now < session.expiry()).take(rows + 1);
        page(sessions.cloned().collect(), rows, |session| place(session.created, &session.ticket.session()))
    }

    /// Returns how many sessions there are, and how many people have one.
    pub(super) fn counts(&self, now: Timestamp) -> SessionCounts {
        SessionCounts { sessions: left(&self.by_expiry, now), people: left(&self.people, now) }
    }

    /// Returns how many sessions a person has, and when the last of them is over.
    pub(super) fn of(&self, user: UserId, now: Timestamp) -> (u64, Option<Timestamp>) {
        let Some(owned) = self.owned.get(&user) else { return (0, None) };
        (left(&owned.by_expiry, now), owned.expiry().filter(|expiry| now < *expiry))
    }

    fn insert(&mut self, session: Session) {
        let (id, expiry) = (session.ticket.session(), session.expiry());
        let place = (session.created, id.clone());
        if let Some(provider) = &session.idp_session {
            self.by_provider.entry(provider.clone()).or_default().insert(place.clone());
        }
        self.change_owned(session.user, |owned| {
            owned.by_expiry.insert((expiry, id.clone()));
            owned.order.insert(place.clone());
        });
        self.by_expiry.insert((expiry, id.clone()));
        self.order.insert(place);
        self.seen.by_session(session.user, session.last_seen);
        self.sessions.insert(id, session);
    }

    fn take(&mut self, id: &SessionId) -> Option<Session> {
        let session = self.sessions.remove(id)?;
        let (place, end) = ((session.created, id.clone()), (session.expiry(), id.clone()));
        self.order.remove(&place);
        self.by_expiry.remove(&end);
        if let Some(provider) = &session.idp_session
            && let Some(order) = self.by_provider.get_mut(provider)
        {
            order.remove(&place);
            if order.is_empty() {
                self.by_provider.remove(provider);
            }
        }
        self.change_owned(session.user, |owned| {
            owned.order.remove(&place);
            owned.by_expiry.remove(&end);
        });
        Some(session)
    }

    /// Changes a person's sessions, and notes when the last of them is over.
    fn change_owned(&mut self, user: UserId, change: impl FnOnce(&mut Owned)) {
        let owned = self.owned.entry(user).or_default();
        let former = owned.expiry();
        change(owned);
        let expiry = owned.expiry();
        if let Some(former) = former {
            self.people.remove(&(former, user));
        }
        match expiry {
            Some(expiry) => drop(self.people.insert((expiry, user))),
            None => drop(self.owned.remove(&user)),
        }
    }

    fn prune(&mut self, now: Timestamp) {
        for _ in 0..PRUNED_AT_ONCE {
            let Some((_, id)) = self.by_expiry.first().filter(|(expiry, _)| *expiry <= now).cloned() else { return };
            self.end(&id);
        }
    }
}

impl Owned {
    /// Returns when the last of them is over.
    fn expiry(&self) -> Option<Timestamp> {
        self.by_expiry.last().map(|(expiry, _)| *expiry)
    }
}

/// Returns how many of these are not over. Only those are looked at that are, and they are forgotten soon.
fn left<I>(by_expiry: &BTreeSet<(Timestamp, I)>, now: Timestamp) -> u64 {
    (by_expiry.len() - by_expiry.iter().take_while(|(expiry, _)| *expiry <= now).count()) as u64
}

#[cfg(test)]
mod tests {
    use super::SessionTable;
    use crate::conformance::fixture::{START, session};
    use crate::session::Session;
    use crate::time::Timestamp;

    fn table(count: u8) -> SessionTable {
        let mut table = SessionTable::default();
        for number in 0..count {
            table.open(Session { idp_session: Some(number.to_string()), ..session(number) });
        }
        table
    }

    fn sizes(table: &SessionTable) -> [usize; 6] {
        let SessionTable { sessions, by_expiry, order, owned, by_provider, people, .. } = table;
        [sessions.len(), by_expiry.len(), order.len(), owned.len(), by_provider.len(), people.len()]
    }

    #[test]
    fn leaves_nothing_of_sessions_that_ended() {
        let mut table = table(20);
        assert_eq!(sizes(&table), [20; 6]);
        for number in 0..10 {
            table.end(&session(number).ticket.session());
        }
        assert_eq!(sizes(&table), [10; 6]);
        let later = START.plus(86400);
        for number in 100..105 {
            let absolute_expiry = later.plus(86400);
            table.open(Session { created: later, last_seen: later, absolute_expiry, ..session(number) });
        }
        assert_eq!(sizes(&table), [5, 5, 5, 5, 0, 5], "those whose time was over made room");
    }

    #[test]
    fn reads_what_older_binaries_wrote() {
        let mut first = table(3);
        first.see(&session(1).ticket.session(), START.plus(100));
        let written = serde_json::to_value(&first).unwrap();
        let fields: Vec<_> = written.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["by_expiry", "sessions"], "and older ones can read it");
        let read: SessionTable = serde_json::from_value(written).unwrap();
        assert_eq!(sizes(&read), [3; 6]);
        assert_eq!(read.by_expiry, first.by_expiry);
        let seen = |table: &SessionTable, number: u8| table.seen.sightings(session(number).user, START).by_session;
        assert_eq!([0, 1].map(|number| seen(&read, number)), [Some(START), Some(Timestamp(START.0 + 100))]);
    }
}
