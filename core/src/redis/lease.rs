//! How leases end.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::keys::kept;
use super::script::{self, Answer, Script, json};
use super::windows::Windows;
use super::{ELSEWHERE, RedisHot, Transport};
use crate::admission::{Admit, Call, Cancel, MOST, Settlement};
use crate::id::{LeaseId, TokenId, UserId};
use crate::memory::{CLOSED_REMEMBERED, SWEPT_AFTER, SWEPT_REMEMBERED};
use crate::money::Nanodollars;
use crate::ports::{Clock, Random, Unavailable};
use crate::time::Timestamp;

/// What a lease keeps of its call, for the usage event. Scripts do not look into it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeldCall {
    pub(super) lease: LeaseId,
    pub(super) user: UserId,
    pub(super) token: TokenId,
    pub(super) estimate: Nanodollars,
    pub(super) priced: bool,
    pub(super) call: Call,
}

impl HeldCall {
    pub(super) fn of(admit: &Admit) -> Self {
        Self {
            lease: admit.lease,
            user: admit.user,
            token: admit.token,
            estimate: admit.estimate,
            priced: admit.priced,
            call: admit.call.clone(),
        }
    }
}

/// A script that ends a lease, with what it is told beside the windows.
struct Ending<'a> {
    script: &'a Script,
    keys: Vec<String>,
    lease: LeaseId,
    arguments: Vec<String>,
    now: Timestamp,
}

impl<T: Transport, C: Clock, R: Random> RedisHot<T, C, R> {
    pub(super) async fn charge(&self, settlement: &Settlement) -> Result<(), Unavailable> {
        let now = settlement.at.seconds();
        let arguments = vec![
            settlement.at.0.to_string(),
            json(settlement)?,
            settlement.cost.0.to_string(),
            settlement.usage.uncached().min(MOST).to_string(),
            kept(now.plus(CLOSED_REMEMBERED), now),
        ];
        let keys = self.charged_keys(settlement.lease);
        self.end(Ending { script: &script::SETTLE, keys, lease: settlement.lease, arguments, now }).await.map(drop)
    }

    pub(super) async fn give_up(&self, Cancel { lease, now }: Cancel) -> Result<(), Unavailable> {
        let arguments = vec![kept(now.plus(CLOSED_REMEMBERED), now)];
        let keys = [self.keys.lease(lease), self.keys.leases()].into_iter().chain(self.keys.rates()).collect();
        self.end(Ending { script: &script::CANCEL, keys, lease, arguments, now }).await.map(drop)
    }

    /// Charges the leases that are overdue, one after the other: which keys they touch shows only when they are known.
    pub(super) async fn charge_overdue(&self, now: Timestamp, limit: u32) -> Result<u32, Unavailable> {
        let latest = now.plus(-SWEPT_AFTER);
        let arguments = vec![latest.0.to_string(), limit.to_string()];
        let reply = script::run(&self.transport, &script::OVERDUE, vec![self.keys.leases()], arguments).await?;
        let mut overdue = Answer::of(reply)?;
        let mut swept = 0;
        while !overdue.is_empty() {
            let lease: LeaseId = overdue.read()?;
            let at = now.0.saturating_mul(1000).to_string();
            let arguments = vec![at, latest.0.to_string(), kept(now.plus(SWEPT_REMEMBERED), now)];
            let keys = self.charged_keys(lease);
            let word = self.end(Ending { script: &script::SWEEP, keys, lease, arguments, now }).await?;
            swept += u32::from(word == "done");
        }
        Ok(swept)
    }

    fn charged_keys(&self, lease: LeaseId) -> Vec<String> {
        let own = [self.keys.lease(lease), self.keys.leases(), self.keys.usage(), self.keys.places()];
        own.into_iter().chain(self.keys.rates()).collect()
    }

    /// Ends a lease in the windows that it most likely counts in, or else in those that it names.
    async fn end(&self, ending: Ending<'_>) -> Result<String, Unavailable> {
        let mut answer = self.end_in(&ending, self.latest_windows()).await?;
        let word = answer.text()?;
        if word != ELSEWHERE {
            return Ok(word);
        }
        let windows = self.windows_in(&answer.text()?)?;
        self.end_in(&ending, Some(windows)).await?.text()
    }

    async fn end_in(&self, ending: &Ending<'_>, windows: Option<Arc<Windows>>) -> Result<Answer, Unavailable> {
        let mut keys = ending.keys.clone();
        let mut arguments = vec![ending.lease.to_string()];
        // Without windows the script is told of none, and no lease counts in none.
        arguments.push(windows.as_ref().map_or_else(String::new, |windows| windows.text.clone()));
        arguments.extend_from_slice(&ending.arguments);
        if let Some(windows) = windows {
            keys.extend_from_slice(&windows.keys);
            arguments.extend(windows.kept(ending.now));
        }
        Answer::of(script::run(&self.transport, ending.script, keys, arguments).await?)
    }
}
