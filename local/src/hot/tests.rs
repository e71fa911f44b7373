//! The conformance suite on the embedded store, and what only it can get wrong.

use std::time::Duration;

use gateway_core::admission::{Refusal, Verdict};
use gateway_core::conformance::fixture::{START, admit, install, session, settlement, ticket, user_id};
use gateway_core::conformance::hot::{generation, install_all};
use gateway_core::conformance::model::{Restart, equals_the_reference};
use gateway_core::ports::{
    Admission as _, Limits as _, OneTime as _, PageRequest, Presence as _, Roster as _, SessionCounts, SessionQuery,
    Sessions as _, SessionsOf, Tally, Usage as _,
};
use gateway_core::time::Timestamp;
use gateway_core::version::Generation;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{EmbeddedHot, JournalError, Pace};

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn open(data: &TempDir, now: Timestamp) -> Result<EmbeddedHot, JournalError> {
    EmbeddedHot::open(data.path(), Generation(7), now)
}

fn store() -> (EmbeddedHot, TempDir) {
    let data = TempDir::new().unwrap();
    (open(&data, START).unwrap(), data)
}

gateway_core::hot_conformance!(block_on, store());

/// A store that knows its folder, so that it can be opened again.
#[derive(Clone)]
struct Folder {
    hot: EmbeddedHot,
    data: std::sync::Arc<TempDir>,
    pace: Pace,
}

impl Folder {
    fn new(pace: Pace) -> Self {
        let data = std::sync::Arc::new(TempDir::new().unwrap());
        Self { hot: EmbeddedHot::paced(data.path(), Generation(7), START, pace).unwrap(), data, pace }
    }
}

/// Returns the number of the snapshot that counts: how often the journal was compacted, and one.
fn snapshots(data: &std::path::Path) -> i64 {
    let connection = Connection::open(data.join("hot.db")).unwrap();
    connection.query_row("SELECT number FROM latest", [], |row| row.get(0)).unwrap()
}

macro_rules! delegate {
    ($($port:ident { $($method:ident($($name:ident: $kind:ty),*) -> $answer:ty;)* })*) => {
        $(impl gateway_core::ports::$port for Folder {
            $(async fn $method(&self, $($name: $kind),*) -> Result<$answer, gateway_core::ports::Unavailable> {
                self.hot.$method($($name),*).await
            })*
        })*
    };
}

delegate! {
    Admission {
        admit(admit: &gateway_core::admission::Admit) -> gateway_core::admission::Verdict;
        settle(settlement: &gateway_core::admission::Settlement) -> ();
        cancel(cancel: gateway_core::admission::Cancel) -> ();
        sweep(now: Timestamp, limit: u32) -> u32;
        install(install: &gateway_core::admission::Install) -> gateway_core::admission::Installed;
    }
    Roster {
        tally(now: Timestamp) -> Tally;
        enrolled(generation: Generation, upto: Option<&gateway_core::ports::Cursor>) -> ();
    }
    Sessions {
        open_session(session: &gateway_core::session::Session) -> ();
        session(ticket: &gateway_core::session::TicketHash, now: Timestamp) -> gateway_core::ports::SessionState;
        find_session(id: &gateway_core::session::SessionId) -> Option<gateway_core::session::Session>;
        end_session(id: &gateway_core::session::SessionId) -> bool;
    }
    Presence {
        sessions(query: &gateway_core::ports::SessionQuery)
            -> gateway_core::ports::Page<gateway_core::session::Session>;
        session_counts(now: Timestamp) -> gateway_core::ports::SessionCounts;
        seen(now: Timestamp, page: &gateway_core::ports::PageRequest)
            -> gateway_core::ports::Page<gateway_core::ports::Activity>;
        seen_count(now: Timestamp) -> u64;
        activity(users: &[gateway_core::id::UserId], now: Timestamp) -> Vec<gateway_core::ports::Activity>;
    }
    Limits {
        count(name: &str, seconds: u32, now: Timestamp) -> (u64, u32);
    }
    OneTime {
        keep(kind: &str, id: &str, value: &str, now: Timestamp, expiry: Timestamp) -> bool;
        redeem(kind: &str, id: &str, now: Timestamp) -> Option<String>;
    }
    Answers {
        note_answer(id: &str, user: gateway_core::id::UserId, now: Timestamp, expiry: Timestamp) -> ();
        answer_maker(id: &str, now: Timestamp) -> Option<gateway_core::id::UserId>;
    }
    Contents {
        keep_content(id: gateway_core::id::LeaseId, content: &str, now: Timestamp, expiry: Timestamp) -> bool;
        contents(ids: &[gateway_core::id::LeaseId], now: Timestamp) -> Vec<Option<String>>;
        discard_contents(ids: &[gateway_core::id::LeaseId]) -> ();
    }
    Usage {
        pending_usage(limit: u32) -> (Vec<gateway_core::admission::UsageEvent>, u64);
        discard_usage(through: u64) -> ();
        spending(query: &gateway_core::ports::SpendingQuery) -> gateway_core::ports::SpendingState;
        totals(calendar: &gateway_core::money::Calendar,
            counters: &[(gateway_core::money::WindowKind, gateway_core::money::Counter)])
            -> Vec<gateway_core::ports::Totals>;
    }
    Continuity {
        begin_generation() -> Generation;
        beat(seen: u64) -> u64;
        loss() -> Option<gateway_core::ports::Loss>;
        recover(recovery: &gateway_core::ports::Recovery) -> bool;
    }
    Duties {
        claim(duty: &str, holder: &str, seconds: u32) -> bool;
    }
}

