//! Issued tokens.

use gateway_core::id::TokenId;
use gateway_core::ports::{AuditEntry, Page, Subject, TokenQuery, Tokens, Unavailable, WriteError};
use gateway_core::time::Timestamp;
use gateway_core::token::{LISTED_AFTER_EXPIRY, Token, fold, found_at};
use gateway_core::version::{Stored, Version};

use super::DynamoRecords;
use super::call::{Change, IS_NEW};
use super::item::{Item, json, listed, number, optional_number, stored, text};
use super::key::{Key, TERMS, TOKENS, user};
use super::list::{List, Order};

impl Tokens for DynamoRecords {
    async fn token(&self, id: TokenId) -> Result<Option<Stored<Token>>, Unavailable> {
        self.read(&Key::token(id)).await?.map(|item| stored_token(&item)).transpose()
    }

    async fn tokens(&self, query: &TokenQuery) -> Result<Page<Stored<Token>>, Unavailable> {
        let list = List {
            index: None,
            partition: user(query.user),
            prefix: "TOKEN#",
            order: Order::NewestFirst,
            is_sparse: false,
            start: &|cursor| Key::tokens_of(query.user, cursor).item(),
            record: &|row| Some(Key::new(row.sk.clone(), "TOKEN")),
        };
        let is_listed = |token: &Stored<Token>| token.value.expiry > query.expired_after;
        self.page(&list, &query.page, stored_token, is_listed).await
    }

    async fn insert_token(&self, token: &Token, entry: &AuditEntry) -> Result<(), WriteError> {
        let mut item = Key::token(token.id).item();
        item.insert("version".to_owned(), number(Version::FIRST.0));
        item.insert("body".to_owned(), json(token));
        item.insert("ttl".to_owned(), number(forgotten(token).0));
        listed(&mut item, 1, TOKENS, token.id.to_string());
        listed(&mut item, 2, TERMS, found_by_name(token));
        if let Some(day) = token.last_used {
            item.insert("last_used".to_owned(), number(day.0));
        }
        let mut parts = vec![self.put(item, Some(IS_NEW))?, self.put(owned(token), None)?];
        parts.extend(self.told(Subject::Token(token.id), Version::FIRST, entry, Some(forgotten(token)))?);
        self.transact(parts).await
    }

    async fn replace_token(&self, next: &Token, seen: Version, entry: &AuditEntry) -> Result<(), WriteError> {
        let replaced = self.update(&Change {
            key: Key::token(next.id),
            update: "SET version = :next, body = :body, sk2 = :found",
            condition: Some("version = :seen"),
            values: vec![
                (":next", number(seen.next().0)),
                (":seen", number(seen.0)),
                (":body", json(next)),
                (":found", text(found_by_name(next))),
            ],
            added: Vec::new(),
        })?;
        let mut parts = vec![replaced, self.put(owned(next), None)?];
        parts.extend(self.told(Subject::Token(next.id), seen.next(), entry, Some(forgotten(next)))?);
        self.transact(parts).await
    }

    async fn touch(&self, uses: &[(TokenId, Timestamp)]) -> Result<(), Unavailable> {
        self.change_all(uses.iter().map(|(id, day)| touch(*id, *day)).collect()).await
    }
}

/// Returns the item that says who has a token, and finds it by their address then.
fn owned(token: &Token) -> Item {
    let mut owned = Key::tokens_of(token.user, token.id).item();
    owned.insert("ttl".to_owned(), number(forgotten(token).0));
    if let Some(address) = &token.minted_for {
        listed(&mut owned, 2, TERMS, found_at(address.as_str(), token.id));
    }
    owned
}

/// Returns where a token stands among those that are found by their names.
fn found_by_name(token: &Token) -> String {
    found_at(&fold(token.name.as_str()), token.id)
}

/// Sets the day of a token's last use, if it is there and was not used later.
fn touch(id: TokenId, day: Timestamp) -> Change {
    Change {
        key: Key::token(id),
        update: "SET last_used = :today",
        condition: Some("attribute_exists(pk) AND (attribute_not_exists(last_used) OR last_used < :today)"),
        values: vec![(":today", number(day.0))],
        added: Vec::new(),
    }
}

/// Returns when the table forgets a token: no list shows it then.
///
/// A token's expiry never changes, so that what leads to it is forgotten with it.
fn forgotten(token: &Token) -> Timestamp {
    token.expiry.plus(LISTED_AFTER_EXPIRY)
}

pub(super) fn stored_token(item: &Item) -> Result<Stored<Token>, Unavailable> {
    let Stored { value, version } = stored::<Token>(item)?;
    let last_used = optional_number(item, "last_used")?.map(Timestamp);
    Ok(Stored { value: Token { last_used, ..value }, version })
}
