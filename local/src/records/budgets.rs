//! The book of budgets: one row.

use gateway_core::money::BudgetBook;
use gateway_core::ports::{AuditEntry, Budgets, Subject, Unavailable, WriteError};
use gateway_core::version::{Stored, Version};
use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::{SqliteRecords, json, only_one, tell, users};

impl Budgets for SqliteRecords {
    async fn budget_book(&self) -> Result<Stored<BudgetBook>, Unavailable> {
        let read = |connection: &Connection| {
            let mut statement = connection.prepare_cached("SELECT version, body FROM budget_book")?;
            let book = statement.query_row([], users::stored).optional()?;
            Ok(book.unwrap_or_else(|| Stored { value: BudgetBook::default(), version: Version::NONE }))
        };
        self.workers.read(read).await
    }

    async fn replace_budget_book(
        &self,
        next: &BudgetBook,
        seen: Version,
        entry: &AuditEntry,
    ) -> Result<(), WriteError> {
        let (next, entry) = (next.clone(), entry.clone());
        let write = move |connection: &Connection| {
            // Where none is there, the first version is written, and over one only the next.
            let sql = "INSERT INTO budget_book (id, version, body) SELECT 1, :next, :body
                       WHERE :seen = 0 OR EXISTS (SELECT 1 FROM budget_book)
                       ON CONFLICT (id) DO UPDATE SET version = :next, body = :body WHERE version = :seen";
            let changed = connection.prepare_cached(sql)?.execute(named_params! {
                ":seen": seen.0.cast_signed(),
                ":next": seen.next().0.cast_signed(),
                ":body": json(&next)?,
            })?;
            only_one(changed)?;
            tell(connection, Subject::Budgets, seen.next(), &entry)
        };
        self.workers.write(write).await
    }
}
