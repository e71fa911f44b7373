//! Making people administrators, and taking that away.

use serde_json::json;

use super::change::Change;
use super::people::newest;
use super::{Actor, Administrator, Authority, ChangeError, Control};
use crate::identity::{Email, Grant, RoleSource, Status, User};
use crate::ports::{Directory as _, PageRequest, PeopleList, PeopleQuery, Unavailable};
use crate::version::Stored;

/// How many administrators are read at once.
const PAGE: u32 = 200;

/// How many pages of them at most. An organisation with more of them names a group.
const MOST_PAGES: usize = 10;

/// An administrator, or an address whose holder will be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Their address.
    pub email: Email,
    /// What makes them one.
    pub source: RoleSource,
    /// Whether the list gives it to one person alone by now, or to whoever is the first.
    pub is_pinned: bool,
}

/// What a grant has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// They are an administrator now.
    Now,
    /// They were one before, for that reason.
    Before(RoleSource),
}

/// Why somebody is not made less.
#[derive(Debug, thiserror::Error)]
pub enum UngrantError {
    /// The configuration or a group of the identity provider makes them one.
    #[error("the configuration makes them an administrator")]
    Configured(RoleSource),
    /// As for every change.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl<A: Authority> Control<A> {
    /// Returns every administrator but those whom a domain makes one, by address.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the records do not answer.
    pub async fn administrators(&self) -> Result<Vec<Listed>, Unavailable> {
        let policy = &self.config().roles;
        let mut listed = Vec::new();
        for email in policy.super_admins.iter().chain(&policy.admins) {
            let Some(source) = policy.listed(email) else { continue };
            let is_pinned = self.holder_of_pin(email).await?.is_some();
            listed.push(Listed { email: email.clone(), source, is_pinned });
        }
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let page = PageRequest { limit: PAGE, cursor };
            let query = PeopleQuery { list: PeopleList::Administrators, skip: 0, page };
            let found = self.records().list_people(&query).await?;
            let by_role =
                found.items.into_iter().filter(|user| user.value.status != Status::Removed).filter_map(|user| {
                    let source = policy.source(&user.value)?;
                    Some(Listed { email: user.value.email, source, is_pinned: false })
                });
            listed.extend(by_role);
            cursor = found.next;
            if cursor.is_none() {
                break;
            }
        }
        // Whom a list names, too, is shown once: by what gives the most.
        listed.sort_by(|one, other| (&one.email, other.source.role()).cmp(&(&other.email, one.source.role())));
        listed.dedup_by(|later, first| later.email == first.email);
        Ok(listed)
    }

    /// Makes whoever has an address an administrator, whether they have ever signed in or not: of several people, the one who
    /// signed in last.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says how far it came.
    pub async fn grant(&self, actor: &Actor, by: &Administrator, email: &Email) -> Result<Granted, ChangeError> {
        let people = self.holders_or_expected(actor, email).await?;
        let person = newest(people).ok_or(ChangeError::NotFound)?;
        if let Some(source) = self.config().roles.source(&person.value) {
            return Ok(Granted::Before(source));
        }
        let grant = Some(Grant { by: by.id, at: self.now() });
        let grant = |user: &User| {
            let next = User { grant: grant.clone(), ..user.clone() };
            Ok(user.grant.is_none().then(|| Change { next, action: "role.grant", detail: json!({"role": "admin"}) }))
        };
        let (_, is_new) = self.change_user(actor, person.value.id, grant).await?;
        Ok(if is_new { Granted::Now } else { Granted::Before(RoleSource::Grant) })
    }

    /// Takes back what a grant has given to whoever has an address.
    ///
    /// # Errors
    ///
    /// [`UngrantError`]; [`ChangeError::NotFound`] if nobody with that address is an administrator.
    pub async fn ungrant(&self, actor: &Actor, email: &Email) -> Result<(), UngrantError> {
        if let Some(source) = self.config().roles.listed(email) {
            return Err(UngrantError::Configured(source));
        }
        let people = self.holders(email).await?;
        let mut granted: Vec<Stored<User>> = people.clone();
        granted.retain(|person| person.value.grant.is_some());
        if granted.is_empty() {
            let source = people.iter().find_map(|person| self.config().roles.source(&person.value));
            return Err(source.map_or(ChangeError::NotFound.into(), UngrantError::Configured));
        }
        let ungrant = |user: &User| {
            let next = User { grant: None, ..user.clone() };
            Ok(user.grant.is_some().then(|| Change { next, action: "role.ungrant", detail: json!({"role": "admin"}) }))
        };
        let mut done = Ok(());
        for person in &granted {
            done = done.and(self.change_user(actor, person.value.id, ungrant).await.map(drop));
        }
        Ok(done?)
    }
}
