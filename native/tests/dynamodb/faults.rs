//! What goes wrong between the gateway and the table, and does no harm.

use gateway_core::conformance::fixture::{START, audit, token, token_id, user, user_id};
use gateway_core::ports::{
    AuditLog as _, AuditQuery, Directory as _, Outbox as _, PageRequest, Subject, TokenQuery, Tokens as _, Unavailable,
    Users as _, WriteError,
};
use gateway_core::version::{Stored, Version};
use gateway_tests::dynamodb::Fault;

use crate::support::{block_on, store};

fn page() -> PageRequest {
    PageRequest { limit: 50, cursor: None }
}

fn is_unknown(written: &Result<(), WriteError>) -> bool {
    matches!(written, Err(WriteError::Unavailable(_)))
}

#[test]
fn gives_up_where_everything_is_throttled_and_writes_nothing() {
    let (records, table) = store();
    block_on(async {
        table.shim.meet_all(Some(Fault::Throttled));
        assert!(is_unknown(&records.insert_user(&user(1), &audit(1, "a", "b")).await));
        assert!(records.user(user_id(1)).await.is_err());
        assert!(table.shim.take_counts().values().all(|count| *count <= 10), "it is not asked over and over");
        table.shim.meet_all(None);
        assert_eq!(records.user(user_id(1)).await.unwrap(), None);
    });
}

#[test]
fn gives_up_where_others_never_let_it_write() {
    let (records, table) = store();
    block_on(async {
        table.shim.meet_all(Some(Fault::Conflict));
        assert!(
            is_unknown(&records.insert_token(&token(1, 1), &audit(1, "a", "b")).await),
            "nobody else's version won"
        );
        let sent = table.shim.take_counts()["TransactWriteItems"];
        assert!((2..20).contains(&sent), "{sent}");
        table.shim.meet_all(None);
        assert_eq!(records.token(token_id(1)).await.unwrap(), None);
    });
}

#[test]
fn changes_an_item_that_is_in_somebodys_transaction() {
    let (records, table) = store();
    block_on(async {
        records.insert_token(&token(1, 1), &audit(1, "a", "b")).await.unwrap();
        for operation in ["UpdateItem", "DeleteItem", "PutItem"] {
            table.shim.meet(Some(operation), Fault::Conflict);
        }
        records.touch(&[(token_id(1), START)]).await.unwrap();
        records.applied(Subject::Token(token_id(1)), Version::FIRST).await.unwrap();
        records.note(&audit(2, "a", "b")).await.unwrap();
        assert_eq!(records.unapplied(10).await.unwrap(), []);
        assert_eq!(records.token(token_id(1)).await.unwrap().unwrap().value.last_used, Some(START));
    });
}

#[test]
fn makes_a_change_once_whose_answer_is_lost() {
    let (records, table) = store();
    block_on(async {
        records.insert_user(&user(1), &audit(1, "a", "b")).await.unwrap();
        table.shim.meet(Some("TransactWriteItems"), Fault::Applied);
        records
            .replace_user(&user(1), &Stored { value: user(1), version: Version(1) }, &audit(2, "a", "b"))
            .await
            .unwrap();
        assert_eq!(records.user(user_id(1)).await.unwrap().unwrap().version, Version(2));
    });
}

#[test]
fn says_that_it_does_not_know_when_every_answer_is_lost() {
    let (records, table) = store();
    block_on(async {
        table.shim.meet_all(Some(Fault::Applied));
        assert!(is_unknown(&records.insert_user(&user(1), &audit(1, "a", "b")).await));
        table.shim.meet_all(None);
        let waiting = records.unapplied(10).await.unwrap();
        assert_eq!(waiting, [(Subject::User(user_id(1)), Version::FIRST)], "it was written, whole");
    });
}

/// Indexes hear of a change some time after the table: what a person sees of their own, and what is repaired from the audit
/// log, must not wait for that.
#[test]
fn needs_no_index_for_what_must_be_true_at_once() {
    let (records, table) = store();
    block_on(async {
        table.shim.lag(true);
        records.insert_user(&user(1), &audit(1, "a", "b")).await.unwrap();
        records.insert_token(&token(1, 1), &audit(2, "a", "b")).await.unwrap();
        let found = records.user_named(&user(1).names()[0]).await.unwrap();
        assert_eq!(found.unwrap().value, user(1));
        assert_eq!(records.people_at(&user(1).email).await.unwrap().len(), 1);
        let own = TokenQuery { user: user_id(1), expired_after: START, page: page() };
        assert_eq!(records.tokens(&own).await.unwrap().items.len(), 1);
        let all = AuditQuery { actor: None, target: None, page: page() };
        assert_eq!(records.entries(&all).await.unwrap().items.len(), 2);
        assert_eq!(records.unapplied(10).await.unwrap(), []);
        table.shim.lag(false);
        assert_eq!(records.unapplied(10).await.unwrap().len(), 2, "nothing is lost");
    });
}

#[test]
fn reads_a_batch_to_its_end() {
    let (records, table) = store();
    block_on(async {
        for number in 1..=3 {
            records.insert_token(&token(1, number), &audit(number.into(), "a", "b")).await.unwrap();
        }
        table.shim.meet(Some("BatchGetItem"), Fault::Unprocessed);
        table.shim.meet(Some("BatchGetItem"), Fault::Unprocessed);
        let own = TokenQuery { user: user_id(1), expired_after: START, page: page() };
        assert_eq!(records.tokens(&own).await.unwrap().items.len(), 3);
    });
}

#[test]
fn tells_what_went_wrong_without_a_credential() {
    for fault in [Fault::Lost, Fault::Failed, Fault::Throttled] {
        let (records, table) = store();
        table.shim.meet_all(Some(fault));
        let error: Unavailable = block_on(records.user(user_id(1))).unwrap_err();
        let told = gateway_core::Chain(&error).to_string();
        assert!(told.starts_with("the records is unavailable") && !told.contains("obviously"), "{told}");
        assert!(!format!("{error:?}").contains("obviously"), "{error:?}");
    }
}
