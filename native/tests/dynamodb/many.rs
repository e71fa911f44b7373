//! What administrators ask costs the same however many people and tokens there are: counted in requests to the table and to the
//! hot state.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use gateway_core::config::{Config, Hot, HotStore};
use gateway_core::conformance::fixture::{START, audit, front_actor, session, user};
use gateway_core::conformance::host::{FixedClock, SeededRandom};
use gateway_core::control::{Administrator, AuditSearch, Authority, Control, EverybodysQuery, PeopleSearch, Summary};
use gateway_core::id::{AuditId, TokenId, UserId};
use gateway_core::identity::{Account, Email, Role, User};
use gateway_core::ports::{AuditEntry, PageRequest, Sessions as _, Tokens as _, Users as _};
use gateway_core::redis::{RedisHot, UpstashTransport};
use gateway_core::session::{Session, Ticket};
use gateway_core::time::Millis;
use gateway_core::token::{KeySet, Token, TokenName, TokenStatus};
use gateway_native::dynamodb::DynamoRecords;
use gateway_native::host::SystemClock;
use gateway_native::http_client::HttpClient;
use gateway_tests::Store;

use crate::support::{Table, block_on, store};

/// What the other tests are about.
const WORKS: &str = "stores answer, and fixtures are good";

/// How many tokens each person has.
const EACH: u32 = 20;

/// How many records are written at once.
const AT_ONCE: u32 = 8;

/// How long a command may take: far more than it does, and far less than anybody waits for a test.
const DEADLINE: Duration = Duration::from_secs(5);

type RedisOverHttp = RedisHot<UpstashTransport<HttpClient, SystemClock>, FixedClock, SeededRandom>;

#[derive(Clone)]
struct Counted {
    records: DynamoRecords,
    hot: RedisOverHttp,
    clock: FixedClock,
    random: SeededRandom,
}

impl Authority for Counted {
    type Records = DynamoRecords;
    type Hot = RedisOverHttp;
    type Clock = FixedClock;
    type Random = SeededRandom;

    fn records(&self) -> &DynamoRecords {
        &self.records
    }

    fn hot(&self) -> &RedisOverHttp {
        &self.hot
    }

    fn clock(&self) -> &FixedClock {
        &self.clock
    }

    fn random(&self) -> &SeededRandom {
        &self.random
    }
}

/// A control plane with so many people, and what it asks.
struct World {
    control: Control<Counted>,
    table: Table,
    redis: Store,
}

/// Requests to the table by operation, and to the hot state.
type Cost = (BTreeMap<String, u64>, u64);

fn random(number: u32) -> [u8; 10] {
    let [a, b, c, d] = number.to_be_bytes();
    [a, b, c, d, 7, 7, 7, 7, 7, 7]
}

fn address(number: u32) -> Email {
    Email::parse(&format!("user{number}@example.com")).expect(WORKS)
}

fn entry(number: u32) -> AuditEntry {
    AuditEntry { id: AuditId::new(Millis(START.0 * 1000), random(number)), ..audit(1, "a", "b") }
}

fn administrator() -> Administrator {
    Administrator { id: UserId::new(Millis(0), [9; 10]), email: address(0), role: Role::Admin }
}

fn account(number: u32) -> Account {
    Account { issuer: "https://id.example".to_owned(), subject: format!("subject-{number}") }
}

async fn open_session(hot: &RedisOverHttp, number: u32) {
    let mut ticket = [0; 32];
    ticket[..10].copy_from_slice(&random(number));
    let opened = Session {
        ticket: Ticket::new(ticket).hash(),
        user: UserId::new(Millis(START.0 * 1000), random(number)),
        email: address(number),
        ..session(1)
    };
    hot.open_session(&opened).await.expect(WORKS);
}

async fn write_person(records: &DynamoRecords, number: u32) {
    let id = UserId::new(Millis(START.0 * 1000), random(number));
    let person = User { id, account: Some(account(number)), email: address(number), ..user(1) };
    records.insert_user(&person, &entry(number)).await.expect(WORKS);
    for token in 0..EACH {
        let count = 1_000_000 + number * EACH + token;
        let token = Token {
            id: TokenId::new(Millis(START.0 * 1000 + i64::from(count)), random(count)),
            user: id,
            name: TokenName::parse(&format!("laptop {token}")).expect(WORKS),
            minted_for: Some(address(number)),
            ..gateway_core::conformance::fixture::token(1, 1)
        };
        records.insert_token(&token, &entry(count)).await.expect(WORKS);
    }
}

impl World {
    fn new(people: u32) -> Self {
        let (records, table) = store();
        block_on(async {
            for first in (0..people).step_by(AT_ONCE as usize) {
                join_all((first..people.min(first + AT_ONCE)).map(|number| write_person(&records, number))).await;
            }
            let redis = Store::over_http().await;
            let hot = Hot {
                upstash: Some(redis.bridge().url().to_owned()),
                token: Some(redis.token().into()),
                ..Hot::default()
            };
            let HotStore::Upstash(database) = hot.store().expect(WORKS) else { unreachable!("it names a database") };
            let transport =
                UpstashTransport::new(HttpClient::new().expect(WORKS), SystemClock, &database, DEADLINE).expect(WORKS);
            let clock = FixedClock::at(Millis(START.0 * 1000));
            let hot = RedisHot::new(transport, clock.clone(), SeededRandom::default(), "main");
            let seed = |first: u8| std::array::from_fn(|index| first ^ u8::try_from(index * 5).expect(WORKS));
            let keys = KeySet::new(START, seed(1), seed(2));
            let config = Arc::new(Config::load("", &()).expect(WORKS));
            let authority = Counted { records, hot: hot.clone(), clock, random: SeededRandom::default() };
            let control = Control::new(authority, config, keys);
            control.recover().await.expect(WORKS);
            assert_eq!(control.enrol().await.expect(WORKS), (people * EACH) as usize);
            join_all((0..people).map(|number| open_session(&hot, number))).await;
            Self { control, table, redis }
        })
    }

