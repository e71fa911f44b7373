//! What calls cost: the events that wait, and how people's money stands.

use super::lease::HeldCall;
use super::script::{self, Answer, from_json, unexpected};
use super::windows::{Windows, number};
use super::{RedisHot, Transport};
use crate::admission::{Settlement, UsageEvent};
use crate::id::UserId;
use crate::identity::Email;
use crate::memory::{Payer, applicable, groups};
use crate::money::{BudgetState, Counter, Nanodollars, WindowId, WindowKind};
use crate::ports::{Clock, Random, Spending, SpendingQuery, Unavailable, Usage};
use crate::time::Millis;

impl<T: Transport, C: Clock, R: Random> Usage for RedisHot<T, C, R> {
    async fn pending_usage(&self, limit: u32) -> Result<(Vec<UsageEvent>, u64), Unavailable> {
        let (keys, arguments) = (vec![self.keys.usage()], vec![limit.to_string()]);
        let reply = script::run(&self.transport, &script::PENDING_USAGE, keys, arguments).await?;
        let mut entries = Answer::of(reply)?;
        let (mut events, mut through) = (Vec::new(), 0);
        while !entries.is_empty() {
            let mut entry = entries.list()?;
            through = place(&entry.text()?)?;
            events.push(event(entry.list()?)?);
        }
        Ok((events, through))
    }

    async fn discard_usage(&self, through: u64) -> Result<(), Unavailable> {
        let arguments = vec![through.saturating_add(1).to_string()];
        script::run(&self.transport, &script::DISCARD_USAGE, vec![self.keys.usage()], arguments).await.map(drop)
    }

    async fn spending(&self, query: &SpendingQuery) -> Result<Spending, Unavailable> {
        let payer = Payer { user: query.user, email: &query.email, groups: &query.groups, token: query.token };
        let own = WindowKind::ALL.into_iter().map(|kind| (kind, Counter::User(query.user)));
        let budgets = applicable(&payer, &query.budgets).map(|(budget, counter)| (budget.window, counter));
        let arguments = own.chain(budgets).flat_map(|(kind, counter)| [number(kind), counter.to_string()]).collect();
        let keys = Windows::of(&query.calendar, &self.keys)?.keys;
        let mut sums = Answer::of(script::run(&self.transport, &script::SPENDING, keys, arguments).await?)?;

        let mut windows = Vec::new();
        for kind in WindowKind::ALL {
            windows.push((kind, Nanodollars(sums.read()?), Nanodollars(sums.read()?)));
        }
        let mut budgets = Vec::new();
        for (budget, _) in applicable(&payer, &query.budgets) {
            let (spent, held) = (Nanodollars(sums.read()?), Nanodollars(sums.read()?));
            let reset = query.calendar.window(budget.window).end;
            budgets.push(BudgetState { budget: budget.clone(), spent, held, reset });
        }
        Ok(Spending { windows, budgets })
    }

    async fn spent_by(&self, users: &[UserId], window: &WindowId) -> Result<Vec<Nanodollars>, Unavailable> {
        let counters = users.iter().map(|user| Counter::User(*user).to_string()).collect();
        let reply = script::run(&self.transport, &script::SPENT_BY, vec![self.keys.spent(window)], counters).await?;
        let mut sums = Answer::of(reply)?;
        users.iter().map(|_| sums.read().map(Nanodollars)).collect()
    }
}

/// Returns the place in the stream that an entry's id names.
fn place(id: &str) -> Result<u64, Unavailable> {
    id.split_once('-').and_then(|(place, _)| place.parse().ok()).ok_or_else(unexpected)
}

/// Reads the fields that `append` in `charge.lua` writes.
fn event(mut fields: Answer) -> Result<UsageEvent, Unavailable> {
    let mut field = || fields.text().and_then(|_| fields.text());
    let revision = field()?.parse().map_err(|_| unexpected())?;
    let email = Some(Email::parse(&field()?).map_err(|_| unexpected())?);
    let counters: Vec<String> = from_json(&field()?)?;
    let counters = counters.iter().map(|name| name.parse()).collect::<Result<Vec<Counter>, _>>();
    let groups = groups(&counters.map_err(|_| unexpected())?);
    let held: HeldCall = from_json(&field()?)?;
    let at = Millis(field()?.parse().map_err(|_| unexpected())?);
    let settlement = match field()?.as_str() {
        "" => Settlement {
            priced: held.priced,
            ..Settlement::abandoned(held.lease, &held.call, held.estimate, at.seconds())
        },
        text => from_json(text)?,
    };
    let HeldCall { lease, user, token, estimate, call, .. } = held;
    Ok(UsageEvent { id: lease, revision, user, email, token, groups, estimate, call, settlement })
}
