//! Revoking tokens: one, or all of a person's.

use serde_json::json;

use super::{Actor, Authority, Control};
use crate::id::{TokenId, UserId};
use crate::ports::{Subject, Tokens as _, Unavailable, Users as _, WriteError};
use crate::token::{Revocation, Token, TokenState};
use crate::version::Stored;

/// How often to start over when somebody else writes the same record.
const MAX_ATTEMPTS: usize = 5;

/// Why a token was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// There is no such token, or it is somebody else's.
    #[error("no such token")]
    NotFound,
    /// It is a super administrator's, whom only another may touch.
    #[error("only a super administrator may take away a super administrator's tokens")]
    Untouchable,
    /// The record was written over and over by others.
    #[error("the record keeps changing")]
    Contended,
    /// The record could not be read or written; nothing is promised.
    #[error(transparent)]
    Unavailable(Unavailable),
    /// The record is written, the hot state is not yet told. It will be: calls may pass until then.
    #[error("the revocation is saved and being applied")]
    Pending(#[source] Unavailable),
}

impl<A: Authority> Control<A> {
    /// Revokes one of `user`'s tokens. Once this is `Ok`, no call with it is admitted anywhere. Revoking it again is fine,
    /// and makes sure that it is in effect.
    ///
    /// # Errors
    ///
    /// [`RevokeError`] says how far it came.
    pub async fn revoke(&self, actor: &Actor, user: UserId, id: TokenId) -> Result<(), RevokeError> {
        self.revoke_token(actor, user, user, id).await
    }

    /// Revokes a token of `user`'s, as `by` wants it.
    pub(super) async fn revoke_token(
        &self,
        actor: &Actor,
        by: UserId,
        user: UserId,
        id: TokenId,
    ) -> Result<(), RevokeError> {
        for _ in 0..MAX_ATTEMPTS {
            let stored = self.records().token(id).await.map_err(RevokeError::Unavailable)?;
            let stored = stored.filter(|stored| stored.value.user == user).ok_or(RevokeError::NotFound)?;
            if stored.value.state != TokenState::Live {
                return self.publish(Subject::Token(id)).await.map_err(RevokeError::Pending);
            }
            match self.write_revocation(actor, by, &stored).await {
                Ok(()) => return self.publish(Subject::Token(id)).await.map_err(RevokeError::Pending),
                Err(WriteError::Conflict) => {}
                Err(WriteError::Unavailable(error)) => return Err(RevokeError::Unavailable(error)),
            }
        }
        Err(RevokeError::Contended)
    }

    async fn write_revocation(&self, actor: &Actor, by: UserId, stored: &Stored<Token>) -> Result<(), WriteError> {
        let state = TokenState::Revoked(Revocation { by, at: self.now() });
        let next = Token { state, ..stored.value.clone() };
        let detail = json!({"name": next.name.as_str()});
        let audit = self.audit(actor, "token.revoke", format_args!("token:{}", next.id), detail);
        self.records().replace_token(&next, stored.version, &audit).await
    }

    /// Revokes all tokens that `user` has now, by raising their token epoch.
    ///
    /// # Errors
    ///
    /// [`RevokeError`] says how far it came.
    pub async fn revoke_all(&self, actor: &Actor, user: UserId) -> Result<(), RevokeError> {
        for _ in 0..MAX_ATTEMPTS {
            let stored = self.records().user(user).await.map_err(RevokeError::Unavailable)?;
            let Stored { value: mut next, version } = stored.ok_or(RevokeError::NotFound)?;
            next.token_epoch = next.token_epoch.next();
            let detail = json!({"token_epoch": next.token_epoch});
            let audit = self.audit(actor, "token.revoke_all", format_args!("user:{user}"), detail);
            match self.records().replace_user(&next, version, &audit).await {
                Ok(()) => return self.publish(Subject::User(user)).await.map_err(RevokeError::Pending),
                Err(WriteError::Conflict) => {}
                Err(WriteError::Unavailable(error)) => return Err(RevokeError::Unavailable(error)),
            }
        }
        Err(RevokeError::Contended)
    }
}
