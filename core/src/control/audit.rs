//! Reading the audit log.

use super::{Authority, Control};
use crate::id::UserId;
use crate::identity::Email;
use crate::ports::{AuditEntry, AuditLog as _, AuditQuery, Page, PageRequest, Unavailable};

/// An entry, with the addresses that those whom it names have now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedEntry {
    /// The entry.
    pub entry: AuditEntry,
    /// The address of who did it.
    pub actor: Option<Email>,
    /// The address of whom it was done to.
    pub target: Option<Email>,
}

/// Which entries are looked for. People are named by address, id, or as entries name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSearch {
    /// Only what they did.
    pub actor: Option<String>,
    /// Only what was done to them or to it.
    pub target: Option<String>,
    /// Which page.
    pub page: PageRequest,
}

impl<A: Authority> Control<A> {
    /// Returns one page of the audit log, newest first.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the records do not answer.
    pub async fn audit_log(&self, search: &AuditSearch) -> Result<Page<NamedEntry>, Unavailable> {
        let actor = match &search.actor {
            Some(text) => Some(self.id_of(text).await?.map_or_else(|| text.clone(), |id| id.to_string())),
            None => None,
        };
        let target = match &search.target {
            Some(text) => Some(self.id_of(text).await?.map_or_else(|| text.clone(), |id| format!("user:{id}"))),
            None => None,
        };
        let found = self.records().entries(&AuditQuery { actor, target, page: search.page.clone() }).await?;
        let known = self.by_id(found.items.iter().flat_map(people)).await?;
        let address = |id: Option<UserId>| id.and_then(|id| known.get(&id)).map(|user| user.email.clone());
        let items = found.items.into_iter().map(|entry| NamedEntry {
            actor: address(acting(&entry)),
            target: address(concerned(&entry)),
            entry,
        });
        Ok(Page { items: items.collect(), next: found.next })
    }

    /// Returns who is meant by an address or an id: of several people, the one who signed in last.
    async fn id_of(&self, text: &str) -> Result<Option<UserId>, Unavailable> {
        if let Ok(id) = text.parse() {
            return Ok(Some(id));
        }
        let Ok(email) = Email::parse(text) else { return Ok(None) };
        Ok(self.newest_at(&email).await?.map(|user| user.id))
    }
}

fn people(entry: &AuditEntry) -> impl Iterator<Item = UserId> {
    acting(entry).into_iter().chain(concerned(entry))
}

fn acting(entry: &AuditEntry) -> Option<UserId> {
    entry.actor.parse().ok()
}

fn concerned(entry: &AuditEntry) -> Option<UserId> {
    entry.target.strip_prefix("user:")?.parse().ok()
}
