//! What the identity provider says is over (OpenID Connect Back-Channel Logout 1.0).

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::change::Change;
use super::{Actor, Authority, ChangeError, Control};
use crate::identity::{Account, Name, User};
use crate::ports::{PageRequest, Presence as _, SessionQuery, SessionsOf, Users as _, within};

/// How many sessions one session at the identity provider may have led to, for each look.
const PAGE: u32 = 100;

/// Whose sessions are over. One of both is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderLogout {
    /// The identity provider.
    pub issuer: String,
    /// Its name for the person (`sub`).
    pub subject: Option<String>,
    /// Its name for its own session (`sid`).
    pub session: Option<String>,
}

impl<A: Authority> Control<A> {
    /// Ends the sessions that one session at the identity provider has led to, or else all of the person's. Tokens stay. Returns
    /// how many sessions there were; nobody is told who is not known.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says how far it came.
    pub async fn provider_logout(&self, actor: &Actor, logout: &ProviderLogout) -> Result<u64, ChangeError> {
        if let Some(session) = &logout.session {
            return self.end_provider_session(actor, session).await;
        }
        let Some(subject) = &logout.subject else { return Ok(0) };
        let name = Name::Account(Account { issuer: logout.issuer.clone(), subject: subject.clone() });
        let Some(user) = self.records().user_named(&name).await.map_err(ChangeError::Unavailable)? else {
            return Ok(0);
        };
        let sign_out = |user: &User| {
            let next = User { session_epoch: user.session_epoch.next(), ..user.clone() };
            Ok(Some(Change { next, action: "session.end_all", detail: json!({"by": "identity provider"}) }))
        };
        self.change_user(actor, user.value.id, sign_out).await?;
        Ok(self.sweep_sessions(user.value.id).await)
    }

    async fn end_provider_session(&self, actor: &Actor, session: &str) -> Result<u64, ChangeError> {
        let (mut ended, mut cursor) = (0, None);
        loop {
            let page = PageRequest { limit: PAGE, cursor };
            let query = SessionQuery { of: SessionsOf::Provider(session.to_owned()), now: self.now(), page };
            let found = within(self.clock(), self.deadline(), "the hot state", self.hot().sessions(&query)).await;
            let found = found.map_err(ChangeError::Unavailable)?;
            for session in found.items {
                self.end_one(actor, session.user, &session.ticket.session()).await?;
                ended += 1;
            }
            cursor = found.next;
            if cursor.is_none() {
                return Ok(ended);
            }
        }
    }
}
