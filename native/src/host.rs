//! What the operating system gives: time, chance, and the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway_core::config::{INHERITED, VARIABLE_PREFIX};
use gateway_core::ports::{Clock, Random, Vars};
use gateway_core::time::Millis;
use secrecy::ExposeSecret as _;

use crate::parameters::{ParameterError, ParameterStore};

/// How the names of variables end that name a file.
const FILE_SUFFIX: &str = "_FILE";

/// How the names of variables end that name a parameter in AWS's parameter store.
const PARAMETER_SUFFIX: &str = "_SSM";

/// The variable that holds the keys that sign tokens, or the file or parameter that does.
pub const SIGNING_KEYS: &str = "LLM_GATEWAY__TOKENS__KEYS";

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        #[expect(clippy::disallowed_methods, reason = "this is the Clock port's implementation")]
        let now = SystemTime::now();
        // A clock before 1970 is unset; 0 makes everything expired or not yet valid, which lets nobody in.
        let elapsed = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The system's source of randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the Random port's implementation")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes)
            .expect("a system that runs tokio has a source of randomness, and nothing is safe without");
    }
}

/// The process's environment as it was at the start. A variable whose name ends in `_FILE` stands for the one without,
/// with the file's content; one whose name ends in `_SSM` stands for it with what that parameter of AWS's parameter store
/// holds, or, if it names a path with a slash at its end, for the keys under it with what the parameters there hold. A newline at the
/// end of any is dropped. Variables that are not Unicode are not seen.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// The parameters, by the variables that they stand for.
    parameters: BTreeMap<String, String>,
}

/// Names only: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.variables.keys()).finish_non_exhaustive()
    }
}

/// Why the environment cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// A variable names a file that cannot be read.
    #[error("cannot read the file that {name} names")]
    File {
        /// The variable.
        name: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A value is given twice.
    #[error("{0} is set, and so is {1}")]
    Twice(String, String),
    /// A variable names a parameter that cannot be read.
    #[error("cannot read what a variable names")]
    Parameter(#[from] ParameterError),
}

impl Environment {
    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// [`EnvironmentError`] names the variable that cannot be used.
    pub fn read() -> Result<Self, EnvironmentError> {
        #[expect(clippy::disallowed_methods, reason = "this is the Vars port's implementation")]
        let pairs = std::env::vars_os();
        Self::of(pairs.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))))
    }

    fn of(pairs: impl Iterator<Item = (String, String)>) -> Result<Self, EnvironmentError> {
        let mut variables: BTreeMap<String, String> = pairs.collect();
        for (name, target, path) in take_marked(&mut variables, FILE_SUFFIX)? {
            let content = std::fs::read_to_string(path);
            let content = content.map_err(|source| EnvironmentError::File { name, source })?;
            variables.insert(target, without_newline(&content));
        }
        let parameters = take_marked(&mut variables, PARAMETER_SUFFIX)?;
        let parameters = parameters.into_iter().map(|(_, target, parameter)| (target, parameter)).collect();
        Ok(Self { variables, parameters })
    }

    /// Returns the parameter that a variable stands for, if it stands for one.
    #[must_use]
    pub fn parameter(&self, variable: &str) -> Option<&str> {
        self.parameters.get(variable).map(String::as_str)
    }

    /// Says whether a variable stands for a parameter.
    #[must_use]
    pub fn has_parameters(&self) -> bool {
        !self.parameters.is_empty()
    }

    /// Puts in what the parameters hold that variables stand for.
    ///
    /// # Errors
    ///
    /// - [`EnvironmentError::Parameter`] if one of them cannot be read.
    /// - [`EnvironmentError::Twice`] if a variable says what a parameter under a path says, too.
    pub async fn filled_from(mut self, store: &ParameterStore) -> Result<Self, EnvironmentError> {
        let (paths, whole): (Vec<_>, Vec<_>) = self.parameters.iter().partition(|(_, parameter)| is_path(parameter));
        let names: Vec<String> = whole.iter().map(|(_, parameter)| (*parameter).clone()).collect();
        let values = store.read(&names).await?;
        for (variable, parameter) in whole {
            if let Some(value) = values.get(parameter) {
                self.variables.insert(variable.clone(), without_newline(value.expose_secret()));
            }
        }
        for (variable, path) in paths {
            for (rest, value) in store.read_under(path).await? {
                let variable = below(variable, &rest);
                if self.variables.contains_key(&variable) {
                    return Err(EnvironmentError::Twice(variable, format!("{path}{rest}")));
                }
                self.variables.insert(variable, without_newline(value.expose_secret()));
            }
        }
        Ok(self)
    }
}

