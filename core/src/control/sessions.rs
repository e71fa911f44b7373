//! Browser sessions: whose there are, and ending them.

use serde_json::json;

use super::change::Change;
use super::roles::Reach;
use super::{Actor, Administrator, Authority, ChangeError, Control};
use crate::Chain;
use crate::id::UserId;
use crate::identity::{Email, User};
use crate::ports::{
    Activity, AuditLog as _, Directory as _, Page, PageRequest, PeopleList, PeopleQuery, Presence as _, SessionCounts,
    SessionQuery, Sessions as _, SessionsOf, Unavailable, within,
};
use crate::session::{Session, SessionId};
use crate::version::Stored;

/// How many sessions are ended between two looks at what is left.
const PAGE: u32 = 100;

/// How many pages of suspended people are read to count them: more than anybody suspends at once.
const MOST_PAGES: usize = 10;

/// A person who has been seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPerson {
    /// Their record.
    pub user: User,
    /// What they have been seen doing.
    pub activity: Activity,
}

impl<A: Authority> Control<A> {
    /// Returns one page of everybody's sessions, those that were opened last first.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn everybodys_sessions(&self, page: PageRequest) -> Result<Page<Session>, Unavailable> {
        self.sessions_of(SessionsOf::Everybody, page).await
    }

    /// Returns one page of a person's sessions.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn persons_sessions(&self, user: UserId, page: PageRequest) -> Result<Page<Session>, Unavailable> {
        self.sessions_of(SessionsOf::User(user), page).await
    }

    /// Returns one page of the sessions of whoever has an address: of several people, the one who signed in last.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn sessions_at(&self, email: &Email, page: PageRequest) -> Result<Page<Session>, Unavailable> {
        match self.newest_at(email).await? {
            Some(user) => self.persons_sessions(user.id, page).await,
            None => Ok(Page { items: Vec::new(), next: None }),
        }
    }

    /// Returns how many sessions whoever has an address has: of several people, the one who signed in last.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn session_count_at(&self, email: &Email) -> Result<u64, Unavailable> {
        let Some(user) = self.newest_at(email).await? else { return Ok(0) };
        let ids = [user.id];
        let activity = self.hot().activity(&ids, self.now());
        let activity = within(self.clock(), self.deadline(), "the hot state", activity).await?;
        Ok(activity.first().map_or(0, |activity| activity.sessions))
    }

    async fn sessions_of(&self, of: SessionsOf, page: PageRequest) -> Result<Page<Session>, Unavailable> {
        let query = SessionQuery { of, now: self.now(), page };
        let found = within(self.clock(), self.deadline(), "the hot state", self.hot().sessions(&query)).await?;
        let owners = self.by_id(found.items.iter().map(|session| session.user)).await?;
        // What the hot state has not swept away yet is over all the same.
        let is_open = |session: &Session| {
            let owner = owners.get(&session.user);
            owner.is_some_and(|owner| owner.is_active(self.now()) && session.epoch >= owner.session_epoch)
        };
        Ok(Page { items: found.items.into_iter().filter(is_open).collect(), next: found.next })
    }

    /// Returns how many sessions there are, and how many people have one.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the hot state does not answer.
    pub async fn session_counts(&self) -> Result<SessionCounts, Unavailable> {
        within(self.clock(), self.deadline(), "the hot state", self.hot().session_counts(self.now())).await
    }

    /// Returns one page of the people who were seen in the last day, those who were seen last first.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn seen_people(&self, page: PageRequest) -> Result<Page<SeenPerson>, Unavailable> {
        let seen = self.hot().seen(self.now(), &page);
        let Page { items, next } = within(self.clock(), self.deadline(), "the hot state", seen).await?;
        let mut people = self.by_id(items.iter().map(|activity| activity.user)).await?;
        let items = items.into_iter().filter_map(|activity| {
            let user = people.remove(&activity.user)?;
            Some(SeenPerson { user, activity })
        });
        Ok(Page { items: items.collect(), next })
    }

    /// Returns what those who have an address have been seen doing.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn seen_at(&self, email: &Email) -> Result<Vec<SeenPerson>, Unavailable> {
        let people = self.records().people_at(email).await?;
        let ids: Vec<UserId> = people.iter().map(|person| person.value.id).collect();
        let activity = self.hot().activity(&ids, self.now());
        let activity = within(self.clock(), self.deadline(), "the hot state", activity).await?;
        let seen = people.into_iter().zip(activity);
        Ok(seen.map(|(person, activity)| SeenPerson { user: person.value, activity }).collect())
    }

    /// Returns how many people were seen in the last day, and how many are suspended.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn seen_counts(&self) -> Result<(u64, u64), Unavailable> {
        let seen = self.hot().seen_count(self.now());
        let seen = within(self.clock(), self.deadline(), "the hot state", seen).await?;
        let (mut suspended, mut cursor) = (0, None);
        for _ in 0..MOST_PAGES {
            let page = PageRequest { limit: 2 * PAGE, cursor };
            let found = self.records().list_people(&PeopleQuery { list: PeopleList::Suspended, skip: 0, page }).await?;
            let holds = |user: &&Stored<User>| user.value.status.suspension(self.now()).is_some();
            suspended += found.items.iter().filter(holds).count() as u64;
            cursor = found.next;
            if cursor.is_none() {
                break;
            }
        }
        Ok((seen, suspended))
    }

    /// Ends a session.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says how far it came; [`ChangeError::NotFound`] if there is none of that id. A super administrator's is another's
    /// to end.
    pub async fn end_anybodys_session(
        &self,
        actor: &Actor,
        by: &Administrator,
        id: &SessionId,
    ) -> Result<(), ChangeError> {
        let found = within(self.clock(), self.deadline(), "the hot state", self.hot().find_session(id)).await;
        let session = found.map_err(ChangeError::Unavailable)?.ok_or(ChangeError::NotFound)?;
        let owner = self.records().people(&[session.user]).await.map_err(ChangeError::Unavailable)?.pop();
        if let Some(owner) = owner {
            self.check_reach(by, &owner.value, Reach::Belongings).await?;
        }
        self.end_one(actor, session.user, id).await
    }

    /// Ends one of a person's own sessions.
    ///
    /// # Errors
    ///
    /// [`ChangeError::NotFound`] also for somebody else's.
    pub async fn end_own_session(&self, actor: &Actor, user: UserId, id: &SessionId) -> Result<(), ChangeError> {
        let found = within(self.clock(), self.deadline(), "the hot state", self.hot().find_session(id)).await;
        let found = found.map_err(ChangeError::Unavailable)?.filter(|session| session.user == user);
        found.ok_or(ChangeError::NotFound)?;
        self.end_one(actor, user, id).await
    }

    /// The entry comes first: what was not done may be in the log, and nothing is done that is not.
    pub(super) async fn end_one(&self, actor: &Actor, owner: UserId, id: &SessionId) -> Result<(), ChangeError> {
        let entry = self.audit(actor, "session.end", format_args!("user:{owner}"), json!({"session": id}));
        self.records().note(&entry).await.map_err(ChangeError::Unavailable)?;
        let ended = self.hot().end_session(id);
        let ended = within(self.clock(), self.deadline(), "the hot state", ended).await;
        ended.map(drop).map_err(ChangeError::Unavailable)
    }

    /// Ends all sessions of whoever has an address; they have to give their credentials again before they get another. Returns
    /// how many there were.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says how far it came; [`ChangeError::NotFound`] if nobody has it.
    pub async fn sign_out_person(&self, actor: &Actor, by: &Administrator, email: &Email) -> Result<u64, ChangeError> {
        let people = self.holders(email).await?;
        for person in &people {
            self.check_reach(by, &person.value, Reach::Belongings).await?;
        }
        let sign_out = |user: &User| {
            let next =
                User { session_epoch: user.session_epoch.next(), reauth_after: Some(self.now()), ..user.clone() };
            Ok(Some(Change { next, action: "session.end_all", detail: json!({"forced": true}) }))
        };
        let (mut ended, mut done) = (0, Ok(()));
        for person in &people {
            let changed = self.change_user(actor, person.value.id, sign_out).await;
            ended += self.sweep_sessions(person.value.id).await;
            done = done.and(changed.map(drop));
        }
        done.map(|()| ended)
    }

    /// Ends all sessions of a person, who asks for it. Returns how many there were.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says how far it came.
    pub async fn sign_out_everywhere(&self, actor: &Actor, user: UserId) -> Result<u64, ChangeError> {
        let sign_out = |user: &User| {
            let next = User { session_epoch: user.session_epoch.next(), ..user.clone() };
            Ok(Some(Change { next, action: "session.end_all", detail: json!({"forced": false}) }))
        };
        self.change_user(actor, user, sign_out).await?;
        Ok(self.sweep_sessions(user).await)
    }

    /// Takes a person's sessions, which are over, out of the hot state's lists. Returns how many there were.
    pub(super) async fn sweep_sessions(&self, user: UserId) -> u64 {
        self.end_all_of(SessionsOf::User(user)).await.unwrap_or_else(|error| {
            tracing::warn!(error = %Chain(&error), "sessions that are over stay in the hot state for a while");
            0
        })
    }

    /// Ends sessions. Returns how many there were.
    pub(super) async fn end_all_of(&self, of: SessionsOf) -> Result<u64, Unavailable> {
        let (mut ended, mut cursor) = (0, None);
        loop {
            let page = PageRequest { limit: PAGE, cursor };
            let query = SessionQuery { of: of.clone(), now: self.now(), page };
            let found = within(self.clock(), self.deadline(), "the hot state", self.hot().sessions(&query)).await?;
            for session in found.items {
                let id = session.ticket.session();
                let call = self.hot().end_session(&id);
                ended += u64::from(within(self.clock(), self.deadline(), "the hot state", call).await?);
            }
            cursor = found.next;
            if cursor.is_none() {
                return Ok(ended);
            }
        }
    }
}
