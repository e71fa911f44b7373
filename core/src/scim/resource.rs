//! What a directory may write of a person (RFC 7643 §4.1), as far as we keep it.

use serde_json::Value;

use super::USER;
use super::body::require_schema;
use super::draft::Draft;
use super::error::{ScimError, ScimType};
use super::path::AttributePath;
use crate::identity::{Email, Status, User};

/// What a directory says of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// `userName`, as it was spelt: 1 to 254 bytes.
    pub user_name: String,
    /// `externalId`: the directory's own name for them.
    pub external_id: Option<String>,
    /// `name.givenName`.
    pub given_name: Option<String>,
    /// `name.familyName`.
    pub family_name: Option<String>,
    /// `displayName`.
    pub display_name: Option<String>,
    /// The one of `emails` that is kept: the primary one, or else the first, or else `userName`.
    pub email: Email,
    /// `active`: whether they still work here.
    pub active: bool,
    /// `groups`, by name; none if the directory says nothing of them.
    pub groups: Option<Vec<String>>,
}

impl Resource {
    /// Reads the body of a request that makes a user (RFC 7644 §3.3). Attributes that we do not
    /// keep, extensions, and what clients cannot write (`id`, `meta`) are read over; `null` and `[]` are no value (RFC
    /// 7643 §2.5).
    ///
    /// # Errors
    ///
    /// - `invalidSyntax` if the body is not a user.
    /// - `invalidValue` if there is no `userName`, no plain address, or a value is none that its attribute may have.
    pub fn parse(body: &Value) -> Result<Self, ScimError> {
        Self::read(body, true)
    }

    /// Reads the body of a request that replaces this (RFC 7644 §3.5.1). Whoever does not say whether somebody still works here, says
    /// nothing about it.
    ///
    /// # Errors
    ///
    /// As for [`Resource::parse`].
    pub fn replaced_by(&self, body: &Value) -> Result<Self, ScimError> {
        Self::read(body, self.active)
    }

    fn read(body: &Value, active: bool) -> Result<Self, ScimError> {
        require_schema(body, USER)?;
        let mut draft = Draft::default();
        for (name, value) in body.as_object().into_iter().flatten() {
            if let Some(path) = AttributePath::parse(name) {
                draft.replace(&path, value)?;
            }
        }
        draft.active.get_or_insert(active);
        draft.finish(ScimType::InvalidValue)
    }

    /// Returns what is kept of a person; of one whom no directory has told us about, what signing in has.
    #[must_use]
    pub fn of(user: &User) -> Self {
        let told = user.provisioning.as_ref();
        Self {
            user_name: told.map_or_else(|| user.email.to_string(), |told| told.user_name.clone()),
            external_id: told.and_then(|told| told.external_id.clone()),
            given_name: told.and_then(|told| told.given_name.clone()),
            family_name: told.and_then(|told| told.family_name.clone()),
            display_name: told.map_or_else(|| user.name.clone(), |told| told.display_name.clone()),
            email: user.email.clone(),
            active: user.status != Status::Removed,
            groups: told.and_then(|told| told.groups.clone()),
        }
    }
}

#[cfg(test)]
#[path = "resource_tests.rs"]
mod tests;
