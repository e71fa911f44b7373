//! Everybody's tokens, and people.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use gateway_core::id::UserId;
use gateway_core::identity::{Email, User};
use gateway_core::ports::{Directory, Page, PageRequest, PeopleList, PeopleQuery, TokenSearch, Unavailable};
use gateway_core::token::{Token, fold};
use gateway_core::version::Stored;

use super::DynamoRecords;
use super::call::unavailable;
use super::item::{Item, listed, stored, text, text_of};
use super::key::{Key, TERMS, TOKENS, at_address, people};
use super::list::{List, Order};
use super::tokens::stored_token;
use super::users::slot;

/// The length of an id.
const ID: usize = 26;

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
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let query = query.key_condition_expression("pk = :pk");
        let query = query.expression_attribute_values(":pk", text(at_address(email)));
        let mut rows = query.into_paginator().items().send();
        let mut keys = Vec::new();
        while let Some(row) = rows.next().await {
            keys.push(Key::new(format!("USER#{}", text_of(&row.map_err(unavailable)?, "person")?), "USER"));
        }
        let people: Result<Vec<Stored<User>>, _> = self.read_all(&keys).await?.iter().map(stored).collect();
        // Somebody may have got another address between the two.
        let is_there = |user: &Stored<User>| user.value.email == *email && user.value.erased.is_none();
        Ok(people?.into_iter().filter(is_there).collect())
    }

    async fn list_people(&self, query: &PeopleQuery) -> Result<Page<Stored<User>>, Unavailable> {
        let start = |cursor: &str| start_of_people(&query.list, cursor);
        let list = people_in(&query.list, &start);
        let cursor = match query.page.cursor.clone() {
            None if query.skip > 0 => match self.skip(&list, query.skip).await? {
                None => return Ok(Page { items: Vec::new(), next: None }),
                place => place,
            },
            // Nobody can stand there, and the table would not have it.
            cursor => cursor.filter(|cursor| cursor.0.starts_with(list.prefix) && id_at(&cursor.0).is_some()),
        };
        let request = PageRequest { cursor, ..query.page };
        // An index follows the table: somebody in it may have left the list by now.
        self.page(&list, &request, stored, |user: &Stored<User>| query.list.has(&user.value)).await
    }

    async fn count_people(&self, list: &PeopleList) -> Result<u64, Unavailable> {
        self.count(&people_in(list, &|cursor| start_of_people(list, cursor))).await
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
        self.page(&list, &search.page, stored_token, is_listed).await
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
        let seen = Mutex::new(HashSet::new());
        let is_listed = |token: &Stored<Token>| {
            let cursor = search.page.cursor.as_ref();
            let is_found =
                token.value.found_by(prefix).is_some_and(|place| cursor.is_none_or(|cursor| place > cursor.0));
            let is_first = seen.lock().unwrap_or_else(PoisonError::into_inner).insert(token.value.id);
            is_found && is_first && token.value.expiry > search.expired_after
        };
        self.page(&list, &search.page, stored_token, is_listed).await
    }
}

/// Returns the rows of a list of people.
fn people_in<'a>(list: &'a PeopleList, start: &'a (dyn Fn(&str) -> Item + Sync)) -> List<'a> {
    List {
        index: Some(slot(list).1),
        partition: people(list),
        prefix: list.prefix(),
        order: Order::OldestFirst,
        is_sparse: false,
        start,
        record: &|row| Some(Key { sk: "USER".to_owned(), ..row.clone() }),
    }
}

/// Names the row of somebody in a list, after which a page begins.
fn start_of_people(list: &PeopleList, place: &str) -> Item {
    let id = id_at(place).unwrap_or_default();
    let (row, index) = slot(list);
    let mut start = Key::new(format!("USER#{id}"), row).item();
    listed(&mut start, index, people(list), place.to_owned());
    start
}

/// Returns the id of whoever stands at a place in a list of people, if anybody can.
fn id_at(place: &str) -> Option<&str> {
    let id = place.get(place.len().checked_sub(ID)?..)?;
    id.parse::<UserId>().is_ok().then_some(id)
}

/// Names the row of a token in an index, after which a page begins.
fn start(id: &str, index: u8, partition: &str, place: &str) -> Item {
    let mut start = Key::new(format!("TOKEN#{id}"), "TOKEN").item();
    listed(&mut start, index, partition, place.to_owned());
    start
}
