//! Changing a person's record, and seeing to it that the change is in effect before anybody is told.

use serde_json::Value;

use super::{Actor, Authority, Control};
use crate::id::UserId;
use crate::identity::User;
use crate::ports::{Subject, Unavailable, Users as _, WriteError};
use crate::version::Stored;

/// How often to start over when somebody else writes the same record.
pub(super) const MAX_ATTEMPTS: usize = 5;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is nothing of that name, or it is somebody else's.
    #[error("there is no such record")]
    NotFound,
    /// Whoever asks may not do that to this person.
    #[error(transparent)]
    Untouchable(#[from] Untouchable),
    /// The record was written over and over by others.
    #[error("the record keeps changing")]
    Contended,
    /// The record could not be read or written; nothing is promised.
    #[error(transparent)]
    Unavailable(Unavailable),
    /// The record is written, the hot state is not yet told. It will be: calls may pass until then.
    #[error("the change is saved and being applied")]
    Pending(#[source] Unavailable),
}

/// Why somebody is out of reach for whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untouchable {
    /// It is they themselves.
    #[error("you cannot do that to yourself")]
    Oneself,
    /// They are an administrator, whom only a super administrator may touch.
    #[error("they are an administrator; only a super administrator may do that")]
    Administrator,
    /// They are a super administrator, whom only another may touch.
    #[error("they are a super administrator; only another one may do that")]
    SuperAdministrator,
    /// They are a super administrator, whom only the configuration makes and unmakes.
    #[error("they are a super administrator; only the configuration changes that")]
    Configured,
}

/// What becomes of a person.
pub(super) struct Change {
    /// Their record.
    pub(super) next: User,
    /// What the audit log calls it.
    pub(super) action: &'static str,
    /// What else it says. Names nobody: people are named by ids there, so that a record can be erased.
    pub(super) detail: Value,
}

impl<A: Authority> Control<A> {
    /// Changes a person's record as `change` makes of what is there, or leaves it if it makes nothing. Once this is `Ok`, no
    /// request is admitted against what the record says; asked again, it makes sure of that. Returns the record, and whether it
    /// changed.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says how far it came.
    pub(super) async fn change_user(
        &self,
        actor: &Actor,
        id: UserId,
        change: impl Fn(&User) -> Result<Option<Change>, ChangeError>,
    ) -> Result<(User, bool), ChangeError> {
        for _ in 0..MAX_ATTEMPTS {
            let seen = self.records().user(id).await.map_err(ChangeError::Unavailable)?.ok_or(ChangeError::NotFound)?;
            let Some(change) = change(&seen.value)? else {
                self.publish(Subject::User(id)).await.map_err(ChangeError::Pending)?;
                return Ok((seen.value, false));
            };
            if let Some(written) = self.write_user(actor, &seen, change).await? {
                return Ok((written.value, true));
            }
        }
        Err(ChangeError::Contended)
    }

    /// Writes a person's record in place of what was seen of it, and publishes it; none if somebody else wrote first.
    pub(super) async fn write_user(
        &self,
        actor: &Actor,
        seen: &Stored<User>,
        change: Change,
    ) -> Result<Option<Stored<User>>, ChangeError> {
        let Change { mut next, action, detail } = change;
        next.administers = self.config().roles.makes_administrator(&next);
        let audit = self.audit(actor, action, format_args!("user:{}", next.id), detail);
        match self.records().replace_user(&next, seen, &audit).await {
            Ok(()) => {
                self.publish(Subject::User(next.id)).await.map_err(ChangeError::Pending)?;
                Ok(Some(Stored { value: next, version: seen.version.next() }))
            }
            Err(WriteError::Conflict) => Ok(None),
            Err(WriteError::Unavailable(error)) => Err(ChangeError::Unavailable(error)),
        }
    }
}
