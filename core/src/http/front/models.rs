//! `GET /v1/models`: what can be called, in the words of the one who asks.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{Front, model_call};
use crate::http::{Dialect, Problem, RequestContext, json};
use crate::ports::Platform;
use crate::token::{Scope, Verified};
use crate::upstream::Format;

/// Lists the configured models and aliases that are served in the asker's forms. Names that stand for many are not listed.
pub(super) async fn models<P: Platform>(
    State(front): State<Front<P>>,
    Extension(context): Extension<RequestContext>,
    Extension(token): Extension<Verified>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    model_call::authenticate(&front, &context, &token, Scope::Llm).await?;
    let list = match Dialect::of("/v1/models", &headers) {
        Dialect::Anthropic => anthropic(&front.catalog().names(&[Format::Messages])),
        _ => openai(&front.catalog().names(&[Format::ChatCompletions, Format::Responses, Format::Embeddings])),
    };
    Ok(json::answer(StatusCode::OK, &list))
}

/// Anthropic's list (docs.anthropic.com, "List Models"): a time that is not known is the epoch.
fn anthropic(names: &[(&str, &str)]) -> Value {
    let model = |(name, _): &(&str, &str)| json!({"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"});
    json!({
        "data": names.iter().map(model).collect::<Vec<_>>(),
        "has_more": false,
        "first_id": names.first().map(|(name, _)| name),
        "last_id": names.last().map(|(name, _)| name),
    })
}

/// OpenAI's list (platform.openai.com, "List models").
fn openai(names: &[(&str, &str)]) -> Value {
    let model = |(name, owner): &(&str, &str)| json!({"id": name, "object": "model", "created": 0, "owned_by": owner});
    json!({"object": "list", "data": names.iter().map(model).collect::<Vec<_>>()})
}
