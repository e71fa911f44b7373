//! Records that live as long as the test, with faults on demand.

mod accounts;
mod arrivals;
mod directory;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::faulty::Faults;
use crate::accounts::{SpentKey, Sums};
use crate::admission::UsageEvent;
use crate::id::{AuditId, LeaseId, TokenId, UserId};
use crate::identity::{Name, User};
use crate::money::{Alert, BudgetBook};
use crate::ports::{
    Alerts, AuditEntry, AuditLog, AuditQuery, Budgets, Cursor, Outbox, Page, PageRequest, Records, Retention, Subject,
    TokenQuery, Tokens, Unavailable, Users, WriteError,
};
use crate::time::Timestamp;
use crate::token::Token;
use crate::version::{Stored, Version};

/// Records in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryRecords {
    state: Arc<Mutex<State>>,
    faults: Faults,
}

#[derive(Debug, Default)]
struct State {
    users: BTreeMap<UserId, Stored<User>>,
    tokens: BTreeMap<TokenId, Stored<Token>>,
    book: Option<Stored<BudgetBook>>,
    /// Alerts by their ids, and whether they wait.
    alerts: BTreeMap<String, (Alert, bool)>,
    audit: BTreeMap<AuditId, AuditEntry>,
    usage: BTreeMap<LeaseId, UsageEvent>,
    /// The events by the place at which they arrived.
    arrivals: BTreeMap<u64, LeaseId>,
    /// The last of these places.
    arrived: u64,
    exports: BTreeMap<String, u64>,
    sums: Sums,
    outbox: Vec<(Subject, Version)>,
    beats: u64,
}

impl MemoryRecords {
    /// Makes empty records that fail as `faults` says.
    #[must_use]
    pub fn new(faults: Faults) -> Self {
        Self { state: Arc::default(), faults }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T, Unavailable> {
        self.faults.run(async { Ok(read(&self.lock())) }).await
    }

    /// Writes a change that comes with its audit entry.
    async fn change(
        &self,
        audit: &AuditEntry,
        change: impl FnOnce(&mut State) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.write(|state| if state.audit.contains_key(&audit.id) { Err(WriteError::Conflict) } else { change(state) })
            .await
    }

    async fn write<T, E: From<Unavailable>>(&self, write: impl FnOnce(&mut State) -> Result<T, E>) -> Result<T, E> {
        self.faults.run(async { write(&mut self.lock()) }).await
    }
}

impl State {
    /// Says whether something that leads to a user leads to another one.
    fn is_taken(&self, user: &User) -> bool {
        let names = user.names();
        let others = self.users.values().filter(|other| other.value.id != user.id);
        others.flat_map(|other| other.value.names()).any(|name| names.contains(&name))
    }

    fn changed(&mut self, subject: Subject, version: Version, audit: &AuditEntry) {
        self.outbox.retain(|(other, _)| *other != subject);
        self.outbox.push((subject, version));
        self.audit.insert(audit.id, audit.clone());
    }
}

/// Cuts a page out of rows that are in order; `key` names a row.
fn page<T: Clone>(rows: impl Iterator<Item = T>, request: &PageRequest, key: impl Fn(&T) -> String) -> Page<T> {
    let limit = request.rows() as usize;
    let mut items: Vec<T> = rows.take(limit + 1).collect();
    let next = (items.len() > limit).then(|| Cursor(key(&items[limit - 1])));
    items.truncate(limit);
    Page { items, next }
}

/// Says whether a row comes after the cursor in a list that counts down.
fn is_below(key: &str, cursor: Option<&Cursor>) -> bool {
    cursor.is_none_or(|cursor| key < cursor.0.as_str())
}

impl Records for MemoryRecords {}

impl Users for MemoryRecords {
    async fn user(&self, id: UserId) -> Result<Option<Stored<User>>, Unavailable> {
        self.read(|state| state.users.get(&id).cloned()).await
    }

    async fn user_named(&self, name: &Name) -> Result<Option<Stored<User>>, Unavailable> {
        self.read(|state| state.users.values().find(|user| user.value.names().contains(name)).cloned()).await
    }

