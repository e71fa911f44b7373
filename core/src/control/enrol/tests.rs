use std::sync::Arc;

use super::*;
use crate::config::Config;
use crate::conformance::faulty::{Fault, Faults, FaultyHot};
use crate::conformance::fixture::{START, audit, token, user};
use crate::conformance::host::{FixedClock, SeededRandom};
use crate::conformance::memory_hot::MemoryHot;
use crate::conformance::memory_records::MemoryRecords;
use crate::id::TokenId;
use crate::identity::User;
use crate::ports::{Continuity as _, Tokens as _, Users as _};
use crate::time::{Millis, Timestamp};
use crate::token::{Revocation, Token, TokenState};
use crate::version::Epoch;

/// When the suite is run.
const NOW: Timestamp = START.plus(3600);

const CONFIGURATION: &str = "[signin]\nissuer = \"https://id.example\"\nclient_id = \"gw\"\nallow_anyone = true\n";

/// What a call of the hot state is to do, when it comes to it.
const PASS: Option<Fault> = None;

#[derive(Clone)]
struct Site {
    records: MemoryRecords,
    record_faults: Faults,
    hot: FaultyHot<MemoryHot>,
    hot_faults: Faults,
    clock: FixedClock,
    random: SeededRandom,
}

impl Authority for Site {
    type Records = MemoryRecords;
    type Hot = FaultyHot<MemoryHot>;
    type Clock = FixedClock;
    type Random = SeededRandom;

    fn records(&self) -> &MemoryRecords {
        &self.records
    }
    fn hot(&self) -> &Self::Hot {
        &self.hot
    }
    fn clock(&self) -> &FixedClock {
        &self.clock
    }
    fn random(&self) -> &SeededRandom {
        &self.random
    }
}

/// Returns a token of the `number % 7`th person. Each fifth is revoked, each ninth has expired, each 45th long ago.
fn nth(number: u16) -> Token {
    let [high, low] = number.to_be_bytes();
    let state = match number % 5 {
        0 => TokenState::Revoked(Revocation { by: user(1).id, at: START }),
        _ => TokenState::Live,
    };
    let expiry = match number {
        _ if number.is_multiple_of(45) => START.plus(-40 * 86400),
        _ if number.is_multiple_of(9) => START,
        _ => START.plus(90 * 86400),
    };
    let id = TokenId::new(Millis(START.0 * 1000 + i64::from(number)), [high, low, 0, 0, 0, 0, 0, 0, 0, 0]);
    Token { id, expiry, state, ..token(u8::try_from(number % 7).unwrap(), 0) }
}

/// Makes a site whose records have 450 tokens of seven people; one of them has revoked all of theirs, and one is not known.
async fn site() -> (Site, Control<Site>) {
    let (record_faults, hot_faults) = (Faults::default(), Faults::default());
    let site = Site {
        records: MemoryRecords::new(record_faults.clone()),
        record_faults,
        hot: FaultyHot::new(MemoryHot::new(Generation(7)), hot_faults.clone()),
        hot_faults,
        clock: FixedClock::at(Millis(NOW.0 * 1000)),
        random: SeededRandom::default(),
    };
    for number in 0..6 {
        let person = User { token_epoch: Epoch(u64::from(number == 3)), ..user(number) };
        site.records.insert_user(&person, &audit(number.into(), "a", "b")).await.unwrap();
    }
    for number in 0..450 {
        site.records.insert_token(&nth(number), &audit(100 + number, "a", "b")).await.unwrap();
    }
    let config = Arc::new(Config::load(CONFIGURATION, &()).unwrap());
    let keys = crate::token::KeySet::new(START, [1; 32], [2; 32]);
    (site.clone(), Control::new(site, config, keys))
}

/// Returns what the records say: active, expired, revoked.
fn expected() -> Tally {
    let listed = (0..450).filter(|number| number % 45 != 0);
    let is_revoked = |number: &u16| number.is_multiple_of(5) || number % 7 == 3;
    let (revoked, others): (Vec<u16>, Vec<u16>) = listed.partition(is_revoked);
    let (expired, active): (Vec<u16>, Vec<u16>) = others.into_iter().partition(|number| number.is_multiple_of(9));
    let [active, expired, revoked] = [active, expired, revoked].map(|numbers| numbers.len() as u64);
    Tally::Counted { active, expired, revoked }
}

