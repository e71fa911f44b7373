//! `router_settings.model_group_alias`: other names of models.

use super::deployment::Deployment;
use super::note::Notes;
use super::yaml::Node;

/// Returns aliases with the name that each stands for.
pub(super) fn read(root: &Node, models: &[Deployment], notes: &mut Notes) -> Vec<(String, String)> {
    let Some(aliases) = root.get("router_settings").and_then(|settings| settings.get("model_group_alias")) else {
        return Vec::new();
    };
    let is_model = |name: &str| models.iter().any(|model| model.name == name);
    let mut found: Vec<(String, String)> = Vec::new();
    for (alias, target) in aliases.entries() {
        let target = target.text().or_else(|| target.get("model").and_then(Node::text)).unwrap_or_default();
        let reason = if is_model(alias) {
            "it is a model's own name"
        } else if !is_model(target) {
            "its model was not taken over, or is there by a wildcard only"
        } else if target.ends_with('*') || alias.contains('*') {
            "a wildcard has no alias"
        } else {
            found.push((alias.to_owned(), target.to_owned()));
            continue;
        };
        notes.not_taken(format!("router_settings.model_group_alias.{alias}: {reason}"));
    }
    found
}
