//! Writing people and tokens, and what a write leaves behind.

use super::helpers::{ANSWERS, entries, is_conflict};
use crate::conformance::fixture::{START, audit, budget, token, token_id, user, user_id};
use crate::identity::{Account, Name, Status, Suspension, User};
use crate::money::{Alert, BookEntry, BudgetBook, BudgetScope, Counter, Nanodollars, WindowId, WindowKind};
use crate::ports::{AuditEntry, Records, Subject};
use crate::time::Timestamp;
use crate::token::{Revocation, Token, TokenName, TokenState};
use crate::version::{Epoch, Stored, Version};

/// Texts that a store might take for something else.
const TEXTS: [&str; 6] =
    ["' OR '1'='1", "'); DROP TABLE user; --", "a\u{0}b", "100%_\\[?1:name", "\u{202E}😀\u{FFFD}e\u{301}", " \r\n\t"];

fn account(issuer: &str, subject: &str) -> Name {
    Name::Account(Account { issuer: issuer.to_owned(), subject: subject.to_owned() })
}

/// Returns the `number`th user as they were inserted, in that version.
pub(super) fn seen(number: u8, version: Version) -> Stored<User> {
    Stored { value: user(number), version }
}

/// Every member comes back byte for byte, whatever characters it has.
pub async fn returns_users_as_they_were_written(records: &impl Records) {
    assert_eq!(records.user(user_id(1)).await.expect(ANSWERS), None);
    records.insert_user(&user(1), &audit(1, "a", "b")).await.expect(ANSWERS);
    let expected = Some(Stored { value: user(1), version: Version::FIRST });
    assert_eq!(records.user(user_id(1)).await.expect(ANSWERS), expected);
    let by_subject = records.user_named(&account("https://id.example", "subject-1")).await.expect(ANSWERS);
    assert_eq!(by_subject, expected);
    for (issuer, subject) in [("https://other.example", "subject-1"), ("https://id.example", "subject-1' OR '1'='1")] {
        assert_eq!(records.user_named(&account(issuer, subject)).await.expect(ANSWERS), None);
    }
}

/// Two users never share an issuer and subject, nor an id.
pub async fn keeps_one_user_for_each_subject(records: &impl Records) {
    records.insert_user(&user(1), &audit(1, "a", "b")).await.expect(ANSWERS);
    let mut other = user(2);
    other.account = user(1).account;
    assert!(is_conflict(&records.insert_user(&other, &audit(2, "a", "b")).await));
    let mut other = user(2);
    other.id = user_id(1);
    assert!(is_conflict(&records.insert_user(&other, &audit(3, "a", "b")).await));
    let mut other = user(2);
    other.account = user(1).account.map(|account| Account { issuer: "https://other.example".to_owned(), ..account });
    assert!(records.insert_user(&other, &audit(4, "a", "b")).await.is_ok());
    assert_eq!(entries(records, None, None).await.len(), 2, "refused writes leave no entry");
    let waiting = records.unapplied(10).await.expect(ANSWERS);
    assert_eq!(waiting, [1, 2].map(|number| (Subject::User(user_id(number)), Version::FIRST)));
}

/// Of two writers who read the same version, one wins.
pub async fn refuses_stale_versions_of_users(records: &impl Records) {
    records.insert_user(&user(1), &audit(1, "a", "b")).await.expect(ANSWERS);
    let mut next = user(1);
    next.token_epoch = Epoch(1);
    next.status = Status::Removed;
    records.replace_user(&next, &seen(1, Version(1)), &audit(2, "a", "b")).await.expect(ANSWERS);
    assert!(is_conflict(&records.replace_user(&user(1), &seen(1, Version(1)), &audit(3, "a", "b")).await));
    assert!(is_conflict(&records.replace_user(&user(1), &seen(1, Version(3)), &audit(4, "a", "b")).await));
    assert!(is_conflict(&records.replace_user(&user(2), &seen(2, Version(1)), &audit(5, "a", "b")).await));
    let held = records.user(user_id(1)).await.expect(ANSWERS);
    assert_eq!(held, Some(Stored { value: next, version: Version(2) }));
    assert_eq!(entries(records, None, None).await.len(), 2);
    assert_eq!(records.unapplied(10).await.expect(ANSWERS), [(Subject::User(user_id(1)), Version(2))]);
}

