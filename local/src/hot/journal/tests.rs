//! Compaction that is interrupted anywhere, positions, older files, and SQLite's log.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use gateway_core::conformance::fixture::{START, admit, install, settlement};
use gateway_core::conformance::hot::recovery;
use gateway_core::memory::{Change, Memory};
use gateway_core::version::Generation;
use rusqlite::{Connection, params};
use serde_json::Value;
use tempfile::TempDir;

use super::compaction::compact;
use super::{Journal, Pace, file, replay};

/// A pace at which the keeper of a test does nothing by itself, and a compaction takes many transactions.
const SLOW: Pace = Pace {
    changes: i64::MAX,
    part: 512,
    deletions: 3,
    pause: Duration::ZERO,
    turn: Duration::from_hours(1),
    log: u64::MAX,
};

fn open(data: &Path) -> (Journal, Memory) {
    Journal::open(data, Generation(7), SLOW).unwrap()
}

/// Makes calls, and keeps them.
fn call(journal: &mut Journal, memory: &mut Memory, leases: std::ops::Range<u16>) {
    let mut keep = |changes: Vec<Change>, memory: &mut Memory| {
        for change in changes {
            journal.record(&change).unwrap();
            memory.apply(change);
        }
        journal.commit().unwrap();
    };
    if let Some(loss) = memory.loss() {
        keep(memory.recover(&recovery(&loss, Vec::new())).1, memory);
    }
    keep(memory.install(&install(1, Generation(7))).1, memory);
    for lease in leases {
        keep(memory.admit(&admit(1, lease, START, 60, &[])).1, memory);
        keep(memory.settle(&settlement(lease, START, 25)).1, memory);
    }
}

/// Returns what a memory holds, in one order.
fn content(memory: &Memory) -> Value {
    fn sort(value: &mut Value) {
        match value {
            Value::Array(items) => {
                items.iter_mut().for_each(sort);
                items.sort_by_cached_key(Value::to_string);
            }
            Value::Object(fields) => fields.values_mut().for_each(sort),
            _ => {}
        }
    }
    let mut content = serde_json::to_value(memory).unwrap();
    sort(&mut content);
    content
}

fn count(connection: &Connection, what: &str) -> i64 {
    connection.query_row(&format!("SELECT count({what}"), [], |row| row.get(0)).unwrap()
}

/// Compacts until the `pauses`th pause; says whether that came first.
fn compact_until(data: &Path, pauses: usize) -> bool {
    let mut left = pauses;
    let pause = || {
        left = left.saturating_sub(1);
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    compact(&file::connect(data).unwrap(), &SLOW, pause).unwrap().is_none()
}

#[test]
fn loses_nothing_wherever_a_compaction_is_interrupted() {
    let mut states = std::collections::BTreeSet::new();
    for pauses in 1.. {
        let data = TempDir::new().unwrap();
        let (mut journal, mut memory) = open(data.path());
        call(&mut journal, &mut memory, 0..8);
        let was_interrupted = compact_until(data.path(), pauses);
        assert_eq!(content(&journal.replay().unwrap()), content(&memory), "after {pauses} pauses");
        let parts = count(&journal.connection, "DISTINCT number) FROM snapshot");
        let is_flipped = count(&journal.connection, "*) FROM latest WHERE number = 2") == 1;
        states.insert((parts, is_flipped, count(&journal.connection, "*) FROM change") > 0));

        call(&mut journal, &mut memory, 8..10);
        drop(journal);
        assert!(!compact_until(data.path(), usize::MAX));
        let (journal, replayed) = open(data.path());
        assert_eq!(content(&replayed), content(&memory), "after {pauses} pauses and another compaction");
        assert_eq!(count(&journal.connection, "*) FROM change"), 0);
        assert_eq!(count(&journal.connection, "DISTINCT number) FROM snapshot"), 1);
        if !was_interrupted {
            break;
        }
    }
    let all = [(1, false, true), (2, false, true), (2, true, true), (2, true, false), (1, true, false)];
    assert!(all.iter().all(|state| states.contains(state)), "{states:?}");
}

#[test]
fn gives_no_position_twice_after_a_compaction_left_no_changes() {
    let data = TempDir::new().unwrap();
    let (mut journal, mut memory) = open(data.path());
    call(&mut journal, &mut memory, 0..3);
    drop(journal);
    assert!(!compact_until(data.path(), usize::MAX));
    let (mut journal, _) = open(data.path());
    assert_eq!(count(&journal.connection, "*) FROM change"), 0);
    call(&mut journal, &mut memory, 3..4);
    assert_eq!(content(&journal.replay().unwrap()), content(&memory));
    drop(journal);
    assert_eq!(content(&open(data.path()).1), content(&memory));
}

#[test]
fn takes_what_was_rolled_back_for_never_written() {
    let data = TempDir::new().unwrap();
    let (mut journal, mut memory) = open(data.path());
    call(&mut journal, &mut memory, 0..2);
    journal.record(&Change::Discarded { through: 9 }).unwrap();
    journal.rollback().unwrap();
    assert_eq!(content(&journal.replay().unwrap()), content(&memory));
    assert!(!compact_until(data.path(), usize::MAX));
    call(&mut journal, &mut memory, 2..3);
    assert_eq!(content(&journal.replay().unwrap()), content(&memory));
}

#[test]
fn turns_a_file_of_version_1_into_one_of_version_2() {
    let (data, scratch) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (mut journal, mut memory) = open(scratch.path());
    call(&mut journal, &mut memory, 0..2);
    let snapshot = serde_json::to_vec(&memory).unwrap();
    let change = Change::Discarded { through: 1 };
    memory.apply(change.clone());

    let old = Connection::open(data.path().join("hot.db")).unwrap();
    old.execute_batch(
        "CREATE TABLE snapshot (id INTEGER PRIMARY KEY CHECK (id = 1), memory BLOB NOT NULL);
         CREATE TABLE change (position INTEGER PRIMARY KEY, body BLOB NOT NULL);
         PRAGMA user_version = 1;",
    )
    .unwrap();
    old.execute("INSERT INTO snapshot (id, memory) VALUES (1, ?1)", params![snapshot]).unwrap();
    old.execute("INSERT INTO change (body) VALUES (?1)", params![serde_json::to_vec(&change).unwrap()]).unwrap();
    drop(old);

    let (mut journal, mut replayed) = open(data.path());
    assert_eq!(content(&replayed), content(&memory));
    let schema: i64 = journal.connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(schema, 2);
    call(&mut journal, &mut replayed, 2..4);
    drop(journal);
    assert!(!compact_until(data.path(), usize::MAX));
    assert_eq!(content(&open(data.path()).1), content(&replayed));
}

#[test]
fn lets_the_log_start_over_unless_somebody_reads() {
    let data = TempDir::new().unwrap();
    let handle = file::Handle::open(data.path()).unwrap();
    let (mut journal, mut memory) = open(data.path());
    call(&mut journal, &mut memory, 0..5);
    let length = || std::fs::metadata(file::log(data.path())).unwrap().len();
    let (keeper, reader) = (file::connect(data.path()).unwrap(), file::connect(data.path()).unwrap());
    let backup = reader.unchecked_transaction().unwrap();
    assert!(count(&backup, "*) FROM change") > 0);
    call(&mut journal, &mut memory, 5..6);
    file::start_over(&keeper, &handle).unwrap();
    assert!(length() > 0, "a backup goes on reading");
    drop(backup);
    file::start_over(&keeper, &handle).unwrap();
    assert_eq!(length(), 0);
    assert_eq!(content(&replay::replay(&keeper).unwrap().memory), content(&memory));
}
