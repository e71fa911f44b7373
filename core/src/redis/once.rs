//! Values that may be used once, and who made which answer.

use super::keys::kept;
use super::script::{self, Answer, unexpected};
use super::{NAME, RedisHot, Transport};
use crate::id::UserId;
use crate::memory::{AnswerKey, Full, ONCE_CAPACITY};
use crate::ports::{Answers, Clock, OneTime, Random, Unavailable};
use crate::time::Timestamp;

impl<T: Transport, C: Clock, R: Random> OneTime for RedisHot<T, C, R> {
    async fn keep(
        &self,
        kind: &str,
        id: &str,
        value: &str,
        now: Timestamp,
        expiry: Timestamp,
    ) -> Result<bool, Unavailable> {
        let keys = vec![self.keys.once(kind, id), self.keys.once_ids(kind)];
        let arguments = vec![
            id.to_owned(),
            value.to_owned(),
            now.0.to_string(),
            expiry.0.to_string(),
            kept(expiry, now),
            ONCE_CAPACITY.to_string(),
        ];
        let reply = script::run(&self.transport, &script::KEEP, keys, arguments).await?;
        match Answer::of(reply)?.text()?.as_str() {
            "kept" => Ok(true),
            "taken" => Ok(false),
            "full" => Err(Unavailable::new(NAME, Full)),
            _ => Err(unexpected()),
        }
    }

    async fn redeem(&self, kind: &str, id: &str, now: Timestamp) -> Result<Option<String>, Unavailable> {
        let keys = vec![self.keys.once(kind, id), self.keys.once_ids(kind)];
        let arguments = vec![id.to_owned(), now.0.to_string()];
        let reply = script::run(&self.transport, &script::REDEEM, keys, arguments).await?;
        let mut answer = Answer::of(reply)?;
        match answer.text()?.as_str() {
            "redeemed" => answer.text().map(Some),
            "gone" => Ok(None),
            _ => Err(unexpected()),
        }
    }
}

/// Nobody makes answers but by paid calls, and each goes by itself: they need no bound here.
impl<T: Transport, C: Clock, R: Random> Answers for RedisHot<T, C, R> {
    async fn note_answer(&self, id: &str, user: UserId, now: Timestamp, expiry: Timestamp) -> Result<(), Unavailable> {
        let keys = vec![self.keys.answer(AnswerKey::of(id))];
        let arguments = vec![user.to_string(), now.0.to_string(), expiry.0.to_string(), kept(expiry, now)];
        script::run(&self.transport, &script::NOTE_ANSWER, keys, arguments).await.map(drop)
    }

    async fn answer_maker(&self, id: &str, now: Timestamp) -> Result<Option<UserId>, Unavailable> {
        let keys = vec![self.keys.answer(AnswerKey::of(id))];
        let reply = script::run(&self.transport, &script::ANSWER_MAKER, keys, vec![now.0.to_string()]).await?;
        let mut answer = Answer::of(reply)?;
        match answer.text()?.as_str() {
            "made_by" => answer.read().map(Some),
            "nobody" => Ok(None),
            _ => Err(unexpected()),
        }
    }
}
