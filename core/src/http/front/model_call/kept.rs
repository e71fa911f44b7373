//! Answers that a provider keeps: who made one may go on from it, and nobody else.

use std::time::Duration;

use super::lease::persist;
use crate::Chain;
use crate::http::front::Front;
use crate::http::{Kind, Problem};
use crate::id::UserId;
use crate::ports::{Answers as _, Background as _, Clock as _, Platform, within};

/// How long an answer can be gone on from, in seconds. OpenAI keeps them for 30 days (platform.openai.com, "Your data").
const KEPT: i64 = 30 * 86400;

/// How long to wait before looking a second time for an answer that is not known: it may have ended just now, and is being
/// noted.
const SECOND_LOOK: Duration = Duration::from_millis(250);

/// Checks that every one of these answers is the person's own.
///
/// # Errors
///
/// 404 that names the answer, whoever else made it; 503 if the hot state did not say in time.
pub(super) async fn check_own<P: Platform>(front: &Front<P>, user: UserId, ids: &[String]) -> Result<(), Problem> {
    for id in ids {
        let is_own = is_own(front, user, id).await? || {
            front.platform().clock().sleep(SECOND_LOOK).await;
            self::is_own(front, user, id).await?
        };
        if !is_own {
            return Err(Problem::new(
                Kind::NotFound,
                format!("There is no earlier answer of yours with the id {id:?}."),
            ));
        }
    }
    Ok(())
}

async fn is_own<P: Platform>(front: &Front<P>, user: UserId, id: &str) -> Result<bool, Problem> {
    let platform = front.platform();
    let asked = platform.hot().answer_maker(id, front.now());
    match within(platform.clock(), front.deadline(), "the hot state", asked).await {
        Ok(maker) => Ok(maker == Some(user)),
        Err(error) => {
            tracing::error!(error = %Chain(&error), "it cannot be told whose an answer is");
            Err(Problem::unavailable())
        }
    }
}

/// Notes that a person made an answer, in the background.
pub(super) fn note<P: Platform>(front: &Front<P>, user: UserId, id: &str) {
    let (own, id) = (front.clone(), id.to_owned());
    front.platform().background().spawn(async move {
        let now = own.now();
        persist(&own, "note an answer", || own.platform().hot().note_answer(&id, user, now, now.plus(KEPT))).await;
    });
}