    async fn insert_user(&self, user: &User, audit: &AuditEntry) -> Result<(), WriteError> {
        self.change(audit, |state| {
            if state.users.contains_key(&user.id) || state.is_taken(user) {
                return Err(WriteError::Conflict);
            }
            state.users.insert(user.id, Stored { value: user.clone(), version: Version::FIRST });
            state.changed(Subject::User(user.id), Version::FIRST, audit);
            Ok(())
        })
        .await
    }

    async fn replace_user(&self, next: &User, seen: &Stored<User>, audit: &AuditEntry) -> Result<(), WriteError> {
        self.change(audit, |state| {
            let is_taken = state.is_taken(next);
            let held = state.users.get_mut(&next.id).filter(|held| held.version == seen.version && !is_taken);
            let version = seen.version.next();
            *held.ok_or(WriteError::Conflict)? = Stored { value: next.clone(), version };
            state.changed(Subject::User(next.id), version, audit);
            Ok(())
        })
        .await
    }
}

impl Tokens for MemoryRecords {
    async fn token(&self, id: TokenId) -> Result<Option<Stored<Token>>, Unavailable> {
        self.read(|state| state.tokens.get(&id).cloned()).await
    }

    async fn tokens(&self, query: &TokenQuery) -> Result<Page<Stored<Token>>, Unavailable> {
        self.read(|state| {
            let wanted = state.tokens.values().rev().filter(|token| {
                token.value.user == query.user
                    && token.value.expiry > query.expired_after
                    && is_below(&token.value.id.to_string(), query.page.cursor.as_ref())
            });
            page(wanted.cloned(), &query.page, |token| token.value.id.to_string())
        })
        .await
    }

    async fn insert_token(&self, token: &Token, audit: &AuditEntry) -> Result<(), WriteError> {
        self.change(audit, |state| {
            if state.tokens.contains_key(&token.id) {
                return Err(WriteError::Conflict);
            }
            state.tokens.insert(token.id, Stored { value: token.clone(), version: Version::FIRST });
            state.changed(Subject::Token(token.id), Version::FIRST, audit);
            Ok(())
        })
        .await
    }

    async fn replace_token(&self, next: &Token, seen: Version, audit: &AuditEntry) -> Result<(), WriteError> {
        self.change(audit, |state| {
            let held =
                state.tokens.get_mut(&next.id).filter(|held| held.version == seen).ok_or(WriteError::Conflict)?;
            let value = Token { last_used: held.value.last_used, ..next.clone() };
            *held = Stored { value, version: seen.next() };
            state.changed(Subject::Token(next.id), seen.next(), audit);
            Ok(())
        })
        .await
    }

    async fn touch(&self, uses: &[(TokenId, Timestamp)]) -> Result<(), Unavailable> {
        self.write(|state| {
            for (id, day) in uses {
                if let Some(token) = state.tokens.get_mut(id) {
                    token.value.last_used = token.value.last_used.max(Some(*day));
                }
            }
            Ok(())
        })
        .await
    }
}

impl Budgets for MemoryRecords {
    async fn budget_book(&self) -> Result<Stored<BudgetBook>, Unavailable> {
        let nothing = || Stored { value: BudgetBook::default(), version: Version::NONE };
        self.read(|state| state.book.clone().unwrap_or_else(nothing)).await
    }

    async fn replace_budget_book(
        &self,
        next: &BudgetBook,
        seen: Version,
        audit: &AuditEntry,
    ) -> Result<(), WriteError> {
        self.change(audit, |state| {
            if state.book.as_ref().map_or(Version::NONE, |book| book.version) != seen {
                return Err(WriteError::Conflict);
            }
            state.book = Some(Stored { value: next.clone(), version: seen.next() });
            state.changed(Subject::Budgets, seen.next(), audit);
            Ok(())
        })
        .await
    }
}

impl Alerts for MemoryRecords {
    async fn note_alerts(&self, alerts: &[Alert]) -> Result<(), Unavailable> {
        self.write(|state| {
            for alert in alerts {
                state.alerts.entry(alert.id()).or_insert_with(|| (alert.clone(), true));
            }
            Ok(())
        })
        .await
    }

