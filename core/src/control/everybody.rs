//! Everybody's tokens, for administrators: finding them, counting them, and taking them away.

use super::roles::Reach;
use super::{Actor, Administrator, Authority, ChangeError, Control, ListedToken};
use crate::Chain;
use crate::id::{TokenId, UserId};
use crate::identity::{Email, User};
use crate::ports::{
    Cursor, Directory as _, Page, PageRequest, Roster as _, Tally, TokenQuery, TokenSearch, Tokens as _, Unavailable,
    within,
};
use crate::token::{Token, TokenStatus, fold};
use crate::version::Stored;

/// How many of a person's tokens are read at once to count them.
const PAGE: u32 = 200;

/// What an administrator looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EverybodysQuery {
    /// Only the tokens of whoever has that address now.
    pub email: Option<Email>,
    /// Only those whose name, or whose owner's address when it was minted, begins so.
    pub prefix: Option<String>,
    /// Only those that stand so. A page has those of the next tokens that do: fewer than asked for, or none, while there are more.
    pub status: Option<TokenStatus>,
    /// Which page.
    pub page: PageRequest,
}

/// Somebody's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EverybodysToken {
    /// The token, and how it stands.
    pub listed: ListedToken,
    /// Their address.
    pub email: Option<Email>,
}

/// How many tokens there are, by how they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Good ones.
    pub active: u64,
    /// Those past their expiry, that were not revoked.
    pub expired: u64,
    /// Those that were revoked.
    pub revoked: u64,
}

/// A token that was revoked, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedToken {
    /// Which.
    pub id: TokenId,
    /// Their address.
    pub email: Option<Email>,
}

impl<A: Authority> Control<A> {
    /// Returns one page of everybody's tokens, or of one person's. What it costs does not grow with how many there are.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the records cannot be read.
    pub async fn everybodys(&self, query: &EverybodysQuery) -> Result<Page<EverybodysToken>, Unavailable> {
        let prefix = query.prefix.as_deref().map(fold);
        let (expired_after, page) = (self.unlisted(), query.page.clone());
        let page = if let Some(email) = &query.email {
            self.tokens_at(email, page).await?
        } else {
            self.records().all_tokens(&TokenSearch { prefix: prefix.clone(), expired_after, page }).await?
        };
        let is_wanted = |token: &Token| prefix.as_ref().is_none_or(|prefix| token.found_by(prefix).is_some());
        let owners = self.by_id(page.items.iter().map(|token| token.value.user)).await?;
        let items = page.items.into_iter().filter(|stored| is_wanted(&stored.value)).map(|stored| {
            let owner = owners.get(&stored.value.user);
            // Nobody's token is good for nothing.
            let listed = match owner {
                Some(owner) => self.listed(stored, owner),
                None => ListedToken { status: TokenStatus::Revoked, is_expired: false, token: stored.value },
            };
            EverybodysToken { listed, email: owner.map(|owner| owner.email.clone()) }
        });
        let items = items.filter(|token| query.status.is_none_or(|status| token.listed.status == status)).collect();
        Ok(Page { items, next: page.next })
    }

    /// Returns one page of the tokens of those who have an address: mostly one person, one after the other otherwise.
    async fn tokens_at(&self, email: &Email, mut page: PageRequest) -> Result<Page<Stored<Token>>, Unavailable> {
        let mut people = self.records().people_at(email).await?;
        people.sort_by_key(|person| person.value.id);
        let place = page.cursor.take().unwrap_or(Cursor(String::new())).0;
        let (user, cursor) = place.split_once(':').unwrap_or_default();
        let first: Option<UserId> = user.parse().ok();
        page.cursor = (!cursor.is_empty()).then(|| Cursor(cursor.to_owned()));
        let mut left = people.iter().skip_while(|person| first.is_some_and(|first| person.value.id < first));
        let Some(person) = left.next() else { return Ok(Page { items: Vec::new(), next: None }) };
        if first.is_some_and(|first| person.value.id != first) {
            page.cursor = None;
        }
        let user = person.value.id;
        let found = self.records().tokens(&TokenQuery { user, expired_after: self.unlisted(), page }).await?;
        let next = match found.next {
            Some(Cursor(cursor)) => Some(Cursor(format!("{user}:{cursor}"))),
            None => left.next().map(|next| Cursor(format!("{}:", next.value.id))),
        };
        Ok(Page { items: found.items, next })
    }

    /// Returns how many tokens there are, at this moment; `None` while the hot state is told of them all.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the hot state does not answer.
    pub async fn summary(&self) -> Result<Option<Summary>, Unavailable> {
        let tally = self.hot().tally(self.now());
        match within(self.clock(), self.deadline(), "the hot state", tally).await? {
            Tally::Counted { active, expired, revoked } => Ok(Some(Summary { active, expired, revoked })),
            Tally::Incomplete { .. } => Ok(None),
        }
    }

    /// Revokes somebody's token; see [`Control::revoke`].
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says how far it came.
    pub async fn revoke_anybodys(
        &self,
        actor: &Actor,
        by: &Administrator,
        id: TokenId,
    ) -> Result<RevokedToken, ChangeError> {
        let token = self.records().token(id).await.map_err(ChangeError::Unavailable)?;
        let user = token.ok_or(ChangeError::NotFound)?.value.user;
        let owner = self.records().people(&[user]).await.map_err(ChangeError::Unavailable)?.pop();
        if let Some(owner) = &owner {
            self.check_reach(by, &owner.value, Reach::Belongings).await?;
        }
        self.revoke_token(actor, by.id, user, id).await?;
        Ok(RevokedToken { id, email: owner.map(|owner| owner.value.email) })
    }

    /// Revokes all tokens of whoever has an address, by raising their token epoch: one write, however many there are. Returns how
    /// many good ones there were; `None` if they could not be counted afterwards.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says how far it came; [`ChangeError::NotFound`] if nobody has it.
    pub async fn revoke_persons(
        &self,
        actor: &Actor,
        by: &Administrator,
        email: &Email,
    ) -> Result<Option<u64>, ChangeError> {
        let people = self.holders(email).await?;
        for person in &people {
            self.check_reach(by, &person.value, Reach::Belongings).await?;
        }
        // One who cannot be reached keeps nobody else's from being revoked.
        let mut done = Ok(());
        for person in &people {
            done = done.and(self.revoke_all(actor, person.value.id).await);
        }
        done?;
        let mut revoked = 0;
        for person in &people {
            match self.good_tokens(&person.value).await {
                Ok(good) => revoked += good,
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "revoked tokens cannot be counted");
                    return Ok(None);
                }
            }
        }
        Ok(Some(revoked))
    }

    /// Counts the tokens that are good as long as their owner is as they were read.
    async fn good_tokens(&self, owner: &User) -> Result<u64, Unavailable> {
        let (mut good, mut cursor) = (0, None);
        loop {
            let page = PageRequest { limit: PAGE, cursor };
            let query = TokenQuery { user: owner.id, expired_after: self.now(), page };
            let page = self.records().tokens(&query).await?;
            let is_good =
                |token: &&Stored<Token>| token.value.status(owner.token_epoch, self.now()) == TokenStatus::Active;
            good += page.items.iter().filter(is_good).count() as u64;
            cursor = page.next;
            if cursor.is_none() {
                return Ok(good);
            }
        }
    }
}
