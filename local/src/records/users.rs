//! People.

use gateway_core::id::UserId;
use gateway_core::identity::User;
use gateway_core::ports::{AuditEntry, Subject, Unavailable, Users, WriteError};
use gateway_core::version::{Stored, Version};
use rusqlite::{OptionalExtension as _, Row, named_params};

use super::{SqliteRecords, body, json, only_one, tell};

impl Users for SqliteRecords {
    async fn user(&self, id: UserId) -> Result<Option<Stored<User>>, Unavailable> {
        self.workers
            .read(move |connection| {
                let mut statement = connection.prepare_cached("SELECT version, body FROM user WHERE id = :id")?;
                statement.query_row(named_params! {":id": id.to_string()}, stored).optional()
            })
            .await
    }

    async fn user_by_subject(&self, issuer: &str, subject: &str) -> Result<Option<Stored<User>>, Unavailable> {
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        self.workers
            .read(move |connection| {
                let sql = "SELECT version, body FROM user WHERE issuer = :issuer AND subject = :subject";
                let mut statement = connection.prepare_cached(sql)?;
                statement.query_row(named_params! {":issuer": issuer, ":subject": subject}, stored).optional()
            })
            .await
    }

    async fn insert_user(&self, user: &User, entry: &AuditEntry) -> Result<(), WriteError> {
        let (user, entry) = (user.clone(), entry.clone());
        let write = move |connection: &rusqlite::Connection| {
            let sql = "INSERT INTO user (id, issuer, subject, email, last_sign_in, version, body)
                       VALUES (:id, :issuer, :subject, :email, :last_sign_in, :version, :body)";
            connection.prepare_cached(sql)?.execute(named_params! {
                ":id": user.id.to_string(),
                ":issuer": user.issuer,
                ":subject": user.subject,
                ":email": user.email.as_str(),
                ":last_sign_in": user.last_sign_in.0,
                ":version": Version::FIRST.0.cast_signed(),
                ":body": json(&user)?,
            })?;
            tell(connection, Subject::User(user.id), Version::FIRST, &entry)
        };
        self.workers.write(write).await
    }

    async fn replace_user(&self, next: &User, seen: Version, entry: &AuditEntry) -> Result<(), WriteError> {
        let (next, entry) = (next.clone(), entry.clone());
        let write = move |connection: &rusqlite::Connection| {
            let sql = "UPDATE user SET email = :email, last_sign_in = :last_sign_in, version = :next, body = :body
                       WHERE id = :id AND version = :seen";
            let changed = connection.prepare_cached(sql)?.execute(named_params! {
                ":id": next.id.to_string(),
                ":email": next.email.as_str(),
                ":last_sign_in": next.last_sign_in.0,
                ":next": seen.next().0.cast_signed(),
                ":seen": seen.0.cast_signed(),
                ":body": json(&next)?,
            })?;
            only_one(changed)?;
            tell(connection, Subject::User(next.id), seen.next(), &entry)
        };
        self.workers.write(write).await
    }
}

pub(super) fn stored(row: &Row) -> rusqlite::Result<Stored<User>> {
    let version: i64 = row.get(0)?;
    Ok(Stored { value: body(row, 1)?, version: Version(version.cast_unsigned()) })
}
