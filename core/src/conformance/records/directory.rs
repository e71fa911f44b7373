//! Finding tokens and people, whoever they belong to.

use super::helpers::{ANSWERS, pages_of, tokens_of};
use super::writes::seen;
use crate::conformance::fixture::{START, audit, email, token, token_id, user, user_id};
use crate::identity::{Email, User};
use crate::ports::{Records, TokenSearch};
use crate::token::{Token, TokenName};
use crate::version::Version;

/// Writes two people, and four tokens of theirs.
async fn fill(records: &impl Records) {
    for number in 1..=2 {
        records.insert_user(&user(number), &audit(number.into(), "a", "b")).await.expect(ANSWERS);
    }
    for (number, owner, name) in
        [(1, 1, "Laptop"), (2, 2, "USER1 by name"), (3, 1, "user1 again"), (4, 2, "\u{c9}COLE")]
    {
        let token = Token { name: TokenName::parse(name).expect("it is printable"), ..token(owner, number) };
        records.insert_token(&token, &audit(10 + u16::from(number), "a", "b")).await.expect(ANSWERS);
    }
}

/// Returns the numbers of the tokens that are found, so many on a page.
async fn found(records: &impl Records, prefix: Option<&str>, expired_after: i64, limit: u32) -> Vec<u8> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = pages_of(limit, cursor);
        let search = TokenSearch { prefix: prefix.map(str::to_owned), expired_after: START.plus(expired_after), page };
        let page = records.all_tokens(&search).await.expect(ANSWERS);
        assert!(page.items.len() <= limit as usize);
        let number = |id| (1..=9).find(|number| token_id(*number) == id).expect("it was written");
        found.extend(page.items.iter().map(|token| number(token.value.id)));
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

/// Everybody's tokens come newest first, without gaps and duplicates.
pub async fn finds_everybodys_tokens_newest_first(records: &impl Records) {
    fill(records).await;
    for limit in [1, 2, 3, 4, 50] {
        assert_eq!(found(records, None, 0, limit).await, [4, 3, 2, 1], "{limit}");
    }
    assert_eq!(found(records, None, 86402, 1).await, [4, 3], "the others had expired by then");
}

/// A token is found by its name and by its owner's address, whatever the case, and once where both fit.
pub async fn finds_tokens_by_how_name_or_address_begins(records: &impl Records) {
    fill(records).await;
    for limit in [1, 2, 50] {
        for (prefix, expected) in [
            ("la", &[1][..]),
            ("LAPTOP", &[1]),
            ("user1", &[3, 2, 1]),
            ("user1@", &[1, 3]),
            ("\u{e9}c", &[4]),
            ("user", &[3, 2, 1, 4]),
            ("x", &[]),
            ("%", &[]),
            ("user1' OR", &[]),
        ] {
            assert_eq!(found(records, Some(prefix), 0, limit).await, expected, "{prefix} by {limit}");
        }
    }
}

/// A token is found by what it is called now, and not by what it was, nor by the address that was taken out of it.
pub async fn finds_a_token_by_its_new_terms_only(records: &impl Records) {
    fill(records).await;
    let seen = records.token(token_id(1)).await.expect(ANSWERS).expect("it was written");
    let renamed = Token { name: TokenName::parse("Desk").expect("it is printable"), ..seen.value };
    records.replace_token(&renamed, seen.version, &audit(20, "a", "b")).await.expect(ANSWERS);
    let terms = async || {
        let mut terms = Vec::new();
        for prefix in ["laptop", "desk", "user1@"] {
            terms.push(found(records, Some(prefix), 0, 2).await);
        }
        terms
    };
    assert_eq!(terms().await, [&[][..], &[1], &[1, 3]]);
    let scrubbed = Token { minted_for: None, ..renamed };
    records.replace_token(&scrubbed, seen.version.next(), &audit(21, "a", "b")).await.expect(ANSWERS);
    assert_eq!(terms().await, [&[][..], &[1], &[3]]);
    let own = records.tokens(&tokens_of(1, 50, None)).await.expect(ANSWERS);
    assert_eq!(own.items.len(), 2, "its owner has it still");
    assert_eq!(found(records, None, 0, 50).await, [4, 3, 2, 1]);
    assert_eq!(records.token(token_id(1)).await.expect(ANSWERS).map(|held| held.value), Some(scrubbed));
}

/// People are found by several ids at once, and by the address that they have now.
pub async fn finds_people_by_ids_and_by_address(records: &impl Records) {
    fill(records).await;
    let mut people = records.people(&[user_id(2), user_id(9), user_id(1), user_id(2)]).await.expect(ANSWERS);
    people.sort_by_key(|user| user.value.id);
    people.dedup_by_key(|user| user.value.id);
    assert_eq!(people.iter().map(|user| user.value.id).collect::<Vec<_>>(), [1, 2].map(user_id));
    assert_eq!(records.people(&[]).await.expect(ANSWERS), []);
    let at = async |address: &Email| {
        let people = records.people_at(address).await.expect(ANSWERS);
        people.into_iter().map(|user| user.value.id).collect::<Vec<_>>()
    };
    assert_eq!(at(&email(2)).await, [user_id(2)]);
    let moved = User { email: email(1), ..user(2) };
    records.replace_user(&moved, &seen(2, Version::FIRST), &audit(30, "a", "b")).await.expect(ANSWERS);
    assert_eq!(at(&email(2)).await, []);
    let mut both = at(&email(1)).await;
    both.sort();
    assert_eq!(both, [1, 2].map(user_id), "an address that was handed on");
}
