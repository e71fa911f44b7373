//! Browser sessions. Whose a session is shows only when it was read, so looking one up takes two scripts, and so does ending
//! one; the second decides.

use super::keys::{forgotten, kept, unseen};
use super::script::{self, Answer, from_json, json, unexpected};
use super::{RedisHot, Transport};
use crate::memory::{noted_every, place};
use crate::ports::{Clock, Random, SessionState, Sessions, Unavailable};
use crate::session::{Session, SessionId, TicketHash};
use crate::time::Timestamp;
use crate::version::Generation;

impl<T: Transport, C: Clock, R: Random> Sessions for RedisHot<T, C, R> {
    async fn open_session(&self, session: &Session) -> Result<(), Unavailable> {
        let keys =
            std::iter::once(self.keys.session(&session.ticket.session())).chain(self.noted_in(session)).collect();
        let mut arguments = vec![
            json(session)?,
            session.last_seen.0.to_string(),
            session.idle.to_string(),
            session.absolute_expiry.0.to_string(),
            session.epoch.0.to_string(),
            kept(session.expiry(), session.last_seen),
        ];
        arguments.extend(noted(session));
        script::run(&self.transport, &script::OPEN_SESSION, keys, arguments).await.map(drop)
    }

    async fn session(&self, ticket: &TicketHash, now: Timestamp) -> Result<SessionState, Unavailable> {
        let Some(session) = self.find_session(&ticket.session()).await? else { return Ok(SessionState::Over) };
        if session.ticket == *ticket { self.use_session(session, now).await } else { Ok(SessionState::Over) }
    }

    async fn find_session(&self, id: &SessionId) -> Result<Option<Session>, Unavailable> {
        let keys = vec![self.keys.session(id)];
        let mut answer = Answer::of(script::run(&self.transport, &script::FIND_SESSION, keys, Vec::new()).await?)?;
        if answer.text()? == "over" { Ok(None) } else { from_json(&answer.text()?).map(Some) }
    }

    async fn end_session(&self, id: &SessionId) -> Result<bool, Unavailable> {
        let Some(session) = self.find_session(id).await? else { return Ok(false) };
        let keys = [self.keys.session(id), self.keys.signed_in()].into_iter().chain(self.lists_of(&session)).collect();
        let past = forgotten(self.clock.now().seconds());
        let arguments = vec![place(session.created, id), session.user.to_string(), past];
        let reply = script::run(&self.transport, &script::END_SESSION, keys, arguments).await?;
        Ok(Answer::of(reply)?.text()? == "ended")
    }
}

impl<T: Transport, C: Clock, R: Random> RedisHot<T, C, R> {
    /// Returns a session as it was opened.
    async fn find_session(&self, id: &SessionId) -> Result<Option<Session>, Unavailable> {
        let reply =
            script::run(&self.transport, &script::FIND_SESSION, vec![self.keys.session(id)], Vec::new()).await?;
        let mut answer = Answer::of(reply)?;
        if answer.text()? == "over" {
            return Ok(None);
        }
        from_json(&answer.text()?).map(Some)
    }

    async fn use_session(&self, session: Session, now: Timestamp) -> Result<SessionState, Unavailable> {
        let mut keys = vec![self.keys.user(session.user), self.keys.session(&session.ticket.session())];
        keys.extend(self.noted_in(&session));
        let used = Session { last_seen: now, ..session.clone() };
        let mut arguments = vec![now.0.to_string(), noted_every(&session).to_string(), kept(used.expiry(), now)];
        arguments.extend(noted(&used));
        let mut answer = self.believe("session", keys, arguments).await?;
        match answer.text()?.as_str() {
            "live" => Ok(SessionState::Live(Session { last_seen: Timestamp(answer.read()?), ..session })),
            "over" => Ok(SessionState::Over),
            "unknown" => Ok(SessionState::Unknown { user: session.user, generation: Generation(answer.read()?) }),
            _ => Err(unexpected()),
        }
    }

    /// Returns the keys in which it is noted that a session was opened or used.
    fn noted_in(&self, session: &Session) -> impl Iterator<Item = String> {
        let keys = &self.keys;
        [keys.signed_in(), keys.active(), keys.active_by_session()].into_iter().chain(self.lists_of(session))
    }

    /// Returns the lists that a session is in.
    fn lists_of(&self, session: &Session) -> impl Iterator<Item = String> {
        let provider = session.idp_session.as_ref().map(|id| self.keys.sessions_from(id));
        let own = [self.keys.sessions(), self.keys.sessions_of(session.user)];
        own.into_iter().chain(provider).flatten()
    }
}

/// Returns what scripts are told to note about a session that was opened, or used just now.
fn noted(session: &Session) -> [String; 7] {
    let now = session.last_seen;
    [
        place(session.created, &session.ticket.session()),
        session.user.to_string(),
        now.0.to_string(),
        session.expiry().0.to_string(),
        forgotten(now),
        unseen(now),
        kept(session.expiry(), now),
    ]
}
