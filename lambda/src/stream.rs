//! The function that hears of each change of the records from the table's stream, and sees to it that the hot state has heard of
//! it, too. Mostly it has: whoever changed the record has told it.

use std::collections::BTreeMap;

use gateway_core::Chain;
use gateway_core::control::{Authority, Control};
use gateway_core::ports::Subject;
use gateway_native::dynamodb::changed_record;
use lambda_http::lambda_runtime::{Error, LambdaEvent, run};
use lambda_http::service_fn;
use serde::{Deserialize, Serialize};

use crate::start::Started;

/// What the stream tells at once (Lambda, "Using AWS Lambda with Amazon `DynamoDB`").
#[derive(Debug, Deserialize)]
struct Changes {
    #[serde(rename = "Records")]
    records: Vec<Change>,
}

/// A change of one item.
#[derive(Debug, Deserialize)]
struct Change {
    dynamodb: Changed,
}

#[derive(Debug, Deserialize)]
struct Changed {
    #[serde(rename = "SequenceNumber")]
    number: String,
    #[serde(rename = "Keys", default)]
    keys: BTreeMap<String, Attribute>,
}

#[derive(Debug, Deserialize)]
struct Attribute {
    #[serde(rename = "S", default)]
    text: String,
}

/// Which changes are to be told again (Lambda, "partial batch responses").
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Outcome {
    #[serde(rename = "batchItemFailures")]
    failures: Vec<Failure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Failure {
    #[serde(rename = "itemIdentifier")]
    number: String,
}

/// Serves the stream until the runtime ends it.
pub(crate) async fn serve(started: Started) -> Result<(), Error> {
    let started = &started;
    let hear = |event: LambdaEvent<Changes>| async { Ok::<_, Error>(apply(&started.control, event.payload).await) };
    run(service_fn(hear)).await
}

/// Applies changes to the hot state. What cannot be applied does not keep what follows from it: changes of different records
/// do not depend on each other, and each is applied as the record is now, so that neither order nor repetition matter.
async fn apply<A: Authority>(control: &Control<A>, changes: Changes) -> Outcome {
    let mut applied: BTreeMap<Subject, bool> = BTreeMap::new();
    let mut outcome = Outcome::default();
    for change in changes.records.into_iter().map(|change| change.dynamodb) {
        let pk = change.keys.get("pk").map(|pk| pk.text.as_str()).unwrap_or_default();
        let is_applied = match changed_record(pk) {
            Some(subject) => match applied.get(&subject) {
                Some(before) => *before,
                None => {
                    let is_applied = publish(control, subject).await;
                    applied.insert(subject, is_applied);
                    is_applied
                }
            },
            None => {
                tracing::error!(pk, number = change.number, "a change is about nothing that is known");
                false
            }
        };
        if !is_applied {
            outcome.failures.push(Failure { number: change.number });
        }
    }
    outcome
}

async fn publish<A: Authority>(control: &Control<A>, subject: Subject) -> bool {
    let published = control.publish(subject).await;
    if let Err(error) = &published {
        tracing::warn!(error = %Chain(error), ?subject, "a change is not applied yet");
    }
    published.is_ok()
}
