//! Recording that the identity provider vouched for somebody.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::change::MAX_ATTEMPTS;
use super::leaving::erased;
use super::{Actor, Authority, Control, RefusedSignIn, SignInOutcome, SignInRecord};
use crate::id::UserId;
use crate::identity::{Name, Status, User};
use crate::ports::{Subject, Unavailable, Users as _, WriteError};
use crate::time::Timestamp;
use crate::version::Stored;

/// What the records know of somebody who signs in.
struct Known {
    /// Their record.
    own: Option<Stored<User>>,
    /// What was decided about their address before anybody signed in with it.
    expected: Option<Stored<User>>,
}

impl<A: Authority> Control<A> {
    /// Creates or updates the person and says whether they may have a session. The hot state knows them afterwards.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer; nobody is signed in then.
    pub async fn sign_in(&self, actor: &Actor, record: &SignInRecord) -> Result<SignInOutcome, Unavailable> {
        if let Some(too_often) = self.limit(&counted_as(record), self.config().limits.sign_ins_per_user).await? {
            return Ok(SignInOutcome::TooOften { retry_after: too_often.retry_after });
        }
        let mut retired = None;
        for _ in 0..MAX_ATTEMPTS {
            let known = self.known(record).await?;
            if let Some(refusal) = known.refusal(record, self.now()) {
                self.note_refusal(actor, record, &known, &refusal).await;
                return Ok(refusal);
            }
            match self.write_sign_in(actor, record, known, &mut retired).await {
                Ok(Some(user)) => {
                    self.publish(Subject::User(user.id)).await?;
                    return Ok(SignInOutcome::Welcome { user: user.id, session_epoch: user.session_epoch });
                }
                Ok(None) | Err(WriteError::Conflict) => {}
                Err(WriteError::Unavailable(error)) => return Err(error),
            }
        }
        Err(Unavailable::new("records", "the person's record keeps changing"))
    }

    async fn known(&self, record: &SignInRecord) -> Result<Known, Unavailable> {
        let own = self.records().user_named(&Name::Account(record.account.clone())).await?;
        let expected = self.records().user_named(&Name::Expected(record.email.clone())).await?;
        Ok(Known { own, expected })
    }

    /// Writes a sign-in; none if something had to be written before, and what is known has to be read again.
    ///
    /// Of whom nothing is known, a record of somebody who is expected comes first. Whoever decides something about that address
    /// meanwhile, decides it on that record, and one of both comes second. `retired` is the record that leads nowhere any more
    /// because they take over what it held.
    async fn write_sign_in(
        &self,
        actor: &Actor,
        record: &SignInRecord,
        known: Known,
        retired: &mut Option<User>,
    ) -> Result<Option<User>, WriteError> {
        let is_first = known.own.is_none();
        let (seen, expected) = match known {
            Known { own: Some(own), expected } => (own, expected),
            Known { own: None, expected: Some(expected) } => (expected, None),
            Known { own: None, expected: None } => return self.expect(actor, &record.email).await.map(|_| None),
        };
        let mut user = signed_in(seen.value.clone(), record, self.now());
        // The directory tells of two people: it has to say which one it means.
        let is_same = |former: &User| former.provisioning.is_none() || user.provisioning.is_none();
        if let Some(expected) = expected.filter(|expected| is_same(&expected.value)) {
            self.retire(actor, user.id, &expected).await?;
            *retired = Some(expected.value);
        }
        if let Some(former) = retired {
            take_over(&mut user, former);
        }
        let holder = self.settle_pin(&mut user).await?;
        user.administers = self.config().roles.makes_administrator(&user);
        let action = if is_first { "user.first_sign_in" } else { "user.sign_in" };
        let detail = json!({"address_pinned_to": holder});
        let audit = self.audit(actor, action, format_args!("user:{}", user.id), detail);
        self.records().replace_user(&user, &seen, &audit).await?;
        Ok(Some(user))
    }

