use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::dynamodb::{DynamoDb, DynamoShim};
use crate::lambda::Lambda;
use crate::variables::as_variables;
use crate::{ParameterStore, place};

/// How often the upkeep is invoked. AWS's scheduler does so each minute, and tests are not that patient.
const UPKEEP: Duration = Duration::from_secs(3);

/// The parameter that holds the signing keys.
const KEYS: &str = "/llm-gateway/signing-keys";

/// The parameter that holds the token of the hot state's database.
const TOKEN: &str = "/llm-gateway/upstash-token";

/// The path of the parameters that hold exporters' secrets.
const EXPORTERS: &str = "/llm-gateway/exporters/";

/// The name of the table.
const TABLE: &str = "records";

/// A control plane as Lambda functions, on a table of its own.
#[derive(Debug)]
pub struct Serverless {
    port: u16,
    variables: Vec<(String, String)>,
    lambda: Option<Arc<Lambda>>,
    upkeep: Option<JoinHandle<()>>,
    /// Held while it is invoked.
    invoking: Arc<Mutex<()>>,
    shim: DynamoShim,
    _parameters: ParameterStore,
    table: String,
    _server: Arc<DynamoDb>,
}

impl Serverless {
    /// Makes the table and the secrets for a gateway's configuration, in which `token` is the one of the hot state's database.
    /// The control function will listen at this port.
    pub(crate) async fn new(port: u16, configuration: &str, token: &str) -> Self {
        let server = DynamoDb::shared().await;
        let shim = DynamoShim::start(&server.url()).await.expect("a port is free");
        let parameters = ParameterStore::start().await;
        parameters.put(TOKEN, token);
        let table = format!("{TABLE}-{port}");
        let configuration = configuration.replace(&format!("token = \"{token}\""), "");
        let (configuration, secrets) = without_exporters_secrets(&configuration);
        let mut variables: Vec<(String, String)> = as_variables(&configuration)
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
            .collect();
        if !secrets.is_empty() {
            variables.push(("LLM_GATEWAY__EXPORTERS_SSM".to_owned(), EXPORTERS.to_owned()));
        }
        for (key, secret) in &secrets {
            parameters.put(&format!("{EXPORTERS}{key}"), secret);
        }
        for (name, value) in [
            ("LLM_GATEWAY__RECORDS__DYNAMODB", table.as_str()),
            ("LLM_GATEWAY__HOT__TOKEN_SSM", TOKEN),
            ("LLM_GATEWAY__TOKENS__KEYS_SSM", KEYS),
            ("AWS_ENDPOINT_URL_DYNAMODB", shim.url()),
            ("AWS_ENDPOINT_URL_SSM", parameters.url()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "obviously"),
            ("AWS_SECRET_ACCESS_KEY", "fake"),
        ] {
            variables.push((name.to_owned(), value.to_owned()));
        }
        let serverless = Self {
            port,
            variables,
            lambda: None,
            upkeep: None,
            invoking: Arc::default(),
            shim,
            _parameters: parameters,
            table,
            _server: server,
        };
        serverless.rotate_keys().await;
        serverless.operate(&["records", "create"]).await;
        serverless
    }

    /// Returns what the functions are told.
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// Makes the signing keys, or rotates them, as an operator does.
    pub async fn rotate_keys(&self) {
        self.operate(&["keys", "rotate", "--ssm", KEYS]).await;
    }

