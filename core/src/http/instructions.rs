//! How to use a token, for each client, with this gateway's own address and models.

use serde_json::{Value, json};

use crate::config::Config;
use crate::upstream::Format;

/// Stands for a model where the configuration has no name to show.
const ANY_MODEL: &str = "MODEL";

/// Returns the texts by client. None holds a token: they read it from a variable.
pub(super) fn for_clients(config: &Config) -> Value {
    let url = config.public_url().origin();
    let named = |format| config.example_model(format).unwrap_or(ANY_MODEL);
    json!({
        "curl": curl(config),
        "claude_code": format!(
            "export ANTHROPIC_BASE_URL={url}\nexport ANTHROPIC_AUTH_TOKEN=$TOKEN\nclaude --model {}",
            named(Format::Messages)
        ),
        "roo_code": format!(
            "API Provider: OpenAI Compatible\nBase URL: {url}/v1\nAPI Key: the token\nModel: {}",
            named(Format::ChatCompletions)
        ),
        "codex": format!(
            "# ~/.codex/config.toml\nmodel = \"{}\"\nmodel_provider = \"llm-gateway\"\n\n[model_providers.llm-gateway]\n\
             name = \"llm-gateway\"\nbase_url = \"{url}/v1\"\nenv_key = \"TOKEN\"\nwire_api = \"responses\"",
            named(Format::Responses)
        ),
        "python": python(config),
        "typescript": typescript(config),
    })
}

/// Returns the first model of a form of which there is one: Anthropic's, else OpenAI's.
fn example(config: &Config) -> (Format, &str) {
    let form = |format| config.example_model(format).map(|model| (format, model));
    form(Format::Messages).or_else(|| form(Format::ChatCompletions)).unwrap_or((Format::Messages, ANY_MODEL))
}

fn python(config: &Config) -> String {
    let url = config.public_url().origin();
    let (format, model) = example(config);
    if format.is_anthropic() {
        return format!(
            "import os\nfrom anthropic import Anthropic\n\nclient = Anthropic(base_url=\"{url}\", auth_token=os.environ[\"TOKEN\"])\n\
             message = client.messages.create(\n    model=\"{model}\", max_tokens=256,\n    \
             messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}],\n)\nprint(message.content[0].text)"
        );
    }
    format!(
        "import os\nfrom openai import OpenAI\n\nclient = OpenAI(base_url=\"{url}/v1\", api_key=os.environ[\"TOKEN\"])\n\
         answer = client.chat.completions.create(\n    model=\"{model}\",\n    \
         messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}],\n)\nprint(answer.choices[0].message.content)"
    )
}

fn typescript(config: &Config) -> String {
    let url = config.public_url().origin();
    let (format, model) = example(config);
    if format.is_anthropic() {
        return format!(
            "import Anthropic from \"@anthropic-ai/sdk\";\n\nconst client = new Anthropic({{ baseURL: \"{url}\", authToken: process.env.TOKEN }});\n\
             const message = await client.messages.create({{\n  model: \"{model}\", max_tokens: 256,\n  \
             messages: [{{ role: \"user\", content: \"Hello\" }}],\n}});\nconsole.log(message.content);"
        );
    }
    format!(
        "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: \"{url}/v1\", apiKey: process.env.TOKEN }});\n\
         const answer = await client.chat.completions.create({{\n  model: \"{model}\",\n  \
         messages: [{{ role: \"user\", content: \"Hello\" }}],\n}});\nconsole.log(answer.choices[0].message.content);"
    )
}

/// Returns a call in Anthropic's form if there is a model for it, else in OpenAI's.
fn curl(config: &Config) -> String {
    let (format, model) = example(config);
    let version = if format.is_anthropic() { " -H 'anthropic-version: 2023-06-01'" } else { "" };
    format!(
        "curl -N {} -H \"Authorization: Bearer $TOKEN\" -H 'content-type: application/json'{version} \
         -d '{{\"model\":\"{model}\",\"max_tokens\":256,\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'",
        config.public_url().join(format.path())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(document: &str) -> Value {
        for_clients(&Config::load(document, &()).unwrap())
    }

    fn has(text: &Value, part: &str) -> bool {
        text.as_str().unwrap().contains(part)
    }

    #[test]
    fn names_models_that_each_client_can_call() {
        let providers = "[providers.claude]\nkind = \"anthropic\"\napi_key = \"k\"\n[providers.gpt]\nkind = \"openai\"\napi_key = \"k\"\n";
        let both = texts(&format!("{providers}[models.a]\nprovider = \"gpt\"\n[models.b]\nprovider = \"claude\""));
        assert!(has(&both["curl"], "/v1/messages") && has(&both["curl"], "\"model\":\"b\""), "{both}");
        assert!(has(&both["claude_code"], "--model b") && has(&both["roo_code"], "Model: a"), "{both}");
        assert!(has(&both["codex"], "model = \"a\""), "{both}");
        assert!(has(&both["python"], "model=\"b\"") && has(&both["typescript"], "model: \"b\""), "{both}");
        let openai = texts(&format!("{providers}[models.a]\nprovider = \"gpt\""));
        assert!(has(&openai["curl"], "/v1/chat/completions") && has(&openai["curl"], "\"model\":\"a\""), "{openai}");
        assert!(has(&openai["python"], "from openai") && has(&openai["typescript"], "from \"openai\""), "{openai}");
        let unnamed = texts(&format!("{providers}[models.\"a*\"]\nprovider = \"gpt\""));
        assert!(has(&unnamed["curl"], "\"model\":\"MODEL\""), "{unnamed}");
    }
}
