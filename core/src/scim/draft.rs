//! A resource while it is written, attribute by attribute.

use serde_json::{Value, json};

use super::body::member;
use super::error::{ScimError, ScimType};
use super::path::AttributePath;
use super::resource::Resource;
use crate::identity::Email;

/// Longest text, in bytes: as long as an address may be.
const MAX_TEXT: usize = 254;

/// A resource of which something may be missing.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) user_name: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) given_name: Option<String>,
    pub(super) family_name: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) email: Option<Email>,
    pub(super) active: Option<bool>,
    pub(super) groups: Option<Vec<String>>,
}

impl Draft {
    pub(super) fn of(resource: &Resource) -> Self {
        let Resource { user_name, external_id, given_name, family_name, display_name, email, active, groups } =
            resource.clone();
        Self {
            user_name: Some(user_name),
            external_id,
            given_name,
            family_name,
            display_name,
            email: Some(email),
            active: Some(active),
            groups,
        }
    }

    /// Returns the resource; the refusal, if something is missing that everybody has, is of the kind `missing`. Whoever has
    /// no address has `userName`, if that is one.
    pub(super) fn finish(self, missing: ScimType) -> Result<Resource, ScimError> {
        let lacks = |name: &str| ScimError::new(missing, format!("{name} is required"));
        let user_name = self.user_name.ok_or_else(|| lacks("userName"))?;
        let email = self.email.or_else(|| Email::parse(&user_name).ok());
        Ok(Resource {
            email: email.ok_or_else(|| lacks("an address in emails, or as userName,"))?,
            active: self.active.ok_or_else(|| lacks("active"))?,
            user_name,
            external_id: self.external_id,
            given_name: self.given_name,
            family_name: self.family_name,
            display_name: self.display_name,
            groups: self.groups,
        })
    }

    /// Sets the attribute at `path`, or takes its value away if `value` is none. What is not kept is read over.
    pub(super) fn replace(&mut self, path: &AttributePath, value: &Value) -> Result<(), ScimError> {
        match path.of_user() {
            Some(("username", None)) => self.rename(text("userName", value)?),
            Some(("externalid", None)) => self.external_id = text("externalId", value)?,
            Some(("displayname", None)) => self.display_name = text("displayName", value)?,
            Some(("active", None)) => self.active = boolean("active", value)?,
            Some(("name", None)) => self.replace_name(value)?,
            Some(("name", Some("givenname"))) => self.given_name = text("name.givenName", value)?,
            Some(("name", Some("familyname"))) => self.family_name = text("name.familyName", value)?,
            Some(("emails", None | Some("value"))) => self.email = kept_address(&items(value))?,
            Some(("groups", None | Some("value" | "display"))) => {
                let names = group_names(&items(value))?;
                self.groups = (!names.is_empty()).then_some(names);
            }
            _ => {}
        }
        Ok(())
    }

    /// Gives a new `userName`. Whose address was the old one has a new one by that, too, where the new name is an address.
    fn rename(&mut self, user_name: Option<String>) {
        let address = |name: &Option<String>| name.as_deref().and_then(|name| Email::parse(name).ok());
        let (old, new) = (address(&self.user_name), address(&user_name));
        if old.is_some() && old == self.email && new.is_some() {
            self.email = new;
        }
        self.user_name = user_name;
    }

    /// Sets what `value` has of a name, and leaves the rest as it is (RFC 7644 §3.5.2.3).
    fn replace_name(&mut self, value: &Value) -> Result<(), ScimError> {
        if value.is_null() {
            (self.given_name, self.family_name) = (None, None);
            return Ok(());
        }
        if !value.is_object() {
            return Err(invalid("name must be an object"));
        }
        if let Some(given) = member(value, "givenName") {
            self.given_name = text("name.givenName", given)?;
        }
        if let Some(family) = member(value, "familyName") {
            self.family_name = text("name.familyName", family)?;
        }
        Ok(())
    }

