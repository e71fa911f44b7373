//! The conformance suite on SQLite, and what only it can get wrong.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use gateway_core::accounts::{Breakdown, Days, Facts, Posting, SumQuery};
use gateway_core::conformance::fixture::{START, audit, email, lease_id, token, token_id, usage_event, user, user_id};
use gateway_core::identity::{Account, Name, User};
use gateway_core::ports::{
    Accounts as _, Directory as _, Outbox as _, PageRequest, PeopleList, PeopleQuery, Subject, Tokens as _,
    UsageLog as _, UsageQuery, Users as _, WriteError,
};
use gateway_core::version::Version;
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::sums::Plan;
use super::weeks::Part;
use super::workers::Workers;
use super::{OpenError, SqliteRecords};

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn store() -> (SqliteRecords, TempDir) {
    let data = TempDir::new().unwrap();
    (SqliteRecords::open(data.path()).unwrap(), data)
}

gateway_core::records_conformance!(block_on, store());
gateway_core::records_conformance!(forgetting block_on, store());

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

/// Texts that SQLite and JSON write in ways of their own.
const SUBJECTS: [&str; 4] = ["subject-1", "'); DROP TABLE user; --", "\u{1}\u{0}\u{7f}\n\"\\/", "\u{202E}😀e\u{301}"];

/// Returns a person as the third version of the tables had them.
fn person_of_version_three(number: u8, status: &serde_json::Value) -> serde_json::Value {
    let subject = SUBJECTS[usize::from(number) - 1];
    json!({
        "id": user_id(number), "issuer": "https://id.example", "subject": subject, "email": email(number),
        "name": "Ann \"\u{0}", "groups": ["even"], "status": status, "token_epoch": 1, "session_epoch": 2,
        "reauth_after": null, "first_seen": 7, "last_sign_in": START.0 + i64::from(number),
    })
}

/// Makes empty tables as they were in a version.
fn tables_of_version(data: &TempDir, version: u8) -> Connection {
    let connection = Connection::open(data.path().join("records.db")).unwrap();
    for step in &super::schema::MIGRATIONS[..usize::from(version)] {
        connection.execute_batch(step).unwrap();
    }
    connection.pragma_update(None, "user_version", version).unwrap();
    connection
}

/// Makes records in the third version of the tables, with four people and a usage event.
fn records_of_version_three(data: &TempDir) {
    let connection = tables_of_version(data, 3);
    let suspended = json!({"status": "suspended", "until": null, "reason": "", "by": user_id(1), "at": 7});
    let standings = [json!({"status": "active"}), suspended, json!({"status": "removed"}), json!({"status": "active"})];
    for (number, status) in (1..).zip(standings) {
        let body = person_of_version_three(number, &status);
        let sql = "INSERT INTO user VALUES (?1, ?2, ?3, ?4, ?5, 3, ?6)";
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        let (id, issuer, subject, email) = (text("id"), text("issuer"), text("subject"), text("email"));
        let last = body["last_sign_in"].as_i64().unwrap();
        connection.execute(sql, (id, issuer, subject, email, last, body.to_string())).unwrap();
    }
    let event = serde_json::to_string(&usage_event(1, 1)).unwrap();
    assert!(event.contains("192.0.2.1") && event.contains("user1@example.com"));
    connection.execute("INSERT INTO usage VALUES (?1, 1, ?2)", (lease_id(1).to_string(), event)).unwrap();
}

