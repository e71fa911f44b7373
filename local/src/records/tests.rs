//! The conformance suite on SQLite, and what only it can get wrong.

use gateway_core::conformance::fixture::{audit, token, token_id, user, user_id};
use gateway_core::ports::{Tokens as _, Users as _};
use gateway_core::version::Version;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{OpenError, SqliteRecords};

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn store() -> (SqliteRecords, TempDir) {
    let data = TempDir::new().unwrap();
    (SqliteRecords::open(data.path()).unwrap(), data)
}

gateway_core::records_conformance!(block_on, store());

#[test]
fn keeps_everything_when_it_is_opened_again() {
    let (records, data) = store();
    block_on(records.insert_user(&user(1), &audit(1, "a", "b"))).unwrap();
    drop(records);
    let records = SqliteRecords::open(data.path()).unwrap();
    assert_eq!(block_on(records.user(user_id(1))).unwrap().unwrap().value, user(1));
}

#[test]
fn shares_the_folder_with_another_process() {
    let (one, data) = store();
    let two = SqliteRecords::open(data.path()).unwrap();
    block_on(async {
        one.insert_token(&token(1, 1), &audit(1, "a", "b")).await.unwrap();
        two.replace_token(&token(1, 1), Version(1), &audit(2, "a", "b")).await.unwrap();
        assert!(one.replace_token(&token(1, 1), Version(1), &audit(3, "a", "b")).await.is_err());
        assert_eq!(one.token(token_id(1)).await.unwrap().unwrap().version, Version(2));
    });
}

#[test]
fn refuses_records_of_a_newer_binary() {
    let (records, data) = store();
    drop(records);
    Connection::open(data.path().join("records.db")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(SqliteRecords::open(data.path()), Err(OpenError::Newer { found: 99, .. })));
}

#[test]
fn writes_record_and_audit_entry_together() {
    let (records, data) = store();
    let intruder = Connection::open(data.path().join("records.db")).unwrap();
    intruder.execute_batch("CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(FAIL, 'no'); END").unwrap();
    block_on(async {
        assert!(records.insert_user(&user(1), &audit(1, "a", "b")).await.is_err());
        assert_eq!(records.user(user_id(1)).await.unwrap(), None);
    });
    let waiting: i64 = intruder.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).unwrap();
    assert_eq!(waiting, 0);
}

#[test]
fn lists_without_scanning_the_store() {
    let (_records, data) = store();
    let connection = Connection::open(data.path().join("records.db")).unwrap();
    let lists = super::audit::LISTS.into_iter().chain([super::tokens::LIST, super::usage::LIST]);
    for sql in lists {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut steps = statement.raw_query();
        while let Some(step) = steps.next().unwrap() {
            let step: String = step.get(3).unwrap();
            assert!(step.starts_with("SEARCH"), "{sql}: {step}");
        }
    }
}

#[test]
fn is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_records, data) = store();
    let mode = std::fs::metadata(data.path().join("records.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