    /// Adds addresses: a primary one becomes the one that is kept, another only where there is none.
    pub(super) fn add_emails(&mut self, value: &Value) -> Result<(), ScimError> {
        let items = items(value);
        let wanted =
            if self.email.is_none() { items } else { items.into_iter().filter(|item| is_primary(item)).collect() };
        if let Some(email) = kept_address(&wanted)? {
            self.email = Some(email);
        }
        Ok(())
    }

    /// Adds groups to those that are there.
    pub(super) fn add_groups(&mut self, value: &Value) -> Result<(), ScimError> {
        let added = group_names(&items(value))?;
        let held = self.groups.take().unwrap_or_default();
        let names = distinct(held.into_iter().chain(added));
        self.groups = (!names.is_empty()).then_some(names);
        Ok(())
    }

    /// Takes away the groups that `leaves` says; no groups are no word about groups (RFC 7644 §3.5.2.2).
    pub(super) fn remove_groups(&mut self, leaves: impl Fn(&str) -> bool) {
        let held = self.groups.take().unwrap_or_default();
        let names: Vec<String> = held.into_iter().filter(|name| !leaves(name)).collect();
        self.groups = (!names.is_empty()).then_some(names);
    }
}

/// Returns an address as clients see it. We keep one, hence it is the primary one, and that of their work.
pub(super) fn email_item(email: &Email) -> Value {
    json!({"value": email, "type": "work", "primary": true})
}

/// Returns a group as clients see it.
pub(super) fn group_item(name: &str) -> Value {
    json!({"value": name})
}

/// Returns the names of groups, each once.
pub(super) fn group_names(items: &[&Value]) -> Result<Vec<String>, ScimError> {
    let name_of = |item: &&Value| match item {
        Value::Object(_) => match member(item, "display").filter(|display| !is_unassigned(display)) {
            Some(display) => text("groups.display", display),
            None => text("groups.value", member(item, "value").unwrap_or(&Value::Null)),
        },
        other => text("groups", other),
    };
    let names: Vec<Option<String>> = items.iter().map(name_of).collect::<Result<_, _>>()?;
    Ok(distinct(names.into_iter().flatten()))
}

/// Returns the values of an attribute that may have several: one alone counts as a list of one.
pub(super) fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).collect(),
        one => vec![one],
    }
}

/// Says whether a value is none (RFC 7643 §2.5). Directories send empty texts, too, for what they do not have.
pub(super) fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn text(name: &str, value: &Value) -> Result<Option<String>, ScimError> {
    if is_unassigned(value) {
        return Ok(None);
    }
    let text = value.as_str().ok_or_else(|| invalid(format!("{name} must be a text")))?;
    if text.len() > MAX_TEXT || text.chars().any(char::is_control) || text.trim().is_empty() {
        return Err(invalid(format!("{name} must be at most {MAX_TEXT} bytes of visible text")));
    }
    Ok(Some(text.to_owned()))
}

/// Reads a truth. Entra sends it as a text.
fn boolean(name: &str, value: &Value) -> Result<Option<bool>, ScimError> {
    match value {
        value if is_unassigned(value) => Ok(None),
        Value::Bool(value) => Ok(Some(*value)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        _ => Err(invalid(format!("{name} must be true or false"))),
    }
}

/// Returns the address among these that is kept, if one of them is an address at all.
fn kept_address(items: &[&Value]) -> Result<Option<Email>, ScimError> {
    let address = |item: &&Value| match item {
        Value::Object(_) => text("emails.value", member(item, "value").unwrap_or(&Value::Null)),
        other => text("emails.value", other),
    };
    let primary_first =
        items.iter().filter(|item| is_primary(item)).chain(items.iter().filter(|item| !is_primary(item)));
    for item in primary_first {
        if let Some(text) = address(item)? {
            let email = Email::parse(&text).map_err(|_| invalid("emails.value must be a plain e-mail address"))?;
            return Ok(Some(email));
        }
    }
    Ok(None)
}

fn is_primary(item: &Value) -> bool {
    member(item, "primary").is_some_and(|primary| matches!(boolean("emails.primary", primary), Ok(Some(true))))
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    names.filter(|name| seen.insert(name.clone())).collect()
}

fn invalid(detail: impl Into<String>) -> ScimError {
    ScimError::new(ScimType::InvalidValue, detail)
}
