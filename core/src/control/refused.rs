//! Noting sign-ins that were refused: one entry for each address and minute, however many there are.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::limits::{WINDOW, neighbourhood};
use super::{Actor, Authority, Control};
use crate::Chain;
use crate::id::AuditId;
use crate::identity::Email;
use crate::ports::{AuditEntry, AuditLog as _, Limits as _, within};
use crate::time::Millis;

/// A sign-in that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedSignIn {
    /// Why, in a word.
    pub why: String,
    /// Who it was, if the records know no such person: their verified address.
    pub email: Option<Email>,
}

impl<A: Authority> Control<A> {
    /// Notes that a sign-in was refused: for each address that they come from and each minute there is one entry, which counts
    /// them and tells of the last. What cannot be noted is logged: it stays refused.
    pub async fn note_refused_sign_in(&self, actor: &Actor, target: &str, refused: &RefusedSignIn) {
        let (now, address) = (self.now(), neighbourhood(&actor.address));
        let name = format!("refused:{address}");
        let counted =
            within(self.clock(), self.deadline(), "the hot state", self.hot().count(&name, WINDOW, now)).await;
        let count = match counted {
            Ok((count, _)) => count,
            Err(error) => {
                tracing::warn!(error = %Chain(&error), request = actor.request, "a refused sign-in cannot be counted");
                1
            }
        };
        let detail = json!({"why": refused.why, "email": refused.email, "count": count});
        let minute = now.0.div_euclid(WINDOW.into()) * i64::from(WINDOW);
        let digest = Sha256::digest(address);
        let id = AuditId::new(Millis(minute.saturating_mul(1000)), std::array::from_fn(|index| digest[index]));
        let entry = AuditEntry { id, ..self.audit(actor, "user.sign_in_refused", target, detail) };
        if let Err(error) = self.records().note(&entry).await {
            tracing::warn!(error = %Chain(&error), request = actor.request, "a refused sign-in cannot be noted");
        }
    }
}
