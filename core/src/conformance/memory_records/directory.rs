//! Everybody's tokens, and people, in the records in memory.

use super::{MemoryRecords, is_below, page};
use crate::id::UserId;
use crate::identity::{Email, User};
use crate::ports::{Directory, Page, TokenSearch, Unavailable};
use crate::token::Token;
use crate::version::Stored;

impl Directory for MemoryRecords {
    async fn all_tokens(&self, search: &TokenSearch) -> Result<Page<Stored<Token>>, Unavailable> {
        let TokenSearch { prefix, expired_after, page: request } = search;
        self.read(|state| {
            let listed = state.tokens.values().rev().filter(|token| token.value.expiry > *expired_after);
            let Some(prefix) = prefix.as_ref().map(|prefix| prefix.to_lowercase()) else {
                let rows = listed.filter(|token| is_below(&token.value.id.to_string(), request.cursor.as_ref()));
                return page(rows.cloned(), request, |token| token.value.id.to_string());
            };
            let is_after = |key: &str| request.cursor.as_ref().is_none_or(|cursor| key > cursor.0.as_str());
            let found = listed.filter_map(|token| Some((key(&token.value, &prefix)?, token)));
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

/// Returns where a token stands among those that are found: by the first of its terms that begins so. None if none does.
fn key(token: &Token, prefix: &str) -> Option<String> {
    let terms =
        [Some(token.name.as_str().to_lowercase()), token.minted_for.as_ref().map(|email| email.as_str().to_owned())];
    let term = terms.into_iter().flatten().filter(|term| term.starts_with(prefix)).min()?;
    Some(format!("{term}\n{}", token.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::fixture::{START, audit, email, token, token_id, user, user_id};
    use crate::ports::{PageRequest, Tokens as _, Users as _};
    use crate::token::TokenName;

    async fn records() -> MemoryRecords {
        let records = MemoryRecords::default();
        for number in 1..=2 {
            records.insert_user(&user(number), &audit(number.into(), "a", "b")).await.unwrap();
        }
        for (number, owner, name) in [(1, 1, "Laptop"), (2, 2, "USER1 by name"), (3, 1, "lab"), (4, 2, "desk")] {
            let token = Token { name: TokenName::parse(name).unwrap(), ..token(owner, number) };
            records.insert_token(&token, &audit(10 + u16::from(number), "a", "b")).await.unwrap();
        }
        records
    }

    /// Returns the numbers of the tokens that are found, two on a page.
    async fn found(records: &MemoryRecords, prefix: Option<&str>) -> Vec<Option<u8>> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = PageRequest { limit: 2, cursor };
            let search = TokenSearch { prefix: prefix.map(str::to_owned), expired_after: START, page };
            let page = records.all_tokens(&search).await.unwrap();
            assert!(page.items.len() <= 2);
            found.extend(page.items.iter().map(|token| (1..=4).find(|number| token_id(*number) == token.value.id)));
            cursor = page.next;
            if cursor.is_none() {
                return found;
            }
        }
    }

    #[tokio::test]
    async fn finds_everybodys_tokens_newest_first() {
        assert_eq!(found(&records().await, None).await, [4, 3, 2, 1].map(Some));
    }

    #[tokio::test]
    async fn finds_tokens_by_how_name_or_address_begins() {
        let records = records().await;
        for (prefix, expected) in [("la", &[3, 1][..]), ("LAP", &[1]), ("user1", &[2, 1, 3]), ("x", &[])] {
            let expected: Vec<_> = expected.iter().copied().map(Some).collect();
            assert_eq!(found(&records, Some(prefix)).await, expected, "{prefix}");
        }
    }

    #[tokio::test]
    async fn leaves_out_what_nobody_knows() {
        let records = records().await;
        let people = records.people(&[user_id(2), user_id(9), user_id(1)]).await.unwrap();
        assert_eq!(people.iter().map(|user| user.value.id).collect::<Vec<_>>(), [2, 1].map(user_id));
        let at = records.people_at(&email(2)).await.unwrap();
        assert_eq!(at.iter().map(|user| user.value.id).collect::<Vec<_>>(), [user_id(2)]);
        assert_eq!(records.people_at(&email(9)).await.unwrap(), []);
    }
}