    async fn waiting_alerts(&self, limit: u32) -> Result<Vec<Alert>, Unavailable> {
        self.read(|state| {
            let waiting = state.alerts.values().filter(|(_, waits)| *waits).map(|(alert, _)| alert.clone());
            let mut waiting: Vec<Alert> = waiting.collect();
            waiting.sort_by_key(|alert| (alert.at, alert.id()));
            waiting.truncate(limit as usize);
            waiting
        })
        .await
    }

    async fn alert_sent(&self, alert: &Alert) -> Result<(), Unavailable> {
        self.write(|state| {
            if let Some((_, waits)) = state.alerts.get_mut(&alert.id()) {
                *waits = false;
            }
            Ok(())
        })
        .await
    }
}

impl AuditLog for MemoryRecords {
    async fn entries(&self, query: &AuditQuery) -> Result<Page<AuditEntry>, Unavailable> {
        self.read(|state| {
            let wanted = state.audit.values().rev().filter(|entry| {
                query.actor.as_ref().is_none_or(|actor| *actor == entry.actor)
                    && query.target.as_ref().is_none_or(|target| *target == entry.target)
                    && is_below(&entry.id.to_string(), query.page.cursor.as_ref())
            });
            page(wanted.cloned(), &query.page, |entry| entry.id.to_string())
        })
        .await
    }

    async fn note(&self, entry: &AuditEntry) -> Result<(), Unavailable> {
        self.write(|state| {
            state.audit.insert(entry.id, entry.clone());
            Ok(())
        })
        .await
    }
}

impl Retention for MemoryRecords {
    async fn forget_tokens(&self, expired_by: Timestamp, limit: u32) -> Result<u32, Unavailable> {
        self.write(|state| {
            let expired = state.tokens.values().filter(|token| token.value.expiry <= expired_by);
            let expired: Vec<TokenId> = expired.map(|token| token.value.id).take(limit as usize).collect();
            for id in &expired {
                state.tokens.remove(id);
                state.outbox.retain(|(subject, _)| *subject != Subject::Token(*id));
            }
            Ok(u32::try_from(expired.len()).unwrap_or(limit))
        })
        .await
    }

    async fn forget_spent(&self, ended_by: Timestamp, limit: u32) -> Result<u32, Unavailable> {
        self.write(|state| {
            let sums = state.sums.spent.iter();
            let ended = sums.filter(|(_, (_, end))| end.is_some_and(|end| end <= ended_by));
            let ended: Vec<SpentKey> = ended.map(|(key, _)| key.clone()).take(limit as usize).collect();
            for key in &ended {
                state.sums.spent.remove(key);
            }
            state.alerts.retain(|_, (alert, _)| alert.reset.is_none_or(|end| end > ended_by));
            Ok(u32::try_from(ended.len()).unwrap_or(limit))
        })
        .await
    }

    async fn forget_usage(&self, before: Timestamp, limit: u32) -> Result<u32, Unavailable> {
        self.write(|state| {
            let old = state.usage.range(..LeaseId::first_at(before));
            let old: Vec<LeaseId> = old.map(|(id, _)| *id).take(limit as usize).collect();
            for id in &old {
                state.usage.remove(id);
            }
            Ok(u32::try_from(old.len()).unwrap_or(limit))
        })
        .await
    }
}

impl Outbox for MemoryRecords {
    async fn unapplied(&self, limit: u32) -> Result<Vec<(Subject, Version)>, Unavailable> {
        self.read(|state| state.outbox.iter().take(limit as usize).copied().collect()).await
    }

    async fn applied(&self, subject: Subject, version: Version) -> Result<(), Unavailable> {
        self.write(|state| {
            state.outbox.retain(|(other, written)| *other != subject || *written > version);
            Ok(())
        })
        .await
    }
}
