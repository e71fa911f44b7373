//! Lists, and the logs that are read as such.

use super::helpers::{ANSWERS, entries, logged_event, pages_of, put, tokens_of};
use crate::conformance::fixture::{START, audit, lease_id, token, token_id, usage_event, user_id};
use crate::money::{Counter, Nanodollars, WindowId};
use crate::ports::{AuditEntry, AuditQuery, Cursor, Records, Subject, TokenQuery, UsageQuery};
use crate::version::Version;

/// Pages have no gaps and no duplicates, also while tokens are added.
pub async fn pages_through_tokens_newest_first(records: &impl Records) {
    for number in 1..=5 {
        records.insert_token(&token(1, number), &audit(number.into(), "a", "b")).await.expect(ANSWERS);
    }
    records.insert_token(&token(2, 9), &audit(9, "a", "b")).await.expect(ANSWERS);
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = records.tokens(&tokens_of(1, 2, cursor)).await.expect(ANSWERS);
        assert!(page.items.len() <= 2);
        found.extend(page.items.into_iter().map(|token| token.value.id));
        if found.len() == 2 {
            records.insert_token(&token(1, 7), &audit(7, "a", "b")).await.expect(ANSWERS);
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, [5, 4, 3, 2, 1].map(token_id));
    let whole = records.tokens(&tokens_of(1, 6, None)).await.expect(ANSWERS);
    assert_eq!((whole.items.len(), whole.next), (6, None));
    let nobody = records.tokens(&tokens_of(3, 50, None)).await.expect(ANSWERS);
    assert_eq!((nobody.items.len(), nobody.next), (0, None));
}

/// Lists do not grow for ever.
pub async fn leaves_out_tokens_that_expired_long_ago(records: &impl Records) {
    for number in 1..=3 {
        records.insert_token(&token(1, number), &audit(number.into(), "a", "b")).await.expect(ANSWERS);
    }
    let query = TokenQuery { expired_after: START.plus(86402), ..tokens_of(1, 50, None) };
    let page = records.tokens(&query).await.expect(ANSWERS);
    assert_eq!(page.items.iter().map(|token| token.value.id).collect::<Vec<_>>(), [token_id(3)]);
}

/// What is left out of lists for good need not be kept: no list is the shorter for it, and nothing waits for a token that
/// is gone.
pub async fn forgets_tokens_that_expired_long_ago(records: &impl Records) {
    for number in 1..=5 {
        records.insert_token(&token(1, number), &audit(number.into(), "a", "b")).await.expect(ANSWERS);
    }
    let expired_by = token(1, 3).expiry;
    let query = TokenQuery { expired_after: expired_by, ..tokens_of(1, 50, None) };
    let listed = records.tokens(&query).await.expect(ANSWERS);
    for forgotten in [2, 1, 0] {
        assert_eq!(records.forget_tokens(expired_by, 2).await.expect(ANSWERS), forgotten);
    }
    assert_eq!(records.tokens(&query).await.expect(ANSWERS), listed);
    assert_eq!(records.tokens(&tokens_of(1, 50, None)).await.expect(ANSWERS), listed);
    assert_eq!(records.token(token_id(3)).await.expect(ANSWERS), None);
    let waiting = records.unapplied(10).await.expect(ANSWERS);
    assert_eq!(waiting, [4, 5].map(|number| (Subject::Token(token_id(number)), Version::FIRST)));
    assert_eq!(entries(records, None, None).await.len(), 5, "the log still tells of them");
}

/// Filters combine, and pages go on where the last one ended.
pub async fn finds_audit_entries_by_actor_and_target(records: &impl Records) {
    for (number, actor, target) in [(1, "ann", "x"), (2, "bob", "x"), (3, "ann", "y"), (4, "ann", "x")] {
        records.note(&audit(number, actor, target)).await.expect(ANSWERS);
    }
    let found =
        async |actor, target| entries(records, actor, target).await.iter().map(|entry| entry.id).collect::<Vec<_>>();
    let ids = |numbers: &[u16]| numbers.iter().map(|number| audit(*number, "", "").id).collect::<Vec<_>>();
    assert_eq!(found(None, None).await, ids(&[4, 3, 2, 1]));
    assert_eq!(found(Some("ann"), None).await, ids(&[4, 3, 1]));
    assert_eq!(found(None, Some("x")).await, ids(&[4, 2, 1]));
    assert_eq!(found(Some("ann"), Some("x")).await, ids(&[4, 1]));
    assert_eq!(found(Some("' OR 1=1 --"), None).await, ids(&[]));
    let first = AuditQuery { actor: Some("ann".to_owned()), target: None, page: pages_of(2, None) };
    let page = records.entries(&first).await.expect(ANSWERS);
    let second = AuditQuery { page: pages_of(2, page.next), ..first };
    let page = records.entries(&second).await.expect(ANSWERS);
    assert_eq!((page.items[0].id, page.items.len(), page.next), (audit(1, "", "").id, 1, None));
}

/// A note whose answer was lost can be written again, and one that has more to say takes its place.
pub async fn notes_an_event_once(records: &impl Records) {
    for _ in 0..2 {
        records.note(&audit(1, "ann", "x")).await.expect(ANSWERS);
    }
    assert_eq!(entries(records, None, None).await, [audit(1, "ann", "x")]);
    let newer = AuditEntry { detail: serde_json::json!({"count": 2}), ..audit(1, "bob", "x") };
    records.note(&newer).await.expect(ANSWERS);
    let newer = [newer];
    assert_eq!(entries(records, None, None).await, newer);
    assert_eq!(entries(records, Some("bob"), None).await, newer);
    assert_eq!(entries(records, Some("ann"), None).await, []);
}

