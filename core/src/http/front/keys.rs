//! The public keys of our tokens, as the control plane tells them: it alone signs, and it alone knows when keys change.

use std::time::Duration;

use super::{Front, control_plane};
use crate::http::Problem;
use crate::ports::{Clock as _, Platform};
use crate::shelf::Look;
use crate::token::{PublicKeys, Verified, VerifyError};

/// How soon to look again whether somebody else's question has been answered.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Checks a token with keys that the control plane has told. One that names a key which is not known is reason to ask anew.
///
/// # Errors
///
/// A problem if there are no keys to check it with.
pub(super) async fn verify<P: Platform>(
    front: &Front<P>,
    text: &str,
) -> Result<Result<Verified, VerifyError>, Problem> {
    follow(front).await?;
    let checked = front.verifier().verify(text, front.now());
    if checked != Err(VerifyError::UnknownKey) || !front.keys().claim(front.now_ms()) {
        return Ok(checked);
    }
    fetch(front).await?;
    Ok(front.verifier().verify(text, front.now()))
}

/// Sees to it that the keys are those of the last ten minutes, or of the last day if the control plane does not answer.
///
/// # Errors
///
/// A problem if there are none.
pub(super) async fn follow<P: Platform>(front: &Front<P>) -> Result<(), Problem> {
    // The others of an isolate that has just begun need them, too, and one answer is enough for all.
    let began = front.now_ms();
    while front.keys().is_awaited(began, front.now_ms()) {
        front.platform().clock().sleep(LOOK_AGAIN).await;
    }
    if front.keys().has_failed_since(began, front.now_ms()) {
        return Err(Problem::unavailable());
    }
    match front.keys().look(front.now_ms()) {
        Look::Use(_) => Ok(()),
        Look::Fetch(known) => fetch(front).await.or_else(|problem| known.map(drop).ok_or(problem)),
    }
}

async fn fetch<P: Platform>(front: &Front<P>) -> Result<(), Problem> {
    let told = control_plane::look(front, "/internal/keys").await;
    if told.is_err() {
        front.keys().note_failure(front.now_ms());
    }
    let keys: PublicKeys = told?;
    let keys = front.keys().put(keys, front.now_ms());
    front.verifier().replace_keys(keys);
    Ok(())
}