/// The book is there without ever having been written, and of two writers who read the same version, one wins.
pub async fn keeps_the_book_of_budgets(records: &impl Records) {
    let nothing = Stored { value: BudgetBook::default(), version: Version::NONE };
    assert_eq!(records.budget_book().await.expect(ANSWERS), nothing);
    let mut book = BudgetBook::default();
    let names = TEXTS.into_iter().filter(|text| !text.chars().any(char::is_control));
    for (number, group) in (1..).zip(names) {
        let budget = budget(BudgetScope::Group(group.to_owned()), WindowKind::Total, i64::MAX - number);
        book.enter(BookEntry { budget, until: None }, START).expect("there is room");
    }
    assert!(is_conflict(&records.replace_budget_book(&book, Version(1), &audit(1, "a", "budgets")).await));
    records.replace_budget_book(&book, Version::NONE, &audit(2, "a", "budgets")).await.expect(ANSWERS);
    assert_eq!(records.budget_book().await.expect(ANSWERS), Stored { value: book.clone(), version: Version(1) });
    for (entry, seen) in [(3, Version::NONE), (4, Version(2))] {
        let refused = records.replace_budget_book(&BudgetBook::default(), seen, &audit(entry, "a", "budgets")).await;
        assert!(is_conflict(&refused), "{seen:?}");
    }
    let empty = BudgetBook::default();
    records.replace_budget_book(&empty, Version(1), &audit(5, "a", "budgets")).await.expect(ANSWERS);
    assert_eq!(records.budget_book().await.expect(ANSWERS), Stored { value: empty, version: Version(2) });
    assert_eq!(records.unapplied(10).await.expect(ANSWERS), [(Subject::Budgets, Version(2))]);
    records.applied(Subject::Budgets, Version(2)).await.expect(ANSWERS);
    assert!(records.unapplied(10).await.expect(ANSWERS).is_empty());
    assert_eq!(entries(records, None, Some("budgets")).await.len(), 2, "refused writes leave no entry");
}

/// Alerts are noted once and wait until somebody says that they were sent, the oldest first.
pub async fn keeps_alerts_until_they_are_sent(records: &impl Records) {
    let alert = |group: &str, percent, at: i64| Alert {
        counter: Counter::Group(group.to_owned()),
        window: WindowKind::Daily,
        window_id: WindowId("daily:2026-11-23".to_owned()),
        reset: Some(START.plus(43_200)),
        limit: Nanodollars(i64::MAX),
        spent: Nanodollars(i64::MAX - 1),
        percent,
        at: START.plus(at),
    };
    records.note_alerts(&[]).await.expect(ANSWERS);
    let all: Vec<Alert> = TEXTS.into_iter().zip(1..).map(|(text, at)| alert(text, 50, at)).collect();
    records.note_alerts(&all).await.expect(ANSWERS);
    // What is noted again, as of later, is what it was.
    records.note_alerts(&[alert(TEXTS[0], 50, 99), alert(TEXTS[0], 75, 0)]).await.expect(ANSWERS);
    let oldest = records.waiting_alerts(2).await.expect(ANSWERS);
    assert_eq!(oldest, [alert(TEXTS[0], 75, 0), all[0].clone()]);
    for _ in 0..2 {
        records.alert_sent(&oldest[1]).await.expect(ANSWERS);
    }
    records.note_alerts(&[alert(TEXTS[0], 50, 7)]).await.expect(ANSWERS);
    let waiting = records.waiting_alerts(50).await.expect(ANSWERS);
    assert_eq!((&waiting[0], &waiting[1..]), (&oldest[0], &all[1..]));
}

