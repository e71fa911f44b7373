//! The book of budgets: one item.

use gateway_core::money::BudgetBook;
use gateway_core::ports::{AuditEntry, Budgets, Subject, Unavailable, WriteError};
use gateway_core::version::{Stored, Version};

use super::DynamoRecords;
use super::call::IS_NEW;
use super::item::{json, number, stored};
use super::key::Key;

impl Budgets for DynamoRecords {
    async fn budget_book(&self) -> Result<Stored<BudgetBook>, Unavailable> {
        match self.read(&Key::budget_book()).await? {
            Some(item) => stored(&item),
            None => Ok(Stored { value: BudgetBook::default(), version: Version::NONE }),
        }
    }

    async fn replace_budget_book(
        &self,
        next: &BudgetBook,
        seen: Version,
        entry: &AuditEntry,
    ) -> Result<(), WriteError> {
        let mut item = Key::budget_book().item();
        item.insert("version".to_owned(), number(seen.next().0));
        item.insert("body".to_owned(), json(next));
        let written = if seen == Version::NONE { self.put(item, Some(IS_NEW)) } else { self.put_over(item, seen) };
        let mut parts = vec![written?];
        parts.extend(self.told(Subject::Budgets, seen.next(), entry, None)?);
        self.transact(parts).await
    }
}
