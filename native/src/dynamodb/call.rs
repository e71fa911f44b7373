//! Requests to the table, and what may be tried again.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Debug;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, KeysAndAttributes, Put, TransactWriteItem, Update};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use gateway_core::ports::{Random as _, Unavailable, WriteError};
use gateway_core::version::Version;

use super::item::{Item, number};
use super::key::Key;
use super::{ATTEMPTS, DynamoRecords, FIRST_PAUSE, NAME};
use crate::host::SystemRandom;

/// How many items one request reads at most (`BatchGetItem`).
const BATCH: usize = 100;

/// How many items are changed at once.
pub(super) const AT_ONCE: usize = 16;

/// The condition that nobody has written an item yet.
pub(super) const IS_NEW: &str = "attribute_not_exists(pk)";

/// A change of one item: an update expression, in which `#` marks names that are words of the language, the condition under
/// which it is made, and what both speak of.
pub(super) struct Change {
    pub(super) key: Key,
    pub(super) update: &'static str,
    pub(super) condition: Option<&'static str>,
    pub(super) values: Vec<(&'static str, AttributeValue)>,
    /// What is added besides to attributes of these names, where the update ends with what it adds.
    pub(super) added: Vec<(String, i64)>,
}

impl Change {
    /// Returns all of the update.
    fn expression(&self) -> String {
        let added = self.added.iter().map(|(name, _)| format!(", {name} :{name}"));
        std::iter::once(self.update.to_owned()).chain(added).collect()
    }

    /// Returns all that the update and the condition speak of; it refuses to be given none.
    fn named(&self) -> Option<Item> {
        let added = self.added.iter().map(|(name, count)| (format!(":{name}"), number(count)));
        let values: Item = named(self.values.clone()).into_iter().chain(added).collect();
        (!values.is_empty()).then_some(values)
    }
}

/// Why a write was not made.
enum Cancelled {
    /// A condition does not hold.
    Condition,
    /// Somebody else is writing one of the items, or there is too much to do: it may be made later.
    Later,
    /// It was not said, or cannot be helped.
    Other,
}

impl DynamoRecords {
    /// Reads one item, as the last write left it.
    pub(super) async fn read(&self, key: &Key) -> Result<Option<Item>, Unavailable> {
        let request = self.client.get_item().table_name(&self.table).set_key(Some(key.item())).consistent_read(true);
        Ok(Box::pin(request.send()).await.map_err(unavailable)?.item)
    }

    /// Reads items, as the last writes left them, in the order of their names, each once; those that are not
    /// there are left out.
    pub(super) async fn read_all(&self, keys: &[Key]) -> Result<Vec<Item>, Unavailable> {
        let mut found = HashMap::new();
        // It refuses to be asked twice for the same.
        let mut distinct: Vec<&Key> = keys.iter().collect();
        distinct.sort();
        distinct.dedup();
        for batch in distinct.chunks(BATCH) {
            let mut wanted: Vec<Item> = batch.iter().map(|key| key.item()).collect();
            let mut attempt = 0;
            while !wanted.is_empty() {
                let keys = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build();
                let keys = keys.map_err(|error| Unavailable::new(NAME, error))?;
                let answer = Box::pin(self.client.batch_get_item().request_items(&self.table, keys).send()).await;
                let answer = answer.map_err(unavailable)?;
                for item in answer.responses.into_iter().flatten().flat_map(|(_, items)| items) {
                    if let Some(key) = Key::of(&item) {
                        found.insert(key, item);
                    }
                }
                let left = answer.unprocessed_keys.unwrap_or_default().remove(&self.table);
                wanted = left.map(|left| left.keys).unwrap_or_default();
                if !wanted.is_empty() {
                    pause(&mut attempt).await?;
                }
            }
        }
        Ok(keys.iter().filter_map(|key| found.remove(key)).collect())
    }

