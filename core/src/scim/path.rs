//! Names of attributes, as filters, patches and queries spell them (RFC 7644 §3.10).

use super::USER;

/// The name of an attribute, in lower case, because names differ in nothing by it (RFC 7643 §2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AttributePath {
    /// The schema, if the name was a full one.
    schema: Option<String>,
    /// The attribute.
    pub(super) name: String,
    /// The attribute within it.
    pub(super) sub: Option<String>,
}

impl AttributePath {
    /// Parses a name; `None` if it is malformed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let (schema, rest) = match text.rsplit_once(':') {
            Some((schema, rest)) if schema.starts_with("urn:") => (Some(schema.to_owned()), rest),
            Some(_) => return None,
            None => (None, &*text),
        };
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        let valid = is_name(name) && sub.is_none_or(is_name);
        valid.then(|| Self { schema, name: name.to_owned(), sub: sub.map(str::to_owned) })
    }

    /// Returns the attribute and the one within it, if the schema is that of users.
    pub(super) fn of_user(&self) -> Option<(&str, Option<&str>)> {
        let ours = self.schema.as_ref().is_none_or(|schema| schema.eq_ignore_ascii_case(USER));
        ours.then_some((&*self.name, self.sub.as_deref()))
    }
}

/// Says whether a byte may be in a name, a schema before it, or both.
pub(super) fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'$' | b'.' | b':')
}

fn is_name(name: &str) -> bool {
    let first = name.bytes().next();
    first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'$')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'$'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(String, Option<String>)> {
        let path = AttributePath::parse(text)?;
        path.of_user().map(|(name, sub)| (name.to_owned(), sub.map(str::to_owned)))
    }

    #[test]
    fn folds_case_and_knows_the_full_names() {
        let given_name = Some(("name".to_owned(), Some("givenname".to_owned())));
        assert_eq!(parts("Name.givenName"), given_name);
        assert_eq!(parts(&format!("{USER}:name.givenName")), given_name);
        assert_eq!(parts("URN:IETF:params:scim:schemas:core:2.0:user:NAME.GIVENNAME"), given_name);
    }

    #[test]
    fn leaves_extensions_to_others() {
        let path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
        assert_eq!(AttributePath::parse(path).unwrap().of_user(), None);
    }

    #[test]
    fn refuses_malformed_names() {
        for text in ["", ".", "name.", ".givenName", "a.b.c", "1a", "na me", "a:b", "urn:a:", "näme", "emails[", "a/b"]
        {
            assert_eq!(AttributePath::parse(text), None, "{text}");
        }
    }
}
