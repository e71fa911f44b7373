//! What calls cost: the events that wait, and how people's money stands.

use super::budgets::{described, state};
use super::lease::HeldCall;
use super::script::{self, Answer, from_json, unexpected};
use super::windows::{Windows, number};
use super::{RedisHot, Transport};
use crate::admission::{Settlement, UsageEvent};
use crate::identity::Email;
use crate::memory::groups;
use crate::money::{Calendar, Counter, Nanodollars, WindowKind};
use crate::ports::{Clock, Random, Spending, SpendingQuery, SpendingState, Totals, Unavailable, Usage};
use crate::time::Millis;
use crate::version::Generation;

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

    async fn spending(&self, query: &SpendingQuery) -> Result<SpendingState, Unavailable> {
        let mut keys = vec![self.keys.user(query.user), self.keys.budgets()];
        keys.extend(Windows::of(&query.calendar, &self.keys)?.keys);
        let token = query.token.map_or_else(String::new, |token| token.to_string());
        let mut arguments = vec![query.user.to_string(), token];
        arguments.extend(query.budgets.iter().flat_map(described));
        let mut answer = self.believe("spending", keys, arguments).await?;
        match answer.text()?.as_str() {
            "known" => {}
            "unknown" => return Ok(SpendingState::Unknown(Generation(answer.read()?))),
            _ => return Err(unexpected()),
        }
        let windows = WindowKind::ALL.map(|kind| Ok((kind, totals(&mut answer)?)));
        let windows = windows.into_iter().collect::<Result<Vec<_>, Unavailable>>()?;
        let mut budgets = Vec::new();
        while !answer.is_empty() {
            budgets.push(state(&mut answer, &query.calendar)?);
        }
        Ok(SpendingState::Known(Spending { windows, budgets }))
    }

    async fn totals(
        &self,
        calendar: &Calendar,
        counters: &[(WindowKind, Counter)],
    ) -> Result<Vec<Totals>, Unavailable> {
        let arguments = counters.iter().flat_map(|(kind, counter)| [number(*kind), counter.to_string()]).collect();
        let keys = Windows::of(calendar, &self.keys)?.keys;
        let mut sums = Answer::of(script::run(&self.transport, &script::TOTALS, keys, arguments).await?)?;
        counters.iter().map(|_| totals(&mut sums)).collect()
    }
}

fn totals(answer: &mut Answer) -> Result<Totals, Unavailable> {
    Ok(Totals { spent: Nanodollars(answer.read()?), held: Nanodollars(answer.read()?) })
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
    // Written since usage is told by group.
    let member_of =
        if fields.is_empty() { Vec::new() } else { from_json(&fields.text().and_then(|_| fields.text())?)? };
    let HeldCall { lease, user, token, estimate, call, .. } = held;
    Ok(UsageEvent { id: lease, revision, user, email, token, groups, member_of, estimate, call, settlement })
}
