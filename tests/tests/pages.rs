//! The pages, in a real browser.

use std::process::Command;

use gateway_tests::{Deployment, OidcProvider, place};

/// Runs a script of `tests/browser` against a gateway.
async fn walk(gateway: &Deployment, script: &str) {
    let place = |name| place(name).expect("scripts/test says where that is");
    let mut node = Command::new("node");
    node.arg(place("LLM_GATEWAY_ROOT").join("tests/browser").join(script))
        .arg(gateway.origin())
        .arg(place("LLM_GATEWAY_CHROMIUM"))
        .arg(place("LLM_GATEWAY_NODE"));
    let walked = tokio::task::spawn_blocking(move || node.output()).await;
    let output = walked.expect("waiting does not panic").expect("node is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn lets_a_person_mint_and_revoke_by_keyboard() {
    walk(&Deployment::embedded("").await, "token_page.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_a_person_in_and_out_at_another_origin() {
    let (_provider, gateway) = OidcProvider::with_gateway("allowed_domains = [\"example.com\"]").await;
    walk(&gateway, "sign_in.mjs").await;
}
