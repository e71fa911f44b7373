use serde_json::Value;

/// What an answer reports of what it used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) missing: bool,
    pub(super) start: Option<String>,
    pub(super) later: Option<Vec<String>>,
}

impl Usage {
    /// Returns what a stream reports at its end, one after the other.
    pub(super) fn later(&self, natural: &str) -> Vec<String> {
        if self.missing { Vec::new() } else { self.later.clone().unwrap_or_else(|| vec![natural.to_owned()]) }
    }

    /// Returns what an answer in one piece reports.
    pub(super) fn last(&self, natural: &str) -> Option<String> {
        self.later(natural).pop()
    }

    /// Returns what Anthropic's streams report at their start: what comes later, with one token of output.
    pub(super) fn start(&self, natural: &str) -> Option<String> {
        if self.missing {
            return None;
        }
        if self.start.is_some() {
            return self.start.clone();
        }
        let first = self.later(natural).into_iter().next().and_then(|usage| serde_json::from_str(&usage).ok());
        let mut usage: Value = first.filter(Value::is_object).or_else(|| serde_json::from_str(natural).ok())?;
        usage["output_tokens"] = 1.into();
        Some(usage.to_string())
    }
}

/// Returns the member `"usage"` with a comma before it, or nothing.
pub(super) fn member(usage: Option<String>) -> String {
    usage.map(|usage| format!(r#","usage":{usage}"#)).unwrap_or_default()
}
