//! What becomes of whole configurations.

use std::collections::BTreeMap;

use gateway_core::config::{Config, VARIABLE_PREFIX};
use toml::{Table, Value};

use super::{ImportError, Imported, import};

/// A configuration with a little of everything that operators of LiteLLM write.
const LITTLE_OF_EVERYTHING: &str = include_str!("testdata/config.yaml");

/// Literal keys and passwords of that configuration.
const SECRETS: [&str; 6] = ["sk-literal", "hunter2", "sk-master", "postgres", "sk-environment", "redis-password"];

fn imported(text: &str) -> Imported {
    import(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the document as TOML. The gateway takes it, once the keys that it asks for are there.
fn parsed(text: &str) -> Table {
    let document = imported(text).document;
    let table: Table = document.parse().unwrap_or_else(|error| panic!("{error} in {document}"));
    let providers = table.get("providers").and_then(Value::as_table).into_iter().flatten();
    let keyed = providers.filter(|(_, provider)| provider.get("auth").is_none());
    let variable = |name: &str| format!("{VARIABLE_PREFIX}PROVIDERS__{}__API_KEY", name.to_ascii_uppercase());
    let keys: BTreeMap<_, _> = keyed.map(|(name, _)| (variable(name), "fake".to_owned())).collect();
    let loaded = Config::load(&document, &keys);
    assert!(loaded.is_ok(), "{:?} in {document}", loaded.err());
    table
}

fn notes(text: &str) -> Vec<String> {
    imported(text).notes.iter().map(ToString::to_string).collect()
}

fn at<'a>(table: &'a Table, path: &[&str]) -> &'a Value {
    let (last, tables) = path.split_last().unwrap();
    let table = tables.iter().fold(table, |table, name| table[*name].as_table().unwrap());
    table.get(*last).unwrap_or_else(|| panic!("{path:?} is not there"))
}

/// Makes a configuration of one model with those parameters.
fn one(name: &str, params: &str) -> String {
    format!("model_list:\n  - model_name: {name}\n    litellm_params: {{{params}}}\n")
}

#[test]
fn takes_models_providers_and_prices_over() {
    let table = parsed(LITTLE_OF_EVERYTHING);
    let sonnet = at(&table, &["models", "claude-sonnet-4-5"]);
    assert_eq!(sonnet["provider"].as_str(), Some("anthropic"));
    assert_eq!(sonnet["upstream_name"].as_str(), Some("claude-sonnet-4-5-20250929"));
    assert_eq!(sonnet["aliases"].as_array().unwrap(), &["sonnet".into(), "fast".into()]);
    let price = |key: &str| sonnet["price"][key].as_str().unwrap().to_owned();
    assert_eq!(["input", "output", "cache_read", "cache_write_5m"].map(price), ["3.00", "15.00", "0.30", "3.75"]);
    assert_eq!(at(&table, &["providers", "anthropic"]), &Value::Table("kind = \"anthropic\"".parse().unwrap()));
    assert_eq!(at(&table, &["models", "gpt-4o", "provider"]).as_str(), Some("openai"));
    assert_eq!(at(&table, &["providers", "vllm_internal", "base_url"]).as_str(), Some("http://vllm.internal:8000/v1"));
    assert_eq!(at(&table, &["models", "llama", "upstream_name"]).as_str(), Some("meta-llama/Llama-3.1-8B"));
    assert_eq!(at(&table, &["providers", "litellm_example_com", "kind"]).as_str(), Some("litellm"));
}

#[test]
fn takes_budgets_over() {
    let table = parsed(LITTLE_OF_EVERYTHING);
    let budgets = table["budgets"].as_array().unwrap().iter();
    let read = |budget: &Value| ["scope", "window", "amount"].map(|key| budget[key].as_str().unwrap().to_owned());
    let expected =
        [["org", "monthly", "1000.00"], ["default_user", "daily", "5.50"], ["default_user", "total", "0.01"]];
    assert_eq!(budgets.map(read).collect::<Vec<_>>(), expected);
}

#[test]
fn passes_over_budgets_of_other_windows() {
    let text = one("gpt-4o", "model: gpt-4o") + "litellm_settings: {max_budget: 10, budget_duration: 12h}";
    assert!(!parsed(&text).contains_key("budgets"));
    assert!(
        notes(&text).iter().any(|note| note.starts_with("not taken over: litellm_settings.max_budget: budgets run"))
    );
}

