//! Revoking tokens: one, or all of a person's.

use serde_json::json;

use super::change::{Change, MAX_ATTEMPTS};
use super::{Actor, Authority, ChangeError, Control};
use crate::id::{TokenId, UserId};
use crate::identity::User;
use crate::ports::{Subject, Tokens as _, WriteError};
use crate::token::{Revocation, Token, TokenState};
use crate::version::Stored;

impl<A: Authority> Control<A> {
    /// Revokes one of `user`'s tokens. Once this is `Ok`, no call with it is admitted anywhere. Revoking it again is fine,
    /// and makes sure that it is in effect.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says how far it came.
    pub async fn revoke(&self, actor: &Actor, user: UserId, id: TokenId) -> Result<(), ChangeError> {
        self.revoke_token(actor, user, user, id).await
    }

    /// Revokes a token of `user`'s, as `by` wants it.
    pub(super) async fn revoke_token(
        &self,
        actor: &Actor,
        by: UserId,
        user: UserId,
        id: TokenId,
    ) -> Result<(), ChangeError> {
        for _ in 0..MAX_ATTEMPTS {
            let stored = self.records().token(id).await.map_err(ChangeError::Unavailable)?;
            let stored = stored.filter(|stored| stored.value.user == user).ok_or(ChangeError::NotFound)?;
            if stored.value.state != TokenState::Live {
                return self.publish(Subject::Token(id)).await.map_err(ChangeError::Pending);
            }
            match self.write_revocation(actor, by, &stored).await {
                Ok(()) => return self.publish(Subject::Token(id)).await.map_err(ChangeError::Pending),
                Err(WriteError::Conflict) => {}
                Err(WriteError::Unavailable(error)) => return Err(ChangeError::Unavailable(error)),
            }
        }
        Err(ChangeError::Contended)
    }

    async fn write_revocation(&self, actor: &Actor, by: UserId, stored: &Stored<Token>) -> Result<(), WriteError> {
        let state = TokenState::Revoked(Revocation { by, at: self.now() });
        let next = Token { state, ..stored.value.clone() };
        let audit =
            self.audit(actor, "token.revoke", format_args!("token:{}", next.id), json!({"name": next.name.as_str()}));
        self.records().replace_token(&next, stored.version, &audit).await
    }

    /// Revokes all tokens that `user` has now, by raising their token epoch.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says how far it came.
    pub async fn revoke_all(&self, actor: &Actor, user: UserId) -> Result<(), ChangeError> {
        let raise = |user: &User| {
            let next = User { token_epoch: user.token_epoch.next(), ..user.clone() };
            let detail = json!({"token_epoch": next.token_epoch});
            Ok(Some(Change { next, action: "token.revoke_all", detail }))
        };
        self.change_user(actor, user, raise).await.map(drop)
    }
}
