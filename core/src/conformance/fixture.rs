//! People, tokens, calls and sessions for the suites, by number.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::admission::{
    Admit, BudgetsEntry, Call, Install, ModelPattern, Settlement, TokenEntry, UsageEvent, UserEntry,
};
use crate::control::{Actor, Via};
use crate::id::{AuditId, LeaseId, TokenId, UserId};
use crate::identity::{Account, Email, Status, User};
use crate::money::{Budget, BudgetScope, Calendar, Limits, Nanodollars, TokenUsage, WindowKind};
use crate::ports::AuditEntry;
use crate::session::{Session, Ticket};
use crate::time::{Millis, Timestamp};
use crate::token::{Scopes, Token, TokenName, TokenState};
use crate::version::{Epoch, Generation, Version};

/// When the suites begin: a Monday noon, UTC.
pub const START: Timestamp = Timestamp(1_795_435_200);

/// Returns the `number`th user's id.
#[must_use]
pub fn user_id(number: u8) -> UserId {
    UserId::new(Millis(START.0 * 1000), [number; 10])
}

/// Returns the `number`th token's id.
#[must_use]
pub fn token_id(number: u8) -> TokenId {
    TokenId::new(Millis(START.0 * 1000 + i64::from(number)), [number; 10])
}

/// Returns the `number`th lease's id.
#[must_use]
pub fn lease_id(number: u16) -> LeaseId {
    let [high, low] = number.to_be_bytes();
    LeaseId::new(Millis(START.0 * 1000), [high, low, 7, 7, 7, 7, 7, 7, 7, 7])
}

/// Returns the `number`th user's address.
#[must_use]
pub fn email(number: u8) -> Email {
    Email::parse(&format!("user{number}@example.com")).expect("a number makes no address invalid")
}

/// Returns the `number`th user, active, in version 1; users with an even number are in the group `even`.
#[must_use]
pub fn user_entry(number: u8) -> UserEntry {
    UserEntry {
        id: user_id(number),
        version: Version::FIRST,
        status: Status::Active,
        token_epoch: Epoch(0),
        session_epoch: Epoch(0),
        last_sign_in: Some(START),
        email: email(number),
        name: None,
        groups: if number.is_multiple_of(2) { vec!["even".to_owned()] } else { Vec::new() },
        limits: Limits::new(),
    }
}

/// Returns what the book has in a version.
#[must_use]
pub fn book(version: u64, budgets: &[Budget]) -> BudgetsEntry {
    let limits = budgets.iter().map(|budget| ((budget.scope.clone(), budget.window), budget.limit)).collect();
    BudgetsEntry { version: Version(version), limits: Arc::new(limits) }
}

/// Returns a live token of the `number`th user, in version 1, good for three days.
#[must_use]
pub fn token_entry(number: u8) -> TokenEntry {
    TokenEntry {
        id: token_id(number),
        version: Version::FIRST,
        user: user_id(number),
        revoked: false,
        epoch: Epoch(0),
        expiry: START.plus(3 * 86400),
    }
}

/// Returns the installation of the `number`th user and token.
#[must_use]
pub fn install(number: u8, generation: Generation) -> Install {
    let (users, tokens) = (vec![user_entry(number)], vec![token_entry(number)]);
    Install { generation, users, tokens, budgets: Some(book(1, &[])) }
}

/// Returns the `number`th user's record.
#[must_use]
pub fn user(number: u8) -> User {
    let entry = user_entry(number);
    User {
        account: Some(Account { issuer: "https://id.example".to_owned(), subject: format!("subject-{number}") }),
        name: Some("'; DROP TABLE user; --\u{0}\"<b>".to_owned()),
        groups: entry.groups,
        last_sign_in: Some(START),
        ..User::expected(entry.id, entry.email, START)
    }
}

/// Returns a record of a live token of `owner`, the `number`th.
#[must_use]
pub fn token(owner: u8, number: u8) -> Token {
    Token {
        id: token_id(number),
        user: user_id(owner),
        name: TokenName::parse("laptop '\"; --").expect("it is printable"),
        scopes: Scopes::default(),
        created: START,
        expiry: START.plus(86400 + i64::from(number)),
        epoch: Epoch(0),
        state: TokenState::Live,
        minted_for: Some(email(owner)),
        last_used: None,
    }
}