#[test]
fn carries_people_over_from_version_three() {
    let data = TempDir::new().unwrap();
    records_of_version_three(&data);
    let records = SqliteRecords::open(data.path()).unwrap();
    block_on(async {
        let people = async |list| {
            let query = PeopleQuery { list, skip: 0, page: PageRequest { limit: 50, cursor: None } };
            let page = records.list_people(&query).await.unwrap();
            page.items.into_iter().map(|user| user.value.id).collect::<Vec<_>>()
        };
        assert_eq!(people(PeopleList::Everybody).await, [4, 3, 2, 1].map(user_id));
        assert_eq!(people(PeopleList::Address("user2@".to_owned())).await, [user_id(2)]);
        assert_eq!(people(PeopleList::Suspended).await, [user_id(2)]);
        assert_eq!(people(PeopleList::Removed).await, [user_id(3)]);
        for (number, subject) in (1..).zip(SUBJECTS) {
            let account = Account { issuer: "https://id.example".to_owned(), subject: subject.to_owned() };
            let held = records.user_named(&Name::Account(account.clone())).await.unwrap().unwrap();
            assert_eq!((held.value.id, held.version), (user_id(number), Version(3)));
            assert_eq!(held.value.last_sign_in, Some(START.plus(i64::from(number))));
            assert_eq!(records.people_at(&email(number)).await.unwrap(), std::slice::from_ref(&held));
            let taken = User { account: Some(account), ..user(9) };
            let taken = records.insert_user(&taken, &audit(number.into(), "a", "b")).await;
            assert!(matches!(taken, Err(WriteError::Conflict)), "{taken:?}");
            let next = User { last_sign_in: Some(START), ..held.value.clone() };
            records.replace_user(&next, &held, &audit(10 + u16::from(number), "a", "b")).await.unwrap();
        }
        assert_eq!(people(PeopleList::Everybody).await, [1, 2, 3, 4].map(user_id));
        let query = UsageQuery { after: None, page: PageRequest { limit: 1, cursor: None } };
        let logged = records.usage(&query).await.unwrap().items;
        assert_eq!(logged, [Posting::of(usage_event(1, 1), &jiff::tz::TimeZone::UTC).event]);
    });
}

#[test]
fn adds_up_by_day_what_version_five_rolled_up() {
    let data = TempDir::new().unwrap();
    let connection = tables_of_version(&data, 5);
    // A provider that lies has made a sum as large as it can be.
    let day = "2026-11-23";
    for (number, model, cost) in [(1, "a", 5), (1, "b", 7), (2, "b", i64::MAX)] {
        let sql = "INSERT INTO roll_up VALUES (?1, ?2, ?3, ?4, 'echo', 2, 3, 0, 0, 0, 4, ?5, 1, 0, 0)";
        let ids = (user_id(number).to_string(), token_id(number).to_string());
        connection.execute(sql, (day, ids.0, ids.1, model, cost)).unwrap();
    }
    drop(connection);
    let records = SqliteRecords::open(data.path()).unwrap();
    let today = Days::up_to(Days::parse(day).unwrap(), 1);
    let sums = |by| {
        let query = SumQuery::of_everybody(&Breakdown::parse(by).unwrap(), today, 9);
        let mut rows = block_on(records.sums(&query)).unwrap().unwrap();
        rows.sort_by(|one, other| one.facts.cmp(&other.facts));
        rows.into_iter().map(|row| (row.facts, row.sum.usage.requests, row.sum.usage.cost.0)).collect::<Vec<_>>()
    };
    let all = Facts { day: Some(day.to_owned()), ..Facts::default() };
    assert_eq!(sums("day"), [(all, 6, i64::MAX)]);
    let [one, two] = [1, 2].map(|number| Facts { user: Some(user_id(number)), ..Facts::default() });
    assert_eq!(sums("user"), [(one, 4, 12), (two, 2, i64::MAX)]);
    let [a, b] = ["a", "b"].map(|model| Facts { model: Some(model.to_owned()), ..Facts::default() });
    assert_eq!(sums("model"), [(a, 2, 5), (b, 4, i64::MAX)]);
    assert_eq!(sums("group"), []);
    let own = block_on(records.sums(&SumQuery::of_person(user_id(1), today, 9))).unwrap().unwrap();
    assert_eq!(own.len(), 2, "they are found by person");
}