#[test]
fn repeats_no_secret() {
    let imported = imported(LITTLE_OF_EVERYTHING);
    let said: Vec<String> = imported.notes.iter().map(ToString::to_string).collect();
    for text in said.iter().chain([&imported.document]) {
        for secret in SECRETS {
            assert!(LITTLE_OF_EVERYTHING.contains(secret) && !text.contains(secret), "{secret} in {text}");
        }
    }
}

#[test]
fn says_what_to_do_about_each_key() {
    let document = imported(LITTLE_OF_EVERYTHING).document;
    for comment in [
        "# api_key: from ANTHROPIC_API_KEY, as before",
        "# api_key: set LLM_GATEWAY__PROVIDERS__ANTHROPIC_2__API_KEY to what TEAM_B_KEY holds",
        "# api_key: put the key into LLM_GATEWAY__PROVIDERS__VLLM_INTERNAL__API_KEY",
        "# base_url: set LLM_GATEWAY__PROVIDERS__ELSEWHERE__BASE_URL to what ELSEWHERE_API_BASE holds",
    ] {
        assert!(document.contains(comment), "{comment} is not in {document}");
    }
}

#[test]
fn says_of_everything_else_why_it_is_left_behind() {
    let imported = imported(LITTLE_OF_EVERYTHING);
    let said: Vec<String> = imported.notes.iter().map(ToString::to_string).collect();
    for beginning in [
        "not taken over: model gpt-4o (azure/gpt-4o-eu): calls to azure are not supported",
        "not taken over: model gpt-4o (openai/gpt-4o-2024-08-06): calls go to one deployment of a model",
        "not taken over: model claude-sonnet-4-5 (anthropic/claude-sonnet-4-5-20250929): rpm:",
        "not taken over: model nova (bedrock/amazon.nova-pro-v1:0): calls to bedrock",
        "not taken over: model gemini (vertex_ai/gemini-2.5-pro): calls to vertex_ai",
        "not taken over: model secret-url (openai/x): its api_base has a user",
        "to do: model llama (hosted_vllm/meta-llama/Llama-3.1-8B): see with llm-gateway prices",
        "not taken over: litellm_settings.drop_params:",
        "not taken over: litellm_settings.success_callback:",
        "not needed: general_settings.master_key:",
        "not needed: general_settings.database_url:",
        "not needed: router_settings.redis_password:",
        "not taken over: router_settings.model_group_alias.nobody:",
        "not taken over: guardrails:",
        "not taken over: translation between APIs: models of kind anthropic are called at /v1/messages,",
        "not taken over: mcp_servers: the gateway has nothing like it",
        "to do: environment_variables: set in the gateway's environment what it is to have of OPENAI_API_KEY",
    ] {
        assert!(said.iter().any(|note| note.starts_with(beginning)), "{beginning} is not in {said:#?}");
        assert!(imported.document.contains(&format!("# {beginning}")), "{beginning} is no comment");
    }
    assert!(said.iter().all(|note| !note.contains("set_verbose")), "what is off is nothing to hear of");
}

#[test]
fn shares_a_provider_between_models_of_one_place_and_key() {
    let table = parsed(LITTLE_OF_EVERYTHING);
    let providers: Vec<&String> = table["providers"].as_table().unwrap().keys().collect();
    let expected = ["anthropic", "anthropic_2", "elsewhere", "litellm_example_com", "openai", "vllm_internal"];
    assert_eq!(providers, expected);
    assert_eq!(at(&table, &["models", "claude-haiku", "provider"]).as_str(), Some("anthropic"));
    assert_eq!(at(&table, &["models", "claude-team-b", "provider"]).as_str(), Some("anthropic_2"));
}

#[test]
fn keeps_the_well_known_keys_from_other_places() {
    let table = parsed(&one("x", "model: openai/x, api_base: 'http://openai:8000/v1', api_key: os.environ/OTHER"));
    assert_eq!(at(&table, &["models", "x", "provider"]).as_str(), Some("openai_2"));
}

#[test]
fn understands_addresses_as_litellm_does() {
    for (params, base_url) in [
        ("model: openai/x, api_base: 'https://api.openai.com/v1/'", None),
        ("model: openai/x, api_base: 'http://10.0.0.5:8000/v1'", Some("http://10.0.0.5:8000/v1")),
        (
            "model: anthropic/x, api_base: 'https://proxy.example/anthropic/v1/messages'",
            Some("https://proxy.example/anthropic"),
        ),
        ("model: x, custom_llm_provider: openai, base_url: 'http://10.0.0.5'", Some("http://10.0.0.5")),
    ] {
        let table = parsed(&one("x", params));
        let provider = table["providers"].as_table().unwrap().values().next().unwrap();
        assert_eq!(provider.get("base_url").and_then(Value::as_str), base_url, "{params}");
    }
}