/// Returns an audit entry, the `number`th.
#[must_use]
pub fn audit(number: u16, actor: &str, target: &str) -> AuditEntry {
    let [high, low] = number.to_be_bytes();
    AuditEntry {
        id: AuditId::new(Millis(START.0 * 1000 + i64::from(number)), [high, low, 0, 0, 0, 0, 0, 0, 0, 0]),
        at: START,
        actor: actor.to_owned(),
        action: "test".to_owned(),
        target: target.to_owned(),
        detail: serde_json::json!({"text": "'; DROP TABLE audit; --"}),
        request: "req_1".to_owned(),
        address: "192.0.2.1".to_owned(),
    }
}

/// Returns the question about a call of the `number`th user at `now`, with an estimate and budgets.
#[must_use]
pub fn admit(number: u8, lease: u16, now: Timestamp, estimate: i64, budgets: &[Budget]) -> Admit {
    Admit {
        now,
        lease: lease_id(lease),
        user: user_id(number),
        token: token_id(number),
        epoch: Epoch(0),
        signed_in_since: None,
        preclusion: None,
        priced: true,
        is_free: false,
        rules: Arc::default(),
        tokens: 0,
        estimate: Nanodollars(estimate),
        expiry: now.plus(60),
        calendar: Calendar::at(now, &TimeZone::UTC),
        budgets: Arc::from(budgets),
        call: Call {
            at: Millis(now.0 * 1000),
            request: format!("req_{lease}"),
            route: "/v1/messages".to_owned(),
            model: "echo".to_owned(),
            provider: "echo".to_owned(),
            stream: false,
            address: "192.0.2.1".to_owned(),
            user_agent: "test".to_owned(),
            session: Some(format!("session-{number}")),
        },
    }
}

/// Returns the settlement of a lease at `now`, with its real cost.
#[must_use]
pub fn settlement(lease: u16, now: Timestamp, cost: i64) -> Settlement {
    Settlement {
        lease: lease_id(lease),
        at: Millis(now.0 * 1000),
        model_served: Some("echo-1".to_owned()),
        usage: TokenUsage { input: 1, output: 2, ..TokenUsage::default() },
        cost: Nanodollars(cost),
        priced: true,
        estimated: false,
        status: 200,
        error: None,
        first_byte_ms: Some(1),
        duration_ms: 2,
    }
}

/// Returns the front itself, as the control plane sees it.
#[must_use]
pub fn front_actor() -> Actor {
    Actor { via: Via::Front, request: String::new(), address: String::new(), user_agent: String::new() }
}

/// Returns a usage event, the `number`th, in a revision.
#[must_use]
pub fn usage_event(number: u16, revision: u32) -> UsageEvent {
    UsageEvent {
        id: lease_id(number),
        revision,
        user: user_id(1),
        email: Some(email(1)),
        token: token_id(1),
        groups: Vec::new(),
        member_of: Vec::new(),
        estimate: Nanodollars(5),
        call: admit(1, number, START, 5, &[]).call,
        settlement: settlement(number, START, i64::from(revision)),
    }
}

/// Returns a pattern of models' names.
///
/// # Panics
///
/// If it is none.
#[must_use]
pub fn model_pattern(text: &str) -> ModelPattern {
    serde_json::from_value(text.into()).expect("a text")
}

/// Returns a budget.
#[must_use]
pub fn budget(scope: BudgetScope, window: WindowKind, limit: i64) -> Budget {
    Budget { scope, window, limit: Nanodollars(limit) }
}

/// Returns the `number`th ticket.
#[must_use]
pub fn ticket(number: u8) -> Ticket {
    Ticket::new([number; 32])
}

/// Returns a session of the `number`th user, opened at [`START`], idle after an hour and over after a day.
#[must_use]
pub fn session(number: u8) -> Session {
    Session {
        ticket: ticket(number).hash(),
        user: user_id(number),
        email: email(number),
        created: START,
        last_seen: START,
        absolute_expiry: START.plus(86400),
        idle: 3600,
        epoch: Epoch(0),
        idp_session: None,
        user_agent: "test".to_owned(),
        address: "192.0.2.1".to_owned(),
    }
}
