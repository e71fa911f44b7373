use toml::{Table, Value};

/// Returns a configuration as variables, one for each section.
pub(crate) fn as_variables(configuration: &str) -> Table {
    let sections: Table = configuration.parse().expect("it was written for a gateway");
    let name = |section: String| format!("LLM_GATEWAY__{}", section.to_ascii_uppercase());
    sections.into_iter().map(|(section, value)| (name(section), Value::String(value.to_string()))).collect()
}
