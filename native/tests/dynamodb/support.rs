//! Tables, and ways to them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::types::AttributeValue;
use gateway_native::dynamodb::DynamoRecords;
use gateway_tests::dynamodb::{DynamoDb, DynamoShim, Fault};
use tokio::runtime::Runtime;

/// One runtime for all: a connection outlives the call that made it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("the system can run threads"));

/// Numbers the tables.
static TABLES: AtomicU32 = AtomicU32::new(0);

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// A table of its own, and the way to it.
pub(crate) struct Table {
    pub(crate) shim: DynamoShim,
    pub(crate) name: String,
    _server: Arc<DynamoDb>,
}

/// Returns where a server is, as the environment would tell.
pub(crate) async fn at(url: &str) -> SdkConfig {
    let credentials = Credentials::new("obviously", "fake", None, None, "tests");
    let loader = gateway_native::aws::loader().region(Region::from_static("us-east-1")).endpoint_url(url);
    loader.credentials_provider(credentials).load().await
}

/// Makes a table on the server that all share.
pub(crate) fn store() -> (DynamoRecords, Table) {
    block_on(async {
        let server = DynamoDb::shared().await;
        let shim = DynamoShim::start(&server.url()).await.expect("a port is free");
        let name = format!("records-{}", TABLES.fetch_add(1, Ordering::Relaxed));
        let records = DynamoRecords::new(&at(shim.url()).await, &name);
        records.create_table().await.expect("there is room for a table");
        (records, Table { shim, name, _server: server })
    })
}

/// Makes a table whose every request fails when it is sent for the first time.
pub(crate) fn on_a_bad_way() -> (DynamoRecords, Table) {
    let (records, table) = store();
    table.shim.meet_each_once(&Fault::ALL);
    (records, table)
}

/// Returns everything in a table, as it is kept.
pub(crate) async fn raw_items(table: &Table) -> Vec<HashMap<String, AttributeValue>> {
    let client = Client::new(&at(table.shim.url()).await);
    client.scan().table_name(&table.name).send().await.expect("the server answers").items.unwrap_or_default()
}
