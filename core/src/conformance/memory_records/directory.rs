//! Everybody's tokens, and people, in the records in memory.

use super::{MemoryRecords, is_below, page};
use crate::id::UserId;
use crate::identity::{Email, User};
use crate::ports::{Directory, Page, PeopleList, PeopleQuery, TokenSearch, Unavailable};
use crate::token::{Token, fold};
use crate::version::Stored;

impl Directory for MemoryRecords {
    async fn all_tokens(&self, search: &TokenSearch) -> Result<Page<Stored<Token>>, Unavailable> {
        let TokenSearch { prefix, expired_after, page: request } = search;
        self.read(|state| {
            let listed = state.tokens.values().rev().filter(|token| token.value.expiry > *expired_after);
            let Some(prefix) = prefix.as_deref().map(fold) else {
                let rows = listed.filter(|token| is_below(&token.value.id.to_string(), request.cursor.as_ref()));
                return page(rows.cloned(), request, |token| token.value.id.to_string());
            };
            let is_after = |key: &str| request.cursor.as_ref().is_none_or(|cursor| key > cursor.0.as_str());
            let found = listed.filter_map(|token| Some((token.value.found_by(&prefix)?, token)));
            let mut found: Vec<_> = found.filter(|(key, _)| is_after(key)).collect();
            found.sort_by(|(one, _), (other, _)| one.cmp(other));
            let Page { items, next } = page(found.into_iter(), request, |(key, _)| key.clone());
            Page { items: items.into_iter().map(|(_, token)| token.clone()).collect(), next }
        })
        .await
    }

    async fn people(&self, ids: &[UserId]) -> Result<Vec<Stored<User>>, Unavailable> {
        self.read(|state| ids.iter().filter_map(|id| state.users.get(id).cloned()).collect()).await
    }

    async fn people_at(&self, email: &Email) -> Result<Vec<Stored<User>>, Unavailable> {
        let is_there = |user: &&Stored<User>| user.value.email == *email && user.value.erased.is_none();
        self.read(|state| state.users.values().filter(is_there).cloned().collect()).await
    }

    async fn list_people(&self, query: &PeopleQuery) -> Result<Page<Stored<User>>, Unavailable> {
        let key = |user: &Stored<User>| query.list.place(&user.value);
        let is_after = |key: &str| query.page.cursor.as_ref().is_none_or(|cursor| key > cursor.0.as_str());
        self.read(|state| {
            let listed = state.users.values().filter(|user| query.list.has(&user.value));
            let mut listed: Vec<_> = listed.filter(|user| is_after(&key(user))).cloned().collect();
            listed.sort_by_key(key);
            let skipped = if query.page.cursor.is_none() { query.skip as usize } else { 0 };
            page(listed.into_iter().skip(skipped), &query.page, key)
        })
        .await
    }

    async fn count_people(&self, list: &PeopleList) -> Result<u64, Unavailable> {
        self.read(|state| state.users.values().filter(|user| list.has(&user.value)).count() as u64).await
    }
}