/// Events that arrive again, or late, change nothing.
pub async fn keeps_the_highest_revision_of_usage(records: &impl Records) {
    put(records, [usage_event(1, 1), usage_event(2, 2)]).await;
    put(records, [usage_event(1, 2), usage_event(2, 1)]).await;
    put(records, [usage_event(1, 1)]).await;
    let mut other = usage_event(1, 2);
    other.settlement.cost = Nanodollars(99);
    put(records, [other]).await;
    let query = UsageQuery { after: None, page: pages_of(10, None) };
    let page = records.usage(&query).await.expect(ANSWERS);
    assert_eq!(page.items, [logged_event(1, 2), logged_event(2, 2)]);
}

/// A sweep and the settlement that still came are often told together.
pub async fn takes_several_revisions_of_an_event_at_once(records: &impl Records) {
    put(records, [usage_event(1, 1), usage_event(1, 2)]).await;
    put(records, [usage_event(2, 2), usage_event(2, 1), usage_event(2, 2)]).await;
    let query = UsageQuery { after: None, page: pages_of(10, None) };
    assert_eq!(records.usage(&query).await.expect(ANSWERS).items, [logged_event(1, 2), logged_event(2, 2)]);
    let spent = records.spent(&[WindowId("total".to_owned())]).await.expect(ANSWERS);
    let of_user = spent.iter().find(|spent| spent.key.counter == Counter::User(user_id(1)));
    assert_eq!(of_user.map(|spent| spent.amount), Some(Nanodollars(4)), "each costs its revision");
    assert_eq!(records.logged(&[lease_id(1), lease_id(1)]).await.expect(ANSWERS).len(), 2);
}

/// Exporters go on where they stood.
pub async fn pages_through_usage_in_order(records: &impl Records) {
    put(records, [3, 1, 5, 2, 4].map(|number| usage_event(number, 1))).await;
    let page = async |after: Option<u16>, cursor| {
        let query = UsageQuery { after: after.map(lease_id), page: pages_of(2, cursor) };
        records.usage(&query).await.expect(ANSWERS)
    };
    let first = page(Some(1), None).await;
    assert_eq!(first.items, [logged_event(2, 1), logged_event(3, 1)]);
    let second = page(Some(1), first.next).await;
    assert_eq!(second.items, [logged_event(4, 1), logged_event(5, 1)]);
    assert_eq!(second.next, None);
}

/// Who called is told by an id alone: their record says who that is, and can be erased.
pub async fn logs_usage_without_addresses(records: &impl Records) {
    put(records, [usage_event(1, 1)]).await;
    let query = UsageQuery { after: None, page: pages_of(10, None) };
    let mut expected = usage_event(1, 1);
    expected.email = None;
    expected.call.address = String::new();
    assert_eq!(records.usage(&query).await.expect(ANSWERS).items, [expected]);
}

/// Cursors are authenticated before they get here; one that slips through finds a page, not a fault.
pub async fn takes_odd_cursors_without_falling_over(records: &impl Records) {
    records.insert_token(&token(1, 1), &audit(1, "a", "b")).await.expect(ANSWERS);
    for cursor in ["", "'; DROP TABLE token; --", "\u{0}", "\u{10FFFF}"] {
        let page = records.tokens(&tokens_of(1, 2, Some(Cursor(cursor.to_owned())))).await.expect(ANSWERS);
        assert!(page.items.len() <= 1);
        let page = || pages_of(2, Some(Cursor(cursor.to_owned())));
        for (actor, target) in [(None, None), (Some("a"), None), (None, Some("b"))] {
            let query = AuditQuery { actor: actor.map(str::to_owned), target: target.map(str::to_owned), page: page() };
            assert!(records.entries(&query).await.expect(ANSWERS).items.len() <= 1);
        }
        records.usage(&UsageQuery { after: None, page: page() }).await.expect(ANSWERS);
    }
    assert!(records.token(token_id(1)).await.expect(ANSWERS).is_some());
}

/// A limit that no page has is the nearest one: a mistake of a caller's is no end of the store.
pub async fn takes_odd_limits_without_falling_over(records: &impl Records) {
    for number in 1..=3 {
        records.insert_token(&token(1, number), &audit(number.into(), "a", "b")).await.expect(ANSWERS);
    }
    put(records, [1, 2, 3].map(|number| usage_event(number, 1))).await;
    for (limit, expected) in [(0, 1), (u32::MAX, 3)] {
        let found = records.tokens(&tokens_of(1, limit, None)).await.expect(ANSWERS);
        assert_eq!((found.items.len(), found.next.is_some()), (expected, expected < 3));
        let query = AuditQuery { actor: None, target: None, page: pages_of(limit, None) };
        let found = records.entries(&query).await.expect(ANSWERS);
        assert_eq!((found.items.len(), found.next.is_some()), (expected, expected < 3));
        let query = UsageQuery { after: None, page: pages_of(limit, None) };
        let found = records.usage(&query).await.expect(ANSWERS);
        assert_eq!((found.items.len(), found.next.is_some()), (expected, expected < 3));
    }
}
