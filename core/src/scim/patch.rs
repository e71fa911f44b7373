//! Changes to a user (RFC 7644 §3.5.2): all of a request's operations, or none.

use serde_json::{Map, Value};

use super::body::{member, require_schema};
use super::draft::{Draft, email_item, group_item, group_names, is_unassigned, items};
use super::error::{ScimError, ScimType};
use super::filter::{Filter, Malformed, Parser};
use super::path::AttributePath;
use super::resource::Resource;

/// The schema of a change.
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Most operations of a change. Directories send one for each attribute that differs; we keep eight.
const MAX_OPERATIONS: usize = 100;

/// What is changed of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch(Vec<Operation>);

/// One attribute's change.
#[derive(Debug, Clone, PartialEq)]
struct Operation {
    verb: Verb,
    path: AttributePath,
    filter: Option<Filter>,
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

impl Patch {
    /// Reads the body of a PATCH request.
    ///
    /// # Errors
    ///
    /// - `invalidSyntax` if the body is no change, or one of more than a hundred operations.
    /// - `invalidPath` if a path is malformed, or filters an attribute that has one value.
    /// - `invalidValue` if an operation has no value although it must.
    /// - `noTarget` if something is removed that nobody names.
    /// - `mutability` if a path leads to what clients cannot write.
    pub fn parse(body: &Value) -> Result<Self, ScimError> {
        require_schema(body, PATCH_OP)?;
        let operations = member(body, "Operations").and_then(Value::as_array).filter(|all| !all.is_empty());
        let operations = operations.ok_or_else(|| syntax("Operations must be a list with something in it"))?;
        if operations.len() > MAX_OPERATIONS {
            return Err(syntax("there are more than 100 operations"));
        }
        let parsed: Vec<_> = operations.iter().map(parse_operation).collect::<Result<_, _>>()?;
        Ok(Self(parsed.into_iter().flatten().collect()))
    }

    /// Returns the changed resource. A new `userName` that is an address moves the address, too, where the old one was it.
    ///
    /// # Errors
    ///
    /// - `invalidValue` if a value is none that its attribute may have.
    /// - `noTarget` if a value is replaced that is not there.
    /// - `mutability` if something is gone that everybody has.
    pub fn apply(&self, resource: &Resource) -> Result<Resource, ScimError> {
        let mut draft = Draft::of(resource);
        for operation in &self.0 {
            operation.apply(&mut draft)?;
        }
        draft.finish(ScimType::Mutability)
    }
}

impl Operation {
    fn apply(&self, draft: &mut Draft) -> Result<(), ScimError> {
        match (self.path.of_user(), &self.filter) {
            (Some(("emails", sub)), Some(filter)) => self.apply_to_email(draft, sub, filter),
            (Some(("groups", sub)), Some(filter)) => self.apply_to_group(draft, sub, filter),
            (_, Some(_)) => Ok(()),
            (Some(("groups", None)), None) if self.verb == Verb::Remove && !is_unassigned(&self.value) => {
                let named = group_names(&items(&self.value))?;
                draft.remove_groups(|name| named.iter().any(|one| one == name));
                Ok(())
            }
            (_, None) if self.verb == Verb::Remove => draft.replace(&self.path, &Value::Null),
            (Some(("emails", None)), None) if self.verb == Verb::Add => draft.add_emails(&self.value),
            (Some(("groups", None)), None) if self.verb == Verb::Add => draft.add_groups(&self.value),
            (_, None) => draft.replace(&self.path, &self.value),
        }
    }

    /// Changes the address that matches. One that would be another than the one that is kept is read over when it is added.
    fn apply_to_email(&self, draft: &mut Draft, sub: Option<&str>, filter: &Filter) -> Result<(), ScimError> {
        let matches = draft.email.as_ref().is_some_and(|email| filter.matches_item(&email_item(email)));
        match self.verb {
            Verb::Replace if !matches => return Err(no_target()),
            Verb::Add if !matches && draft.email.is_some() => return Ok(()),
            Verb::Remove if !matches => return Ok(()),
            Verb::Add | Verb::Replace | Verb::Remove => {}
        }
        let value = if self.verb == Verb::Remove { &Value::Null } else { &self.value };
        match sub {
            None | Some("value") => draft.replace(&self.path, value),
            Some(_) => Ok(()),
        }
    }

    fn apply_to_group(&self, draft: &mut Draft, sub: Option<&str>, filter: &Filter) -> Result<(), ScimError> {
        let matches = |name: &str| filter.matches_item(&group_item(name));
        let found = draft.groups.iter().flatten().any(|name| matches(name));
        if self.verb == Verb::Replace && !found {
            return Err(no_target());
        }
        if !matches!(sub, None | Some("value" | "display")) {
            return Ok(());
        }
        draft.remove_groups(matches);
        if self.verb == Verb::Remove { Ok(()) } else { draft.add_groups(&self.value) }
    }
}

fn parse_operation(operation: &Value) -> Result<Vec<Operation>, ScimError> {
    let name = member(operation, "op").and_then(Value::as_str).unwrap_or_default();
    let verb = match &*name.to_ascii_lowercase() {
        "add" => Verb::Add,
        "replace" => Verb::Replace,
        "remove" => Verb::Remove,
        _ => return Err(syntax("op must be add, replace or remove")),
    };
    let value = member(operation, "value");
    let value = match (verb, value) {
        (Verb::Remove, value) => value.unwrap_or(&Value::Null),
        (_, value) => value.ok_or_else(|| ScimError::new(ScimType::InvalidValue, "an operation has no value"))?,
    };
    match member(operation, "path") {
        None | Some(Value::Null) if verb == Verb::Remove => Err(no_target()),
        None | Some(Value::Null) => {
            let members = value.as_object();
            let missing = || ScimError::new(ScimType::InvalidValue, "without a path, the value must be an object");
            parse_members(verb, members.ok_or_else(missing)?)
        }
        Some(Value::String(path)) => {
            let operation = Operation::parse(verb, path, value)?;
            match operation.path.of_user() {
                Some(("id" | "meta" | "schemas", _)) => {
                    Err(ScimError::new(ScimType::Mutability, "id, meta and schemas cannot be changed"))
                }
                _ => Ok(vec![operation]),
            }
        }
        Some(_) => Err(invalid_path("a path must be a text")),
    }
}

/// Makes an operation of each member of an object; its names may be paths. What clients cannot write is read over, as in the
/// body of a whole user.
fn parse_members(verb: Verb, members: &Map<String, Value>) -> Result<Vec<Operation>, ScimError> {
    members.iter().map(|(path, value)| Operation::parse(verb, path, value)).collect()
}

impl Operation {
    fn parse(verb: Verb, path: &str, value: &Value) -> Result<Self, ScimError> {
        let (path, filter) = Parser::new(path).path().map_err(|Malformed(why)| invalid_path(why))?;
        let single = ["username", "externalid", "displayname", "active", "name", "id", "meta", "schemas"];
        if filter.is_some() && path.of_user().is_some_and(|(name, _)| single.contains(&name)) {
            return Err(invalid_path("only attributes with several values have filters"));
        }
        Ok(Self { verb, path, filter, value: value.clone() })
    }
}

fn invalid_path(why: &str) -> ScimError {
    ScimError::new(ScimType::InvalidPath, format!("a path cannot be read: {why}"))
}

fn no_target() -> ScimError {
    ScimError::new(ScimType::NoTarget, "a path leads to nothing")
}

fn syntax(detail: &str) -> ScimError {
    ScimError::new(ScimType::InvalidSyntax, detail)
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