#[test]
fn adds_up_by_week_what_version_seven_had() {
    let data = TempDir::new().unwrap();
    let connection = tables_of_version(&data, 7);
    let ids = (user_id(1).to_string(), token_id(1).to_string());
    for (day, cost) in [("2026-11-22", 1), ("2026-11-23", 2), ("2026-11-29", i64::MAX)] {
        let sql = "INSERT INTO roll_up VALUES (?1, ?2, ?3, 'a', 'echo', 1, 3, 0, 0, 0, 4, ?4, 1, 0, 0)";
        connection.execute(sql, (day, &ids.0, &ids.1, cost)).unwrap();
        for (dimension, name) in [("user", &*ids.0), ("group", "even")] {
            let sql = "INSERT INTO day_sum VALUES (?1, ?2, ?3, '{}', '{}', 1, 3, 0, 0, 0, 4, ?4, 1, 0, 0)";
            connection.execute(sql, (dimension, day, name, cost)).unwrap();
        }
    }
    drop(connection);
    let records = SqliteRecords::open(data.path()).unwrap();
    let day = |text| Days::parse(text).unwrap();
    for by in ["user", "token", "group"] {
        for (first, last, rows, expected) in [
            ("2026-11-22", "2026-11-22", 1, (1, 1)),
            ("2026-11-16", "2026-11-29", 2, (3, i64::MAX)),
            // Nobody called in the days that make these weeks whole.
            ("2026-11-22", "2026-11-29", 2, (3, i64::MAX)),
            // Somebody did here.
            ("2026-11-23", "2026-11-28", 1, (1, 2)),
            ("2026-11-24", "2026-11-29", 1, (1, i64::MAX)),
        ] {
            let days = Days::new(day(first), day(last)).unwrap();
            let query = |most| SumQuery::of_everybody(&Breakdown::parse(by).unwrap(), days, most);
            let found = block_on(records.sums(&query(rows))).unwrap().expect("no more rows are read");
            let found: Vec<(i64, i64)> =
                found.iter().map(|row| (row.sum.usage.requests, row.sum.usage.cost.0)).collect();
            assert_eq!(found, [expected], "{by} from {first} to {last}");
            assert_eq!(block_on(records.sums(&query(rows - 1))).unwrap(), None, "{by} from {first} to {last}");
        }
    }
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
        let written = records.insert_user(&user(1), &audit(1, "a", "b")).await;
        assert!(matches!(written, Err(WriteError::Unavailable(_))), "nobody else wrote");
        assert_eq!(records.user(user_id(1)).await.unwrap(), None);
    });
    let waiting: i64 = intruder.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).unwrap();
    assert_eq!(waiting, 0);
}

#[test]
fn lists_without_scanning_the_store() {
    let (_records, data) = store();
    let connection = Connection::open(data.path().join("records.db")).unwrap();
    let lists = super::audit::LISTS.into_iter().chain([
        super::tokens::LIST,
        super::directory::LIST,
        super::directory::SEARCH,
        super::directory::PEOPLE,
        super::directory::COUNT,
        super::directory::SIZE,
        super::directory::AT,
        super::users::NAMED,
        super::usage::LIST,
        super::arrivals::LIST,
        super::retention::LIST,
        super::accounts::SPENT,
        super::weeks::CALL,
    ]);
    let days = Days::up_to(Days::parse("2026-11-23").unwrap(), 30);
    let own = SumQuery::of_person(user_id(1), days, 9);
    let sums = ["day", "user", "token"].map(|by| SumQuery::of_everybody(&Breakdown::parse(by).unwrap(), days, 9));
    let parts = [Part::Days(days), Part::Weeks(days)];
    let sums = sums.iter().chain([&own]).flat_map(|query| parts.map(|part| Plan::of(query, part).sql));
    let sums: Vec<String> = sums.collect();
    for sql in lists.chain(sums.iter().map(String::as_str)) {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut steps = statement.raw_query();
        while let Some(step) = steps.next().unwrap() {
            let step: String = step.get(3).unwrap();
            // The heading of steps that follow.
            if step == "CORRELATED SCALAR SUBQUERY 1" {
                continue;
            }
            assert!(step.starts_with("SEARCH"), "{sql}: {step}");
            assert!(step.contains("target=?") || !sql.contains(":target"), "{sql}: {step}");
        }
    }
}

