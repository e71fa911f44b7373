//! Leases, what they hold, what was spent, and the events that wait for the usage log.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::budgets::{Applicable, Budgets, Payer, applicable, counters};
use super::lease::OpenLease;
use super::rates::RateTable;
use super::{Change, Decision};
use crate::accounts::Spent;
use crate::admission::{
    Admit, Admitted, BudgetsEntry, Caller, Cancel, ErrorType, Refusal, Settlement, UsageEvent, UserEntry, Verdict,
};
use crate::id::LeaseId;
use crate::money::{BudgetState, Calendar, Counter, Nanodollars, Window, WindowId, WindowKind};
use crate::ports::{Recovery, Spending, SpendingQuery, Totals};
use crate::time::Timestamp;

/// How long after its expiry a lease is swept, in seconds: the clocks of two processes may differ.
pub(crate) const SWEPT_AFTER: i64 = 30;

/// How long a closed lease is remembered, in seconds. Repeats come from retries that give up within ten minutes.
pub(crate) const CLOSED_REMEMBERED: i64 = 15 * 60;

/// How long a swept lease is remembered, in seconds: a process that was thought dead may still settle it.
pub(crate) const SWEPT_REMEMBERED: i64 = 48 * 3600;

/// How long a window's counters are kept after its end, in seconds.
pub const WINDOW_REMEMBERED: i64 = 35 * 86400;

/// How many forgotten leases one call makes room for: a call closes one, so they go faster than they come.
const PRUNED_AT_ONCE: usize = 4;

/// A lease that was closed.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Closed {
    /// Until when it is remembered.
    until: Timestamp,
    /// What a late settlement would correct.
    swept: Option<Box<OpenLease>>,
}

/// What was spent and what is held in one window, by counter.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct WindowTotals {
    end: Option<Timestamp>,
    #[serde(with = "super::pairs")]
    totals: HashMap<Counter, Totals>,
}

/// Whoever pays for a call, and the budgets of the book.
pub(super) struct Paying<'a> {
    pub(super) user: &'a UserEntry,
    pub(super) book: &'a BudgetsEntry,
}

impl Paying<'_> {
    /// Returns whoever calls, as far as rules care.
    pub(super) fn caller(&self, admit: &Admit) -> Caller<'_> {
        Caller { email: &self.user.email, groups: &self.user.groups, token: Some(admit.token) }
    }

    /// Returns the budgets that a call counts against: none if it costs nothing.
    fn applicable(&self, admit: &Admit) -> Vec<Applicable> {
        let budgets = Budgets { configured: &admit.budgets, book: self.book };
        if admit.is_free { Vec::new() } else { applicable(&Payer::of(self.user, Some(admit.token)), &budgets) }
    }
}

/// The ledger.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    open: HashMap<LeaseId, OpenLease>,
    by_expiry: BTreeSet<(Timestamp, LeaseId)>,
    closed: HashMap<LeaseId, Closed>,
    closed_by_time: BTreeSet<(Timestamp, LeaseId)>,
    windows: BTreeMap<WindowId, WindowTotals>,
    #[serde(default)]
    rates: RateTable,
    events: VecDeque<UsageEvent>,
    /// Position of the first event that waits.
    first_event: u64,
}

impl Ledger {
    /// Returns the answer to a repeated question: the lease is open already, or closed.
    pub(super) fn answered(&self, admit: &Admit, paying: &Paying) -> Option<Verdict> {
        if let Some(lease) = self.open.get(&admit.lease) {
            let budgets = self.states(paying.applicable(admit), &lease.calendar);
            return Some(Verdict::Admitted(Admitted { email: paying.user.email.clone(), budgets }));
        }
        self.closed.contains_key(&admit.lease).then_some(Verdict::Refused(Refusal::Closed))
    }

    /// Decides about a call by its limits and its budgets.
    pub(super) fn admit(&self, admit: &Admit, paying: &Paying) -> Decision<Verdict> {
        let user = paying.user;
        let limits = admit.rules.limits_of(&paying.caller(admit), user.id);
        if let Some(limited) = self.rates.refusal(&limits, admit.tokens, admit.now) {
            return (Verdict::Refused(Refusal::Limited(limited)), Vec::new());
        }
        let applicable = paying.applicable(admit);
        let payer = Payer::of(user, Some(admit.token));
        let counters = counters(&payer, applicable.iter().map(|budget| &budget.counter));
        let mut states = self.states(applicable, &admit.calendar);
        if let Some(refusal) = refusal(&states, admit) {
            return (Verdict::Refused(refusal), Vec::new());
        }
        for state in &mut states {
            state.held = state.held.plus(admit.estimate);
        }
        let lease = OpenLease {
            id: admit.lease,
            user: user.id,
            email: user.email.clone(),
            token: admit.token,
            estimate: admit.estimate,
            priced: admit.priced,
            expiry: admit.expiry,
            calendar: admit.calendar.clone(),
            counters,
            rated: self.rates.rated(limits.into_iter().map(|(name, _)| name).collect(), admit.tokens, admit.now),
            member_of: payer.groups().map(str::to_owned).collect(),
            call: admit.call.clone(),
        };
        let admitted = Admitted { email: user.email.clone(), budgets: states };
        (Verdict::Admitted(admitted), vec![Change::Opened(Box::new(lease))])
    }

