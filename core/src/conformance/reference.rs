//! The ledger told as simply as can be: a list of everything that happened, added up anew for each question.
//!
//! It shares no code with any store, forgets nothing, and is far too slow to serve anybody.

use std::collections::BTreeMap;

use crate::admission::{
    Admit, Admitted, BudgetsEntry, Denial, Denied, Limited, RateLimit, RateMeasure, Refusal, Settlement, TokenEntry,
    UserEntry, Verdict,
};
use crate::id::{LeaseId, TokenId, UserId};
use crate::identity::Status;
use crate::money::{Budget, BudgetScope, BudgetSource, BudgetState, Calendar, Nanodollars, WindowKind};
use crate::ports::{SpendingQuery, Totals};
use crate::time::Timestamp;

/// A ledger that is a list.
#[derive(Debug, Default)]
pub struct Reference {
    /// People, by id.
    pub users: BTreeMap<UserId, UserEntry>,
    /// Tokens, by id.
    pub tokens: BTreeMap<TokenId, TokenEntry>,
    /// What the book has.
    pub book: BudgetsEntry,
    leases: Vec<Lease>,
    given_up: Vec<LeaseId>,
    /// Events in the order in which they came: lease, revision, cost, and whether everything had a price.
    pub events: Vec<(LeaseId, u32, i64, bool)>,
}

#[derive(Debug)]
struct Lease {
    admit: Admit,
    /// The groups that had a budget then.
    groups: Vec<String>,
    end: End,
    /// Against what it counts under rate limits, in which minute, as how many tokens.
    rated: Vec<String>,
    minute: i64,
    tokens: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Open,
    Cancelled,
    Swept,
    Settled(i64),
}

impl Reference {
    /// Decides about a call.
    pub fn admit(&mut self, admit: &Admit) -> Verdict {
        let user = self.users[&admit.user].clone();
        let token = self.tokens[&admit.token].clone();
        if let Some(refusal) = identity_refusal(&user, &token, admit) {
            return Verdict::Refused(refusal);
        }
        if let Some(lease) = self.leases.iter().find(|lease| lease.admit.lease == admit.lease) {
            if lease.end != End::Open {
                return Verdict::Refused(Refusal::Closed);
            }
            let budgets = self.states(&self.budgets_of(admit, &user), &user, admit.token, &lease.admit.calendar);
            return Verdict::Admitted(Admitted { email: user.email, budgets });
        }
        if self.given_up.contains(&admit.lease) {
            return Verdict::Refused(Refusal::Closed);
        }
        if let Some(preclusion) = admit.preclusion {
            return Verdict::Refused(Refusal::Precluded(preclusion));
        }
        if let Some(denial) = denial(admit, &user) {
            return Verdict::Refused(Refusal::Denied(denial));
        }
        let (limits, minute) = (limits_of(admit, &user), self.minute(admit));
        if let Some(limited) = self.limited(admit, &limits, minute) {
            return Verdict::Refused(Refusal::Limited(limited));
        }
        let budgets = self.budgets_of(admit, &user);
        let before = self.states(&budgets, &user, admit.token, &admit.calendar);
        if !before.is_empty() && !admit.priced {
            return Verdict::Refused(Refusal::Unpriced);
        }
        if let Some(used_up) = before.iter().find(|state| state.spent >= state.budget.limit) {
            return Verdict::Refused(Refusal::Exhausted(used_up.clone()));
        }
        for state in &before {
            let total = state.spent.0 + state.held.0 + admit.estimate.0;
            let personal = !matches!(state.budget.scope, BudgetScope::Group(_) | BudgetScope::Org);
            if total > state.budget.limit.0 && !(personal && state.held.0 == 0) {
                return Verdict::Refused(Refusal::Reserved(state.clone()));
            }
        }
        let groups = before.iter().filter_map(|state| match &state.budget.scope {
            BudgetScope::Group(name) => Some(name.clone()),
            _ => None,
        });
        let groups = groups.collect();
        let rated = limits.into_iter().map(|(name, _)| name).collect();
        let (admit_again, tokens) = (admit.clone(), admit.tokens);
        self.leases.push(Lease { admit: admit_again, groups, end: End::Open, rated, minute, tokens });
        let budgets = self.states(&budgets, &user, admit.token, &admit.calendar);
        Verdict::Admitted(Admitted { email: user.email, budgets })
    }

    /// Ends a lease with its cost; says whether that changed anything.
    pub fn settle(&mut self, settlement: &Settlement) -> bool {
        let lease = self.leases.iter_mut().find(|lease| lease.admit.lease == settlement.lease);
        let Some(lease) = lease else { return false };
        let revision = match lease.end {
            End::Open => {
                lease.tokens = settlement.usage.input + settlement.usage.output;
                1
            }
            End::Swept => 2,
            End::Cancelled | End::Settled(_) => return false,
        };
        lease.end = End::Settled(settlement.cost.0);
        self.events.push((settlement.lease, revision, settlement.cost.0, settlement.priced));
        true
    }

