use std::path::PathBuf;

/// A place that `scripts/test` tells the tests and that they were not told.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not set; `scripts/test black-box` sets it")]
pub struct Unset(&'static str);

/// Returns the path that the variable `name` holds; the head of `scripts/test` lists them.
///
/// # Errors
///
/// - [`Unset`] if there is no such variable, or nothing in it.
pub fn place(name: &'static str) -> Result<PathBuf, Unset> {
    #[expect(clippy::disallowed_methods, reason = "the tests' one way to learn where things were built")]
    let value = std::env::var_os(name);
    value.filter(|value| !value.is_empty()).map(PathBuf::from).ok_or(Unset(name))
}