    /// Decides what a settlement charges: a first time, or as the correction of a sweep.
    pub(super) fn settle(&self, settlement: &Settlement) -> Option<Change> {
        let (lease, revision) = match self.open.get(&settlement.lease) {
            Some(lease) => (lease, 1),
            None => (self.closed.get(&settlement.lease)?.swept.as_deref()?, 2),
        };
        Some(Change::Charged(Box::new(lease.event(settlement.clone(), revision))))
    }

    /// Says whether a lease can be given up: it is open, or was never heard of.
    pub(super) fn may_cancel(&self, lease: LeaseId) -> bool {
        !self.closed.contains_key(&lease)
    }

    /// Decides which leases nobody will settle any more.
    pub(super) fn sweep(&self, now: Timestamp, limit: u32) -> Vec<Change> {
        let overdue = |(expiry, _): &&(Timestamp, LeaseId)| expiry.plus(SWEPT_AFTER) <= now;
        let leases = self.by_expiry.iter().take_while(overdue).take(limit as usize);
        leases.filter_map(|(_, id)| self.open.get(id)).map(|lease| lease.swept(now)).collect()
    }

    /// Decides that every open lease was left behind.
    pub(super) fn abandon(&self, now: Timestamp) -> Vec<Change> {
        self.by_expiry.iter().filter_map(|(_, id)| self.open.get(id)).map(|lease| lease.swept(now)).collect()
    }

    pub(super) fn open(&mut self, lease: OpenLease) {
        self.hold(&lease, lease.estimate);
        if let Some(rated) = &lease.rated {
            self.rates.enter(rated);
        }
        self.by_expiry.insert((lease.expiry, lease.id));
        self.open.insert(lease.id, lease);
    }

    pub(super) fn charge(&mut self, event: UsageEvent) {
        let at = event.settlement.at.seconds();
        let cost = event.settlement.cost;
        let is_sweep = event.settlement.error == Some(ErrorType::Abandoned);
        if let Some(lease) = self.take_open(event.id) {
            self.hold(&lease, Nanodollars::ZERO.minus(lease.estimate));
            self.spend(&lease, cost);
            if let Some(rated) = &lease.rated {
                self.rates.leave(rated, (!is_sweep).then_some(&event.settlement.usage));
            }
            let (until, swept) = if is_sweep {
                (at.plus(SWEPT_REMEMBERED), Some(Box::new(lease)))
            } else {
                (at.plus(CLOSED_REMEMBERED), None)
            };
            self.close(event.id, Closed { until, swept });
        } else if let Some(Closed { swept: Some(lease), .. }) = self.forget(event.id) {
            self.spend(&lease, cost.minus(lease.estimate));
            self.close(event.id, Closed { until: at.plus(CLOSED_REMEMBERED), swept: None });
        }
        self.events.push_back(event);
        self.prune(at);
    }

    pub(super) fn cancel(&mut self, cancel: Cancel) {
        if let Some(lease) = self.take_open(cancel.lease) {
            self.hold(&lease, Nanodollars::ZERO.minus(lease.estimate));
            if let Some(rated) = &lease.rated {
                self.rates.withdraw(rated);
            }
        }
        self.close(cancel.lease, Closed { until: cancel.now.plus(CLOSED_REMEMBERED), swept: None });
        self.prune(cancel.now);
    }

    pub(super) fn discard(&mut self, through: u64) {
        while self.first_event < through && self.events.pop_front().is_some() {
            self.first_event += 1;
        }
    }

    /// Returns the oldest events that wait, and the position behind them.
    pub(super) fn pending(&self, limit: u32) -> (Vec<UsageEvent>, u64) {
        let events: Vec<UsageEvent> = self.events.iter().take(limit as usize).cloned().collect();
        let through = self.first_event + events.len() as u64;
        (events, through)
    }

    /// Returns the position of the newest event.
    pub(super) fn newest(&self) -> u64 {
        self.first_event + self.events.len() as u64
    }

    /// Says whether events wait.
    pub(super) fn has_pending(&self) -> bool {
        !self.events.is_empty()
    }