    /// Gives a lease up; says whether that changed anything.
    pub fn cancel(&mut self, id: LeaseId) -> bool {
        match self.leases.iter_mut().find(|lease| lease.admit.lease == id) {
            Some(lease) if lease.end == End::Open => lease.end = End::Cancelled,
            None if !self.given_up.contains(&id) => self.given_up.push(id),
            Some(_) | None => return false,
        }
        true
    }

    /// Charges leases that expired 30 s before `now`, at most `limit`.
    pub fn sweep(&mut self, now: Timestamp, limit: usize) -> usize {
        let mut overdue: Vec<usize> = (0..self.leases.len())
            .filter(|index| self.leases[*index].end == End::Open && self.leases[*index].admit.expiry.0 + 30 <= now.0)
            .collect();
        overdue.sort_by_key(|index| (self.leases[*index].admit.expiry, self.leases[*index].admit.lease));
        overdue.truncate(limit);
        for index in &overdue {
            self.abandon_one(*index);
        }
        overdue.len()
    }

    /// Charges every open lease: the process is gone.
    pub fn abandon(&mut self) {
        let mut open: Vec<usize> =
            (0..self.leases.len()).filter(|index| self.leases[*index].end == End::Open).collect();
        open.sort_by_key(|index| (self.leases[*index].admit.expiry, self.leases[*index].admit.lease));
        for index in open {
            self.abandon_one(index);
        }
    }

    /// Returns the minute in which a call counts. Only two are remembered, an even one and an odd one.
    fn minute(&self, admit: &Admit) -> i64 {
        let minute = admit.now.0.div_euclid(60);
        let same = |lease: &&Lease| !lease.rated.is_empty() && (lease.minute - minute) % 2 == 0;
        self.leases.iter().filter(same).map(|lease| lease.minute).fold(minute, i64::max)
    }

    fn limited(&self, admit: &Admit, limits: &[(String, RateLimit)], minute: i64) -> Option<Limited> {
        let limited = |limit: &RateLimit, measure| Some(Limited { limit: limit.clone(), measure });
        let of = |name: &String| self.leases.iter().filter(|lease| lease.rated.contains(name)).collect::<Vec<_>>();
        for (name, limit) in limits {
            let counts = |lease: &&&Lease| lease.minute == minute && lease.end != End::Cancelled;
            let counted = of(name);
            let requests = counted.iter().filter(counts).count() as u64;
            let tokens: u64 = counted.iter().filter(counts).map(|lease| lease.tokens).sum();
            if limit.requests_per_minute.is_some_and(|most| requests >= most) {
                return limited(limit, RateMeasure::Requests);
            }
            if tokens > 0 && limit.tokens_per_minute.is_some_and(|most| tokens + admit.tokens > most) {
                return limited(limit, RateMeasure::Tokens);
            }
        }
        for (name, limit) in limits {
            let running = of(name).iter().filter(|lease| lease.end == End::Open).count() as u64;
            if limit.calls_in_flight.is_some_and(|most| running >= most) {
                return limited(limit, RateMeasure::InFlight);
            }
        }
        None
    }

    fn abandon_one(&mut self, index: usize) {
        let lease = &mut self.leases[index];
        lease.end = End::Swept;
        self.events.push((lease.admit.lease, 1, lease.admit.estimate.0, lease.admit.priced));
    }

    /// Returns what a person spent and holds in a window that runs at `calendar`.
    #[must_use]
    pub fn own(&self, user: UserId, kind: WindowKind, calendar: &Calendar) -> Totals {
        self.sum(kind, calendar, |lease| lease.admit.user == user)
    }

    /// Returns how somebody's budgets stand.
    #[must_use]
    pub fn standing(&self, query: &SpendingQuery) -> Vec<BudgetState> {
        let user = &self.users[&query.user];
        let token = query.token.expect("it is asked for one");
        self.states(&self.budgets(&query.budgets, user), user, token, &query.calendar)
    }

    fn budgets_of(&self, admit: &Admit, user: &UserEntry) -> Vec<(Budget, BudgetSource)> {
        if admit.is_free { Vec::new() } else { self.budgets(&admit.budgets, user) }
    }

    /// Returns everybody's budgets, and those of one person.
    fn budgets(&self, configured: &[Budget], user: &UserEntry) -> Vec<(Budget, BudgetSource)> {
        let mut all: Vec<(Budget, BudgetSource)> =
            configured.iter().map(|budget| (budget.clone(), BudgetSource::Config)).collect();
        let mut add = |scope: BudgetScope, window, limit| {
            if !configured.iter().any(|other| other.scope == scope && other.window == window) {
                all.push((Budget { scope, window, limit }, BudgetSource::Api));
            }
        };
        for (window, limit) in &user.limits {
            add(BudgetScope::User(user.email.clone()), *window, *limit);
        }
        for ((scope, window), limit) in self.book.limits.iter() {
            add(scope.clone(), *window, *limit);
        }
        all
    }

