//! What the company's directory says of people (SCIM 2.0): who joins, who changes, who leaves.

use serde_json::json;

use super::change::{Change, MAX_ATTEMPTS};
use super::leaving::{removed, restored};
use super::people::newest;
use super::{Actor, Authority, ChangeError, Control};
use crate::id::UserId;
use crate::identity::{Name, Provisioning, Status, User};
use crate::ports::{
    Clock as _, Directory as _, PageRequest, PeopleList, PeopleQuery, Random as _, Subject, Unavailable, Users as _,
    WriteError,
};
use crate::scim::{Filter, Lookup, Resource, ScimError, ScimType};
use crate::time::Timestamp;
use crate::version::{Stored, Version};

/// Why the directory's word was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// It is told in SCIM's own words.
    #[error(transparent)]
    Scim(#[from] ScimError),
    /// As for every change.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl<A: Authority> Control<A> {
    /// Takes somebody in whom the directory tells of. If somebody has that address whom no directory has told of, it is they: whether
    /// they have signed in or were expected to. One who has left is somebody else, unless the directory calls them as it did before.
    ///
    /// # Errors
    ///
    /// [`ProvisionError`]: `uniqueness` if the directory has told of them, or of somebody with that address, before.
    pub async fn provision(&self, actor: &Actor, resource: &Resource) -> Result<Stored<User>, ProvisionError> {
        for _ in 0..MAX_ATTEMPTS {
            let now = self.clock().now();
            let people = self.records().people_at(&resource.email).await.map_err(ChangeError::Unavailable)?;
            if people.iter().any(|person| is_awaited(&person.value)) {
                return Err(taken().into());
            }
            let known = newest(people.into_iter().filter(|person| may_be_meant(&person.value, resource)));
            let id = known.as_ref().map_or_else(|| UserId::new(now, self.random().bytes()), |known| known.value.id);
            let told = told(id, resource, now.seconds());
            self.check_names(&told, None).await?;
            let written = if let Some(seen) = known {
                let next = provisioned(&seen.value, resource, told);
                self.write_provisioned(actor, &seen, next, "user.provision").await?
            } else {
                let user = User::expected(id, resource.email.clone(), now.seconds());
                self.insert_provisioned(actor, provisioned(&user, resource, told)).await?
            };
            if let Some(user) = written {
                return Ok(user);
            }
        }
        Err(ChangeError::Contended.into())
    }

    /// Changes somebody as the directory says: `change` makes of what is kept what is to be. Who is not active any more is
    /// removed, and who is again is restored.
    ///
    /// # Errors
    ///
    /// [`ProvisionError`]; 404 if the directory has never told of them.
    pub async fn reprovision(
        &self,
        actor: &Actor,
        id: UserId,
        change: impl Fn(&Resource) -> Result<Resource, ScimError>,
    ) -> Result<Stored<User>, ProvisionError> {
        for _ in 0..MAX_ATTEMPTS {
            let seen = self.provisioned_person(id).await.map_err(ChangeError::Unavailable)?.ok_or_else(no_such_user)?;
            let created = seen.value.provisioning.as_ref().map_or(seen.value.first_seen, |told| told.created);
            let resource = change(&Resource::of(&seen.value))?;
            let told = Provisioning { created, ..told(id, &resource, self.now()) };
            self.check_names(&told, Some(seen.value.id)).await?;
            let next = provisioned(&seen.value, &resource, told);
            self.check_address(&seen.value, &next).await?;
            if let Some(user) = self.write_provisioned(actor, &seen, next, "user.reprovision").await? {
                return Ok(user);
            }
        }
        Err(ChangeError::Contended.into())
    }

    /// Removes somebody whom the directory forgets: it does not know them any more afterwards.
    ///
    /// # Errors
    ///
    /// [`ProvisionError`]; 404 if the directory has never told of them.
    pub async fn deprovision(&self, actor: &Actor, id: UserId) -> Result<(), ProvisionError> {
        let person = self.provisioned_person(id).await.map_err(ChangeError::Unavailable)?.ok_or_else(no_such_user)?;
        let forget = |user: &User| {
            let told = user.provisioning.clone();
            let former_external_id = told.map_or(user.former_external_id.clone(), |told| told.external_id);
            Ok(User { provisioning: None, former_external_id, ..user.clone() })
        };
        Ok(self.remove(actor, person.value.id, forget).await.map(drop)?)
    }

    /// Returns whom the directory knows by an id: that of their record, or of the one that was about them before they signed in.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the records do not answer.
    pub async fn provisioned_person(&self, id: UserId) -> Result<Option<Stored<User>>, Unavailable> {
        let user = self.records().user(id).await?;
        let user = user.filter(|user| user.value.provisioning.as_ref().is_some_and(|told| told.id == id));
        match user {
            Some(user) => Ok(Some(user)),
            None => self.records().user_named(&Name::Resource(id)).await,
        }
    }

    /// Returns those whom a filter may mean, few at most, each with their record.
    ///
    /// # Errors
    ///
    /// [`ProvisionError`]: `tooMany` if it may mean anybody.
    pub async fn provisioned_by(&self, filter: &Filter) -> Result<Vec<Stored<User>>, ProvisionError> {
        let lookup = filter.lookup().ok_or_else(Filter::too_many)?;
        let records = self.records();
        let found: Result<Vec<Stored<User>>, Unavailable> = match lookup {
            Lookup::UserName(name) => records.user_named(&Name::UserName(name)).await.map(Vec::from_iter),
            Lookup::ExternalId(id) => records.user_named(&Name::ExternalId(id)).await.map(Vec::from_iter),
            Lookup::Id(id) => self.provisioned_person(id).await.map(Vec::from_iter),
            Lookup::Email(email) => records.people_at(&email).await,
            Lookup::Nobody => Ok(Vec::new()),
        };
        let mut found = found.map_err(ChangeError::Unavailable)?;
        found.retain(|user| PeopleList::Provisioned.has(&user.value));
        found.sort_by_key(|user| user.value.id);
        Ok(found)
    }

    /// Returns some of those whom the directory has told of, in the order of their ids, and how many they are in all.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the records do not answer.
    pub async fn provisioned_people(&self, skip: u32, limit: u32) -> Result<(Vec<Stored<User>>, u64), Unavailable> {
        let total = self.records().count_people(&PeopleList::Provisioned).await?;
        if limit == 0 || u64::from(skip) >= total {
            return Ok((Vec::new(), total));
        }
        let page = PageRequest { limit, cursor: None };
        let query = PeopleQuery { list: PeopleList::Provisioned, skip, page };
        Ok((self.records().list_people(&query).await?.items, total))
    }

    /// Checks that nobody else has the names that the directory gives somebody.
    async fn check_names(&self, told: &Provisioning, whose: Option<UserId>) -> Result<(), ProvisionError> {
        for name in told.names() {
            let holder = self.records().user_named(&name).await.map_err(ChangeError::Unavailable)?;
            if holder.is_some_and(|holder| Some(holder.value.id) != whose) {
                return Err(taken().into());
            }
        }
        Ok(())
    }

    /// Checks that nobody else is expected at the address that somebody has got.
    async fn check_address(&self, former: &User, next: &User) -> Result<(), ProvisionError> {
        if former.email == next.email {
            return Ok(());
        }
        let expected = self.records().user_named(&Name::Expected(next.email.clone())).await;
        let is_free = expected.map_err(ChangeError::Unavailable)?.is_none();
        if is_free { Ok(()) } else { Err(taken().into()) }
    }

    async fn insert_provisioned(&self, actor: &Actor, user: User) -> Result<Option<Stored<User>>, ChangeError> {
        let user = User { administers: self.config().roles.makes_administrator(&user), ..user };
        let audit = self.audit(actor, "user.provision", format_args!("user:{}", user.id), json!({}));
        match self.records().insert_user(&user, &audit).await {
            Ok(()) => {
                self.publish(Subject::User(user.id)).await.map_err(ChangeError::Pending)?;
                Ok(Some(Stored { value: user, version: Version::FIRST }))
            }
            Err(WriteError::Conflict) => Ok(None),
            Err(WriteError::Unavailable(error)) => Err(ChangeError::Unavailable(error)),
        }
    }

    /// Writes what the directory says of somebody; none if somebody else wrote first.
    async fn write_provisioned(
        &self,
        actor: &Actor,
        seen: &Stored<User>,
        next: User,
        action: &'static str,
    ) -> Result<Option<Stored<User>>, ChangeError> {
        let is_removed = |user: &User| user.status == Status::Removed;
        let detail = json!({"active": !is_removed(&next)});
        let has_left = is_removed(&next) && !is_removed(&seen.value);
        let written = self.write_user(actor, seen, Change { next, action, detail }).await?;
        if has_left && let Some(user) = &written {
            self.sweep_sessions(user.value.id).await;
        }
        Ok(written)
    }
}

