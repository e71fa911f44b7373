//! Whether the process lives: all that a front can say whatever its stores say.

use axum::body::Body;
use http::{Response, StatusCode};
use serde_json::json;

use super::json;

/// Answers that the process lives.
pub(super) async fn alive() -> Response<Body> {
    json::answer(StatusCode::OK, &json!({"status": "ok"}))
}
