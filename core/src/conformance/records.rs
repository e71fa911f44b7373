//! What every record store must do.

use super::fixture::{START, audit, lease_id, token, token_id, usage_event, user, user_id};
use crate::identity::Status;
use crate::ports::{AuditEntry, AuditQuery, Cursor, PageRequest, Records, Subject, TokenQuery, UsageQuery, WriteError};
use crate::time::Timestamp;
use crate::token::{Revocation, Token, TokenState};
use crate::version::{Epoch, Stored, Version};

/// Makes a `#[test]` of each property. `$make` makes a fresh store, and something to keep while it is used; `$block_on`
/// runs a future to its end.
#[macro_export]
macro_rules! records_conformance {
    ($block_on:path, $make:expr) => {
        $crate::records_conformance! { @each $block_on, $make,
            returns_users_as_they_were_written,
            keeps_one_user_for_each_subject,
            refuses_stale_versions_of_users,
            returns_tokens_as_they_were_written,
            refuses_stale_versions_of_tokens,
            notes_the_newest_use_of_a_token,
            pages_through_tokens_newest_first,
            leaves_out_tokens_that_expired_long_ago,
            writes_an_audit_entry_with_every_change,
            finds_audit_entries_by_actor_and_target,
            notes_an_event_once,
            keeps_the_highest_revision_of_usage,
            pages_through_usage_in_order,
            remembers_changes_until_they_are_applied,
            takes_odd_cursors_without_falling_over,
        }
    };
    (@each $block_on:path, $make:expr, $($property:ident,)*) => {
        $(
            #[test]
            fn $property() {
                let (records, _kept) = $make;
                $block_on($crate::conformance::records::$property(&records));
            }
        )*
    };
}

const ANSWERS: &str = "the store answers";

fn pages_of(limit: u32, cursor: Option<Cursor>) -> PageRequest {
    PageRequest { limit, cursor }
}

fn tokens_of(owner: u8, limit: u32, cursor: Option<Cursor>) -> TokenQuery {
    TokenQuery { user: user_id(owner), expired_after: START, page: pages_of(limit, cursor) }
}

async fn entries(records: &impl Records, actor: Option<&str>, target: Option<&str>) -> Vec<AuditEntry> {
    let query =
        AuditQuery { actor: actor.map(str::to_owned), target: target.map(str::to_owned), page: pages_of(200, None) };
    records.entries(&query).await.expect(ANSWERS).items
}

fn is_conflict(written: &Result<(), WriteError>) -> bool {
    matches!(written, Err(WriteError::Conflict))
}

/// Every member comes back byte for byte, whatever characters it has.
pub async fn returns_users_as_they_were_written(records: &impl Records) {
    assert_eq!(records.user(user_id(1)).await.expect(ANSWERS), None);
    records.insert_user(&user(1), &audit(1, "a", "b")).await.expect(ANSWERS);
    let expected = Some(Stored { value: user(1), version: Version::FIRST });
    assert_eq!(records.user(user_id(1)).await.expect(ANSWERS), expected);
    let by_subject = records.user_by_subject("https://id.example", "subject-1").await.expect(ANSWERS);
    assert_eq!(by_subject, expected);
    for (issuer, subject) in [("https://other.example", "subject-1"), ("https://id.example", "subject-1' OR '1'='1")] {
        assert_eq!(records.user_by_subject(issuer, subject).await.expect(ANSWERS), None);
    }
}

/// Two users never share an issuer and subject, nor an id.
pub async fn keeps_one_user_for_each_subject(records: &impl Records) {
    records.insert_user(&user(1), &audit(1, "a", "b")).await.expect(ANSWERS);
    let mut other = user(2);
    other.subject.clone_from(&user(1).subject);
    assert!(is_conflict(&records.insert_user(&other, &audit(2, "a", "b")).await));
    let mut other = user(2);
    other.id = user_id(1);
    assert!(is_conflict(&records.insert_user(&other, &audit(3, "a", "b")).await));
    let mut other = user(2);
    other.subject = user(1).subject;
    "https://other.example".clone_into(&mut other.issuer);
    assert!(records.insert_user(&other, &audit(4, "a", "b")).await.is_ok());
    assert_eq!(entries(records, None, None).await.len(), 2, "refused writes leave no entry");
}