#[test]
fn is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_records, data) = store();
    for file in ["records.db", "records.db-wal", "records.db-shm"] {
        let mode = std::fs::metadata(data.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

/// Has three tokens written in one transaction, the first two with the same audit entry, which is the last thing to be
/// written of each. A lock keeps the writer from beginning until all of them wait.
async fn write_as_a_group(records: &SqliteRecords, other: &Connection) -> Vec<Result<(), WriteError>> {
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writes = (1..)
        .zip([1, 1, 2])
        .map(async |(number, entry)| records.insert_token(&token(1, number), &audit(entry, "a", "b")).await);
    join(join_all(writes), async { other.execute_batch("COMMIT").unwrap() }).await.0
}

#[test]
fn rolls_back_only_the_write_that_conflicts() {
    let (records, data) = store();
    let other = Connection::open(data.path().join("records.db")).unwrap();
    block_on(async {
        let written = write_as_a_group(&records, &other).await;
        assert!(matches!(&written[..], [Ok(()), Err(WriteError::Conflict), Ok(())]), "{written:?}");
        assert_eq!(records.token(token_id(2)).await.unwrap(), None);
        let waiting = records.unapplied(10).await.unwrap();
        assert_eq!(waiting, [1, 3].map(|number| (Subject::Token(token_id(number)), Version::FIRST)));
    });
}

#[test]
fn refuses_nobody_for_what_was_never_committed() {
    let (records, data) = store();
    let other = Connection::open(data.path().join("records.db")).unwrap();
    let broken = "CREATE TABLE parent (id INTEGER PRIMARY KEY);
                  CREATE TABLE child (parent REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
                  CREATE TRIGGER broken AFTER INSERT ON token BEGIN INSERT INTO child VALUES (1); END";
    other.execute_batch(broken).unwrap();
    block_on(async {
        for written in write_as_a_group(&records, &other).await {
            assert!(matches!(written, Err(WriteError::Unavailable(_))), "{written:?}");
        }
        assert_eq!(records.token(token_id(1)).await.unwrap(), None);
        other.execute_batch("DROP TRIGGER broken").unwrap();
        records.insert_token(&token(1, 1), &audit(9, "a", "b")).await.unwrap();
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is what this is about")]
fn lets_nobody_wait_for_those_who_waited_before() {
    let data = TempDir::new().unwrap();
    let records = SqliteRecords { workers: Arc::new(Workers::start(data.path(), Duration::from_millis(100)).unwrap()) };
    let other = Connection::open(data.path().join("records.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let writes =
        (1..=100).map(async |number| records.insert_user(&user(number), &audit(number.into(), "a", "b")).await);
    for written in block_on(join_all(writes)) {
        assert!(matches!(written, Err(WriteError::Unavailable(_))), "{written:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(5), "a hundred waits one after the other are ten seconds");
}

#[test]
fn opens_an_empty_file() {
    let data = TempDir::new().unwrap();
    std::fs::write(data.path().join("records.db"), "").unwrap();
    let records = SqliteRecords::open(data.path()).unwrap();
    block_on(records.insert_user(&user(1), &audit(1, "a", "b"))).unwrap();
}

#[test]
fn refuses_a_file_that_holds_something_else() {
    let data = TempDir::new().unwrap();
    let text = "these are no records, and nobody wants them overwritten\n".repeat(100);
    std::fs::write(data.path().join("records.db"), &text).unwrap();
    assert!(matches!(SqliteRecords::open(data.path()), Err(OpenError::Sqlite(_))));
    assert_eq!(std::fs::read_to_string(data.path().join("records.db")).unwrap(), text);
}

#[test]
fn opens_for_processes_that_start_together() {
    for _ in 0..10 {
        let data = TempDir::new().unwrap();
        let start = Barrier::new(4);
        let open = || {
            start.wait();
            SqliteRecords::open(data.path()).map(drop)
        };
        std::thread::scope(|scope| {
            let opened = [(); 4].map(|()| scope.spawn(open)).map(|opening| opening.join().unwrap());
            assert!(opened.iter().all(Result::is_ok), "{opened:?}");
        });
    }
}
