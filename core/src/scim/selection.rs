//! Which attributes a client wants to see (RFC 7644 §3.9).

use serde_json::{Map, Value};

use super::error::{ScimError, ScimType};
use super::path::AttributePath;

/// What is always shown (RFC 7643 §3.1, §7).
const ALWAYS: [&str; 2] = ["schemas", "id"];

/// The attributes that a client wants, and those that it does not want.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    only: Option<Vec<AttributePath>>,
    except: Vec<AttributePath>,
}

impl Selection {
    /// Parses the parameters `attributes` and `excludedAttributes`: names, separated by commas.
    ///
    /// # Errors
    ///
    /// `invalidValue` if a name is malformed. One that nobody has is not: it selects nothing.
    pub fn parse(attributes: Option<&str>, excluded: Option<&str>) -> Result<Self, ScimError> {
        let only = attributes.filter(|list| !list.trim().is_empty()).map(paths).transpose()?;
        let except = excluded.filter(|list| !list.trim().is_empty()).map(paths).transpose()?;
        Ok(Self { only, except: except.unwrap_or_default() })
    }

    /// Returns what is to be shown of a resource.
    #[must_use]
    pub fn apply(&self, resource: Value) -> Value {
        let Value::Object(members) = resource else { return resource };
        let shown = members.into_iter().filter_map(|(name, value)| {
            let value = if ALWAYS.contains(&&*name) { value } else { self.shown(&name, value)? };
            Some((name, value))
        });
        Value::Object(shown.collect())
    }

    fn shown(&self, name: &str, value: Value) -> Option<Value> {
        let value = match &self.only {
            None => value,
            Some(only) => match subs(only, name) {
                Subs::Unnamed => return None,
                Subs::Whole => value,
                Subs::Some(subs) => narrowed(value, &|sub| subs.iter().any(|one| sub.eq_ignore_ascii_case(one)))?,
            },
        };
        match subs(&self.except, name) {
            Subs::Unnamed => Some(value),
            Subs::Whole => None,
            Subs::Some(subs) => narrowed(value, &|sub| !subs.iter().any(|one| sub.eq_ignore_ascii_case(one))),
        }
    }
}

/// What a list says of one attribute.
enum Subs<'a> {
    Unnamed,
    Whole,
    Some(Vec<&'a str>),
}

fn subs<'a>(paths: &'a [AttributePath], attribute: &str) -> Subs<'a> {
    let about = paths.iter().filter_map(AttributePath::of_user);
    let named: Vec<_> = about.filter(|(name, _)| attribute.eq_ignore_ascii_case(name)).map(|(_, sub)| sub).collect();
    match named.iter().copied().collect::<Option<Vec<_>>>() {
        Some(subs) if subs.is_empty() => Subs::Unnamed,
        Some(subs) => Subs::Some(subs),
        None => Subs::Whole,
    }
}

/// Returns a complex value with those attributes within it that `wants` says; nothing if nothing is left.
fn narrowed(value: Value, wants: &impl Fn(&str) -> bool) -> Option<Value> {
    match value {
        Value::Object(members) => {
            let members: Map<_, _> = members.into_iter().filter(|(name, _)| wants(name)).collect();
            (!members.is_empty()).then_some(Value::Object(members))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.into_iter().filter_map(|item| narrowed(item, wants)).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        simple => Some(simple),
    }
}

fn paths(list: &str) -> Result<Vec<AttributePath>, ScimError> {
    let path = |name: &str| {
        let path = AttributePath::parse(name.trim());
        path.ok_or_else(|| ScimError::new(ScimType::InvalidValue, "the list of attributes has a malformed name"))
    };
    list.split(',').map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::super::USER;
    use super::super::render;
    use super::super::testing::{ann, stored};
    use super::*;

    fn names(value: &Value) -> Vec<&str> {
        let mut names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    fn selected(attributes: Option<&str>, excluded: Option<&str>) -> Value {
        Selection::parse(attributes, excluded).unwrap().apply(render(&stored(ann()), ""))
    }

    #[test]
    fn shows_everything_to_who_says_nothing() {
        assert_eq!(selected(None, Some(" ")), render(&stored(ann()), ""));
    }

    #[test]
    fn shows_what_is_wanted_and_what_is_always_shown() {
        assert_eq!(names(&selected(Some("USERNAME, emails"), None)), ["emails", "id", "schemas", "userName"]);
        let full = format!("{USER}:userName,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:emails");
        assert_eq!(names(&selected(Some(&full), None)), ["id", "schemas", "userName"]);
    }

    #[test]
    fn shows_parts_of_attributes() {
        let shown = selected(Some("name.givenName,emails.value"), None);
        assert_eq!(names(&shown["name"]), ["givenName"]);
        assert_eq!(names(&shown["emails"][0]), ["value"]);
        assert_eq!(names(&selected(Some("name,name.givenName"), None)["name"]).len(), 2);
        assert!(selected(Some("name.honorificPrefix"), None).get("name").is_none());
    }

    #[test]
    fn leaves_out_what_is_not_wanted() {
        let shown = selected(None, Some("id,schemas,emails,meta.version,name.familyName"));
        let expected = ["active", "displayName", "externalId", "groups", "id", "meta", "name", "schemas", "userName"];
        assert_eq!(names(&shown), expected);
        assert_eq!(names(&shown["meta"]), ["created", "lastModified", "location", "resourceType"]);
        assert_eq!(names(&shown["name"]), ["givenName"]);
    }

    #[test]
    fn refuses_malformed_names() {
        for list in ["userName,", "a b", "emails[type eq \"work\"]"] {
            let error = Selection::parse(Some(list), None).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidValue), "{list}");
        }
    }
}
