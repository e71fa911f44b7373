//! The records of this gateway: its own, or in a table that it shares with others.

use gateway_core::accounts::{Posting, Row, Spent, SumQuery};
use gateway_core::admission::UsageEvent;
use gateway_core::id::{LeaseId, TokenId, UserId};
use gateway_core::identity::{Email, Name, User};
use gateway_core::money::{Alert, BudgetBook, WindowId};
use gateway_core::ports::{
    Accounts, Alerts, Arrivals, Arrived, AuditEntry, AuditLog, AuditQuery, Beats, Budgets, Directory, Exports, Outbox,
    Page, PeopleList, PeopleQuery, Records, Retention, Subject, TokenQuery, TokenSearch, Tokens, Unavailable, UsageLog,
    UsageQuery, Users, WriteError,
};
use gateway_core::time::Timestamp;
use gateway_core::token::Token;
use gateway_core::version::{Stored, Version};
use gateway_native::dynamodb::DynamoRecords;

use crate::metrics::Operation;
use crate::records::SqliteRecords;

/// Where the records are. An enum, because the configuration decides.
#[derive(Clone)]
pub(crate) enum LocalRecords {
    /// In `records.db`.
    Sqlite(SqliteRecords),
    /// In a `DynamoDB` table.
    Dynamo(DynamoRecords),
}

impl Records for LocalRecords {}

/// Passes each method of the ports on to the store that there is, and measures it.
macro_rules! delegate {
    ($($port:ident { $($method:ident($($name:ident: $kind:ty),*) -> $answer:ty, $error:ty;)* })*) => {
        $(impl $port for LocalRecords {
            $(async fn $method(&self, $($name: $kind),*) -> Result<$answer, $error> {
                let operation = Operation::begin("records", stringify!($method));
                let answer = match self {
                    Self::Sqlite(records) => records.$method($($name),*).await,
                    Self::Dynamo(records) => records.$method($($name),*).await,
                };
                operation.end(&answer);
                answer
            })*
        })*
    };
}

delegate! {
    Users {
        user(id: UserId) -> Option<Stored<User>>, Unavailable;
        user_named(name: &Name) -> Option<Stored<User>>, Unavailable;
        insert_user(user: &User, audit: &AuditEntry) -> (), WriteError;
        replace_user(next: &User, seen: &Stored<User>, audit: &AuditEntry) -> (), WriteError;
    }
    Tokens {
        token(id: TokenId) -> Option<Stored<Token>>, Unavailable;
        tokens(query: &TokenQuery) -> Page<Stored<Token>>, Unavailable;
        insert_token(token: &Token, audit: &AuditEntry) -> (), WriteError;
        replace_token(next: &Token, seen: Version, audit: &AuditEntry) -> (), WriteError;
        touch(uses: &[(TokenId, Timestamp)]) -> (), Unavailable;
    }
    Budgets {
        budget_book() -> Stored<BudgetBook>, Unavailable;
        replace_budget_book(next: &BudgetBook, seen: Version, audit: &AuditEntry) -> (), WriteError;
    }
    Alerts {
        note_alerts(alerts: &[Alert]) -> (), Unavailable;
        waiting_alerts(limit: u32) -> Vec<Alert>, Unavailable;
        alert_sent(alert: &Alert) -> (), Unavailable;
    }
    Directory {
        all_tokens(search: &TokenSearch) -> Page<Stored<Token>>, Unavailable;
        people(ids: &[UserId]) -> Vec<Stored<User>>, Unavailable;
        people_at(email: &Email) -> Vec<Stored<User>>, Unavailable;
        list_people(query: &PeopleQuery) -> Page<Stored<User>>, Unavailable;
        count_people(list: &PeopleList) -> u64, Unavailable;
    }
    AuditLog {
        entries(query: &AuditQuery) -> Page<AuditEntry>, Unavailable;
        note(entry: &AuditEntry) -> (), Unavailable;
    }
    UsageLog {
        put_usage(postings: &[Posting]) -> (), Unavailable;
        logged(ids: &[LeaseId]) -> Vec<LeaseId>, Unavailable;
        usage(query: &UsageQuery) -> Page<UsageEvent>, Unavailable;
    }
    Accounts {
        spent(windows: &[WindowId]) -> Vec<Spent>, Unavailable;
        sums(query: &SumQuery) -> Option<Vec<Row>>, Unavailable;
    }
    Arrivals {
        arrived(after: u64, limit: u32) -> Arrived, Unavailable;
    }
    Exports {
        exported(exporter: &str) -> u64, Unavailable;
        note_exported(exporter: &str, place: u64) -> (), Unavailable;
    }
    Beats {
        beats() -> u64, Unavailable;
        note_beats(count: u64) -> (), Unavailable;
    }
    Outbox {
        unapplied(limit: u32) -> Vec<(Subject, Version)>, Unavailable;
        applied(subject: Subject, version: Version) -> (), Unavailable;
    }
    Retention {
        forget_tokens(expired_by: Timestamp, limit: u32) -> u32, Unavailable;
        forget_spent(ended_by: Timestamp, limit: u32) -> u32, Unavailable;
        forget_usage(before: Timestamp, limit: u32) -> u32, Unavailable;
    }
}