/// Says whether a parameter's name stands for all under it: a name itself never ends so.
fn is_path(parameter: &str) -> bool {
    parameter.ends_with('/')
}

/// Returns the variable for a key under another's, which is named by the rest of a parameter's name.
fn below(variable: &str, rest: &str) -> String {
    format!("{variable}__{}", rest.replace('/', "__").to_ascii_uppercase())
}

/// Returns a value without the newline that editors and `echo` put at its end.
fn without_newline(value: &str) -> String {
    value.trim_end_matches(['\r', '\n']).to_owned()
}

/// Takes out the variables of ours that are marked by how their names end; returns name, name without the mark, and value.
fn take_marked(
    variables: &mut BTreeMap<String, String>,
    suffix: &str,
) -> Result<Vec<(String, String, String)>, EnvironmentError> {
    let is_ours = |name: &str| name.starts_with(VARIABLE_PREFIX) || INHERITED.contains(&name);
    let is_marked = |name: &&String| name.strip_suffix(suffix).is_some_and(is_ours);
    let names: Vec<String> = variables.keys().filter(is_marked).cloned().collect();
    let take = |name: String| {
        let value = variables.remove(&name).unwrap_or_default();
        let target = name.strip_suffix(suffix).unwrap_or(&name).to_owned();
        // What is under a path adds to what a variable says.
        if variables.contains_key(&target) && !is_path(&value) {
            return Err(EnvironmentError::Twice(target, name));
        }
        Ok((name, target, value))
    };
    names.into_iter().map(take).collect()
}

impl Vars for Environment {
    fn with_prefix(&self, prefix: &str) -> Vec<(String, String)> {
        self.variables.with_prefix(prefix)
    }

    fn var(&self, name: &str) -> Option<String> {
        self.variables.var(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_time_in_milliseconds() {
        // Between 2023 and 2286: seconds and microseconds would be far outside.
        assert!((1_700_000_000_000..9_999_999_999_999).contains(&SystemClock.now().0));
    }

    #[test]
    fn fills_with_other_bytes_each_time() {
        let random = SystemRandom;
        assert_ne!(random.bytes::<32>(), random.bytes::<32>());
    }

    fn environment(pairs: &[(&str, &str)]) -> Result<Environment, EnvironmentError> {
        Environment::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn reads_variables_by_prefix_and_by_name() {
        let read = environment(&[("LLM_GATEWAY__A", "1"), ("OTHER", "2")]).unwrap();
        assert_eq!(read.with_prefix("LLM_GATEWAY__"), [("LLM_GATEWAY__A".to_owned(), "1".to_owned())]);
        assert_eq!(read.var("OTHER").as_deref(), Some("2"));
        assert_eq!(read.var("OTHE"), None);
    }

    #[test]
    fn takes_values_from_files() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "obviously-fake\n").unwrap();
        let path = file.path().to_str().unwrap();
        let read =
            environment(&[("LLM_GATEWAY__SIGNIN__CLIENT_SECRET_FILE", path), ("OTHER_FILE", "/nowhere")]).unwrap();
        assert_eq!(read.var("LLM_GATEWAY__SIGNIN__CLIENT_SECRET").as_deref(), Some("obviously-fake"));
        assert_eq!(read.var("LLM_GATEWAY__SIGNIN__CLIENT_SECRET_FILE"), None);
    }

    #[test]
    fn names_variables_for_what_is_under_a_path() {
        let path = "LLM_GATEWAY__EXPORTERS";
        assert_eq!(below(path, "traces/headers/x-api-key"), "LLM_GATEWAY__EXPORTERS__TRACES__HEADERS__X-API-KEY");
        assert!(is_path("/llm-gateway/exporters/") && !is_path("/llm-gateway/exporters"));
    }

    #[test]
    fn names_the_variable_that_cannot_be_used() {
        let missing = environment(&[("SUPER_ADMIN_EMAIL_FILE", "/nowhere/at/all")]).unwrap_err();
        assert!(missing.to_string().contains("SUPER_ADMIN_EMAIL_FILE"));
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        assert!(environment(&[("LLM_GATEWAY__A__B_SSM", "/a/"), ("LLM_GATEWAY__A__B", "{}")]).is_ok());
        let both = environment(&[("LLM_GATEWAY__A__B_SSM", "/a"), ("LLM_GATEWAY__A__B", "2")]).unwrap_err();
        assert!(both.to_string().contains("LLM_GATEWAY__A__B_SSM"), "{both}");
        let twice = environment(&[("LLM_GATEWAY__A__B", "1"), ("LLM_GATEWAY__A__B_FILE", path)]).unwrap_err();
        assert!(matches!(twice, EnvironmentError::Twice(name, _) if name == "LLM_GATEWAY__A__B"));
    }
}
