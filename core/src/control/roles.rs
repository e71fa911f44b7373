//! Who is an administrator, and whom an administrator may touch.

use serde_json::json;

use super::change::Change;
use super::{Actor, Authority, ChangeError, Control, Untouchable};
use crate::id::UserId;
use crate::identity::{Email, Name, Role, RoleSource, User};
use crate::ports::{Directory as _, Unavailable, Users as _, WriteError};
use crate::version::Stored;

/// An administrator who asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// Who.
    pub id: UserId,
    /// Their address.
    pub email: Email,
    /// Which of both they are.
    pub role: Role,
}

/// How far a change reaches into the life of whom it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It takes something away that they can get again: a token, a session.
    Belongings,
    /// It keeps them out.
    Access,
    /// It lets them in again.
    Return,
}

impl<A: Authority> Control<A> {
    /// Returns who asks, if they are an administrator and may use the gateway. The records count, also where the hot state has
    /// not heard of it yet.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the records do not answer.
    pub async fn administrator(&self, actor: &Actor) -> Result<Option<Administrator>, Unavailable> {
        let Some(id) = actor.user() else { return Ok(None) };
        let Some(user) = self.records().user(id).await? else { return Ok(None) };
        if !user.value.is_active(self.now()) {
            return Ok(None);
        }
        let (email, role) = (user.value.email.clone(), self.role(actor, user).await?);
        Ok((role >= Role::Admin).then_some(Administrator { id, email, role }))
    }

    /// Returns somebody's role. An address of the role lists that is nobody's yet becomes theirs if nobody else has it: a list that
    /// has grown counts at once for those who are signed in.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the records do not answer.
    pub(crate) async fn role(&self, actor: &Actor, user: Stored<User>) -> Result<Role, Unavailable> {
        let policy = &self.config().roles;
        let role = policy.role(&user.value);
        let email = &user.value.email;
        if policy.listed(email).is_none_or(|source| source.role() <= role) || !self.is_first(&user.value).await? {
            return Ok(role);
        }
        let mut next = user.value.clone();
        next.pins.push(email.clone());
        let audit = self.audit(actor, "role.pin", format_args!("user:{}", next.id), json!({}));
        match self.records().replace_user(&next, &user, &audit).await {
            Ok(()) => Ok(policy.role(&next)),
            // Somebody else was quicker with this record, or with the address: the next question finds out.
            Err(WriteError::Conflict) => Ok(role),
            Err(WriteError::Unavailable(error)) => Err(error),
        }
    }

    /// Returns whose an address of the role lists is.
    pub(super) async fn holder_of_pin(&self, email: &Email) -> Result<Option<UserId>, Unavailable> {
        let holder = self.records().user_named(&Name::Pin(email.clone())).await?;
        Ok(holder.map(|holder| holder.value.id))
    }

    /// Says whether an address is pinned to nobody, and nobody else has it.
    async fn is_first(&self, user: &User) -> Result<bool, Unavailable> {
        if self.holder_of_pin(&user.email).await?.is_some() {
            return Ok(false);
        }
        let people = self.records().people_at(&user.email).await?;
        Ok(user.account.is_some() && people.iter().all(|person| person.value.id == user.id))
    }

    /// Says what of a role list is the role of whoever has that address and signs in next, or asks for something.
    async fn role_of_address(&self, user: &User) -> Result<Option<RoleSource>, Unavailable> {
        let Some(listed) = self.config().roles.listed(&user.email) else { return Ok(None) };
        let holder = self.holder_of_pin(&user.email).await?;
        Ok(holder.is_none_or(|holder| holder == user.id).then_some(listed))
    }

    /// Checks that `by` may do something to somebody.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Untouchable`] says why not.
    pub(super) async fn check_reach(&self, by: &Administrator, user: &User, reach: Reach) -> Result<(), ChangeError> {
        let listed = self.role_of_address(user).await.map_err(ChangeError::Unavailable)?;
        let role = listed.map_or(Role::User, RoleSource::role).max(self.config().roles.role(user));
        refuse_reach(by, user.id, role, reach)
    }

    /// Checks the same on a record that was read again, as far as it tells by itself.
    pub(super) fn check_reach_again(&self, by: &Administrator, user: &User, reach: Reach) -> Result<(), ChangeError> {
        refuse_reach(by, user.id, self.config().roles.role(user), reach)
    }

    /// Frees an address of the role lists of whom it is pinned to: the next one who signs in with it gets what the list gives.
    ///
    /// # Errors
    ///
    /// [`ChangeError::NotFound`] if it is pinned to nobody; otherwise as for every change.
    pub async fn unpin(&self, actor: &Actor, email: &Email) -> Result<(), ChangeError> {
        let holder = self.holder_of_pin(email).await.map_err(ChangeError::Unavailable)?;
        let holder = holder.ok_or(ChangeError::NotFound)?;
        let unpin = |user: &User| {
            let is_pinned = user.pins.contains(email);
            let mut next = user.clone();
            next.pins.retain(|pin| pin != email);
            Ok(is_pinned.then(|| Change { next, action: "role.unpin", detail: json!({}) }))
        };
        self.change_user(actor, holder, unpin).await.map(drop)
    }
}

fn refuse_reach(by: &Administrator, user: UserId, role: Role, reach: Reach) -> Result<(), ChangeError> {
    let refused = match (reach, role) {
        (Reach::Access, _) if user == by.id => Some(Untouchable::Oneself),
        (Reach::Access, Role::SuperAdmin) => Some(Untouchable::Configured),
        (Reach::Access | Reach::Return, Role::Admin) if by.role < Role::SuperAdmin => Some(Untouchable::Administrator),
        (Reach::Belongings | Reach::Return, Role::SuperAdmin) if by.role < Role::SuperAdmin => {
            Some(Untouchable::SuperAdministrator)
        }
        (Reach::Belongings | Reach::Access | Reach::Return, _) => None,
    };
    refused.map_or(Ok(()), |refused| Err(refused.into()))
}