impl gateway_core::ports::Hot for Folder {}

impl Restart for Folder {
    async fn restart(self, now: Timestamp) -> Self {
        let Self { hot, data, pace } = self;
        drop(hot);
        Self { hot: EmbeddedHot::paced(data.path(), Generation(7), now, pace).unwrap(), data, pace }
    }
}

#[test]
fn equals_the_reference_across_restarts() {
    equals_the_reference(block_on, || (Folder::new(Pace::default()), ()));
}

#[test]
fn equals_the_reference_while_the_journal_is_compacted() {
    struct Count(std::sync::Arc<TempDir>, std::rc::Rc<std::cell::Cell<i64>>);
    impl Drop for Count {
        fn drop(&mut self) {
            self.1.set(self.1.get() + snapshots(self.0.path()) - 1);
        }
    }
    let compactions = std::rc::Rc::default();
    let turn = Duration::from_micros(100);
    let pace = Pace { changes: 4, part: 1000, deletions: 9, pause: Duration::ZERO, turn, log: 32 * 1024 };
    equals_the_reference(block_on, || {
        let folder = Folder::new(pace);
        let count = Count(folder.data.clone(), std::rc::Rc::clone(&compactions));
        (folder, count)
    });
    // How many there are depends on when the keeper gets its turns; usually they are more than a hundred.
    assert!(compactions.get() > 0);
}

#[test]
fn refuses_a_second_process_on_the_same_folder() {
    let (hot, data) = store();
    assert!(matches!(open(&data, START), Err(JournalError::InUse(_))));
    drop(hot);
    assert!(open(&data, START).is_ok());
}

#[test]
fn starts_another_generation_when_the_journal_is_lost() {
    let (hot, data) = store();
    let first = block_on(generation(&hot));
    drop(hot);
    assert_eq!(block_on(generation(&open(&data, START).unwrap())), first);
    for file in ["hot.db", "hot.db-wal", "hot.db-shm"] {
        let _ = std::fs::remove_file(data.path().join(file));
    }
    let other = EmbeddedHot::open(data.path(), Generation(8), START).unwrap();
    assert_ne!(block_on(generation(&other)), first);
}

#[test]
fn charges_what_a_dead_process_left_behind_once() {
    let (hot, data) = store();
    block_on(async {
        install_all(&hot, 2).await;
        hot.admit(&admit(1, 1, START, 60, &[])).await.unwrap();
    });
    drop(hot);
    for _ in 0..2 {
        let hot = open(&data, START.plus(5)).unwrap();
        let (events, _) = block_on(hot.pending_usage(10)).unwrap();
        let costs: Vec<_> = events.iter().map(|event| (event.revision, event.settlement.cost.0)).collect();
        assert_eq!(costs, [(1, 60)]);
    }
}

#[test]
fn finishes_what_a_caller_gave_up_waiting_for() {
    let (hot, _data) = store();
    block_on(async {
        install_all(&hot, 2).await;
        let question = admit(1, 1, START, 60, &[]);
        // Asked once and dropped at once: the question is in the queue.
        let mut call = Box::pin(hot.admit(&question));
        let waker = std::task::Waker::noop();
        let _ = call.as_mut().poll(&mut std::task::Context::from_waker(waker));
        drop(call);
        hot.settle(&settlement(1, START, 25)).await.unwrap();
        assert_eq!(hot.pending_usage(10).await.unwrap().0.len(), 1);
    });
}

#[test]
fn believes_nothing_that_the_journal_did_not_take() {
    let (hot, data) = store();
    block_on(install_all(&hot, 2));
    let intruder = Connection::open(data.path().join("hot.db")).unwrap();
    intruder.execute_batch("CREATE TRIGGER no BEFORE INSERT ON change BEGIN SELECT RAISE(ABORT, 'no'); END").unwrap();
    block_on(async {
        assert!(hot.admit(&admit(1, 1, START, 60, &[])).await.is_err());
        intruder.execute_batch("DROP TRIGGER no").unwrap();
        hot.settle(&settlement(1, START, 25)).await.unwrap();
        assert!(hot.pending_usage(10).await.unwrap().0.is_empty(), "the lease was never opened");
        assert!(hot.admit(&admit(1, 2, START, 60, &[])).await.is_ok());
    });
}

