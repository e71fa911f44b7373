//! Keeping what was said in a call, until exporters have it.

use crate::Chain;
use crate::http::front::Front;
use crate::id::LeaseId;
use crate::ports::{Contents as _, Platform, within};
use crate::upstream::Content;

/// How long it is kept for exporters, in seconds. Usage events wait for a sink that is down for as long as it takes; what was said does not.
const KEPT: i64 = 3600;

/// Keeps what was said in a call, before its usage event is there. Nobody is kept waiting for it, and it is tried once.
pub(super) async fn keep<P: Platform>(front: &Front<P>, id: LeaseId, content: Option<Content>) {
    let Some(Ok(content)) = content.map(|content| serde_json::to_string(&content)) else { return };
    let (platform, now) = (front.platform(), front.now());
    let kept = platform.hot().keep_content(id, &content, now, now.plus(KEPT));
    match within(platform.clock(), front.deadline(), "the hot state", kept).await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(call = %id, "there is no room for what was said in a call; exporters go without"),
        Err(error) => tracing::warn!(call = %id, error = %Chain(&error), "what was said in a call is not kept"),
    }
}
