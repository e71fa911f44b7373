//! How to use a token, for each client, with this gateway's own address.

use serde_json::{Value, json};

use crate::config::Config;

/// Returns the texts by client. None holds a token: they read it from a variable.
pub(super) fn for_clients(config: &Config) -> Value {
    let url = config.public_url().origin();
    let model = "echo";
    json!({
        "curl": format!(
            "curl -N {url}/v1/messages -H \"Authorization: Bearer $TOKEN\" -H 'content-type: application/json' \
             -H 'anthropic-version: 2023-06-01' \
             -d '{{\"model\":\"{model}\",\"max_tokens\":256,\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'"
        ),
        "claude_code": format!("export ANTHROPIC_BASE_URL={url}\nexport ANTHROPIC_AUTH_TOKEN=$TOKEN\nclaude"),
        "roo_code": format!(
            "API Provider: OpenAI Compatible\nBase URL: {url}/v1\nAPI Key: the token\nModel: {model}"
        ),
        "codex": format!(
            "# ~/.codex/config.toml\nmodel_provider = \"llm-gateway\"\n\n[model_providers.llm-gateway]\n\
             name = \"llm-gateway\"\nbase_url = \"{url}/v1\"\nenv_key = \"TOKEN\""
        ),
    })
}
