//! The pages, in a real browser.

use std::process::Command;

use gateway_tests::{Deployment, place};

#[tokio::test(flavor = "multi_thread")]
async fn lets_a_person_mint_and_revoke_by_keyboard() {
    let gateway = Deployment::start("").await;
    let script = place("LLM_GATEWAY_ROOT").unwrap().join("tests/browser/token_page.mjs");
    let mut node = Command::new("node");
    node.arg(script)
        .arg(gateway.origin())
        .arg(place("LLM_GATEWAY_CHROMIUM").unwrap())
        .arg(place("LLM_GATEWAY_NODE").unwrap());
    let output = tokio::task::spawn_blocking(move || node.output()).await.unwrap().expect("node is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
