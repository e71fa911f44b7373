//! Everything that is no model, alias or budget: what became of it.

use super::budgets::is_budget;
use super::note::Notes;
use super::yaml::Node;

/// Sections whose members are noted one by one.
const SECTIONS: [&str; 3] = ["litellm_settings", "general_settings", "router_settings"];

/// Sections that are read elsewhere.
const READ: [&str; 3] = ["model_list", "credential_list", "environment_variables"];

/// Settings that the gateway does without, by their name or its beginning (with a star), and why.
const NOT_NEEDED: [(&str, &str); 14] = [
    ("master_key", "people sign in and mint tokens of their own; [roles] names administrators"),
    ("database_*", "records are files in the data folder"),
    ("store_model_in_db", "models are in this file"),
    ("disable_*", "what it turns off is not there"),
    ("redis_*", "one process serves everybody"),
    ("enable_jwt_auth", "[signin] takes any OpenID Connect provider"),
    ("litellm_jwtauth", "[signin] takes any OpenID Connect provider"),
    ("custom_sso", "[signin] takes any OpenID Connect provider"),
    ("use_x_forwarded_for", "server.trusted_proxies says whose header is believed"),
    ("set_verbose", "log.level says what is logged"),
    ("json_logs", "log.format says how"),
    ("redact_*", "what people say to models is never logged"),
    ("turn_off_message_logging", "what people say to models is never logged"),
    ("litellm_license", "single sign-on and everything else is free"),
];

/// Settings that have no counterpart, likewise.
const NOT_TAKEN: [(&str, &str); 22] = [
    ("callbacks", "the gateway calls nobody but providers; it keeps a usage log"),
    ("*_callback", "the gateway calls nobody but providers; it keeps a usage log"),
    ("service_callbacks", "the gateway calls nobody but providers; it keeps a usage log"),
    ("callback_settings", "the gateway calls nobody but providers; it keeps a usage log"),
    ("guardrails", "what passes is not looked into"),
    ("drop_params", "calls go to the provider as clients make them"),
    ("modify_params", "calls go to the provider as clients make them"),
    ("default_litellm_params", "calls go to the provider as clients make them"),
    ("cache*", "every call is made"),
    ("*fallbacks", "a call goes to the model that it names; clients choose another"),
    ("num_retries", "clients retry"),
    ("retry_*", "clients retry"),
    ("allowed_fails*", "there is one deployment of a model"),
    ("cooldown_time", "there is one deployment of a model"),
    ("routing_strategy*", "there is one deployment of a model"),
    ("*timeout", "see [upstream] for how long a call may take"),
    ("max_request_size_mb", "see limits.body"),
    ("alert*", "the gateway tells its log"),
    ("*max_parallel_requests", "budgets limit what runs at once, not counts"),
    ("provider_budget_config", "budgets are for people, groups, the organisation and tokens"),
    ("pass_through_endpoints", "models are called, nothing else"),
    ("*_settings", "the gateway has nothing like it"),
];

/// Notes every setting that is on and was not read.
pub(super) fn report(root: &Node, notes: &mut Notes) {
    let sections = SECTIONS.iter().filter_map(|name| root.get(name).map(|section| (*name, section)));
    for (section, settings) in sections {
        let is_read = |key: &str| match section {
            "litellm_settings" => is_budget(key),
            "router_settings" => key == "model_group_alias",
            _ => false,
        };
        for (key, value) in settings.entries() {
            if !is_read(key) && !value.is_off() {
                note(&format!("{section}.{key}"), key, notes);
            }
        }
    }
    for (name, value) in root.entries() {
        if !SECTIONS.contains(&name) && !READ.contains(&name) && !value.is_off() {
            note(name, name, notes);
        }
    }
    let variables = root.get("environment_variables").map(|variables| variables.entries().map(|(name, _)| name));
    let variables: Vec<&str> = variables.into_iter().flatten().collect();
    if !variables.is_empty() {
        let names = variables.join(", ");
        notes.ask(format!("environment_variables: set in the gateway's environment what it is to have of {names}"));
    }
}

fn note(what: &str, key: &str, notes: &mut Notes) {
    let find = |table: &[(&str, &'static str)]| {
        table.iter().find(|(pattern, _)| matches(pattern, key)).map(|(_, reason)| *reason)
    };
    match (find(&NOT_NEEDED), find(&NOT_TAKEN)) {
        (Some(reason), _) => notes.not_needed(format!("{what}: {reason}")),
        (None, Some(reason)) => notes.not_taken(format!("{what}: {reason}")),
        (None, None) => notes.not_taken(format!("{what}: the gateway has nothing like it")),
    }
}

/// Says whether a name is the pattern, or ends or begins like it where the pattern has a star.
fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (None, Some(beginning)) => name.starts_with(beginning),
        (None, None) => name == pattern,
    }
}
