//! The suites, on the stores that live in memory, and the fakes themselves.

use super::faulty::{Fault, Faults, FaultyHot};
use super::fixture::{START, admit, audit, install, user, user_id};
use super::histories::{Clockwork, Site, hold};
use super::hot::{generation, install_all};
use super::memory_hot::MemoryHot;
use super::memory_records::MemoryRecords;
use super::model::Restart;
use crate::admission::Verdict;
use crate::memory::Memory;
use crate::ports::{Admission as _, Continuity as _, Roster as _, Tally, Users as _, WriteError};
use crate::version::Generation;

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn memory_hot() -> MemoryHot {
    MemoryHot::new(Generation(7))
}

mod hot {
    use super::{block_on, memory_hot};

    crate::hot_conformance!(block_on, (memory_hot(), ()));
}

mod records {
    use super::{MemoryRecords, block_on};

    crate::records_conformance!(block_on, (MemoryRecords::default(), ()));
    crate::records_conformance!(forgetting block_on, (MemoryRecords::default(), ()));
}

#[test]
fn memory_equals_the_reference() {
    super::model::equals_the_reference(block_on, || (memory_hot(), ()));
}

#[test]
fn lost_calls_change_nothing_and_applied_ones_do() {
    block_on(async {
        let faults = Faults::default();
        let hot = FaultyHot::new(memory_hot(), faults.clone());
        install_all(&hot, 2).await;
        for (lease, fault) in [(1, Fault::Lost), (2, Fault::Applied)] {
            faults.fail_next(fault);
            assert!(hot.admit(&admit(1, lease, START, 10, &[])).await.is_err());
        }
        let swept = hot.sweep(START.plus(1000), 50).await.unwrap();
        assert_eq!(swept, 1, "the one that was applied");
    });
}

#[test]
fn faults_wait_for_their_turn() {
    block_on(async {
        let faults = Faults::default();
        let records = MemoryRecords::new(faults.clone());
        faults.pass_next();
        faults.fail_next(Fault::Applied);
        assert!(records.user(user_id(1)).await.is_ok());
        let written = records.insert_user(&user(1), &audit(1, "a", "b")).await;
        assert!(matches!(written, Err(WriteError::Unavailable(_))));
        assert!(records.user(user_id(1)).await.unwrap().is_some());
    });
}

#[test]
fn a_restarted_store_asks_the_records_again() {
    block_on(async {
        let hot = memory_hot();
        install_all(&hot, 2).await;
        let current = generation(&hot).await;
        hot.enrolled(current, None).await.unwrap();
        let hot = hot.restart(START).await;
        assert_eq!(hot.tally(START).await.unwrap(), Tally::Incomplete { generation: current, cursor: None });
        let generation = generation(&hot).await;
        assert_eq!(hot.admit(&admit(1, 1, START, 0, &[])).await.unwrap(), Verdict::Unknown(generation));
        hot.install(&install(1, generation)).await.unwrap();
        assert!(matches!(hot.admit(&admit(1, 1, START, 0, &[])).await.unwrap(), Verdict::Admitted(_)));
    });
}

/// A store in memory that several processes share.
struct Shared {
    hot: MemoryHot,
    saved: Option<Memory>,
}

impl Site for Shared {
    type Hot = MemoryHot;

    fn open(&self, _: &Clockwork) -> MemoryHot {
        self.hot.clone()
    }

    async fn save(&mut self) {
        self.saved = Some(self.hot.snapshot());
    }

    async fn go_back(&mut self) {
        if let Some(former) = self.saved.take() {
            self.hot.go_back(former);
            self.hot.begin_generation().await.unwrap();
        }
    }

    async fn wipe(&mut self) {
        self.hot.wipe();
    }
}

fn histories(seeds: std::ops::Range<u64>) {
    block_on(hold(&mut Shared { hot: memory_hot(), saved: None }, seeds));
}

#[test]
fn promises_hold_in_histories_of_several_processes() {
    histories(0..2000);
}

#[test]
#[ignore = "it takes minutes; CONTRIBUTING.md says when to run it"]
fn promises_hold_in_many_histories_of_several_processes() {
    histories(0..100_000);
}
