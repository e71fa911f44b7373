//! `[records]`: where the records are.

use serde::Deserialize;

use super::ConfigError;

/// `[records]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Records {
    /// The `DynamoDB` table that keeps the records; without one this process keeps them in `records.db`.
    pub dynamodb: Option<String>,
}

impl Records {
    /// Checks that there can be such a table (`DynamoDB`, naming rules).
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Some(table) = &self.dynamodb else { return Ok(()) };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if (3..=255).contains(&table.len()) && table.bytes().all(is_plain) {
            return Ok(());
        }
        Err(ConfigError::key("records.dynamodb", "must be 3 to 255 letters, digits, '_', '-' and '.'"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load_with, vars};

    #[test]
    fn refuses_names_that_no_table_has() {
        let load = |name: &str| {
            let loaded =
                load_with("[hot]\nredis = \"redis://localhost\"", &vars(&[("LLM_GATEWAY__RECORDS__DYNAMODB", name)]));
            loaded.map(|config| config.records.dynamodb).map_err(|error| error.to_string())
        };
        assert_eq!(load("llm-gateway_1.records").unwrap().as_deref(), Some("llm-gateway_1.records"));
        for name in ["", "ab", "a b c", "a/b/c", "arn:aws:dynamodb:x"] {
            assert!(load(name).unwrap_err().starts_with("records.dynamodb"), "{name}");
        }
    }
}
