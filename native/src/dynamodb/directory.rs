//! Everybody's tokens, and people.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use aws_sdk_dynamodb::types::AttributeValue;
use gateway_core::id::UserId;
use gateway_core::identity::{Email, User};
use gateway_core::ports::{Cursor, Directory, Page, TokenSearch, Unavailable};
use gateway_core::token::{Token, fold};
use gateway_core::version::Stored;

use super::DynamoRecords;
use super::call::unavailable;
use super::item::{Item, stored, text};
use super::key::{Key, TERMS, TOKENS, at_address};
use super::list::{List, Order};
use super::tokens::stored_token;

impl Directory for DynamoRecords {
    async fn all_tokens(&self, search: &TokenSearch) -> Result<Page<Stored<Token>>, Unavailable> {
        match &search.prefix {
            Some(prefix) => self.search(search, &fold(prefix)).await,
            None => self.everybodys(search).await,
        }
    }

    async fn people(&self, ids: &[UserId]) -> Result<Vec<Stored<User>>, Unavailable> {
        let keys: Vec<Key> = ids.iter().copied().map(Key::user).collect();
        self.read_all(&keys).await?.iter().map(stored).collect()
    }

    async fn people_at(&self, email: &Email) -> Result<Vec<Stored<User>>, Unavailable> {
        let query = self.client.query().table_name(&self.table).index_name("index1");
        let query = query.key_condition_expression("pk1 = :pk");
        let query = query.expression_attribute_values(":pk", text(at_address(email)));
        let found = Box::pin(query.send()).await.map_err(unavailable)?;
        let keys: Vec<Key> = found.items().iter().filter_map(Key::of).collect();
        let people: Result<Vec<Stored<User>>, _> = self.read_all(&keys).await?.iter().map(stored).collect();
        // The index follows the table: somebody in it may have another address by now.
        Ok(people?.into_iter().filter(|user| user.value.email == *email).collect())
    }
}

impl DynamoRecords {
    async fn everybodys(&self, search: &TokenSearch) -> Result<Page<Stored<Token>>, Unavailable> {
        let list = List {
            index: Some(1),
            partition: TOKENS.to_owned(),
            prefix: "",
            order: Order::NewestFirst,
            is_sparse: false,
            start: &|cursor| start(cursor, 1, TOKENS, cursor),
            record: &|row| Some(row.clone()),
        };
        let is_listed = |token: &Stored<Token>| token.value.expiry > search.expired_after;
        self.page(&list, &search.page, stored_token, is_listed, |token| Cursor(token.value.id.to_string())).await
    }

    /// Finds tokens by the rows of their terms. One that has two such terms is found by the first alone.
    async fn search(&self, search: &TokenSearch, prefix: &str) -> Result<Page<Stored<Token>>, Unavailable> {
        let list = List {
            index: Some(2),
            partition: TERMS.to_owned(),
            prefix,
            order: Order::OldestFirst,
            is_sparse: true,
            start: &|cursor| start(cursor.rsplit_once('\n').map_or("", |(_, id)| id), 2, TERMS, cursor),
            // The row of the address is beside the owner.
            record: &|row| Some(if row.sk == "TOKEN" { row.clone() } else { Key::new(row.sk.clone(), "TOKEN") }),
        };
        let place = |token: &Stored<Token>| token.value.found_by(prefix).unwrap_or_default();
        let seen = Mutex::new(HashSet::new());
        let is_listed = |token: &Stored<Token>| {
            let cursor = search.page.cursor.as_ref();
            let is_found =
                token.value.found_by(prefix).is_some_and(|place| cursor.is_none_or(|cursor| place > cursor.0));
            let is_first = seen.lock().unwrap_or_else(PoisonError::into_inner).insert(token.value.id);
            is_found && is_first && token.value.expiry > search.expired_after
        };
        self.page(&list, &search.page, stored_token, is_listed, |token| Cursor(place(token))).await
    }
}

/// Names the row of a token in an index, after which a page begins.
fn start(id: &str, index: u8, partition: &str, place: &str) -> Item {
    let mut start = Key::new(format!("TOKEN#{id}"), "TOKEN").item();
    let parts: [(String, AttributeValue); 2] =
        [(format!("pk{index}"), text(partition)), (format!("sk{index}"), text(place))];
    start.extend(parts);
    start
}