    /// Returns what something costs.
    async fn cost(&self, work: impl AsyncFnOnce(&Control<Counted>)) -> Cost {
        let _ = self.table.shim.take_counts();
        let before = self.redis.bridge().requests();
        work(&self.control).await;
        (self.table.shim.take_counts(), self.redis.bridge().requests() - before)
    }

    async fn list_cost(&self, query: EverybodysQuery, expected: usize) -> Cost {
        self.cost(async |control| {
            let page = control.everybodys(&query).await.expect(WORKS);
            assert_eq!(page.items.len(), expected, "{query:?}");
        })
        .await
    }

    /// Returns what each list of people and of what they do costs, a page of five.
    async fn people_costs(&self) -> Vec<(&'static str, Cost)> {
        let page = || PageRequest { limit: 5, cursor: None };
        let people = async |prefix: Option<&str>, expected: usize| {
            let search = PeopleSearch { prefix: prefix.map(str::to_owned), standing: None, page: page() };
            self.cost(async |control| {
                assert_eq!(control.people(&search).await.expect(WORKS).items.len(), expected, "{prefix:?}");
            })
            .await
        };
        let sessions = async |email: Option<Email>, expected: usize| {
            self.cost(async |control| {
                let found = match &email {
                    Some(email) => control.sessions_at(email, page()).await,
                    None => control.everybodys_sessions(page()).await,
                };
                assert_eq!(found.expect(WORKS).items.len(), expected, "{email:?}");
            })
            .await
        };
        let search = AuditSearch { actor: None, target: Some(address(3).to_string()), page: page() };
        let counted = async |control: &Control<Counted>| {
            control.session_counts().await.expect(WORKS);
            control.seen_counts().await.expect(WORKS);
        };
        vec![
            ("people", people(None, 5).await),
            ("people by address", people(Some("USER3@"), 1).await),
            ("sessions", sessions(None, 5).await),
            ("sessions by address", sessions(Some(address(3)), 1).await),
            ("who was seen", self.cost(async |control| drop(control.seen_people(page()).await.expect(WORKS))).await),
            ("counts", self.cost(counted).await),
            ("administrators", self.cost(async |control| drop(control.administrators().await.expect(WORKS))).await),
            ("audit", self.cost(async |control| drop(control.audit_log(&search).await.expect(WORKS))).await),
            (
                "the directory's",
                self.cost(async |control| drop(control.provisioned_people(0, 5).await.expect(WORKS))).await,
            ),
        ]
    }

    /// Returns what each question costs, and each change.
    fn costs(&self, people: u64) -> Vec<(&'static str, Cost)> {
        let all = || EverybodysQuery {
            email: None,
            prefix: None,
            status: None,
            page: PageRequest { limit: 50, cursor: None },
        };
        block_on(async {
            let email = Some(address(3));
            let by_address = Some("USER3@".to_owned());
            let mut costs = vec![
                ("everybody's", self.list_cost(all(), 50).await),
                ("by address", self.list_cost(EverybodysQuery { email, ..all() }, EACH as usize).await),
                (
                    "by how it begins",
                    self.list_cost(EverybodysQuery { prefix: by_address, ..all() }, EACH as usize).await,
                ),
                ("by name", self.list_cost(EverybodysQuery { prefix: Some("lap".to_owned()), ..all() }, 50).await),
                ("active", self.list_cost(EverybodysQuery { status: Some(TokenStatus::Active), ..all() }, 50).await),
                ("revoked", self.list_cost(EverybodysQuery { status: Some(TokenStatus::Revoked), ..all() }, 0).await),
            ];
            costs.extend(self.people_costs().await);
            let (each, tokens) = (u64::from(EACH), people * u64::from(EACH));
            let summary = async |revoked: u64| {
                self.cost(async |control: &Control<Counted>| {
                    let expected = Summary { active: tokens - revoked, expired: 0, revoked };
                    assert_eq!(control.summary().await.expect(WORKS), Some(expected));
                })
                .await
            };
            costs.push(("summary", summary(0).await));
            let revoked = self.cost(async |control| {
                assert_eq!(
                    control.revoke_persons(&front_actor(), &administrator(), &address(3)).await.expect(WORKS),
                    Some(each)
                );
            });
            costs.push(("revoke-user", revoked.await));
            costs.push(("summary at once", summary(each).await));
            costs
        })
    }
}

fn assert_the_same_with(people: u32) {
    let few = World::new(5).costs(5);
    let revoke = few.iter().find(|(what, _)| *what == "revoke-user").expect(WORKS);
    assert_eq!(revoke.1.1, 1, "one write of the hot state is all that it takes");
    assert!(few.iter().all(|(_, (requests, _))| !requests.contains_key("Scan")));
    assert_eq!(World::new(people).costs(people.into()), few);
}

#[test]
fn administration_costs_the_same_with_100_and_with_2000_tokens() {
    assert_the_same_with(100);
}

#[test]
#[ignore = "it writes 105,000 records, which takes minutes"]
fn administration_costs_the_same_with_100_and_with_100000_tokens_of_5000_people() {
    assert_the_same_with(5000);
}
