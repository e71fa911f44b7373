//! The audit log.

use gateway_core::ports::{AuditEntry, AuditLog, AuditQuery, Page, Unavailable};

use super::DynamoRecords;
use super::item::{Item, body, json, text};
use super::key::{AUDIT, Key, hash};
use super::list::{List, Order};

impl AuditLog for DynamoRecords {
    async fn entries(&self, query: &AuditQuery) -> Result<Page<AuditEntry>, Unavailable> {
        // Little is about one target, and an actor may have done more than anybody could read through to find it.
        let (index, partition) = match (&query.target, &query.actor) {
            (Some(target), _) => (Some(2), about(target)),
            (None, Some(actor)) => (Some(1), by(actor)),
            (None, None) => (None, AUDIT.to_owned()),
        };
        let list = List {
            index,
            partition: partition.clone(),
            prefix: "",
            order: Order::NewestFirst,
            is_sparse: false,
            start: &|cursor| {
                let mut start = Key::new(AUDIT, cursor).item();
                if let Some(index) = index {
                    start.insert(format!("pk{index}"), text(&partition));
                    start.insert(format!("sk{index}"), text(cursor));
                }
                start
            },
            record: &|row| index.map(|_| row.clone()),
        };
        let is_wanted = |entry: &AuditEntry| query.actor.as_ref().is_none_or(|actor| *actor == entry.actor);
        self.page(&list, &query.page, body, is_wanted).await
    }

    async fn note(&self, entry: &AuditEntry) -> Result<(), Unavailable> {
        self.write(item(entry)).await
    }
}

/// Returns an entry as an item.
pub(super) fn item(entry: &AuditEntry) -> Item {
    let id = entry.id.to_string();
    let mut item = Key::new(AUDIT, &id).item();
    for (name, value) in [("pk1", by(&entry.actor)), ("sk1", id.clone()), ("pk2", about(&entry.target)), ("sk2", id)] {
        item.insert(name.to_owned(), text(value));
    }
    item.insert("body".to_owned(), json(entry));
    item
}

fn by(actor: &str) -> String {
    format!("ACTOR#{}", hash(&[actor]))
}

fn about(target: &str) -> String {
    format!("TARGET#{}", hash(&[target]))
}
