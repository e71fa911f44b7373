//! People.

use gateway_core::id::UserId;
use gateway_core::identity::{Name, User};
use gateway_core::ports::{AuditEntry, PeopleList, Subject, Unavailable, Users, WriteError};
use gateway_core::version::{Stored, Version};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};
use serde::de::DeserializeOwned;

use super::workers::Refusal;
use super::{SqliteRecords, body, json, only_one, tell};

/// The user whom a name leads to.
pub(super) const NAMED: &str = "SELECT version, body FROM user_name JOIN user ON user.id = user_name.user
                                WHERE kind = :kind AND name = :name";

impl Users for SqliteRecords {
    async fn user(&self, id: UserId) -> Result<Option<Stored<User>>, Unavailable> {
        self.workers
            .read(move |connection| {
                let mut statement = connection.prepare_cached("SELECT version, body FROM user WHERE id = :id")?;
                statement.query_row(named_params! {":id": id.to_string()}, stored).optional()
            })
            .await
    }

    async fn user_named(&self, name: &Name) -> Result<Option<Stored<User>>, Unavailable> {
        let name = name.clone();
        self.workers
            .read(move |connection| {
                let (kind, parts) = name.parts();
                let mut statement = connection.prepare_cached(NAMED)?;
                statement.query_row(named_params! {":kind": kind, ":name": json(&parts)?}, stored).optional()
            })
            .await
    }

    async fn insert_user(&self, user: &User, entry: &AuditEntry) -> Result<(), WriteError> {
        let (user, entry) = (user.clone(), entry.clone());
        let write = move |connection: &Connection| {
            let sql = "INSERT INTO user (id, email, version, body) VALUES (:id, :email, :version, :body)";
            connection.prepare_cached(sql)?.execute(named_params! {
                ":id": user.id.to_string(),
                ":email": user.email.as_str(),
                ":version": Version::FIRST.0.cast_signed(),
                ":body": json(&user)?,
            })?;
            lead_to(connection, &user)?;
            tell(connection, Subject::User(user.id), Version::FIRST, &entry)
        };
        self.workers.write(write).await
    }

    async fn replace_user(&self, next: &User, seen: &Stored<User>, entry: &AuditEntry) -> Result<(), WriteError> {
        let (next, seen, entry) = (next.clone(), seen.version, entry.clone());
        let write = move |connection: &Connection| {
            let sql = "UPDATE user SET email = :email, version = :next, body = :body
                       WHERE id = :id AND version = :seen";
            let changed = connection.prepare_cached(sql)?.execute(named_params! {
                ":id": next.id.to_string(),
                ":email": next.email.as_str(),
                ":next": seen.next().0.cast_signed(),
                ":seen": seen.0.cast_signed(),
                ":body": json(&next)?,
            })?;
            only_one(changed)?;
            forget_what_leads_to(connection, next.id)?;
            lead_to(connection, &next)?;
            tell(connection, Subject::User(next.id), seen.next(), &entry)
        };
        self.workers.write(write).await
    }
}

/// Writes a user's names, and their places in the lists. A name that is taken refuses the write.
fn lead_to(connection: &Connection, user: &User) -> Result<(), Refusal> {
    let id = user.id.to_string();
    let mut statement =
        connection.prepare_cached("INSERT INTO user_name (kind, name, user) VALUES (:kind, :name, :user)")?;
    for name in user.names() {
        let (kind, parts) = name.parts();
        statement.execute(named_params! {":kind": kind, ":name": json(&parts)?, ":user": id})?;
    }
    let mut statement =
        connection.prepare_cached("INSERT INTO user_list (list, place, user) VALUES (:list, :place, :user)")?;
    for list in PeopleList::ALL.iter().filter(|list| list.has(user)) {
        statement.execute(named_params! {":list": list.name(), ":place": list.place(user), ":user": id})?;
    }
    Ok(())
}

fn forget_what_leads_to(connection: &Connection, id: UserId) -> Result<(), Refusal> {
    let id = id.to_string();
    connection.prepare_cached("DELETE FROM user_name WHERE user = :user")?.execute(named_params! {":user": id})?;
    connection.prepare_cached("DELETE FROM user_list WHERE user = :user")?.execute(named_params! {":user": id})?;
    Ok(())
}

/// Reads a record that is a version and a body.
pub(super) fn stored<T: DeserializeOwned>(row: &Row) -> rusqlite::Result<Stored<T>> {
    let version: i64 = row.get(0)?;
    Ok(Stored { value: body(row, 1)?, version: Version(version.cast_unsigned()) })
}
