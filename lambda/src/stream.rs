//! The function that hears of each change of the records from the table's stream, and sees to it that the hot state has heard of
//! it, too. Mostly it has: whoever changed the record has told it.

use std::collections::{BTreeMap, BTreeSet};

use gateway_core::Chain;
use gateway_core::control::{Authority, Control};
use gateway_native::dynamodb::changed_record;
use lambda_http::lambda_runtime::{Error, LambdaEvent, run};
use lambda_http::service_fn;
use serde::{Deserialize, Serialize};

use crate::authority::LambdaAuthority;

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
pub(crate) async fn serve(control: Control<LambdaAuthority>) -> Result<(), Error> {
    let control = &control;
    let hear = |event: LambdaEvent<Changes>| async { Ok::<_, Error>(apply(control, event.payload).await) };
    run(service_fn(hear)).await
}

/// Applies changes to the hot state, until one cannot be applied: that one, and those behind it, are told again. Each is
/// applied as the record is now, so that neither order nor repetition matter.
///
/// What is about nothing that is known is passed over: telling it again would hold up those behind it, and change nothing.
async fn apply<A: Authority>(control: &Control<A>, changes: Changes) -> Outcome {
    let mut applied = BTreeSet::new();
    for change in changes.records.into_iter().map(|change| change.dynamodb) {
        let pk = change.keys.get("pk").map(|pk| pk.text.as_str()).unwrap_or_default();
        let Some(subject) = changed_record(pk) else {
            tracing::error!(pk, number = change.number, "a change is about nothing that is known");
            continue;
        };
        if applied.contains(&subject) {
            continue;
        }
        if let Err(error) = control.publish(subject).await {
            tracing::warn!(error = %Chain(&error), ?subject, "a change is not applied yet");
            return Outcome { failures: vec![Failure { number: change.number }] };
        }
        applied.insert(subject);
    }
    Outcome::default()
}