#[test]
fn reads_the_journal_of_an_older_binary() {
    let (hot, data) = store();
    block_on(async {
        install_all(&hot, 1).await;
        assert!(matches!(hot.admit(&admit(0, 1, START, 60, &[])).await.unwrap(), Verdict::Admitted(_)));
    });
    drop(hot);
    let older = "UPDATE change SET body = CAST(json_remove(CAST(body AS TEXT), '$.Opened.priced') AS BLOB)
                 WHERE json_extract(CAST(body AS TEXT), '$.Opened.priced') IS NOT NULL";
    let connection = Connection::open(data.path().join("hot.db")).unwrap();
    assert_eq!(connection.execute(older, []).unwrap(), 1);
    drop(connection);
    let (events, _) = block_on(open(&data, START).unwrap().pending_usage(9)).unwrap();
    let charged: Vec<_> = events.iter().map(|event| (event.settlement.cost.0, event.settlement.priced)).collect();
    assert_eq!(charged, [(60, true)]);
}

#[test]
fn knows_after_a_restart_who_is_signed_in() {
    let (hot, data) = store();
    let query = SessionQuery { of: SessionsOf::Everybody, now: START, page: PageRequest { limit: 9, cursor: None } };
    let listed = block_on(async {
        install_all(&hot, 4).await;
        for number in 1..=3 {
            hot.open_session(&session(number)).await.unwrap();
        }
        hot.session(&ticket(2).hash(), START.plus(100)).await.unwrap();
        hot.end_session(&ticket(3).hash().session()).await.unwrap();
        hot.sessions(&query).await.unwrap()
    });
    assert_eq!(listed.items.len(), 2);
    drop(hot);
    let hot = open(&data, START).unwrap();
    block_on(async {
        assert_eq!(hot.sessions(&query).await.unwrap(), listed);
        assert_eq!(hot.session_counts(START).await.unwrap(), SessionCounts { sessions: 2, people: 2 });
        let seen = hot.seen(START.plus(100), &query.page).await.unwrap().items;
        let seen: Vec<_> = seen.iter().map(|seen| (seen.user, seen.by_session)).collect();
        let expected = [(2, 100), (3, 0), (1, 0)].map(|(number, after)| (user_id(number), Some(START.plus(after))));
        assert_eq!(seen, expected);
    });
}

#[test]
fn forgets_no_revocation_when_the_journal_fails() {
    let (hot, data) = store();
    let intruder = Connection::open(data.path().join("hot.db")).unwrap();
    block_on(async {
        install_all(&hot, 2).await;
        let generation = generation(&hot).await;
        let mut revoked = install(1, generation);
        let token = &mut revoked.tokens[0];
        (token.revoked, token.version) = (true, token.version.next());
        hot.install(&revoked).await.unwrap();
        hot.enrolled(generation, None).await.unwrap();
        assert!(matches!(hot.admit(&admit(0, 9, START, 0, &[])).await.unwrap(), Verdict::Admitted(_)));
        assert_eq!(hot.count("a", 600, START).await.unwrap().0, 1);
        assert!(hot.keep("flow", "a", "value", START, START.plus(600)).await.unwrap());
        assert!(hot.redeem("flow", "a", START).await.unwrap().is_some());
        assert!(hot.keep("flow", "b", "value", START, START.plus(600)).await.unwrap());

        intruder
            .execute_batch("CREATE TRIGGER no BEFORE INSERT ON change BEGIN SELECT RAISE(ABORT, 'no'); END")
            .unwrap();
        assert!(hot.admit(&admit(0, 1, START, 60, &[])).await.is_err());
        intruder.execute_batch("DROP TRIGGER no").unwrap();

        hot.install(&install(1, generation)).await.unwrap();
        let tally = Tally::Counted { active: 1, expired: 0, revoked: 1 };
        assert_eq!(hot.tally(START).await.unwrap(), tally);
        let verdict = hot.admit(&admit(1, 2, START, 0, &[])).await.unwrap();
        assert_eq!(verdict, Verdict::Refused(Refusal::Revoked), "a late installation undoes nothing");
        assert!(!hot.keep("flow", "b", "again", START, START.plus(600)).await.unwrap(), "a mark against replay stays");
        assert_eq!(hot.count("a", 600, START).await.unwrap().0, 2, "nor what was counted");
        assert_eq!(hot.activity(&[user_id(0)], START).await.unwrap()[0].by_token, Some(START), "nor who was seen");
    });
}
