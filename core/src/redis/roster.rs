//! How many tokens there are, and how they stand.

use super::script::unexpected;
use super::{RedisHot, Transport};
use crate::memory::PRUNED_AFTER;
use crate::ports::{Clock, Cursor, Random, Roster, Tally, Unavailable};
use crate::time::Timestamp;
use crate::token::LISTED_AFTER_EXPIRY;
use crate::version::Generation;

impl<T: Transport, C: Clock, R: Random> Roster for RedisHot<T, C, R> {
    async fn tally(&self, now: Timestamp) -> Result<Tally, Unavailable> {
        let unlisted = now.plus(-LISTED_AFTER_EXPIRY);
        let arguments = [now, unlisted, unlisted.plus(-PRUNED_AFTER)].map(|time| time.0.to_string());
        let mut answer = self.believe("tally", self.keys.roster().into(), arguments.into()).await?;
        match answer.text()?.as_str() {
            "counted" => {
                Ok(Tally::Counted { active: answer.read()?, expired: answer.read()?, revoked: answer.read()? })
            }
            "incomplete" => {
                let generation = Generation(answer.read()?);
                let cursor = if answer.is_empty() { None } else { Some(Cursor(answer.text()?)) };
                Ok(Tally::Incomplete { generation, cursor })
            }
            _ => Err(unexpected()),
        }
    }

    async fn enrolled(&self, generation: Generation, upto: Option<&Cursor>) -> Result<(), Unavailable> {
        let arguments = std::iter::once(generation.0.to_string()).chain(upto.map(|cursor| cursor.0.clone()));
        self.believe("enrolled", self.keys.roster().into(), arguments.collect()).await.map(drop)
    }
}
