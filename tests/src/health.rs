use reqwest::StatusCode;
use serde_json::{Value, json};

/// Asserts that the deployment at `origin` says that it lives, as the HTTP contract has it.
///
/// # Panics
///
/// If it does not.
pub async fn assert_alive(origin: &str) {
    for path in ["/healthz", "/health"] {
        let response = reqwest::get(format!("{origin}{path}")).await.expect("the deployment answers");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body: Value = response.json().await.expect("the body is JSON");
        assert_eq!(body, json!({"status": "ok"}));
    }
}
