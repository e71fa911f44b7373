//! A store that does not answer admits nobody, charges nobody, and is forgiven; and others may look at its files.

use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gateway_tests::{Browser, Deployment, echo};
use reqwest::StatusCode;
use rusqlite::Connection;
use serde_json::json;

/// Takes the write lock of one of the deployment's files, until it is rolled back or dropped.
fn lock(deployment: &Deployment, file: &str) -> Connection {
    let connection = Connection::open(deployment.data().join(file)).expect("the file is there");
    connection.busy_timeout(Duration::from_secs(10)).expect("it is open");
    connection.execute_batch("BEGIN IMMEDIATE").expect("nobody holds it for long");
    connection
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the stall has to last for as long as the promise says")]
async fn charges_nobody_for_what_a_stalled_store_refused() {
    let gateway = Deployment::embedded("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let token = ann.mint().await.token;
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    let before = ann.settled().await;

    let stall = lock(&gateway, "hot.db");
    let began = Instant::now();
    let answers = join_all((0..100).map(|_| echo(&gateway, &token))).await;
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.anthropic_error().0, "api_error");
    }
    tokio::time::sleep(Duration::from_secs(2).saturating_sub(began.elapsed())).await;
    drop(stall);

    assert_eq!(ann.settled().await, before);
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    assert_eq!(ann.settled().await, 2 * before);
}

#[tokio::test]
async fn stays_whole_while_others_read_its_files() {
    let mut gateway = Deployment::embedded("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    // Another program with another SQLite, as an operator's tools are.
    let count = |file: &str, table: &str| -> i64 {
        let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \
                      print(c.execute('SELECT count(*) FROM ' + sys.argv[2]).fetchone()[0]); c.close()";
        let mut python = Command::new("python3");
        let output = python.args(["-c", script]).arg(gateway.data().join(file)).arg(table).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
    };
    let mut changes = 0;
    for minted in 1..=3 {
        let token = ann.mint().await.token;
        echo(&gateway, &token).await;
        ann.settled().await;
        assert_eq!(count("records.db", "token"), minted);
        let now = count("hot.db", "change");
        assert!(now > changes, "{now}");
        changes = now;
    }
    gateway.kill_and_restart().await;
    assert_eq!(ann.get("/api/token/list").await.body["count"], 3);
}

#[tokio::test]
async fn serves_calls_while_the_records_cannot_be_written() {
    let gateway = Deployment::embedded("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let minted = ann.mint().await;
    assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::OK);
    let stall = lock(&gateway, "records.db");
    assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::OK);
    let refused = ann.post("/api/token/revoke", &json!({"token_id": minted.id})).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "never success without effect: {}", refused.text);
    assert_eq!(refused.header("retry-after"), "1");
    drop(stall);
    ann.revoke(&minted.id).await;
    assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::UNAUTHORIZED);
}
