//! Suspending people for a while, and lifting that.

use serde_json::json;

use super::change::Change;
use super::roles::Reach;
use super::{Actor, Administrator, Authority, ChangeError, Control};
use crate::identity::{Email, Status, Suspension, User};
use crate::time::Timestamp;

impl<A: Authority> Control<A> {
    /// Suspends whoever has an address, until a moment or until it is lifted, whether they have ever signed in or not. Their
    /// sessions end; their tokens come back when the suspension ends, unless they are revoked.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says how far it came.
    pub async fn suspend(
        &self,
        actor: &Actor,
        by: &Administrator,
        email: &Email,
        until: Option<Timestamp>,
        reason: &str,
    ) -> Result<(), ChangeError> {
        let people = self.holders_or_expected(actor, email).await?;
        for person in &people {
            self.check_reach(by, &person.value, Reach::Access).await?;
        }
        let suspension = Suspension { until, reason: reason.to_owned(), by: by.id, at: self.now() };
        let detail = json!({"until": until, "reason": reason});
        let suspend = |user: &User| {
            self.check_reach_again(by, user, Reach::Access)?;
            let next = suspended(user, suspension.clone());
            Ok(Some(Change { next, action: "user.suspend", detail: detail.clone() }))
        };
        // One who cannot be reached keeps nobody else from being suspended.
        let mut done = Ok(());
        for person in &people {
            let changed = self.change_user(actor, person.value.id, suspend).await;
            self.sweep_sessions(person.value.id).await;
            done = done.and(changed.map(drop));
        }
        done
    }

    /// Lifts the suspension of whoever has an address.
    ///
    /// # Errors
    ///
    /// [`ChangeError::NotFound`] if none of them is suspended; otherwise as for every change.
    pub async fn lift(&self, actor: &Actor, by: &Administrator, email: &Email) -> Result<(), ChangeError> {
        let mut people = self.holders(email).await?;
        people.retain(|person| lifted(&person.value, self.now()).is_some());
        if people.is_empty() {
            return Err(ChangeError::NotFound);
        }
        for person in &people {
            self.check_reach(by, &person.value, Reach::Return).await?;
        }
        let lift = |user: &User| {
            let next = lifted(user, self.now());
            Ok(next.map(|next| Change { next, action: "user.lift", detail: json!({}) }))
        };
        let mut done = Ok(());
        for person in &people {
            done = done.and(self.change_user(actor, person.value.id, lift).await.map(drop));
        }
        done
    }
}

/// Returns somebody who is suspended, and whose sessions are over. One who was removed stays so, and is suspended when they are
/// restored.
fn suspended(user: &User, suspension: Suspension) -> User {
    let session_epoch = user.session_epoch.next();
    match user.status {
        Status::Removed => User { interrupted: Some(suspension), session_epoch, ..user.clone() },
        Status::Active | Status::Suspended(_) => {
            User { status: Status::Suspended(suspension), session_epoch, ..user.clone() }
        }
    }
}

/// Returns somebody whose suspension does not hold any more; none if none holds at `now`.
fn lifted(user: &User, now: Timestamp) -> Option<User> {
    if user.interrupted.as_ref().is_some_and(|suspension| suspension.holds_at(now)) {
        return Some(User { interrupted: None, ..user.clone() });
    }
    user.status.suspension(now)?;
    Some(User { status: Status::Active, ..user.clone() })
}
