//! People, and the items that lead to them.
//!
//! What leads to somebody changes in the transaction that changes their record: what they have no more is deleted, what is new is
//! put, and a name only where nobody has it. AWS takes a hundred items in a transaction, but DynamoDB Local ten in some versions, and each
//! is paid for: what one item can say is not said by two.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use gateway_core::id::UserId;
use gateway_core::identity::{Name, User};
use gateway_core::ports::{AuditEntry, PeopleList, Subject, Unavailable, Users, WriteError};
use gateway_core::version::{Stored, Version};

use super::DynamoRecords;
use super::call::IS_NEW;
use super::item::{Item, json, listed, number, stored, text, text_of};
use super::key::{Key, people};

impl Users for DynamoRecords {
    async fn user(&self, id: UserId) -> Result<Option<Stored<User>>, Unavailable> {
        self.read(&Key::user(id)).await?.map(|item| stored(&item)).transpose()
    }

    async fn user_named(&self, name: &Name) -> Result<Option<Stored<User>>, Unavailable> {
        let Some(known) = self.read(&Key::name(name)).await? else { return Ok(None) };
        let id = text_of(&known, "person")?.parse().map_err(|error| Unavailable::new(super::NAME, error))?;
        // Between the two they may have given it up.
        Ok(self.user(id).await?.filter(|user| user.value.names().contains(name)))
    }

    async fn insert_user(&self, user: &User, entry: &AuditEntry) -> Result<(), WriteError> {
        let mut parts = vec![self.put(item(user, Version::FIRST), Some(IS_NEW))?];
        parts.extend(self.lead_to(user, None)?);
        parts.extend(self.told(Subject::User(user.id), Version::FIRST, entry, None)?);
        self.transact(parts).await
    }

    async fn replace_user(&self, next: &User, seen: &Stored<User>, entry: &AuditEntry) -> Result<(), WriteError> {
        let version = seen.version.next();
        let mut parts = vec![self.put_over(item(next, version), seen.version)?];
        parts.extend(self.lead_to(next, Some(&seen.value))?);
        parts.extend(self.told(Subject::User(next.id), version, entry, None)?);
        self.transact(parts).await
    }
}

impl DynamoRecords {
    /// Returns the part of a user's transaction that changes what leads to them, given who they were if they are not new.
    fn lead_to(&self, next: &User, seen: Option<&User>) -> Result<Vec<TransactWriteItem>, Unavailable> {
        let (after, before) = (leads(next), seen.map(leads).unwrap_or_default());
        let given_up = before.keys().filter(|key| !after.contains_key(*key)).map(|key| self.delete(key));
        let changed = after.iter().filter(|(key, item)| before.get(*key) != Some(*item));
        let put = changed.map(|(key, item)| self.put(item.clone(), (!before.contains_key(key)).then_some(IS_NEW)));
        given_up.chain(put).collect()
    }
}

/// Returns a user's item.
fn item(user: &User, version: Version) -> Item {
    let mut item = Key::user(user.id).item();
    item.insert("version".to_owned(), number(version.0));
    item.insert("body".to_owned(), json(user));
    item.extend(places(user).remove("USER").unwrap_or_default());
    item
}

/// Returns the items that lead to a user: their names, their address, and rows of lists beside them.
fn leads(user: &User) -> BTreeMap<Key, Item> {
    let names = user.names().iter().map(Key::name).collect::<Vec<_>>();
    // Where nobody has signed in, the name says it.
    let has_address = user.erased.is_none() && user.account.is_some();
    let address = has_address.then(|| Key::at_address(&user.email, user.id));
    let leading = names.into_iter().chain(address).map(|key| {
        let mut item = key.item();
        item.insert("person".to_owned(), text(user.id.to_string()));
        (key, item)
    });
    let rows = places(user).into_iter().filter(|(row, _)| *row != "USER").map(|(row, places)| {
        let key = Key { sk: row.to_owned(), ..Key::user(user.id) };
        let mut item = key.item();
        item.extend(places);
        (key, item)
    });
    leading.chain(rows).collect()
}

/// Returns where a user stands in the indexes, by the sort key of the item that is there.
fn places(user: &User) -> BTreeMap<&'static str, Item> {
    let mut places: BTreeMap<&str, Item> = BTreeMap::new();
    for list in PeopleList::ALL.iter().filter(|list| list.has(user)) {
        let (row, index) = slot(list);
        listed(places.entry(row).or_default(), index, people(list), list.place(user));
    }
    places
}

/// Returns the sort key of the item by which somebody is in a list, and the index: an item is in each index once, so that
/// whoever can be in two lists needs two of those.
pub(super) const fn slot(list: &PeopleList) -> (&'static str, u8) {
    match list {
        PeopleList::Everybody => ("USER", 1),
        PeopleList::Address(_) => ("USER", 2),
        PeopleList::Suspended | PeopleList::Removed => ("LISTS", 1),
        PeopleList::Administrators => ("LISTS", 2),
        PeopleList::Provisioned => ("PROVISIONED", 1),
        PeopleList::Budgeted => ("PROVISIONED", 2),
    }
}
