//! Issued tokens.

use gateway_core::id::TokenId;
use gateway_core::ports::{AuditEntry, Page, Subject, TokenQuery, Tokens, Unavailable, WriteError};
use gateway_core::time::Timestamp;
use gateway_core::token::Token;
use gateway_core::version::{Stored, Version};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::workers::Refusal;
use super::{SqliteRecords, body, json, only_one, page, rows, tell};

/// One page of a user's tokens, newest first: their ids sort by time.
pub(super) const LIST: &str = "SELECT version, last_used, body FROM token
                               WHERE user = :user AND id < :before AND expiry > :expired_after
                               ORDER BY id DESC LIMIT :limit";

/// Sorts after every id.
pub(super) const LAST: &str = "~";

impl Tokens for SqliteRecords {
    async fn token(&self, id: TokenId) -> Result<Option<Stored<Token>>, Unavailable> {
        self.workers
            .read(move |connection| {
                let sql = "SELECT version, last_used, body FROM token WHERE id = :id";
                let mut statement = connection.prepare_cached(sql)?;
                statement.query_row(named_params! {":id": id.to_string()}, stored).optional()
            })
            .await
    }

    async fn tokens(&self, query: &TokenQuery) -> Result<Page<Stored<Token>>, Unavailable> {
        let query = query.clone();
        self.workers
            .read(move |connection| {
                let before = query.page.cursor.as_ref().map_or(LAST, |cursor| cursor.0.as_str());
                let parameters = named_params! {
                    ":user": query.user.to_string(),
                    ":before": before,
                    ":expired_after": query.expired_after.0,
                    ":limit": query.page.rows() + 1,
                };
                let found = rows(connection, LIST, parameters, stored)?;
                Ok(page(found, &query.page, |token| token.value.id.to_string()))
            })
            .await
    }

    async fn insert_token(&self, token: &Token, entry: &AuditEntry) -> Result<(), WriteError> {
        let (token, entry) = (token.clone(), entry.clone());
        let write = move |connection: &Connection| {
            let sql = "INSERT INTO token (id, user, expiry, last_used, version, body)
                       VALUES (:id, :user, :expiry, :last_used, :version, :body)";
            connection.prepare_cached(sql)?.execute(named_params! {
                ":id": token.id.to_string(),
                ":user": token.user.to_string(),
                ":expiry": token.expiry.0,
                ":last_used": token.last_used.map(|day| day.0),
                ":version": Version::FIRST.0.cast_signed(),
                ":body": json(&token)?,
            })?;
            lead_to(connection, &token)?;
            tell(connection, Subject::Token(token.id), Version::FIRST, &entry)
        };
        self.workers.write(write).await
    }

    async fn replace_token(&self, next: &Token, seen: Version, entry: &AuditEntry) -> Result<(), WriteError> {
        let (next, entry) = (next.clone(), entry.clone());
        let write = move |connection: &Connection| {
            let sql = "UPDATE token SET expiry = :expiry, version = :next, body = :body
                       WHERE id = :id AND version = :seen";
            let changed = connection.prepare_cached(sql)?.execute(named_params! {
                ":id": next.id.to_string(),
                ":expiry": next.expiry.0,
                ":next": seen.next().0.cast_signed(),
                ":seen": seen.0.cast_signed(),
                ":body": json(&next)?,
            })?;
            only_one(changed)?;
            let sql = "DELETE FROM token_term WHERE token = :token";
            connection.prepare_cached(sql)?.execute(named_params! {":token": next.id.to_string()})?;
            lead_to(connection, &next)?;
            tell(connection, Subject::Token(next.id), seen.next(), &entry)
        };
        self.workers.write(write).await
    }

    async fn touch(&self, uses: &[(TokenId, Timestamp)]) -> Result<(), Unavailable> {
        let uses = uses.to_vec();
        let write = move |connection: &Connection| {
            let sql = "UPDATE token SET last_used = :day WHERE id = :id AND (last_used IS NULL OR last_used < :day)";
            let mut statement = connection.prepare_cached(sql)?;
            for (id, day) in uses {
                statement.execute(named_params! {":id": id.to_string(), ":day": day.0})?;
            }
            Ok(())
        };
        self.workers.write(write).await.map_err(super::write_unavailable)
    }
}

/// Writes what a token is found by.
fn lead_to(connection: &Connection, token: &Token) -> Result<(), Refusal> {
    let sql = "INSERT OR IGNORE INTO token_term (term, token) VALUES (:term, :token)";
    for term in token.terms() {
        let parameters = named_params! {":term": term, ":token": token.id.to_string()};
        connection.prepare_cached(sql)?.execute(parameters)?;
    }
    Ok(())
}

pub(super) fn stored(row: &Row) -> rusqlite::Result<Stored<Token>> {
    let version: i64 = row.get(0)?;
    let last_used: Option<i64> = row.get(1)?;
    let token: Token = body(row, 2)?;
    let value = Token { last_used: last_used.map(Timestamp), ..token };
    Ok(Stored { value, version: Version(version.cast_unsigned()) })
}
