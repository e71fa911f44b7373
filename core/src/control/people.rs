//! People by their address, and lists of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Actor, Authority, ChangeError, Control};
use crate::id::UserId;
use crate::identity::{Email, Name, Role, Status, User};
use crate::money::{Counter, Nanodollars, WindowKind};
use crate::ports::{
    Activity, Clock as _, Directory as _, Page, PageRequest, PeopleList, PeopleQuery, Presence as _, Random as _,
    Unavailable, Users as _, WriteError, within,
};
use crate::token::fold;
use crate::version::{Stored, Version};

/// How many people are read at once.
const AT_ONCE: usize = 200;

/// Which people an administrator looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleSearch {
    /// Only those whose address begins so, whatever the case.
    pub prefix: Option<String>,
    /// Only those that stand so.
    pub standing: Option<Standing>,
    /// Which page.
    pub page: PageRequest,
}

/// How a person stands at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// They may use the gateway.
    Active,
    /// They are suspended.
    Suspended,
    /// They were removed.
    Removed,
}

/// A person, and what they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPerson {
    /// Their record.
    pub user: User,
    /// Their role.
    pub role: Role,
    /// How they stand.
    pub standing: Standing,
    /// What they have been seen doing; none if the hot state does not say.
    pub activity: Option<Activity>,
    /// What they spent this month; none if the hot state does not say.
    pub spent: Option<Nanodollars>,
}

impl<A: Authority> Control<A> {
    /// Returns how somebody stands now.
    pub(crate) fn standing(&self, user: &User) -> Standing {
        match &user.status {
            Status::Removed => Standing::Removed,
            Status::Suspended(suspension) if suspension.holds_at(self.now()) => Standing::Suspended,
            Status::Suspended(_) | Status::Active => Standing::Active,
        }
    }

    /// Returns one page of people. A page has those of the next people that stand as asked for: fewer than asked for, or none,
    /// while there are more.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the records do not answer.
    pub async fn people(&self, search: &PeopleSearch) -> Result<Page<ListedPerson>, Unavailable> {
        let list = match (&search.prefix, search.standing) {
            (Some(prefix), _) => PeopleList::Address(fold(prefix)),
            (None, Some(Standing::Suspended)) => PeopleList::Suspended,
            (None, Some(Standing::Removed)) => PeopleList::Removed,
            (None, Some(Standing::Active) | None) => PeopleList::Everybody,
        };
        let found = self.records().list_people(&PeopleQuery { list, skip: 0, page: search.page.clone() }).await?;
        let users = found.items.into_iter().map(|user| user.value);
        let users: Vec<User> =
            users.filter(|user| search.standing.is_none_or(|standing| self.standing(user) == standing)).collect();
        Ok(Page { items: self.described(users).await, next: found.next })
    }

    async fn described(&self, users: Vec<User>) -> Vec<ListedPerson> {
        let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
        let activity = self.hot().activity(&ids, self.now());
        let activity = within(self.clock(), self.deadline(), "the hot state", activity).await;
        let spent = self.spent_this_month(&ids).await;
        // The list is worth having without.
        for error in [activity.as_ref().err(), spent.as_ref().err()].into_iter().flatten() {
            tracing::warn!(error = %crate::Chain(error), "it cannot be told what people do");
        }
        let mut activity = activity.unwrap_or_default().into_iter();
        let mut spent = spent.unwrap_or_default().into_iter();
        let described = users.into_iter().map(|user| ListedPerson {
            role: self.config().roles.role(&user),
            standing: self.standing(&user),
            activity: activity.next(),
            spent: spent.next(),
            user,
        });
        described.collect()
    }

    /// Returns what each of these people spent this month, in their order.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the hot state does not answer.
    pub async fn spent_this_month(&self, people: &[UserId]) -> Result<Vec<Nanodollars>, Unavailable> {
        let counters: Vec<_> = people.iter().map(|id| (WindowKind::Monthly, Counter::User(*id))).collect();
        Ok(self.totals(&counters).await?.into_iter().map(|totals| totals.spent).collect())
    }

    /// Returns the people who have an address.
    ///
    /// # Errors
    ///
    /// [`ChangeError::NotFound`] if nobody does.
    pub(super) async fn holders(&self, email: &Email) -> Result<Vec<Stored<User>>, ChangeError> {
        let people = self.records().people_at(email).await.map_err(ChangeError::Unavailable)?;
        if people.is_empty() { Err(ChangeError::NotFound) } else { Ok(people) }
    }

    /// Returns the people who have an address, or makes a record of somebody who is expected to sign in with it.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] if the records do not answer.
    pub(super) async fn holders_or_expected(
        &self,
        actor: &Actor,
        email: &Email,
    ) -> Result<Vec<Stored<User>>, ChangeError> {
        match self.holders(email).await {
            Err(ChangeError::NotFound) => {}
            found => return found,
        }
        match self.expect(actor, email).await {
            Ok(user) => Ok(vec![user]),
            // Somebody else expects them since.
            Err(WriteError::Conflict) => {
                let known = self.records().user_named(&Name::Expected(email.clone())).await;
                Ok(vec![known.map_err(ChangeError::Unavailable)?.ok_or(ChangeError::Contended)?])
            }
            Err(WriteError::Unavailable(error)) => Err(ChangeError::Unavailable(error)),
        }
    }

    /// Makes a record of somebody who is expected to sign in with an address.
    pub(super) async fn expect(&self, actor: &Actor, email: &Email) -> Result<Stored<User>, WriteError> {
        let now = self.clock().now();
        let user = User::expected(UserId::new(now, self.random().bytes()), email.clone(), now.seconds());
        let audit = self.audit(actor, "user.expect", format_args!("user:{}", user.id), json!({}));
        self.records().insert_user(&user, &audit).await?;
        Ok(Stored { value: user, version: Version::FIRST })
    }

    /// Returns people by their ids.
    pub(super) async fn by_id(&self, ids: impl Iterator<Item = UserId>) -> Result<BTreeMap<UserId, User>, Unavailable> {
        Ok(self.people_of(ids).await?.into_iter().map(|person| (person.value.id, person.value)).collect())
    }

    /// Returns the records of people, each once, some at a time. Those who are not known are left out.
    pub(super) async fn people_of(&self, ids: impl Iterator<Item = UserId>) -> Result<Vec<Stored<User>>, Unavailable> {
        let ids: BTreeSet<UserId> = ids.collect();
        let ids: Vec<UserId> = ids.into_iter().collect();
        let mut people = Vec::new();
        for some in ids.chunks(AT_ONCE) {
            people.extend(self.records().people(some).await?);
        }
        Ok(people)
    }

    /// Returns who of those that have an address signed in last.
    pub(super) async fn newest_at(&self, email: &Email) -> Result<Option<User>, Unavailable> {
        let people = self.records().people_at(email).await?;
        Ok(newest(people).map(|person| person.value))
    }
}

/// Returns who of these people signed in last: of those who have one address one after the other, the one who has it now.
pub(super) fn newest(people: impl IntoIterator<Item = Stored<User>>) -> Option<Stored<User>> {
    people.into_iter().max_by_key(|person| (person.value.last_sign_in, person.value.id))
}
