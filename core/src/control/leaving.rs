//! People who leave: removing them, restoring them, and erasing what tells who they are.

use serde_json::json;

use super::change::{Change, MAX_ATTEMPTS};
use super::people::newest;
use super::roles::Reach;
use super::{Actor, Administrator, Authority, ChangeError, Control};
use crate::id::UserId;
use crate::identity::{Email, Status, User};
use crate::ports::{PageRequest, SessionsOf, Subject, TokenQuery, Tokens as _, Users as _, WriteError};
use crate::time::Timestamp;
use crate::token::{Revocation, Token, TokenName, TokenState};
use crate::version::Stored;

/// How many tokens are scrubbed at once.
const PAGE: u32 = 100;

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// Whoever has an address: of several people, the one who signed in last.
    Address(Email),
    /// The person of that id.
    Id(UserId),
}

impl<A: Authority> Control<A> {
    /// Removes somebody: their sessions end, their tokens are revoked for good, and they cannot sign in until they are restored.
    /// `next` is what else changes.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says how far it came.
    pub(crate) async fn remove(
        &self,
        actor: &Actor,
        id: UserId,
        next: impl Fn(&User) -> Result<User, ChangeError>,
    ) -> Result<User, ChangeError> {
        let remove = |user: &User| {
            let next = next(user)?;
            if user.status == Status::Removed && next == *user {
                return Ok(None);
            }
            Ok(Some(Change { next: removed(next), action: "user.remove", detail: json!({}) }))
        };
        let (user, _) = self.change_user(actor, id, remove).await?;
        self.sweep_sessions(id).await;
        Ok(user)
    }

    /// Restores whoever has an address and was removed: they can sign in again. A suspension that had not ended goes on. Of several
    /// people, it is the one who signed in last: the others had the address before.
    ///
    /// # Errors
    ///
    /// [`ChangeError::NotFound`] if none of them was removed; otherwise as for every change.
    pub async fn restore_person(&self, actor: &Actor, by: &Administrator, email: &Email) -> Result<(), ChangeError> {
        let people = self.holders(email).await?.into_iter();
        let removed = newest(people.filter(|person| person.value.status == Status::Removed));
        let person = removed.ok_or(ChangeError::NotFound)?;
        self.check_reach(by, &person.value, Reach::Return).await?;
        let restore = |user: &User| {
            self.check_reach_again(by, user, Reach::Return)?;
            let is_removed = user.status == Status::Removed;
            let change = || Change { next: restored(user), action: "user.restore", detail: json!({}) };
            Ok(is_removed.then(change))
        };
        self.change_user(actor, person.value.id, restore).await.map(drop)
    }

    /// Erases what tells who somebody is: their record holds nothing but its id from then on, their tokens have no names, and
    /// what they used is nobody's. Whoever signs in with their account next is somebody else.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says how far it came. Asked again, it goes on.
    pub async fn erase(&self, actor: &Actor, by: &Administrator, whom: &Whom) -> Result<(), ChangeError> {
        let person = match whom {
            Whom::Address(email) => newest(self.holders(email).await?),
            Whom::Id(id) => self.records().user(*id).await.map_err(ChangeError::Unavailable)?,
        };
        let person = person.ok_or(ChangeError::NotFound)?;
        self.check_reach(by, &person.value, Reach::Access).await?;
        let id = person.value.id;
        let keep = |user: &User| {
            self.check_reach_again(by, user, Reach::Access)?;
            Ok(user.clone())
        };
        self.remove(actor, id, keep).await?;
        // It is by their record that all of it is found again, if this is interrupted.
        self.scrub_tokens(actor, by, id).await?;
        self.end_all_of(SessionsOf::User(id)).await.map_err(ChangeError::Pending)?;
        let erase = |user: &User| {
            let next = erased(user, self.now()).ok_or(ChangeError::Contended)?;
            Ok(Some(Change { next, action: "user.erase", detail: json!({}) }))
        };
        self.change_user(actor, id, erase).await.map(drop)
    }

    async fn scrub_tokens(&self, actor: &Actor, by: &Administrator, user: UserId) -> Result<(), ChangeError> {
        let mut cursor = None;
        loop {
            let page = PageRequest { limit: PAGE, cursor };
            // Those that no list shows any more, too.
            let query = TokenQuery { user, expired_after: Timestamp(0), page };
            let found = self.records().tokens(&query).await.map_err(ChangeError::Unavailable)?;
            for token in found.items {
                self.scrub_token(actor, by, token).await?;
            }
            cursor = found.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn scrub_token(&self, actor: &Actor, by: &Administrator, mut seen: Stored<Token>) -> Result<(), ChangeError> {
        let name = TokenName::parse("erased").map_err(|_| ChangeError::Contended)?;
        for _ in 0..MAX_ATTEMPTS {
            let id = seen.value.id;
            let revoked = TokenState::Revoked(Revocation { by: by.id, at: self.now() });
            let state = if seen.value.state == TokenState::Live { revoked } else { seen.value.state.clone() };
            let next = Token { name: name.clone(), minted_for: None, state, ..seen.value.clone() };
            if next == seen.value {
                return Ok(());
            }
            let audit = self.audit(actor, "token.erase", format_args!("token:{id}"), json!({}));
            match self.records().replace_token(&next, seen.version, &audit).await {
                Ok(()) => return self.publish(Subject::Token(id)).await.map_err(ChangeError::Pending),
                Err(WriteError::Conflict) => {}
                Err(WriteError::Unavailable(error)) => return Err(ChangeError::Unavailable(error)),
            }
            let again = self.records().token(id).await.map_err(ChangeError::Unavailable)?;
            let Some(again) = again else { return Ok(()) };
            seen = again;
        }
        Err(ChangeError::Contended)
    }
}

/// Returns somebody who has left, and who is no administrator by a grant any more.
pub(super) fn removed(user: User) -> User {
    if user.status == Status::Removed {
        return user;
    }
    let interrupted = match user.status {
        Status::Suspended(suspension) => Some(suspension),
        Status::Active | Status::Removed => None,
    };
    let (token_epoch, session_epoch) = (user.token_epoch.next(), user.session_epoch.next());
    User { status: Status::Removed, interrupted, grant: None, token_epoch, session_epoch, ..user }
}

/// Returns somebody who has left and may come back.
pub(super) fn restored(user: &User) -> User {
    let status = user.interrupted.clone().map_or(Status::Active, Status::Suspended);
    User { status, interrupted: None, ..user.clone() }
}

/// Returns what is left of somebody who is erased. Nobody has the address: its domain is reserved (RFC 2606 §2).
pub(super) fn erased(user: &User, now: Timestamp) -> Option<User> {
    let email = Email::parse(&format!("{}@erased.invalid", user.id)).ok()?;
    let nobody = User::expected(user.id, email, user.first_seen);
    Some(User {
        status: Status::Removed,
        token_epoch: user.token_epoch.next(),
        session_epoch: user.session_epoch.next(),
        erased: Some(now),
        ..nobody
    })
}