    /// Has the program do something where the operator is.
    async fn operate(&self, arguments: &[&str]) {
        let mut program = Command::new(place("LLM_GATEWAY_BIN").expect("scripts/test says where the program is"));
        // Not what names a parameter that this may only be about to make.
        let is_known = |name: &str| name.starts_with("AWS") || name == "LLM_GATEWAY__RECORDS__DYNAMODB";
        let known = self.variables.iter().filter(|(name, _)| is_known(name));
        program.args(arguments).env_clear().envs(known.map(|(name, value)| (name, value)));
        let done = program.current_dir(std::env::temp_dir()).output().await.expect("the program runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Ends the functions without a warning and starts them anew, without the upkeep.
    pub async fn restart(&mut self) {
        self.stop();
        self.start().await;
        self.rest().await;
    }

    /// Starts the functions, and has the upkeep invoked from time to time.
    pub(crate) async fn start(&mut self) {
        let lambda = Lambda::start(self.port, &self.variables).await.expect("the functions start");
        let lambda = Arc::new(lambda);
        let (invoked, invoking) = (Arc::clone(&lambda), Arc::clone(&self.invoking));
        self.upkeep = Some(tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                let _invoked = invoking.lock().await;
                // What it could not do it logs, and does the next time.
                let _ = invoked.invoke("upkeep", &json!({})).await;
            }
        }));
        self.lambda = Some(lambda);
    }

    /// Ends the functions without a warning.
    pub fn stop(&mut self) {
        if let Some(upkeep) = self.upkeep.take() {
            upkeep.abort();
        }
        self.lambda = None;
    }

    /// Has the upkeep not be invoked any more, and waits until it does nothing.
    pub async fn rest(&mut self) {
        if let Some(upkeep) = self.upkeep.take() {
            let _idle = self.invoking.lock().await;
            upkeep.abort();
        }
    }

    /// Returns the functions.
    ///
    /// # Panics
    ///
    /// If they do not run.
    #[must_use]
    pub fn lambda(&self) -> &Lambda {
        self.lambda.as_ref().expect("they run")
    }

    /// Returns the way to the table.
    #[must_use]
    pub const fn table(&self) -> &DynamoShim {
        &self.shim
    }

    /// Returns the items of the table whose partition key begins so, as they are kept.
    pub async fn items(&self, prefix: &str) -> Vec<Value> {
        let found = self.shim.ask("DynamoDB_20120810.Scan", &json!({"TableName": self.table})).await;
        let mut items = found["Items"].as_array().cloned().unwrap_or_default();
        items.retain(|item| item["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with(prefix)));
        items
    }

    /// Deletes every token.
    pub(crate) async fn lose_tokens(&self) {
        for item in self.items("TOKEN#").await.iter().filter(|item| item["sk"]["S"] == "TOKEN") {
            let key = json!({"pk": item["pk"], "sk": item["sk"]});
            self.shim.ask("DynamoDB_20120810.DeleteItem", &json!({"TableName": self.table, "Key": key})).await;
        }
    }

    /// Returns what the table's stream tells of the outbox, as the stream function hears it: the template filters the rest out.
    pub async fn changes(&self) -> Vec<Value> {
        let api = |operation: &str| format!("DynamoDBStreams_20120810.{operation}");
        let streams = self.shim.ask(&api("ListStreams"), &json!({"TableName": self.table})).await;
        let stream = &streams["Streams"][0]["StreamArn"];
        let described = self.shim.ask(&api("DescribeStream"), &json!({"StreamArn": stream})).await;
        let mut changes = Vec::new();
        for shard in described["StreamDescription"]["Shards"].as_array().into_iter().flatten() {
            let from = json!({"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"});
            let iterator = self.shim.ask(&api("GetShardIterator"), &from).await;
            let read = self.shim.ask(&api("GetRecords"), &json!({"ShardIterator": iterator["ShardIterator"]})).await;
            changes.extend(read["Records"].as_array().into_iter().flatten().cloned());
        }
        changes.retain(|change| change["dynamodb"]["Keys"]["sk"]["S"] == "OUTBOX" && change["eventName"] != "REMOVE");
        changes
    }

    /// Returns what the functions have printed.
    pub(crate) fn log(&self) -> String {
        self.lambda.as_ref().map(|lambda| lambda.log()).unwrap_or_default()
    }
}

/// Takes what exporters keep secret out of a configuration; returns the rest, and what was taken, by its key in their section.
fn without_exporters_secrets(configuration: &str) -> (String, Vec<(String, String)>) {
    let mut sections: toml::Table = configuration.parse().expect("it was written for a gateway");
    let mut secrets = Vec::new();
    let exporters = sections.get_mut("exporters").and_then(toml::Value::as_table_mut);
    for (name, exporter) in exporters.into_iter().flatten() {
        let exporter = exporter.as_table_mut().expect("an exporter is a table");
        for key in ["headers", "public_key", "secret_key", "password"] {
            match exporter.remove(key) {
                Some(toml::Value::String(secret)) => secrets.push((format!("{name}/{key}"), secret)),
                Some(headers) => secrets.extend(headers.as_table().into_iter().flatten().map(|(header, value)| {
                    (format!("{name}/{key}/{header}"), value.as_str().expect("a header is a text").to_owned())
                })),
                None => {}
            }
        }
    }
    (sections.to_string(), secrets)
}

impl Drop for Serverless {
    fn drop(&mut self) {
        self.stop();
    }
}
