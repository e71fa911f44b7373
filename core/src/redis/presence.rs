//! Who is signed in, who has been seen, and what must not happen too often.

use super::keys::{forgotten, kept};
use super::script::{self, Answer, from_json, unexpected};
use super::{RedisHot, Transport};
use crate::id::UserId;
use crate::memory::{page, place, placed, runs_on, seen_since};
use crate::ports::{
    Activity, Clock, Limits, Page, PageRequest, Presence, Random, SessionCounts, SessionQuery, SessionsOf, Unavailable,
};
use crate::session::{Session, SessionId};
use crate::time::Timestamp;

impl<T: Transport, C: Clock, R: Random> Presence for RedisHot<T, C, R> {
    async fn sessions(&self, query: &SessionQuery) -> Result<Page<Session>, Unavailable> {
        let list = match &query.of {
            SessionsOf::Everybody => self.keys.sessions(),
            SessionsOf::User(user) => self.keys.sessions_of(*user),
            SessionsOf::Provider(id) => self.keys.sessions_from(id),
        };
        let rows = query.page.rows() as usize;
        let before = placed(query.page.cursor.as_ref());
        let arguments = vec![
            query.now.0.to_string(),
            forgotten(query.now),
            before.map_or_else(String::new, |(at, id)| place(at, &id)),
            (rows + 1).to_string(),
        ];
        let mut answer =
            Answer::of(script::run(&self.transport, &script::LIST_SESSIONS, list.into(), arguments).await?)?;
        let mut places = Vec::new();
        while !answer.is_empty() {
            places.push(answer.text()?);
        }
        let Page { items: places, next } = page(places, rows, String::clone);
        Ok(Page { items: self.sessions_at(&places).await?, next })
    }

    async fn session_counts(&self, now: Timestamp) -> Result<SessionCounts, Unavailable> {
        let [by_expiry, order] = self.keys.sessions();
        let keys = vec![by_expiry, order, self.keys.signed_in()];
        let arguments = vec![now.0.to_string(), forgotten(now)];
        let reply = script::run(&self.transport, &script::SESSION_COUNTS, keys, arguments).await?;
        let mut answer = Answer::of(reply)?;
        Ok(SessionCounts { sessions: answer.read()?, people: answer.read()? })
    }

    async fn seen(&self, now: Timestamp, request: &PageRequest) -> Result<Page<Activity>, Unavailable> {
        let rows = request.rows() as usize;
        let (time, before) = placed(request.cursor.as_ref())
            .map_or_else(Default::default, |(at, user)| (at.0.to_string(), user.to_owned()));
        let arguments = vec![seen_since(now).0.to_string(), time, before, (rows + 1).to_string()];
        let reply = script::run(&self.transport, &script::SEEN_PAGE, vec![self.keys.active()], arguments).await?;
        let mut answer = Answer::of(reply)?;
        let mut seen = Vec::new();
        while !answer.is_empty() {
            let user: UserId = answer.read()?;
            seen.push((Timestamp(answer.read()?), user));
        }
        let Page { items, next } = page(seen, rows, |(at, user)| place(*at, user));
        let users: Vec<UserId> = items.into_iter().map(|(_, user)| user).collect();
        Ok(Page { items: self.activity(&users, now).await?, next })
    }

    async fn seen_count(&self, now: Timestamp) -> Result<u64, Unavailable> {
        let arguments = vec![seen_since(now).0.to_string()];
        let reply = script::run(&self.transport, &script::SEEN_COUNT, vec![self.keys.active()], arguments).await?;
        Answer::of(reply)?.read()
    }

    async fn activity(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Activity>, Unavailable> {
        let mut keys = Vec::from(self.keys.roster());
        keys.extend([self.keys.active_by_session(), self.keys.active_by_token()]);
        let mut arguments = vec![now.0.to_string(), seen_since(now).0.to_string()];
        for user in users {
            let [by_expiry, _] = self.keys.sessions_of(*user);
            keys.extend([by_expiry, self.keys.tokens_of(*user)]);
            arguments.push(user.to_string());
        }
        let mut answer = self.believe("activity", keys, arguments).await?;
        users.iter().map(|user| activity(*user, &mut answer)).collect()
    }
}

impl<T: Transport, C: Clock, R: Random> RedisHot<T, C, R> {
    /// Returns the sessions at these places, without those that have ended meanwhile.
    async fn sessions_at(&self, places: &[String]) -> Result<Vec<Session>, Unavailable> {
        let id = |place: &String| place.split_once(':').map(|(_, id)| SessionId(id.to_owned())).ok_or_else(unexpected);
        let keys = places.iter().map(|place| Ok(self.keys.session(&id(place)?))).collect::<Result<_, Unavailable>>()?;
        let mut answer = Answer::of(script::run(&self.transport, &script::SESSION_BODIES, keys, Vec::new()).await?)?;
        let mut sessions = Vec::new();
        while !answer.is_empty() {
            let session: Session = from_json(&answer.text()?)?;
            sessions.push(Session { last_seen: Timestamp(answer.read()?), ..session });
        }
        Ok(sessions)
    }
}

fn activity(user: UserId, answer: &mut Answer) -> Result<Activity, Unavailable> {
    let (by_session, by_token) = (answer.read_any()?.map(Timestamp), answer.read_any()?.map(Timestamp));
    let (sessions, expiry) = (answer.read()?, answer.read_any()?.map(Timestamp));
    Ok(Activity { user, by_session, by_token, sessions, expiry, tokens: answer.read_any()? })
}

impl<T: Transport, C: Clock, R: Random> Limits for RedisHot<T, C, R> {
    async fn count(&self, name: &str, seconds: u32, now: Timestamp) -> Result<(u64, u32), Unavailable> {
        let left = runs_on(seconds, now);
        let end = now.plus(i64::from(left));
        let key = self.keys.limit(name, end.0.div_euclid(i64::from(seconds.max(1))) - 1);
        let reply = script::run(&self.transport, &script::LIMIT, vec![key], vec![kept(end, now)]).await?;
        Ok((Answer::of(reply)?.read()?, left))
    }
}
