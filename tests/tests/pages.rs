//! The pages, in a real browser.

use std::process::Command;

use gateway_tests::{Browser, Deployment, OidcProvider, place};
use serde_json::json;

/// Who may do what in these walks. Several browsers at once leave a small machine little time for anything else, and these are not
/// about time.
const SIGN_IN: &str = "allowed_domains = [\"example.com\"]\n[roles]\nsuper_admins = [\"root@example.com\"]\n\
                       [admission]\ndeadline_ms = 10000";

/// Runs a script of `tests/browser` against a gateway.
async fn walk(gateway: &Deployment, script: &str, arguments: &[String]) {
    let place = |name| place(name).expect("scripts/test says where that is");
    let mut node = Command::new("node");
    node.arg(place("LLM_GATEWAY_ROOT").join("tests/browser").join(script))
        .arg(gateway.origin())
        .arg(place("LLM_GATEWAY_CHROMIUM"))
        .arg(place("LLM_GATEWAY_NODE"))
        .args(arguments);
    let walked = tokio::task::spawn_blocking(move || node.output()).await;
    let output = walked.expect("waiting does not panic").expect("node is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn lets_a_person_mint_use_and_revoke_by_keyboard_alone() {
    let (_provider, gateway) = OidcProvider::with_gateway(SIGN_IN).await;
    walk(&gateway, "token_page.mjs", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_a_person_in_and_out_at_another_origin() {
    let (_provider, gateway) = OidcProvider::with_gateway(SIGN_IN).await;
    walk(&gateway, "sign_in.mjs", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lets_administrators_end_sessions_suspend_and_choose_others() {
    let (_provider, gateway) = OidcProvider::with_gateway(SIGN_IN).await;
    walk(&gateway, "dashboard.mjs", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shows_what_was_used_and_lets_administrators_set_budgets() {
    let (_provider, gateway) = OidcProvider::with_gateway(SIGN_IN).await;
    walk(&gateway, "usage.mjs", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shows_hostile_texts_as_texts_everywhere() {
    let (provider, gateway) = OidcProvider::with_gateway(SIGN_IN).await;
    let names = [
        "<img src=x onerror=complain('markup')>",
        "\"><script>complain('script')</script>",
        &"\u{1F9EA}".repeat(64),
        "\u{202E}gnp.exe\u{202C} \u{5D0}\u{5D1}\u{5D2}",
    ];
    let accounts: Vec<String> = (0..names.len()).map(|number| format!("person{number}@example.com")).collect();
    for (account, name) in accounts.iter().zip(names) {
        provider.describe(account, &json!({"name": name})).await;
    }
    walk(&gateway, "hostile_texts.mjs", &accounts).await;
}

#[tokio::test]
async fn compresses_pages_and_their_files_and_nothing_else() {
    let gateway = Deployment::embedded("").await;
    let token = Browser::sign_in(&gateway, "ann@example.com").await.mint().await.token;
    let client = reqwest::Client::new();
    let coding = async |path: &str| {
        let request =
            client.get(format!("{}{path}", gateway.origin())).bearer_auth(&token).header("accept-encoding", "gzip");
        let answer = request.send().await.expect("the gateway answers");
        let told = |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
        (answer.status().as_u16(), told("content-encoding"), told("vary"))
    };
    let compressed = |status| (status, Some("gzip".to_owned()), Some("accept-encoding".to_owned()));
    for path in ["/", "/assets/app.css", "/assets/grid.js", "/assets/words-ja.js"] {
        assert_eq!(coding(path).await, compressed(200), "{path}");
    }
    // What one asks for may stand beside a secret there.
    for path in ["/api/me", "/api/usage/me", "/v1/models", "/healthz"] {
        assert_eq!(coding(path).await.1, None, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn breaks_no_rule_of_accessibility() {
    let (_provider, gateway) = OidcProvider::with_gateway(SIGN_IN).await;
    walk(&gateway, "accessibility.mjs", &[]).await;
}