    /// Writes an item, in place of one of that name.
    pub(super) async fn write(&self, item: Item) -> Result<(), Unavailable> {
        let put = async || {
            let request = self.client.put_item().table_name(&self.table).set_item(Some(item.clone()));
            Box::pin(request.send()).await
        };
        let written = written(put, |error| match error {
            PutItemError::TransactionConflictException(_) => Cancelled::Later,
            _ => Cancelled::Other,
        });
        written.await.map(drop)
    }

    /// Changes an item; says whether its condition held. One that was made, and whose answer was lost, is made again: its
    /// condition tells that it need not be.
    pub(super) async fn change(&self, change: Change) -> Result<bool, Unavailable> {
        let update = async || {
            let request = self.client.update_item().table_name(&self.table).set_key(Some(change.key.item()));
            let request = request.update_expression(change.expression());
            let request = request.set_expression_attribute_values(change.named());
            let request = request.set_expression_attribute_names(names(change.update));
            Box::pin(request.set_condition_expression(change.condition.map(str::to_owned)).send()).await
        };
        written(update, |error| match error {
            UpdateItemError::ConditionalCheckFailedException(_) => Cancelled::Condition,
            UpdateItemError::TransactionConflictException(_) => Cancelled::Later,
            _ => Cancelled::Other,
        })
        .await
    }

    /// Makes changes, some at once, whose conditions may hold or not.
    pub(super) async fn change_all(&self, changes: Vec<Change>) -> Result<(), Unavailable> {
        let changes = stream::iter(changes).map(|change| self.change(change));
        changes.buffer_unordered(AT_ONCE).try_for_each(|_| async { Ok(()) }).await
    }

    /// Deletes an item if a condition holds; says whether it did.
    pub(super) async fn delete_if(
        &self,
        key: &Key,
        condition: &str,
        values: Vec<(&'static str, AttributeValue)>,
    ) -> Result<bool, Unavailable> {
        let delete = async || {
            let request = self.client.delete_item().table_name(&self.table).set_key(Some(key.item()));
            let request = request.set_expression_attribute_values(Some(named(values.clone())));
            Box::pin(request.condition_expression(condition).send()).await
        };
        written(delete, |error| match error {
            DeleteItemError::ConditionalCheckFailedException(_) => Cancelled::Condition,
            DeleteItemError::TransactionConflictException(_) => Cancelled::Later,
            _ => Cancelled::Other,
        })
        .await
    }

    /// Returns a part of a transaction that writes an item, under a condition if there is one.
    pub(super) fn put(&self, item: Item, condition: Option<&str>) -> Result<TransactWriteItem, Unavailable> {
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = put.set_condition_expression(condition.map(str::to_owned)).build();
        Ok(TransactWriteItem::builder().put(put.map_err(|error| Unavailable::new(NAME, error))?).build())
    }

    /// Returns a part of a transaction that writes a record over the one that is there, in that version.
    pub(super) fn put_over(&self, item: Item, seen: Version) -> Result<TransactWriteItem, Unavailable> {
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).condition_expression("version = :seen");
        let put = put.expression_attribute_values(":seen", number(seen.0)).build();
        Ok(TransactWriteItem::builder().put(put.map_err(|error| Unavailable::new(NAME, error))?).build())
    }

