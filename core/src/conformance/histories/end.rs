//! How a history ends, and what must hold then.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::Site;
use super::history::{History, LONG};
use crate::admission::UsageEvent;
use crate::conformance::fixture::START;
use crate::id::LeaseId;
use crate::money::{Calendar, Counter, WindowKind};
use crate::ports::{
    Accounts as _, Directory as _, PageRequest, Roster as _, Tally, TokenSearch, Tokens as _, Totals, Usage as _,
    UsageLog as _, UsageQuery, Users as _,
};
use crate::token::{TokenState, TokenStatus};

impl<S: Site> History<'_, S> {
    /// Lets everything end, does the upkeep, and looks at what is left.
    pub(super) async fn end(&mut self) {
        self.settle_down().await;
        self.pass(LONG);
        for _ in 0..2 {
            for process in self.processes.clone() {
                let control = process.control.clone();
                let upkeep = async move {
                    control.recover().await?;
                    control.apply_outbox().await?;
                    control.repair().await?;
                    control.enrol().await?;
                    control.sweep().await?;
                    control.drain_usage().await
                };
                self.alone(upkeep).await.unwrap_or_else(|error| unreachable!("{error}: {:?}", self.story));
            }
        }
        let log = self.log().await;
        let mut complaints = self.common.oracle.complaints(&log);
        complaints.extend(self.access_complaints().await);
        complaints.extend(self.tally_complaint().await);
        complaints.extend(self.money_complaints(&log).await);
        assert!(complaints.is_empty(), "{}", self.tell(&complaints));
    }

    /// Says which tokens are good that should not be, or the other way round.
    async fn access_complaints(&mut self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (token, owner, epoch) in self.common.oracle.tokens() {
            let record = self.common.records.token(token).await.expect("they answer").expect("it was minted").value;
            let user = self.common.records.user(owner).await.expect("they answer").expect("they signed in").value;
            let is_live = record.state == TokenState::Live && record.epoch >= user.token_epoch;
            for process in self.processes.clone() {
                let is_admitted = self.alone(process.would_admit(owner, token, epoch)).await;
                if is_admitted != is_live {
                    complaints.push(format!("{token:?}: live {is_live}, admitted {is_admitted}"));
                }
            }
        }
        complaints
    }

    /// Says whether the store counts other tokens than the records have.
    async fn tally_complaint(&mut self) -> Option<String> {
        let page = PageRequest { limit: 200, cursor: None };
        let search = TokenSearch { prefix: None, expired_after: START, page };
        let tokens = self.common.records.all_tokens(&search).await.expect("they answer");
        assert_eq!(tokens.next, None, "nobody mints that many");
        let (mut active, mut revoked) = (0, 0);
        for token in tokens.items {
            let owner = self.common.records.user(token.value.user).await.expect("they answer").expect("they signed in");
            match token.value.status(owner.value.token_epoch, START) {
                TokenStatus::Revoked => revoked += 1,
                TokenStatus::Active | TokenStatus::Expired => active += 1,
            }
        }
        let expected = Tally::Counted { active, expired: 0, revoked };
        let hot = self.processes[0].hot.clone();
        let tally = self.alone(async move { hot.tally(START).await }).await.expect("it answers");
        (tally != expected).then(|| format!("the store counts {tally:?}, the records have {expected:?}"))
    }

    /// Says where log, sums and store differ.
    async fn money_complaints(&mut self, log: &BTreeMap<LeaseId, UsageEvent>) -> Vec<String> {
        let calendar = Calendar::at(START, &TimeZone::UTC);
        let sums = self.common.records.spent(std::slice::from_ref(&calendar.total.id)).await.expect("they answer");
        let mut complaints = Vec::new();
        for user in self.users.clone() {
            let logged: i64 =
                log.values().filter(|event| event.user == user).map(|event| event.settlement.cost.0).sum();
            let sum = sums.iter().find(|spent| spent.key.counter == Counter::User(user));
            let sum = sum.map_or(0, |spent| spent.amount.0);
            let (hot, calendar) = (self.processes[0].hot.clone(), calendar.clone());
            let counters = [(WindowKind::Total, Counter::User(user))];
            let totals = self.alone(async move { hot.totals(&calendar, &counters).await }).await.expect("it answers");
            let Totals { spent, held } = totals[0];
            if (sum, spent.0, held.0) != (logged, logged, 0) {
                complaints.push(format!("{user:?}: logged {logged}, sum {sum}, spent {spent:?}, held {held:?}"));
            }
        }
        complaints
    }

    pub(super) async fn log(&self) -> BTreeMap<LeaseId, UsageEvent> {
        let mut log = BTreeMap::new();
        let mut cursor = None;
        loop {
            let query = UsageQuery { after: None, page: PageRequest { limit: 200, cursor } };
            let page = self.common.records.usage(&query).await.expect("they answer");
            log.extend(page.items.into_iter().map(|event| (event.id, event)));
            cursor = page.next;
            if cursor.is_none() {
                return log;
            }
        }
    }
}
