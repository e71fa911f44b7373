//! Query strings of our own API.

use super::{Kind, Problem};

/// As [`parse`]; what is given empty is not given.
///
/// # Errors
///
/// As [`parse`].
pub(super) fn parse_filled<const N: usize>(
    query: Option<&str>,
    names: [&str; N],
) -> Result<[Option<String>; N], Problem> {
    Ok(parse(query, names)?.map(|value| value.filter(|value| !value.is_empty())))
}

/// Reads the members of a query string that are known by these names.
///
/// # Errors
///
/// A problem that names a member that is unknown or stands twice.
pub(super) fn parse<const N: usize>(query: Option<&str>, names: [&str; N]) -> Result<[Option<String>; N], Problem> {
    let mut values = [const { None }; N];
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let Some(index) = names.iter().position(|known| *known == name) else {
            let known = names.join(", ");
            return Err(Problem::new(Kind::Invalid, format!("Unknown query parameter {name:?}; known: {known}.")));
        };
        if values[index].replace(value.into_owned()).is_some() {
            return Err(Problem::new(Kind::Invalid, format!("Query parameter {name:?} is given twice.")));
        }
    }
    Ok(values)
}
