//! Values that may be used once, who made which answer, and what was said in calls.

use super::keys::kept;
use super::script::{self, Answer, unexpected};
use super::{NAME, RedisHot, Transport};
use crate::id::{LeaseId, UserId};
use crate::memory::{AnswerKey, CONTENT, Full, capacity};
use crate::ports::{Answers, Clock, Contents, OneTime, Random, Unavailable};
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
        match self.keep_one(kind, id, value, now, expiry).await?.as_str() {
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

impl<T: Transport, C: Clock, R: Random> Contents for RedisHot<T, C, R> {
    async fn keep_content(
        &self,
        id: LeaseId,
        content: &str,
        now: Timestamp,
        expiry: Timestamp,
    ) -> Result<bool, Unavailable> {
        let kept = self.keep_one(CONTENT, &id.to_string(), content, now, expiry).await?;
        Ok(kept == "kept")
    }

    async fn contents(&self, ids: &[LeaseId], now: Timestamp) -> Result<Vec<Option<String>>, Unavailable> {
        let keys = self.content_keys(ids).collect();
        let reply = script::run(&self.transport, &script::CONTENTS, keys, vec![now.0.to_string()]).await?;
        let mut answer = Answer::of(reply)?;
        ids.iter().map(|_| Ok(Some(answer.text()?).filter(|content| !content.is_empty()))).collect()
    }

    async fn discard_contents(&self, ids: &[LeaseId]) -> Result<(), Unavailable> {
        if ids.is_empty() {
            return Ok(());
        }
        let keys = [self.keys.once_ids(CONTENT)].into_iter().chain(self.content_keys(ids)).collect();
        let arguments = ids.iter().map(LeaseId::to_string).collect();
        script::run(&self.transport, &script::DISCARD_CONTENTS, keys, arguments).await.map(drop)
    }
}

impl<T: Transport, C: Clock, R: Random> RedisHot<T, C, R> {
    /// Keeps a value if its id is free and its kind has room; returns what became of it.
    async fn keep_one(
        &self,
        kind: &str,
        id: &str,
        value: &str,
        now: Timestamp,
        expiry: Timestamp,
    ) -> Result<String, Unavailable> {
        let keys = vec![self.keys.once(kind, id), self.keys.once_ids(kind)];
        let arguments = vec![
            id.to_owned(),
            value.to_owned(),
            now.0.to_string(),
            expiry.0.to_string(),
            kept(expiry, now),
            capacity(kind).to_string(),
        ];
        Answer::of(script::run(&self.transport, &script::KEEP, keys, arguments).await?)?.text()
    }

    fn content_keys(&self, ids: &[LeaseId]) -> impl Iterator<Item = String> {
        ids.iter().map(|id| self.keys.once(CONTENT, &id.to_string()))
    }
}
