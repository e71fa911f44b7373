//! People.

use gateway_core::id::UserId;
use gateway_core::identity::User;
use gateway_core::ports::{AuditEntry, Subject, Unavailable, Users, WriteError};
use gateway_core::version::{Stored, Version};

use super::DynamoRecords;
use super::call::{Change, IS_NEW};
use super::item::{json, number, stored, text, text_of};
use super::key::{Key, at_address};

impl Users for DynamoRecords {
    async fn user(&self, id: UserId) -> Result<Option<Stored<User>>, Unavailable> {
        self.read(&Key::user(id)).await?.map(|item| stored(&item)).transpose()
    }

    async fn user_by_subject(&self, issuer: &str, subject: &str) -> Result<Option<Stored<User>>, Unavailable> {
        let Some(known) = self.read(&Key::subject(issuer, subject)).await? else { return Ok(None) };
        let id = text_of(&known, "person")?.parse().map_err(|error| Unavailable::new(super::NAME, error))?;
        self.user(id).await
    }

    async fn insert_user(&self, user: &User, entry: &AuditEntry) -> Result<(), WriteError> {
        let mut item = Key::user(user.id).item();
        item.insert("version".to_owned(), number(Version::FIRST.0));
        item.insert("body".to_owned(), json(user));
        item.insert("pk1".to_owned(), text(at_address(&user.email)));
        item.insert("sk1".to_owned(), text(user.id.to_string()));
        // The identity provider's name for them leads to one person only.
        let mut subject = Key::subject(&user.issuer, &user.subject).item();
        subject.insert("person".to_owned(), text(user.id.to_string()));
        let mut parts = vec![self.put(item, Some(IS_NEW))?, self.put(subject, Some(IS_NEW))?];
        parts.extend(self.told(Subject::User(user.id), Version::FIRST, entry, None)?);
        self.transact(parts).await
    }

    async fn replace_user(&self, next: &User, seen: Version, entry: &AuditEntry) -> Result<(), WriteError> {
        let replaced = self.update(Change {
            key: Key::user(next.id),
            update: "SET version = :next, body = :body, pk1 = :address, sk1 = :id",
            condition: Some("version = :seen"),
            values: vec![
                (":next", number(seen.next().0)),
                (":seen", number(seen.0)),
                (":body", json(next)),
                (":address", text(at_address(&next.email))),
                (":id", text(next.id.to_string())),
            ],
        })?;
        let mut parts = vec![replaced];
        parts.extend(self.told(Subject::User(next.id), seen.next(), entry, None)?);
        self.transact(parts).await
    }
}