    /// Says whether no event waits, and none came after that position.
    pub(super) fn is_drained(&self, through: u64) -> bool {
        !self.has_pending() && self.first_event == through
    }

    pub(super) fn open_ids(&self) -> Vec<LeaseId> {
        self.by_expiry.iter().map(|(_, id)| *id).collect()
    }

    /// Takes over what was spent in the running windows, and closes leases that were closed in a memory which was lost.
    pub(super) fn recover(&mut self, recovery: &Recovery) {
        for lease in &recovery.closed {
            self.cancel(Cancel { lease: *lease, now: recovery.now });
        }
        for Window { id, end } in &recovery.windows {
            let window = self.windows.entry(id.clone()).or_default();
            window.end = *end;
            window.totals.values_mut().for_each(|totals| totals.spent = Nanodollars::ZERO);
        }
        for Spent { key, amount } in &recovery.spent {
            let window = self.windows.entry(key.window.clone()).or_default();
            window.totals.entry(key.counter.clone()).or_default().spent = *amount;
        }
    }

    pub(super) fn spending(&self, query: &SpendingQuery, paying: &Paying) -> Spending {
        let own = |kind| (kind, self.totals(&query.calendar.window(kind).id, &Counter::User(query.user)));
        let payer = Payer::of(paying.user, query.token);
        let applicable = applicable(&payer, &Budgets { configured: &query.budgets, book: paying.book });
        Spending {
            windows: WindowKind::ALL.into_iter().map(own).collect(),
            budgets: self.states(applicable, &query.calendar),
        }
    }

    fn states(&self, applicable: Vec<Applicable>, calendar: &Calendar) -> Vec<BudgetState> {
        let state = |Applicable { budget, source, counter }| {
            let window = calendar.window(budget.window);
            let Totals { spent, held } = self.totals(&window.id, &counter);
            BudgetState { budget, source, spent, held, reset: window.end }
        };
        applicable.into_iter().map(state).collect()
    }

    pub(super) fn totals(&self, window: &WindowId, counter: &Counter) -> Totals {
        self.windows.get(window).and_then(|window| window.totals.get(counter)).copied().unwrap_or_default()
    }

    fn hold(&mut self, lease: &OpenLease, amount: Nanodollars) {
        self.each_total(lease, |totals| totals.held = totals.held.plus(amount));
    }

    fn spend(&mut self, lease: &OpenLease, amount: Nanodollars) {
        self.each_total(lease, |totals| totals.spent = totals.spent.plus(amount));
    }

    fn each_total(&mut self, lease: &OpenLease, change: impl Fn(&mut Totals)) {
        for kind in WindowKind::ALL {
            let Window { id, end } = lease.calendar.window(kind);
            let window = self.windows.entry(id.clone()).or_default();
            window.end = *end;
            for counter in &lease.counters {
                change(window.totals.entry(counter.clone()).or_default());
            }
        }
    }

    fn take_open(&mut self, id: LeaseId) -> Option<OpenLease> {
        let lease = self.open.remove(&id)?;
        self.by_expiry.remove(&(lease.expiry, id));
        Some(lease)
    }

    fn close(&mut self, id: LeaseId, closed: Closed) {
        self.forget(id);
        self.closed_by_time.insert((closed.until, id));
        self.closed.insert(id, closed);
    }

    fn forget(&mut self, id: LeaseId) -> Option<Closed> {
        let closed = self.closed.remove(&id)?;
        self.closed_by_time.remove(&(closed.until, id));
        Some(closed)
    }

    fn prune(&mut self, now: Timestamp) {
        for _ in 0..PRUNED_AT_ONCE {
            let Some((_, id)) = self.closed_by_time.first().copied().filter(|(until, _)| *until <= now) else { break };
            self.forget(id);
        }
        // A few dozen windows at most: four kinds, 35 days.
        self.windows.retain(|_, window| window.end.is_none_or(|end| now < end.plus(WINDOW_REMEMBERED)));
    }
}

/// Says why the budgets refuse a call, if one does. A budget that is used up is told before one whose room is only held.
fn refusal(states: &[BudgetState], admit: &Admit) -> Option<Refusal> {
    if !admit.priced && !states.is_empty() {
        return Some(Refusal::Unpriced);
    }
    let is_exhausted = |state: &&BudgetState| state.spent >= state.budget.limit;
    if let Some(state) = states.iter().find(is_exhausted) {
        return Some(Refusal::Exhausted(state.clone()));
    }
    let fits = |state: &BudgetState| {
        let is_alone = state.budget.scope.is_personal() && state.held == Nanodollars::ZERO;
        is_alone || state.spent.plus(state.held).plus(admit.estimate) <= state.budget.limit
    };
    states.iter().find(|state| !fits(state)).map(|state| Refusal::Reserved(state.clone()))
}