    /// Takes everything out of the record of an address that somebody has come to have, for them to take over. It goes first, because
    /// its names are theirs then.
    async fn retire(&self, actor: &Actor, into: UserId, expected: &Stored<User>) -> Result<(), WriteError> {
        let Some(retired) = erased(&expected.value, self.now()) else { return Err(WriteError::Conflict) };
        let audit = self.audit(actor, "user.merge", format_args!("user:{}", expected.value.id), json!({"into": into}));
        self.records().replace_user(&retired, expected, &audit).await
    }

    /// Gives somebody the address of a role list that they are the first to sign in with. Returns who has it instead, if somebody else
    /// does.
    async fn settle_pin(&self, user: &mut User) -> Result<Option<UserId>, Unavailable> {
        if user.pins.contains(&user.email) || self.config().roles.listed(&user.email).is_none() {
            return Ok(None);
        }
        let holder = self.holder_of_pin(&user.email).await?;
        if holder.is_none() {
            user.pins.push(user.email.clone());
        }
        Ok(holder)
    }

    /// Notes why somebody was sent away whom the identity provider vouches for.
    async fn note_refusal(&self, actor: &Actor, record: &SignInRecord, known: &Known, refusal: &SignInOutcome) {
        let why = match refusal {
            SignInOutcome::Removed => "removed",
            SignInOutcome::Suspended { .. } => "suspended",
            SignInOutcome::Welcome { .. } | SignInOutcome::TooOften { .. } | SignInOutcome::AuthenticateAgain => return,
        };
        let person = known.own.as_ref().or(known.expected.as_ref());
        let target = person.map_or_else(
            || format!("subject:{}", record.account.subject),
            |person| format!("user:{}", person.value.id),
        );
        let refused = RefusedSignIn { why: why.to_owned(), email: None };
        self.note_refused_sign_in(actor, &target, &refused).await;
    }
}

impl Known {
    /// Says why somebody may not have a session, if so. What was decided about their address holds for them, too.
    fn refusal(&self, record: &SignInRecord, now: Timestamp) -> Option<SignInOutcome> {
        let known = [&self.own, &self.expected].into_iter().flatten();
        for user in known {
            match &user.value.status {
                Status::Removed => return Some(SignInOutcome::Removed),
                Status::Suspended(suspension) if suspension.holds_at(now) => {
                    return Some(SignInOutcome::Suspended { until: suspension.until });
                }
                Status::Suspended(_) | Status::Active => {}
            }
        }
        let own = self.own.as_ref()?;
        let is_fresh = |moment| record.authenticated_at.is_some_and(|at| at > moment);
        (!own.value.reauth_after.is_none_or(is_fresh)).then_some(SignInOutcome::AuthenticateAgain)
    }
}

/// Returns somebody who has just signed in.
fn signed_in(user: User, record: &SignInRecord, now: Timestamp) -> User {
    let SignInRecord { account, email, name, groups, .. } = record.clone();
    let provisioned = user.provisioning.as_ref().and_then(|provisioning| provisioning.groups.clone());
    User {
        account: Some(account),
        email,
        name: name.or(user.name),
        groups: provisioned.unwrap_or(groups),
        status: Status::Active,
        last_sign_in: Some(now),
        ..user
    }
}

/// Has somebody take over what was decided about the address that they have come to have: a grant, what they may spend, and what the
/// directory says of whoever has it.
fn take_over(user: &mut User, former: &User) {
    // It was decided later than about whoever had another address.
    user.limits.extend(former.limits.clone());
    user.grant = user.grant.take().or_else(|| former.grant.clone());
    if let Some(told) = &former.provisioning {
        user.provisioning = Some(told.clone());
        user.groups = told.groups.clone().unwrap_or_else(|| user.groups.clone());
    }
}

/// Returns under which name somebody's sign-ins are counted. Subjects are texts of any length and any characters.
fn counted_as(record: &SignInRecord) -> String {
    let mut hasher = Sha256::new();
    for text in [&record.account.issuer, &record.account.subject] {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text);
    }
    format!("sign_in:{:x}", hasher.finalize())
}