    fn states(
        &self,
        budgets: &[(Budget, BudgetSource)],
        user: &UserEntry,
        token: TokenId,
        calendar: &Calendar,
    ) -> Vec<BudgetState> {
        let mut states = Vec::new();
        for (budget, source) in budgets {
            let sum = match &budget.scope {
                BudgetScope::User(email) if *email == user.email => self.own(user.id, budget.window, calendar),
                BudgetScope::DefaultUser if !has_own(budgets, user, budget.window) => {
                    self.own(user.id, budget.window, calendar)
                }
                BudgetScope::Group(name) if user.groups.contains(name) => {
                    self.sum(budget.window, calendar, |lease| lease.groups.contains(name))
                }
                BudgetScope::Org => self.sum(budget.window, calendar, |_| true),
                BudgetScope::Token(id) if *id == token => {
                    self.sum(budget.window, calendar, |lease| lease.admit.token == *id)
                }
                _ => continue,
            };
            let reset = calendar.window(budget.window).end;
            let Totals { spent, held } = sum;
            states.push(BudgetState { budget: budget.clone(), source: *source, spent, held, reset });
        }
        states
    }

    fn sum(&self, kind: WindowKind, calendar: &Calendar, counts: impl Fn(&Lease) -> bool) -> Totals {
        let (mut spent, mut held) = (0, 0);
        let window = &calendar.window(kind).id;
        for lease in self.leases.iter().filter(|lease| lease.admit.calendar.window(kind).id == *window && counts(lease))
        {
            match lease.end {
                End::Open => held += lease.admit.estimate.0,
                End::Swept => spent += lease.admit.estimate.0,
                End::Settled(cost) => spent += cost,
                End::Cancelled => {}
            }
        }
        Totals { spent: Nanodollars(spent), held: Nanodollars(held) }
    }
}

/// Returns the limits that somebody is under, each with what counts against it.
fn limits_of(admit: &Admit, user: &UserEntry) -> Vec<(String, RateLimit)> {
    let (own_user, own_token) = (format!("user:{}", user.email), format!("token:{}", admit.token));
    let limits = &admit.rules.limits;
    let is_there = |scope: &str, model| {
        limits.iter().any(|other| String::from(other.scope.clone()) == scope && other.model == model)
    };
    let mut applicable = Vec::new();
    for limit in limits {
        let scope = String::from(limit.scope.clone());
        let by = match scope.as_str() {
            "org" => "everybody".to_owned(),
            "default_user" if !is_there(&own_user, limit.model.clone()) => own_user.clone(),
            "default_token" if !is_there(&own_token, limit.model.clone()) => own_token.clone(),
            scope if scope == own_user || scope == own_token => scope.to_owned(),
            scope if user.groups.iter().any(|name| scope == format!("group:{name}")) => scope.to_owned(),
            _ => continue,
        };
        applicable.push((format!("{:?} {by}", limit.model), limit.clone()));
    }
    applicable
}

/// Returns what the rules of access have against a call.
fn denial(admit: &Admit, user: &UserEntry) -> Option<Denial> {
    let all: Vec<(String, bool, bool)> =
        admit.rules.access.iter().map(|rule| (rule.scope.clone().into(), rule.model, rule.token_scope)).collect();
    let is_own = |scope: &str| {
        scope == format!("user:{}", user.email) || user.groups.iter().any(|name| scope == format!("group:{name}"))
    };
    let of = |is_meant: &dyn Fn(&str) -> bool| -> Vec<_> { all.iter().filter(|(scope, ..)| is_meant(scope)).collect() };
    let mut person = of(&is_own);
    if person.is_empty() {
        person = of(&|scope| scope == "default_user");
    }
    let token = of(&|scope| scope == format!("token:{}", admit.token));
    for (rules, by_token) in [(person, false), (token, true)] {
        if !rules.is_empty() && rules.iter().all(|(.., may_use)| !may_use) {
            return Some(Denial { by_token, what: Denied::Scope });
        }
        if !rules.is_empty() && rules.iter().all(|(_, may_call, _)| !may_call) {
            return Some(Denial { by_token, what: Denied::Model });
        }
    }
    None
}

fn has_own(budgets: &[(Budget, BudgetSource)], user: &UserEntry, window: WindowKind) -> bool {
    let own = BudgetScope::User(user.email.clone());
    budgets.iter().any(|(budget, _)| budget.window == window && budget.scope == own)
}

fn identity_refusal(user: &UserEntry, token: &TokenEntry, admit: &Admit) -> Option<Refusal> {
    if admit.now.0 >= token.expiry.0 {
        return Some(Refusal::Expired);
    }
    if user.status == Status::Removed {
        return Some(Refusal::Removed);
    }
    if token.revoked || user.token_epoch.0 > token.epoch.0 || user.token_epoch.0 > admit.epoch.0 {
        return Some(Refusal::Revoked);
    }
    if let Status::Suspended(suspension) = &user.status
        && suspension.until.is_none_or(|until| admit.now.0 < until.0)
    {
        return Some(Refusal::Suspended { until: suspension.until });
    }
    let least = admit.signed_in_since?;
    let is_too_old = user.last_sign_in.is_none_or(|last| last.0 < least.0);
    is_too_old.then_some(Refusal::SignInTooOld)
}
