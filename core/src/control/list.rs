//! Reading a person's tokens.

use super::{Authority, Control};
use crate::id::{TokenId, UserId};
use crate::identity::User;
use crate::ports::{Page, PageRequest, TokenQuery, Tokens as _, Unavailable, Users as _};
use crate::time::Timestamp;
use crate::token::{LISTED_AFTER_EXPIRY, Token, TokenStatus};
use crate::version::Stored;

/// A token and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedToken {
    /// The record.
    pub token: Token,
    /// How it stands now.
    pub status: TokenStatus,
    /// Whether it is past its expiry, revoked or not.
    pub is_expired: bool,
}

impl<A: Authority> Control<A> {
    /// Returns one page of a person's tokens, newest first, with the person. `None` if the records do not know them.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the records cannot be read.
    pub async fn list(
        &self,
        user: UserId,
        page: PageRequest,
    ) -> Result<Option<(User, Page<ListedToken>)>, Unavailable> {
        let Some(owner) = self.records().user(user).await? else { return Ok(None) };
        let expired_after = self.unlisted();
        let page = self.records().tokens(&TokenQuery { user, expired_after, page }).await?;
        let items = page.items.into_iter().map(|stored| self.listed(stored, &owner.value)).collect();
        Ok(Some((owner.value, Page { items, next: page.next })))
    }

    /// Returns one of a person's tokens; `None` also for somebody else's.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the records cannot be read.
    pub async fn info(&self, user: UserId, id: TokenId) -> Result<Option<ListedToken>, Unavailable> {
        let Some(owner) = self.records().user(user).await? else { return Ok(None) };
        let stored = self.records().token(id).await?.filter(|stored| stored.value.user == user);
        Ok(stored.map(|stored| self.listed(stored, &owner.value)))
    }

    /// Returns when tokens that no list shows any more had expired at the latest.
    pub(super) fn unlisted(&self) -> Timestamp {
        self.now().plus(-LISTED_AFTER_EXPIRY)
    }

    pub(super) fn listed(&self, stored: Stored<Token>, owner: &User) -> ListedToken {
        let (token, now) = (stored.value, self.now());
        let status = token.status(owner.token_epoch, now);
        ListedToken { status, is_expired: now >= token.expiry, token }
    }
}