/// Of two writers who read the same version, one wins.
pub async fn refuses_stale_versions_of_users(records: &impl Records) {
    records.insert_user(&user(1), &audit(1, "a", "b")).await.expect(ANSWERS);
    let mut next = user(1);
    next.token_epoch = Epoch(1);
    next.status = Status::Removed;
    records.replace_user(&next, Version(1), &audit(2, "a", "b")).await.expect(ANSWERS);
    assert!(is_conflict(&records.replace_user(&user(1), Version(1), &audit(3, "a", "b")).await));
    assert!(is_conflict(&records.replace_user(&user(1), Version(3), &audit(4, "a", "b")).await));
    assert!(is_conflict(&records.replace_user(&user(2), Version(1), &audit(5, "a", "b")).await));
    let held = records.user(user_id(1)).await.expect(ANSWERS);
    assert_eq!(held, Some(Stored { value: next, version: Version(2) }));
    assert_eq!(entries(records, None, None).await.len(), 2);
    assert_eq!(records.unapplied(10).await.expect(ANSWERS), [(Subject::User(user_id(1)), Version(2))]);
}

/// Every member comes back byte for byte, whatever characters it has.
pub async fn returns_tokens_as_they_were_written(records: &impl Records) {
    assert_eq!(records.token(token_id(1)).await.expect(ANSWERS), None);
    records.insert_token(&token(1, 1), &audit(1, "a", "b")).await.expect(ANSWERS);
    let held = records.token(token_id(1)).await.expect(ANSWERS);
    assert_eq!(held, Some(Stored { value: token(1, 1), version: Version::FIRST }));
    assert!(is_conflict(&records.insert_token(&token(2, 1), &audit(2, "a", "b")).await));
}

/// Of two writers who read the same version, one wins.
pub async fn refuses_stale_versions_of_tokens(records: &impl Records) {
    records.insert_token(&token(1, 1), &audit(1, "a", "b")).await.expect(ANSWERS);
    let state = TokenState::Revoked(Revocation { by: user_id(1), at: START });
    let next = Token { state, ..token(1, 1) };
    records.replace_token(&next, Version(1), &audit(2, "a", "b")).await.expect(ANSWERS);
    assert!(is_conflict(&records.replace_token(&token(1, 1), Version(1), &audit(3, "a", "b")).await));
    assert!(is_conflict(&records.replace_token(&token(1, 2), Version(1), &audit(4, "a", "b")).await));
    let held = records.token(token_id(1)).await.expect(ANSWERS);
    assert_eq!(held, Some(Stored { value: next, version: Version(2) }));
    assert_eq!(entries(records, None, None).await.len(), 2);
    assert_eq!(records.unapplied(10).await.expect(ANSWERS), [(Subject::Token(token_id(1)), Version(2))]);
}

/// `last_used` only rises, and is nobody's version.
pub async fn notes_the_newest_use_of_a_token(records: &impl Records) {
    records.insert_token(&token(1, 1), &audit(1, "a", "b")).await.expect(ANSWERS);
    for (day, expected) in [(86400, 86400), (172_800, 172_800), (86400, 172_800)] {
        let uses = [(token_id(1), Timestamp(day)), (token_id(9), Timestamp(day))];
        records.touch(&uses).await.expect(ANSWERS);
        let held = records.token(token_id(1)).await.expect(ANSWERS).expect("it was written");
        assert_eq!((held.value.last_used, held.version), (Some(Timestamp(expected)), Version(1)));
    }
    records.replace_token(&token(1, 1), Version(1), &audit(2, "a", "b")).await.expect(ANSWERS);
    let held = records.token(token_id(1)).await.expect(ANSWERS).expect("it was written");
    assert_eq!(held.value.last_used, Some(Timestamp(172_800)), "another write leaves it");
}

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

