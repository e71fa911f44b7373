//! A `ClickHouse` server, where one is installed.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::{Process, free_port, place};

/// How long a server may take to start: a moment, and the rest for a machine that compiles something else meanwhile.
const START: Duration = Duration::from_mins(1);

/// Who may do everything there, and what the server asks them for.
const USER: &str = "gateway";
const PASSWORD: &str = "a-password-of-this-test";

/// A server on the loopback address with nothing in it. It ends when this is dropped.
#[derive(Debug)]
pub struct ClickHouse {
    _process: Process,
    _directory: TempDir,
    url: String,
}

impl ClickHouse {
    /// Starts the program that `LLM_GATEWAY_CLICKHOUSE` names; none if it names none.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn start() -> Option<Self> {
        let program: PathBuf = place("LLM_GATEWAY_CLICKHOUSE").ok()?;
        let directory = tempfile::tempdir().expect("there is room for a folder");
        let [http, tcp] = [(); 2].map(|()| free_port().expect("a port is free"));
        let folder = directory.path().display();
        // Both roots are read by old servers; what is not known is passed over. Old ones have to be told that they may have the
        // types that newer ones have anyway.
        let server = format!(
            "<yandex><logger><level>warning</level><console>1</console></logger><listen_host>127.0.0.1</listen_host>\
             <http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path>\
             <user_files_path>{folder}/files/</user_files_path><format_schema_path>{folder}/formats/</format_schema_path>\
             <mark_cache_size>67108864</mark_cache_size><users_config>users.xml</users_config>\
             <default_profile>default</default_profile><default_database>default</default_database></yandex>"
        );
        let users = format!(
            "<yandex><profiles><default><allow_experimental_low_cardinality_type>1</allow_experimental_low_cardinality_type>\
             </default></profiles><users><{USER}><password>{PASSWORD}</password><networks><ip>127.0.0.1</ip></networks>\
             <profile>default</profile><quota>default</quota></{USER}></users><quotas><default></default></quotas></yandex>"
        );
        fs::write(directory.path().join("config.xml"), server).expect("there is room for a file");
        fs::write(directory.path().join("users.xml"), users).expect("there is room for a file");
        let mut command = Command::new(program);
        command.arg("--config-file=config.xml").current_dir(&directory);
        let mut process = Process::start(&mut command).expect("the program can be started");
        process.listens(http, START).await.expect("the server listens");
        Some(Self { _process: process, _directory: directory, url: format!("http://127.0.0.1:{http}") })
    }

    /// Returns what an exporter that writes there is told.
    #[must_use]
    pub fn exporter(&self, name: &str) -> String {
        let kind = format!("[exporters.{name}]\nkind = \"clickhouse\"\nurl = \"{}\"\n", self.url);
        kind + &format!("user = \"{USER}\"\npassword = \"{PASSWORD}\"\n")
    }

    /// Does what a file of statements says, and returns the rows that they answer, those of each by themselves.
    ///
    /// # Panics
    ///
    /// If the server does not take one of them.
    pub async fn run(&self, statements: &str) -> Vec<Vec<Value>> {
        let lines = statements.lines().map(|line| line.split("--").next().unwrap_or_default());
        let text: String = lines.map(|line| line.to_owned() + "\n").collect();
        let mut answers = Vec::new();
        for statement in text.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            let format = if statement.starts_with("SELECT") { " FORMAT JSONEachRow" } else { "" };
            let request = reqwest::Client::new().post(&self.url).body(statement.to_owned() + format);
            let request = request.header("x-clickhouse-user", USER).header("x-clickhouse-key", PASSWORD);
            let answer = request.send().await.expect("the server answers");
            let (is_taken, text) = (answer.status().is_success(), answer.text().await.expect("it is text"));
            assert!(is_taken, "{statement}: {text}");
            answers.push(text.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect());
        }
        answers
    }
}
