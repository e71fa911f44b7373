//! Browser sessions. Whose a session is shows only when it was read, so looking one up takes two scripts; the second
//! decides.

use super::keys::kept;
use super::script::{self, Answer, from_json, json, unexpected};
use super::{RedisHot, Transport};
use crate::memory::noted_every;
use crate::ports::{Clock, Random, SessionState, Sessions, Unavailable};
use crate::session::{Session, SessionId, TicketHash};
use crate::time::Timestamp;
use crate::version::Generation;

impl<T: Transport, C: Clock, R: Random> Sessions for RedisHot<T, C, R> {
    async fn open_session(&self, session: &Session) -> Result<(), Unavailable> {
        let key = self.keys.session(&session.ticket.session());
        let arguments = vec![
            json(session)?,
            session.last_seen.0.to_string(),
            session.idle.to_string(),
            session.absolute_expiry.0.to_string(),
            session.epoch.0.to_string(),
            kept(session.expiry(), session.last_seen),
        ];
        script::run(&self.transport, &script::OPEN_SESSION, vec![key], arguments).await.map(drop)
    }

    async fn session(&self, ticket: &TicketHash, now: Timestamp) -> Result<SessionState, Unavailable> {
        let key = self.keys.session(&ticket.session());
        let reply = script::run(&self.transport, &script::FIND_SESSION, vec![key], Vec::new()).await?;
        let mut answer = Answer::of(reply)?;
        if answer.text()? == "over" {
            return Ok(SessionState::Over);
        }
        let session: Session = from_json(&answer.text()?)?;
        if session.ticket == *ticket { self.use_session(session, now).await } else { Ok(SessionState::Over) }
    }

    async fn end_session(&self, id: &SessionId) -> Result<bool, Unavailable> {
        let keys = vec![self.keys.session(id)];
        let reply = script::run(&self.transport, &script::END_SESSION, keys, Vec::new()).await?;
        Ok(Answer::of(reply)?.text()? == "ended")
    }
}

impl<T: Transport, C: Clock, R: Random> RedisHot<T, C, R> {
    async fn use_session(&self, session: Session, now: Timestamp) -> Result<SessionState, Unavailable> {
        let keys = vec![self.keys.user(session.user), self.keys.session(&session.ticket.session())];
        let expiry = Session { last_seen: now, ..session.clone() }.expiry();
        let arguments = vec![now.0.to_string(), noted_every(&session).to_string(), kept(expiry, now)];
        let mut answer = self.believe("session", keys, arguments).await?;
        match answer.text()?.as_str() {
            "live" => Ok(SessionState::Live(Session { last_seen: Timestamp(answer.read()?), ..session })),
            "over" => Ok(SessionState::Over),
            "unknown" => Ok(SessionState::Unknown { user: session.user, generation: Generation(answer.read()?) }),
            _ => Err(unexpected()),
        }
    }
}