/// The entry is in the log as soon as the change is, word for word.
pub async fn writes_an_audit_entry_with_every_change(records: &impl Records) {
    let written = [1, 2, 3, 4].map(|number| audit(number, "actor '\"", "target"));
    records.insert_user(&user(1), &written[0]).await.expect(ANSWERS);
    records.replace_user(&user(1), Version(1), &written[1]).await.expect(ANSWERS);
    records.insert_token(&token(1, 1), &written[2]).await.expect(ANSWERS);
    records.replace_token(&token(1, 1), Version(1), &written[3]).await.expect(ANSWERS);
    let mut found = entries(records, None, None).await;
    found.reverse();
    assert_eq!(found, written);
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

/// A note whose answer was lost can be written again.
pub async fn notes_an_event_once(records: &impl Records) {
    for _ in 0..2 {
        records.note(&audit(1, "ann", "x")).await.expect(ANSWERS);
    }
    assert_eq!(entries(records, None, None).await, [audit(1, "ann", "x")]);
}

/// Events that arrive again, or late, change nothing.
pub async fn keeps_the_highest_revision_of_usage(records: &impl Records) {
    records.put_usage(&[usage_event(1, 1), usage_event(2, 2)]).await.expect(ANSWERS);
    records.put_usage(&[usage_event(1, 2), usage_event(2, 1)]).await.expect(ANSWERS);
    records.put_usage(&[usage_event(1, 1)]).await.expect(ANSWERS);
    let query = UsageQuery { after: None, page: pages_of(10, None) };
    let page = records.usage(&query).await.expect(ANSWERS);
    assert_eq!(page.items, [usage_event(1, 2), usage_event(2, 2)]);
}

/// Exporters go on where they stood.
pub async fn pages_through_usage_in_order(records: &impl Records) {
    records.put_usage(&[3, 1, 5, 2, 4].map(|number| usage_event(number, 1))).await.expect(ANSWERS);
    let page = async |after: Option<u16>, cursor| {
        let query = UsageQuery { after: after.map(lease_id), page: pages_of(2, cursor) };
        records.usage(&query).await.expect(ANSWERS)
    };
    let first = page(Some(1), None).await;
    assert_eq!(first.items, [usage_event(2, 1), usage_event(3, 1)]);
    let second = page(Some(1), first.next).await;
    assert_eq!(second.items, [usage_event(4, 1), usage_event(5, 1)]);
    assert_eq!(second.next, None);
}

/// A change is forgotten when that version of it, or a newer one, is in effect.
pub async fn remembers_changes_until_they_are_applied(records: &impl Records) {
    records.insert_user(&user(1), &audit(1, "a", "b")).await.expect(ANSWERS);
    records.insert_token(&token(1, 1), &audit(2, "a", "b")).await.expect(ANSWERS);
    records.replace_user(&user(1), Version(1), &audit(3, "a", "b")).await.expect(ANSWERS);
    let waiting = async || {
        let mut waiting = records.unapplied(10).await.expect(ANSWERS);
        waiting.sort();
        waiting
    };
    let (changed_user, changed_token) = (Subject::User(user_id(1)), Subject::Token(token_id(1)));
    assert_eq!(waiting().await, [(changed_user, Version(2)), (changed_token, Version(1))]);
    assert_eq!(records.unapplied(1).await.expect(ANSWERS).len(), 1);
    records.applied(changed_user, Version(1)).await.expect(ANSWERS);
    assert_eq!(waiting().await.len(), 2, "version 2 is not in effect yet");
    records.applied(changed_user, Version(2)).await.expect(ANSWERS);
    records.applied(changed_user, Version(2)).await.expect(ANSWERS);
    assert_eq!(waiting().await, [(changed_token, Version(1))]);
}

/// Cursors are authenticated before they get here; one that slips through finds a page, not a fault.
pub async fn takes_odd_cursors_without_falling_over(records: &impl Records) {
    records.insert_token(&token(1, 1), &audit(1, "a", "b")).await.expect(ANSWERS);
    for cursor in ["", "'; DROP TABLE token; --", "\u{0}", "\u{10FFFF}"] {
        let page = records.tokens(&tokens_of(1, 2, Some(Cursor(cursor.to_owned())))).await.expect(ANSWERS);
        assert!(page.items.len() <= 1);
    }
    assert!(records.token(token_id(1)).await.expect(ANSWERS).is_some());
}
