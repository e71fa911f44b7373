//! Taking over what the records hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::keys::kept;
use super::script::{json, moment, unexpected};
use super::windows::number;
use super::{RedisHot, Transport};
use crate::admission::{BudgetsEntry, Install, Installed, TokenEntry, UserEntry};
use crate::identity::Status;
use crate::memory::REMEMBERED_AFTER_EXPIRY;
use crate::money::{BudgetScope, Limits, Nanodollars, WindowKind};
use crate::ports::{Clock, Random, Unavailable};
use crate::token::LISTED_AFTER_EXPIRY;
use crate::version::Generation;

/// A person's fields. All are texts: Lua's numbers lose digits.
#[derive(Serialize)]
struct UserFields<'a> {
    version: String,
    status: &'static str,
    until: String,
    token_epoch: String,
    session_epoch: String,
    last_sign_in: String,
    email: &'a str,
    /// Each once, in the order of the book.
    groups: String,
    /// By window, as JSON; nothing if there are none.
    limits: String,
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
        let now = self.clock.now().seconds();
        let mut keys: Vec<String> =
            self.keys.roster().into_iter().chain([self.keys.recovered(), self.keys.budgets()]).collect();
        let unlisted = now.plus(-LISTED_AFTER_EXPIRY).0.to_string();
        let budgets = install.budgets.as_ref().map(budget_fields).transpose()?.unwrap_or_default();
        let people = install.users.len().to_string();
        let mut arguments = vec![install.generation.0.to_string(), unlisted, budgets, people];
        for user in &install.users {
            keys.extend([self.keys.user(user.id), self.keys.tokens_of(user.id)]);
            arguments.push(user_fields(user)?);
        }
        for token in &install.tokens {
            let owner = token.user;
            keys.extend([self.keys.token(token.id), self.keys.user(owner), self.keys.tokens_of(owner)]);
            let [until, listed] = [REMEMBERED_AFTER_EXPIRY, LISTED_AFTER_EXPIRY].map(|after| token.expiry.plus(after));
            arguments.extend([token_fields(token)?, token.id.to_string(), kept(until, now), kept(listed, now)]);
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
        until: moment(until),
        token_epoch: user.token_epoch.0.to_string(),
        session_epoch: user.session_epoch.0.to_string(),
        last_sign_in: moment(user.last_sign_in),
        email: user.email.as_str(),
        groups: json(&user.groups.iter().collect::<BTreeSet<_>>())?,
        limits: if user.limits.is_empty() { String::new() } else { json(&by_number(&user.limits))? },
    })
}

fn by_number(limits: &Limits) -> BTreeMap<String, String> {
    limits.iter().map(|(window, limit)| (number(*window), limit.0.to_string())).collect()
}

/// The fields of the book: for each budget its window and scope, with its limit.
fn budget_fields(budgets: &BudgetsEntry) -> Result<String, Unavailable> {
    let limit = |((scope, window), limit): (&(BudgetScope, WindowKind), &Nanodollars)| {
        (format!("{}:{}", number(*window), String::from(scope.clone())), limit.0.to_string())
    };
    let mut fields: BTreeMap<String, String> = budgets.limits.iter().map(limit).collect();
    fields.insert("version".to_owned(), budgets.version.0.to_string());
    fields.insert("is_empty".to_owned(), if budgets.limits.is_empty() { "1" } else { "0" }.to_owned());
    json(&fields)
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