impl Site {
    async fn tally(&self) -> Tally {
        self.hot.inner().tally(NOW).await.unwrap()
    }

    fn fail(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        for fault in faults {
            match fault {
                Some(fault) => self.hot_faults.fail_next(fault),
                None => self.hot_faults.pass_next(),
            }
        }
    }
}

#[tokio::test]
async fn installs_everybodys_tokens_and_recovers_before() {
    let (site, control) = site().await;
    assert_eq!(site.tally().await, Tally::Incomplete { generation: Generation(7), cursor: None });
    assert_eq!(control.enrol().await.unwrap(), 440, "ten had expired long ago");
    assert_eq!(site.tally().await, expected());
    assert_eq!(control.enrol().await.unwrap(), 0, "once is enough");
}

#[tokio::test]
async fn goes_on_where_it_was_when_a_store_has_failed() {
    for (fault, installed) in [(Fault::Lost, 240), (Fault::Applied, 240)] {
        let (site, control) = site().await;
        control.recover().await.unwrap();
        // The first page: a look, an installation, a note.
        site.fail([PASS; 4].into_iter().chain([Some(fault)]));
        assert!(control.enrol().await.is_err());
        assert!(matches!(site.tally().await, Tally::Incomplete { cursor: Some(_), .. }));
        assert_eq!(control.enrol().await.unwrap(), installed);
        assert_eq!(site.tally().await, expected(), "{fault:?}");
    }
}

#[tokio::test]
async fn installs_a_page_again_that_was_not_noted() {
    for (fault, installed) in [(Fault::Lost, 440), (Fault::Applied, 240)] {
        let (site, control) = site().await;
        control.recover().await.unwrap();
        site.fail([PASS, PASS, Some(fault)]);
        assert!(control.enrol().await.is_err());
        assert_eq!(control.enrol().await.unwrap(), installed);
        assert_eq!(site.tally().await, expected(), "{fault:?}");
    }
}

#[tokio::test]
async fn waits_for_records_that_do_not_answer() {
    let (site, control) = site().await;
    control.recover().await.unwrap();
    // The first page and its owners, and the second page.
    for _ in 0..3 {
        site.record_faults.pass_next();
    }
    site.record_faults.fail_next(Fault::Lost);
    assert!(control.enrol().await.is_err());
    assert_eq!(control.enrol().await.unwrap(), 240);
    assert_eq!(site.tally().await, expected());
}

#[tokio::test]
async fn begins_again_in_another_generation() {
    let (site, control) = site().await;
    control.enrol().await.unwrap();
    let second = site.hot.begin_generation().await.unwrap();
    assert_eq!(site.tally().await, Tally::Incomplete { generation: second, cursor: None });
    assert_eq!(control.enrol().await.unwrap(), 440);
    assert_eq!(site.tally().await, expected());
}

#[tokio::test]
async fn installs_nothing_that_was_read_in_another_generation() {
    let (site, control) = site().await;
    control.recover().await.unwrap();
    let second = site.hot.begin_generation().await.unwrap();
    let stale = control.enrol_page(Generation(7), None).await.unwrap();
    assert_eq!(stale.0, Installed::Stale(second));
    assert_eq!(site.tally().await, Tally::Incomplete { generation: second, cursor: None });
}

#[tokio::test]
async fn is_done_at_once_where_there_is_nothing() {
    let (site, _) = site().await;
    let empty = Site { records: MemoryRecords::default(), ..site };
    let config = Arc::new(Config::load(CONFIGURATION, &()).unwrap());
    let control = Control::new(empty.clone(), config, crate::token::KeySet::new(START, [1; 32], [2; 32]));
    assert_eq!(control.enrol().await.unwrap(), 0);
    assert_eq!(empty.tally().await, Tally::Counted { active: 0, expired: 0, revoked: 0 });
}