    /// Returns a part of a transaction that deletes an item.
    pub(super) fn delete(&self, key: &Key) -> Result<TransactWriteItem, Unavailable> {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key.item())).build();
        Ok(TransactWriteItem::builder().delete(delete.map_err(|error| Unavailable::new(NAME, error))?).build())
    }

    /// Returns a part of a transaction that changes an item.
    pub(super) fn update(&self, change: &Change) -> Result<TransactWriteItem, Unavailable> {
        let update = Update::builder().table_name(&self.table).set_key(Some(change.key.item()));
        let update = update.update_expression(change.expression()).set_expression_attribute_names(names(change.update));
        let update = update.set_expression_attribute_values(change.named());
        let update = update.set_condition_expression(change.condition.map(str::to_owned)).build();
        Ok(TransactWriteItem::builder().update(update.map_err(|error| Unavailable::new(NAME, error))?).build())
    }

    /// Writes all of it or nothing.
    ///
    /// # Errors
    ///
    /// - [`WriteError::Conflict`]: a condition does not hold; nothing was written.
    /// - [`WriteError::Unavailable`]: the outcome is unknown.
    pub(super) async fn transact(&self, parts: Vec<TransactWriteItem>) -> Result<(), WriteError> {
        // What was made under this name within ten minutes is not made again, and its answer is the first one's.
        let name = URL_SAFE_NO_PAD.encode(SystemRandom.bytes::<24>());
        let mut attempt = 0;
        loop {
            let request = self.client.transact_write_items().client_request_token(&name);
            let Err(error) = Box::pin(request.set_transact_items(Some(parts.clone())).send()).await else {
                return Ok(());
            };
            match cancelled(&error) {
                Cancelled::Condition => return Err(WriteError::Conflict),
                Cancelled::Later => pause(&mut attempt).await?,
                Cancelled::Other => return Err(unavailable(error).into()),
            }
        }
    }
}

/// Says why a transaction was not made.
fn cancelled(error: &SdkError<TransactWriteItemsError>) -> Cancelled {
    let reasons = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled.cancellation_reasons(),
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => return Cancelled::Later,
        _ => return Cancelled::Other,
    };
    let mut codes = reasons.iter().filter_map(|reason| reason.code()).filter(|code| *code != "None").peekable();
    let is_passing =
        |code: &str| matches!(code, "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded");
    if reasons.iter().any(|reason| reason.code() == Some("ConditionalCheckFailed")) {
        Cancelled::Condition
    } else if codes.peek().is_some() && codes.all(is_passing) {
        Cancelled::Later
    } else {
        Cancelled::Other
    }
}

/// Waits before something is tried again, longer each time and never twice as long as somebody else.
///
/// # Errors
///
/// [`Unavailable`] if it was tried often enough.
async fn pause(attempt: &mut u32) -> Result<(), Unavailable> {
    *attempt += 1;
    if *attempt > 2 * ATTEMPTS {
        return Err(Unavailable::timed_out(NAME));
    }
    let longest = FIRST_PAUSE * (1 << (*attempt).min(4));
    let chance = u32::from(u16::from_be_bytes(SystemRandom.bytes()));
    tokio::time::sleep(longest * chance / u32::from(u16::MAX)).await;
    Ok(())
}

/// Writes one item, again while somebody's transaction is in the way; says whether the write's condition held.
async fn written<T, E, F>(write: impl Fn() -> F, why: impl Fn(&E) -> Cancelled) -> Result<bool, Unavailable>
where
    E: Error + Send + Sync + 'static,
    F: Future<Output = Result<T, SdkError<E>>>,
{
    let mut attempt = 0;
    loop {
        let Err(error) = write().await else { return Ok(true) };
        match error.as_service_error().map(&why) {
            Some(Cancelled::Condition) => return Ok(false),
            Some(Cancelled::Later) => pause(&mut attempt).await?,
            Some(Cancelled::Other) | None => return Err(unavailable(error)),
        }
    }
}

/// Returns what the names with `#` in an expression stand for: the attributes without it, whose names are words of the
/// language.
fn names(expression: &str) -> Option<HashMap<String, String>> {
    let marked = expression.split([' ', ',']).filter_map(|word| Some((word, word.strip_prefix('#')?)));
    let names: HashMap<String, String> = marked.map(|(word, name)| (word.to_owned(), name.to_owned())).collect();
    (!names.is_empty()).then_some(names)
}

fn named(values: Vec<(&str, AttributeValue)>) -> Item {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) fn unavailable<E, R>(error: SdkError<E, R>) -> Unavailable
where
    E: Error + Send + Sync + 'static,
    R: Debug + Send + Sync + 'static,
{
    Unavailable::new(NAME, error)
}
