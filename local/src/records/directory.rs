//! Everybody's tokens, and people.

use gateway_core::id::UserId;
use gateway_core::identity::{Email, User};
use gateway_core::ports::{Directory, Page, PeopleList, PeopleQuery, TokenSearch, Unavailable};
use gateway_core::token::{Token, fold};
use gateway_core::version::Stored;
use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::{SqliteRecords, page, rows, tokens, users};

/// One page of everybody's tokens, newest first.
pub(super) const LIST: &str = "SELECT version, last_used, body FROM token
                               WHERE id < :before AND expiry > :expired_after ORDER BY id DESC LIMIT :limit";

/// One page of the tokens that are found by terms between two, each by its first.
pub(super) const SEARCH: &str = "
    SELECT version, last_used, body FROM token_term AS found JOIN token ON token.id = found.token
    WHERE (found.term, found.token) > (:term, :token) AND found.term < :to AND expiry > :expired_after AND NOT EXISTS (
            SELECT 1 FROM token_term AS other
            WHERE other.token = found.token AND other.term >= :from AND other.term < found.term)
    ORDER BY found.term, found.token LIMIT :limit";

/// One page of a list of people.
pub(super) const PEOPLE: &str = "SELECT version, body FROM user_list JOIN user ON user.id = user_list.user
                                 WHERE list = :list AND place > :after AND place < :to
                                 ORDER BY place LIMIT :limit OFFSET :skip";

/// How many people a list has.
pub(super) const SIZE: &str = "SELECT size FROM user_list_size WHERE list = :list";

/// How many people a part of a list has.
pub(super) const COUNT: &str = "SELECT count(*) FROM user_list WHERE list = :list AND place > :after AND place < :to";

/// The people who have an address.
pub(super) const AT: &str = "SELECT version, body FROM user WHERE email = :email";

impl Directory for SqliteRecords {
    async fn all_tokens(&self, search: &TokenSearch) -> Result<Page<Stored<Token>>, Unavailable> {
        let search = search.clone();
        self.workers
            .read(move |connection| match &search.prefix {
                Some(prefix) => found(connection, &search, &fold(prefix)),
                None => listed(connection, &search),
            })
            .await
    }

    async fn people(&self, ids: &[UserId]) -> Result<Vec<Stored<User>>, Unavailable> {
        let ids = ids.to_vec();
        self.workers
            .read(move |connection| {
                let mut found = Vec::new();
                for id in ids {
                    let sql = "SELECT version, body FROM user WHERE id = :id";
                    found.extend(rows(connection, sql, named_params! {":id": id.to_string()}, users::stored)?);
                }
                Ok(found)
            })
            .await
    }

    async fn people_at(&self, email: &Email) -> Result<Vec<Stored<User>>, Unavailable> {
        let email = email.clone();
        self.workers
            .read(move |connection| {
                let mut people = rows(connection, AT, named_params! {":email": email.as_str()}, users::stored)?;
                people.retain(|user: &Stored<User>| user.value.erased.is_none());
                Ok(people)
            })
            .await
    }

    async fn list_people(&self, query: &PeopleQuery) -> Result<Page<Stored<User>>, Unavailable> {
        let query = query.clone();
        self.workers.read(move |connection| people(connection, &query)).await
    }

    async fn count_people(&self, list: &PeopleList) -> Result<u64, Unavailable> {
        let list = list.clone();
        self.workers
            .read(move |connection| {
                let (name, prefix) = (list.name(), list.prefix());
                let count: Option<i64> = if prefix.is_empty() {
                    let mut statement = connection.prepare_cached(SIZE)?;
                    statement.query_row(named_params! {":list": name}, |row| row.get(0)).optional()?
                } else {
                    let parameters = named_params! {":list": name, ":after": prefix, ":to": behind(prefix)};
                    Some(connection.prepare_cached(COUNT)?.query_row(parameters, |row| row.get(0))?)
                };
                Ok(count.unwrap_or_default().cast_unsigned())
            })
            .await
    }
}

fn people(connection: &Connection, query: &PeopleQuery) -> rusqlite::Result<Page<Stored<User>>> {
    let PeopleQuery { list, skip, page: request } = query;
    let cursor = request.cursor.as_ref().map(|cursor| cursor.0.as_str());
    let prefix = list.prefix();
    let parameters = named_params! {
        ":list": list.name(),
        // Nobody's place is how it begins alone.
        ":after": cursor.unwrap_or_default().max(prefix),
        ":to": behind(prefix),
        ":limit": request.rows() + 1,
        ":skip": if cursor.is_none() { *skip } else { 0 },
    };
    let found = rows(connection, PEOPLE, parameters, users::stored)?;
    Ok(page(found, request, |user| list.place(&user.value)))
}

/// Returns a text behind every one that begins so.
fn behind(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

fn listed(connection: &Connection, search: &TokenSearch) -> rusqlite::Result<Page<Stored<Token>>> {
    let before = search.page.cursor.as_ref().map_or(tokens::LAST, |cursor| cursor.0.as_str());
    let parameters = named_params! {
        ":before": before,
        ":expired_after": search.expired_after.0,
        ":limit": search.page.rows() + 1,
    };
    let found = rows(connection, LIST, parameters, tokens::stored)?;
    Ok(page(found, &search.page, |token| token.value.id.to_string()))
}

fn found(connection: &Connection, search: &TokenSearch, prefix: &str) -> rusqlite::Result<Page<Stored<Token>>> {
    let cursor = search.page.cursor.as_ref().map_or("", |cursor| cursor.0.as_str());
    // Without a place in the list, or with one before it: behind nothing, and before all that begins so.
    let (term, token) = cursor.rsplit_once('\n').unwrap_or((cursor, "")).max((prefix, ""));
    let parameters = named_params! {
        ":from": prefix,
        ":to": behind(prefix),
        ":term": term,
        ":token": token,
        ":expired_after": search.expired_after.0,
        ":limit": search.page.rows() + 1,
    };
    let found = rows(connection, SEARCH, parameters, tokens::stored)?;
    Ok(page(found, &search.page, |token| token.value.found_by(prefix).unwrap_or_default()))
}
