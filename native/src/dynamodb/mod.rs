//! Records in one `DynamoDB` table.
//!
//! | what | pk | sk | also found by |
//! |---|---|---|---|
//! | a person | `USER#{id}` | `USER` | `index1`, the newest sign-in first; `index2` by address |
//! | whom a name leads to | `NAME#{hash}` | `NAME` | |
//! | that somebody has an address | `EMAIL#{address}` | the person's id; `EXPECTED` if they have not signed in | |
//! | that somebody is suspended or removed, or administers | `USER#{id}` | `LISTS` | `index1`, `index2` |
//! | that somebody is provisioned, or has a budget of their own | `USER#{id}` | `PROVISIONED` | `index1`, `index2` |
//! | a token | `TOKEN#{id}` | `TOKEN` | `index1`, newest first; `index2` by its name |
//! | that somebody has it | `USER#{user}` | `TOKEN#{id}` | `index2` by their address then |
//! | the book of budgets | `BUDGETS` | `BUDGETS` | |
//! | a change of one of them that the hot state may not have heard of | that one's | `OUTBOX` | `index1`, oldest first |
//! | an audit entry | `AUDIT` | its id | `index1` by actor, `index2` by target |
//! | a usage event | `USAGE#{shard}` | its id | |
//! | the batch that is being booked | `BOOKS` | `BOOKS` | |
//! | which events a batch was of | `ARRIVALS#{number / 1000}` | its number | |
//! | how far an exporter is | `EXPORT#{name}` | `EXPORT` | |
//! | what was spent in a window by somebody | `SPENT#{window}` | the hash of whom | |
//! | a roll-up | `ROLLUP#{day}` | user, token, model, provider | `index1` by user, the first day's first |
//! | what a day adds up to by something | `SUM#{dimension}` | the day, the hash of the name | |
//! | what there is to tell of a budget | `ALERT#{hash}` | `ALERT` | `index1`, oldest first, until it was told |
//! | how often beats were counted | `BEATS` | `BEATS` | |
//!
//! The indexes hold keys alone: what they lead to is read, consistently, from the table. A change, its audit entry and its
//! outbox row are one transaction. Bodies are JSON; what conditions and sums need stands beside them. Tokens and what was
//! spent are forgotten by the table itself, by its attribute `ttl`.

mod accounts;
mod alerts;
mod arrivals;
mod audit;
mod beats;
mod books;
mod budgets;
mod call;
mod day_sums;
mod directory;
mod item;
mod key;
mod list;
mod outbox;
mod retention;
mod sums;
mod table;
mod tokens;
mod usage;
mod users;

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use gateway_core::ports::{Beats as _, Records, Unavailable};

pub use key::changed_record;
pub use table::CreateError;

/// What the store is called in errors.
const NAME: &str = "the records";

/// How long one request may take. They take milliseconds; the rest is for a connection that has to be made first.
const ATTEMPT: Duration = Duration::from_secs(2);

/// How long a request may take with all that is tried again. The front gives the control plane ten seconds for everything.
const OPERATION: Duration = Duration::from_secs(5);

/// How often a request is sent at most, with pauses that grow and are a matter of chance.
const ATTEMPTS: u32 = 4;

/// The longest first pause before a request is sent again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The records of a table. Clones share the connections.
#[derive(Debug, Clone)]
pub struct DynamoRecords {
    client: Client,
    table: String,
}

impl DynamoRecords {
    /// Makes a way to the records in that table. Nothing is asked yet.
    #[must_use]
    pub fn new(config: &SdkConfig, table: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(ATTEMPT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION);
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(FIRST_PAUSE);
        // What may be tried again when much goes wrong is a budget of this table's own.
        let partition = RetryPartition::new(format!("dynamodb-{table}"));
        let config = Builder::from(config).timeout_config(timeouts.build()).retry_config(retries);
        let config = config.retry_partition(partition).build();
        Self { client: Client::from_conf(config), table: table.to_owned() }
    }

    /// Asks for next to nothing, so that a connection is there and the table is known to answer.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if it does not.
    pub async fn warm(&self) -> Result<(), Unavailable> {
        self.beats().await.map(drop)
    }
}

impl Records for DynamoRecords {}