/// Says whether the directory has told of somebody who has not signed in yet: with their address, it means them.
const fn is_awaited(user: &User) -> bool {
    user.provisioning.is_some() && user.account.is_none()
}

/// Says whether somebody with the address of a resource may be whom it is about.
fn may_be_meant(user: &User, resource: &Resource) -> bool {
    if user.provisioning.is_some() {
        return false;
    }
    let has_left = user.status == Status::Removed && user.account.is_some();
    let is_called_so = user.former_external_id.is_some() && user.former_external_id == resource.external_id;
    !has_left || is_called_so
}

/// Returns what is kept of what the directory says now for the first time.
fn told(id: UserId, resource: &Resource, now: Timestamp) -> Provisioning {
    let resource = resource.clone();
    Provisioning {
        id,
        user_name: resource.user_name,
        external_id: resource.external_id,
        given_name: resource.given_name,
        family_name: resource.family_name,
        display_name: resource.display_name,
        groups: resource.groups,
        created: now,
        modified: now,
    }
}

/// Returns somebody as the directory tells of them. The address of one who has signed in is the one that the identity provider has
/// verified: roles follow it. What an address was granted that nobody has signed in with stays behind with it.
fn provisioned(user: &User, resource: &Resource, told: Provisioning) -> User {
    let names = [&told.given_name, &told.family_name].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    let name = told.display_name.clone().or((!names.is_empty()).then_some(names));
    let email = if user.account.is_some() { user.email.clone() } else { resource.email.clone() };
    let groups = told.groups.clone().unwrap_or_else(|| match user.provisioning {
        // They were the directory's, which says nothing of them any more: the next sign-in tells.
        Some(Provisioning { groups: Some(_), .. }) => Vec::new(),
        _ => user.groups.clone(),
    });
    let grant = if email == user.email { user.grant.clone() } else { None };
    let name = name.or_else(|| user.name.clone());
    let next = User { email, name, groups, grant, provisioning: Some(told), former_external_id: None, ..user.clone() };
    match (resource.active, &next.status) {
        (false, _) => removed(next),
        (true, Status::Removed) => restored(&next),
        (true, Status::Active | Status::Suspended(_)) => next,
    }
}

fn taken() -> ScimError {
    ScimError::new(ScimType::Uniqueness, "somebody else has this userName, externalId or address")
}

fn no_such_user() -> ScimError {
    ScimError::of_status(http::StatusCode::NOT_FOUND, "there is no such user")
}
