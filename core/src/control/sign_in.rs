//! Recording that the identity provider vouched for somebody.

use serde_json::json;

use super::{Actor, Authority, Control, SignInOutcome, SignInRecord};
use crate::id::UserId;
use crate::identity::{Status, User};
use crate::ports::{AuditLog as _, Clock as _, Random as _, Subject, Unavailable, Users as _, WriteError};
use crate::time::Timestamp;
use crate::version::{Epoch, Stored};

/// How often to start over when the same person signs in twice at once.
const MAX_ATTEMPTS: usize = 5;

impl<A: Authority> Control<A> {
    /// Creates or updates the person and says whether they may have a session. The hot state knows them afterwards.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer; nobody is signed in then.
    pub async fn sign_in(&self, actor: &Actor, record: &SignInRecord) -> Result<SignInOutcome, Unavailable> {
        for _ in 0..MAX_ATTEMPTS {
            let stored = self.records().user_by_subject(&record.issuer, &record.subject).await?;
            if let Some(refusal) = stored.as_ref().and_then(|user| refusal(&user.value, record, self.now())) {
                self.note_refusal(actor, record, &refusal).await?;
                return Ok(refusal);
            }
            match self.write_sign_in(actor, record, stored).await {
                Ok(user) => {
                    self.publish(Subject::User(user.id)).await?;
                    return Ok(SignInOutcome::Welcome { user: user.id, session_epoch: user.session_epoch });
                }
                Err(WriteError::Conflict) => {}
                Err(WriteError::Unavailable(error)) => return Err(error),
            }
        }
        Err(Unavailable::new("records", "the person's record keeps changing"))
    }

    async fn write_sign_in(
        &self,
        actor: &Actor,
        record: &SignInRecord,
        stored: Option<Stored<User>>,
    ) -> Result<User, WriteError> {
        let now = self.clock().now();
        let (user, seen) = match stored {
            Some(Stored { value, version }) => (seen_again(value, record, now.seconds()), Some(version)),
            None => (first_seen(UserId::new(now, self.random().bytes()), record, now.seconds()), None),
        };
        let action = if seen.is_some() { "user.sign_in" } else { "user.first_sign_in" };
        let audit = self.audit(actor, action, format_args!("user:{}", user.id), json!({"email": user.email}));
        match seen {
            Some(version) => self.records().replace_user(&user, version, &audit).await?,
            None => self.records().insert_user(&user, &audit).await?,
        }
        Ok(user)
    }

    async fn note_refusal(
        &self,
        actor: &Actor,
        record: &SignInRecord,
        refusal: &SignInOutcome,
    ) -> Result<(), Unavailable> {
        if *refusal == SignInOutcome::AuthenticateAgain {
            return Ok(());
        }
        let detail = json!({"email": record.email, "why": refusal});
        let target = format!("subject:{}", record.subject);
        self.records().note(&self.audit(actor, "user.sign_in_refused", target, detail)).await
    }
}

/// Says why a person whom the records know may not have a session, if so.
fn refusal(user: &User, record: &SignInRecord, now: Timestamp) -> Option<SignInOutcome> {
    match &user.status {
        Status::Removed => return Some(SignInOutcome::Removed),
        Status::Suspended(suspension) if suspension.holds_at(now) => {
            return Some(SignInOutcome::Suspended { until: suspension.until });
        }
        Status::Suspended(_) | Status::Active => {}
    }
    let is_fresh = user.reauth_after.is_none_or(|moment| record.authenticated_at.is_some_and(|at| at > moment));
    (!is_fresh).then_some(SignInOutcome::AuthenticateAgain)
}

fn first_seen(id: UserId, record: &SignInRecord, now: Timestamp) -> User {
    let record = record.clone();
    User {
        id,
        issuer: record.issuer,
        subject: record.subject,
        email: record.email,
        name: record.name,
        groups: record.groups,
        status: Status::Active,
        token_epoch: Epoch::default(),
        session_epoch: Epoch::default(),
        reauth_after: None,
        first_seen: now,
        last_sign_in: now,
    }
}

fn seen_again(user: User, record: &SignInRecord, now: Timestamp) -> User {
    let SignInRecord { email, name, groups, .. } = record.clone();
    User { email, name, groups, status: Status::Active, last_sign_in: now, ..user }
}
