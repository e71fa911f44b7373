//! Everybody's tokens, and people, in the records in memory.

use super::{MemoryRecords, is_below, page};
use crate::id::UserId;
use crate::identity::{Email, User};
use crate::ports::{Directory, Page, TokenSearch, Unavailable};
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
        self.read(|state| state.users.values().filter(|user| user.value.email == *email).cloned().collect()).await
    }
}
