//! `[[rate_limits]]` and `[[access]]`

use super::{Config, ConfigError};
use crate::admission::{AccessRule, MOST, ModelPattern, RateLimit, RuleScope, Rules};
use crate::money::BudgetScope;

impl Config {
    /// Returns the rules about calls.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules::new(self.rate_limits.clone(), self.access.clone())
    }

    pub(super) fn check_rules(&self) -> Result<(), ConfigError> {
        for (index, limit) in self.rate_limits.iter().enumerate() {
            let others = &self.rate_limits[..index];
            let key = |name: &str| format!("rate_limits[{index}]{name}");
            check_limit(limit).map_err(|(name, reason)| ConfigError::key(key(name), reason))?;
            if others.iter().any(|other| (&other.scope, &other.model) == (&limit.scope, &limit.model)) {
                return Err(ConfigError::key(key(".scope"), "has a limit for the same model already"));
            }
        }
        for (index, rule) in self.access.iter().enumerate() {
            let others = &self.access[..index];
            let key = |name: &str| format!("access[{index}]{name}");
            check_access(rule).map_err(|(name, reason)| ConfigError::key(key(name), reason))?;
            if others.iter().any(|other| other.scope == rule.scope) {
                return Err(ConfigError::key(key(".scope"), "has a rule already"));
            }
        }
        Ok(())
    }
}

type Wrong = (&'static str, String);

fn check_limit(limit: &RateLimit) -> Result<(), Wrong> {
    let measures = [
        (".requests_per_minute", limit.requests_per_minute),
        (".tokens_per_minute", limit.tokens_per_minute),
        (".calls_in_flight", limit.calls_in_flight),
    ];
    if measures.iter().all(|(_, most)| most.is_none()) {
        return Err(("", "limits nothing: requests_per_minute, tokens_per_minute or calls_in_flight".to_owned()));
    }
    for (name, most) in measures {
        if most.is_some_and(|most| !(1..=MOST).contains(&most)) {
            return Err((name, format!("must be between 1 and {MOST}")));
        }
    }
    limit.model.iter().try_for_each(|model| check_pattern(model, ".model"))
}

fn check_access(rule: &AccessRule) -> Result<(), Wrong> {
    if matches!(rule.scope, RuleScope::Of(BudgetScope::Org) | RuleScope::DefaultToken) {
        return Err((".scope", "must be default_user, user:ADDRESS, group:NAME or token:ID".to_owned()));
    }
    if rule.models.is_none() && rule.scopes.is_none() {
        return Err(("", "allows everything: models or scopes".to_owned()));
    }
    rule.models.iter().flatten().try_for_each(|model| check_pattern(model, ".models"))
}

fn check_pattern(pattern: &ModelPattern, name: &'static str) -> Result<(), Wrong> {
    let reason = || format!("{:?} is no model's name, nor a beginning with * behind it", pattern.as_str());
    if pattern.is_valid() { Ok(()) } else { Err((name, reason())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(document: &str) -> String {
        Config::load(document, &()).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn takes_limits_and_rules_of_access() {
        let document = r#"
            [[rate_limits]]
            scope = "default_user"
            requests_per_minute = 60
            [[rate_limits]]
            scope = "default_token"
            model = "claude-opus-*"
            tokens_per_minute = 100000
            calls_in_flight = 2
            [[access]]
            scope = "group:interns"
            models = ["claude-haiku-*"]
            scopes = ["llm"]
        "#;
        let config = Config::load(document, &()).unwrap();
        assert_eq!((config.rate_limits.len(), config.access.len()), (2, 1));
    }

    #[test]
    fn refuses_rules_that_say_nothing_or_the_same_twice() {
        let limit = "[[rate_limits]]\nscope = \"org\"\n";
        let access = "[[access]]\nscope = \"group:a\"\n";
        for (document, key) in [
            (limit.to_owned(), "rate_limits[0]: limits nothing"),
            (format!("{limit}requests_per_minute = 0"), "rate_limits[0].requests_per_minute: must be between"),
            (format!("{limit}calls_in_flight = 1\nmodel = \"a*b\""), "rate_limits[0].model: \"a*b\" is no"),
            (format!("{limit}calls_in_flight = 1\n{limit}tokens_per_minute = 1"), "rate_limits[1].scope: has a limit"),
            (access.to_owned(), "access[0]: allows everything"),
            (format!("{access}models = [\"\"]"), "access[0].models: \"\" is no"),
            ("[[access]]\nscope = \"org\"\nmodels = []".to_owned(), "access[0].scope: must be"),
            (format!("{access}models = []\n{access}scopes = []"), "access[1].scope: has a rule"),
        ] {
            let error = refused(&document);
            assert!(error.starts_with(key), "{error}");
        }
    }
}
