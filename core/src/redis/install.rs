//! Taking over what the records hold.

use serde::Serialize;

use super::keys::{FOR_EVER, kept};
use super::script::{json, unexpected};
use super::{RedisHot, Transport};
use crate::admission::{Install, Installed, TokenEntry, UserEntry};
use crate::identity::Status;
use crate::memory::REMEMBERED_AFTER_EXPIRY;
use crate::ports::{Clock, Random, Unavailable};
use crate::version::Generation;

/// A person's fields. All are texts: Lua's numbers lose digits.
#[derive(Serialize)]
struct UserFields<'a> {
    version: String,
    status: &'static str,
    until: String,
    token_epoch: String,
    session_epoch: String,
    email: &'a str,
    groups: String,
}

/// A token's fields.
#[derive(Serialize)]
struct TokenFields {
    version: String,
    user: String,
    revoked: &'static str,
    epoch: String,
    expiry: String,
}

impl<T: Transport, C: Clock, R: Random> RedisHot<T, C, R> {
    pub(super) async fn learn(&self, install: &Install) -> Result<Installed, Unavailable> {
        let mut keys = vec![self.keys.recovered()];
        let mut arguments = vec![install.generation.0.to_string()];
        for user in &install.users {
            keys.push(self.keys.user(user.id));
            arguments.extend([user_fields(user)?, FOR_EVER.to_owned()]);
        }
        for token in &install.tokens {
            keys.push(self.keys.token(token.id));
            let until = token.expiry.plus(REMEMBERED_AFTER_EXPIRY);
            arguments.extend([token_fields(token)?, kept(until, self.clock.now().seconds())]);
        }
        let mut answer = self.believe("install", keys, arguments).await?;
        match answer.text()?.as_str() {
            "done" => Ok(Installed::Done),
            "unrecovered" => Ok(Installed::Unrecovered),
            "stale" => Ok(Installed::Stale(Generation(answer.read()?))),
            _ => Err(unexpected()),
        }
    }
}

fn user_fields(user: &UserEntry) -> Result<String, Unavailable> {
    let (status, until) = match &user.status {
        Status::Active => ("active", None),
        Status::Suspended(suspension) => ("suspended", suspension.until),
        Status::Removed => ("removed", None),
    };
    json(&UserFields {
        version: user.version.0.to_string(),
        status,
        until: until.map_or_else(String::new, |until| until.0.to_string()),
        token_epoch: user.token_epoch.0.to_string(),
        session_epoch: user.session_epoch.0.to_string(),
        email: user.email.as_str(),
        groups: json(&user.groups)?,
    })
}

fn token_fields(token: &TokenEntry) -> Result<String, Unavailable> {
    json(&TokenFields {
        version: token.version.0.to_string(),
        user: token.user.to_string(),
        revoked: if token.revoked { "1" } else { "0" },
        epoch: token.epoch.0.to_string(),
        expiry: token.expiry.0.to_string(),
    })
}