/// No text means anything to the store: what looks like its own language, ends a text early or is no letter comes back
/// byte for byte, and is found again.
pub async fn keeps_every_text_byte_for_byte(records: &impl Records) {
    for (number, text) in (1..).zip(TEXTS) {
        let suspension = Suspension { until: None, reason: text.to_owned(), by: user_id(1), at: START };
        let person = User {
            account: Some(Account { issuer: text.to_owned(), subject: text.to_owned() }),
            name: Some(text.to_owned()),
            groups: vec![text.to_owned(), String::new()],
            status: Status::Suspended(suspension),
            ..user(number)
        };
        let entry = AuditEntry {
            action: text.to_owned(),
            detail: serde_json::json!({ text: [text] }),
            request: text.to_owned(),
            address: text.to_owned(),
            ..audit(number.into(), text, text)
        };
        records.insert_user(&person, &entry).await.expect(ANSWERS);
        let expected = Some(Stored { value: person, version: Version::FIRST });
        assert_eq!(records.user(user_id(number)).await.expect(ANSWERS), expected);
        assert_eq!(records.user_named(&account(text, text)).await.expect(ANSWERS), expected);
        assert_eq!(entries(records, Some(text), Some(text)).await, [entry]);
    }
    let named = Token { name: TokenName::parse("'); DELETE FROM token; --").expect("it is printable"), ..token(1, 1) };
    records.insert_token(&named, &audit(99, "a", "b")).await.expect(ANSWERS);
    assert_eq!(records.token(token_id(1)).await.expect(ANSWERS).map(|held| held.value), Some(named));
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

/// The entry is in the log as soon as the change is, word for word.
pub async fn writes_an_audit_entry_with_every_change(records: &impl Records) {
    let written = [1, 2, 3, 4].map(|number| audit(number, "actor '\"", "target"));
    records.insert_user(&user(1), &written[0]).await.expect(ANSWERS);
    records.replace_user(&user(1), &seen(1, Version(1)), &written[1]).await.expect(ANSWERS);
    records.insert_token(&token(1, 1), &written[2]).await.expect(ANSWERS);
    records.replace_token(&token(1, 1), Version(1), &written[3]).await.expect(ANSWERS);
    let mut found = entries(records, None, None).await;
    found.reverse();
    assert_eq!(found, written);
}

/// A change never takes another change's place in the log: it is made with its own entry, or not at all.
pub async fn changes_nothing_without_an_entry_of_its_own(records: &impl Records) {
    records.insert_user(&user(1), &audit(1, "a", "first")).await.expect(ANSWERS);
    records.insert_token(&token(1, 1), &audit(2, "a", "first")).await.expect(ANSWERS);
    let (before, waiting) = (entries(records, None, None).await, records.unapplied(10).await.expect(ANSWERS));
    let taken = audit(1, "b", "second");
    let removed = User { status: Status::Removed, ..user(1) };
    let renewed = Token { epoch: Epoch(7), ..token(1, 1) };
    assert!(is_conflict(&records.insert_user(&user(2), &taken).await));
    assert!(is_conflict(&records.replace_user(&removed, &seen(1, Version(1)), &taken).await));
    assert!(is_conflict(&records.insert_token(&token(1, 2), &taken).await));
    assert!(is_conflict(&records.replace_token(&renewed, Version(1), &taken).await));
    assert_eq!(entries(records, None, None).await, before);
    assert_eq!(records.unapplied(10).await.expect(ANSWERS), waiting);
    assert_eq!(records.user(user_id(1)).await.expect(ANSWERS).map(|held| held.value), Some(user(1)));
    assert_eq!(records.user(user_id(2)).await.expect(ANSWERS), None);
    assert_eq!(records.token(token_id(1)).await.expect(ANSWERS).map(|held| held.value), Some(token(1, 1)));
    assert_eq!(records.token(token_id(2)).await.expect(ANSWERS), None);
}

/// A change is forgotten when that version of it, or a newer one, is in effect.
pub async fn remembers_changes_until_they_are_applied(records: &impl Records) {
    records.insert_user(&user(1), &audit(1, "a", "b")).await.expect(ANSWERS);
    records.insert_token(&token(1, 1), &audit(2, "a", "b")).await.expect(ANSWERS);
    records.replace_user(&user(1), &seen(1, Version(1)), &audit(3, "a", "b")).await.expect(ANSWERS);
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