#[test]
fn knows_well_known_models_without_a_prefix() {
    let kind = |model: &str| {
        let table = parsed(&one("x", &format!("model: {model}")));
        table.get("providers").map(|providers| providers.as_table().unwrap().keys().next().unwrap().clone())
    };
    assert_eq!(
        ["claude-opus-4-1", "gpt-4o", "o3-mini", "command-r"].map(kind),
        [Some("anthropic".to_owned()), Some("openai".to_owned()), Some("openai".to_owned()), None]
    );
}

#[test]
fn takes_wildcards_at_the_end_of_names() {
    for (name, model, provider, upstream) in [
        ("claude-*", "anthropic/claude-*", "anthropic", None),
        ("anthropic/*", "anthropic/*", "anthropic", Some("*")),
        ("*", "openai/*", "openai", None),
        ("any-*", "openai/gpt-4o", "openai", Some("gpt-4o")),
    ] {
        let table = parsed(&one(&format!("'{name}'"), &format!("model: '{model}'")));
        let entry = at(&table, &["models", name]);
        assert_eq!(entry["provider"].as_str(), Some(provider), "{name}");
        assert_eq!(entry.get("upstream_name").and_then(Value::as_str), upstream, "{name}");
    }
    for (name, model) in [("*-mini", "openai/*-mini"), ("a*", "openai/*/*"), ("a", "openai/*"), ("*", "*")] {
        let text = one(&format!("'{name}'"), &format!("model: '{model}'"));
        assert!(!parsed(&text).contains_key("models"), "{name}");
        assert!(notes(&text).iter().any(|note| note.starts_with("to do: add providers and models")), "{name}");
    }
}

#[test]
fn speaks_of_translation_where_there_was_some() {
    let text = one("x", "model: litellm_proxy/x, api_base: 'http://litellm:4000'");
    assert!(notes(&text).iter().all(|note| !note.contains("translation")), "another LiteLLM goes on translating");
}

#[test]
fn asks_about_servers_that_may_not_answer_under_a_version() {
    let text = one("x", "model: hosted_vllm/x, api_base: 'http://10.0.0.5:8000/'");
    assert!(notes(&text).iter().any(|note| note.contains("see whether its server answers under /v1")));
    assert_eq!(at(&parsed(&text), &["providers", "10_0_0_5", "auth"]).as_str(), Some("none"));
}

#[test]
fn passes_prices_over_that_do_not_fit() {
    let text = one("gpt-4o", "model: gpt-4o, input_cost_per_token: 1e-13, output_cost_per_token: 1e-6");
    assert!(at(&parsed(&text), &["models", "gpt-4o"]).get("price").is_none());
    let expected = "not taken over: model gpt-4o (gpt-4o): input_cost_per_token is no amount with at most 6 decimals";
    assert!(notes(&text).iter().any(|note| note.starts_with(expected)));
}

#[test]
fn reads_shared_parts_of_documents() {
    let text = "
shared: &shared
  api_key: os.environ/TEAM_KEY
  api_base: https://shared.example/v1
model_list:
  - model_name: a
    litellm_params: {<<: *shared, model: openai/a}
  - model_name: b
    litellm_params: {model: openai/b, litellm_credential_name: team}
credential_list:
  - credential_name: team
    credential_values: {api_key: os.environ/TEAM_KEY, api_base: 'https://shared.example/v1'}
";
    let table = parsed(text);
    assert_eq!(at(&table, &["models", "a", "provider"]), at(&table, &["models", "b", "provider"]));
    assert_eq!(at(&table, &["providers", "shared_example", "base_url"]).as_str(), Some("https://shared.example/v1"));
}

#[test]
fn writes_toml_whatever_names_have_in_them() {
    let name = "a\\\"b\\nc]\\n[x]\\té # = '";
    let text = one(&format!("\"{name}\""), &format!("model: \"openai/{name}\", \"evil\\n[key]\": 1"));
    let table = parsed(&text);
    assert_eq!(table["models"].as_table().unwrap().keys().next().unwrap(), "a\"b\nc]\n[x]\té # = '");
    assert_eq!(table.keys().collect::<Vec<_>>(), ["models", "providers"]);
}

#[test]
fn refuses_what_is_no_configuration_of_a_proxy() {
    for text in ["", "model_list: 3", "a: b", "- 1"] {
        assert!(matches!(import(text), Err(ImportError::NoModels)), "{text}");
    }
    let error = import("model_list:\n  - {a: b\nc").err().unwrap();
    assert!(error.to_string().starts_with("not YAML: line "), "{error}");
}
