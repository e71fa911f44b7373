//! What the gateway says when it starts, to the person at the terminal.

use std::path::Path;

use gateway_core::config::{Config, HotStore};
use gateway_core::upstream::Format;

use crate::say;

/// What there is to say.
pub(crate) struct Welcome<'a> {
    /// The configuration that is in force.
    pub(crate) config: &'a Config,
    /// The data folder.
    pub(crate) data: &'a Path,
    /// Whether people sign in at the development provider.
    pub(crate) is_development: bool,
    /// Whether the signing keys were made just now.
    pub(crate) made_keys: bool,
}

/// Prints where the gateway is, what it did, and what to try.
pub(crate) fn print(welcome: &Welcome) {
    let url = welcome.config.public_url();
    let data = welcome.data.display();
    say(&format!("llm-gateway {} serves on {url}", env!("CARGO_PKG_VERSION")));
    let is_embedded = matches!(welcome.config.hot.store(), Ok(HotStore::Embedded));
    let hot = if is_embedded { "hot.db, " } else { "" };
    say(&format!("  data in {data}: records.db, {hot}keys.json"));
    if welcome.made_keys {
        say("  made new signing keys");
    }
    if welcome.is_development {
        say(&development(welcome.config));
    }
}

fn development(config: &Config) -> String {
    let admins: Vec<_> = config.roles.super_admins.iter().map(ToString::to_string).collect();
    format!(
        "  no [signin] issuer is configured: a development sign-in lets anybody in who can reach this machine
  super administrator: {admins}

Try it:
  1. Open {url}, sign in with any address, and mint a token.
  2. export TOKEN=...   # the token
{calls}  4. Revoke the token on the page, and call again.",
        url = config.public_url(),
        admins = admins.join(", "),
        calls = calls(config),
    )
}

/// Returns commands that call a model, in each form in which one is served.
fn calls(config: &Config) -> String {
    let url = config.public_url();
    let command = |(model, path): (&str, &str)| {
        format!(
            "curl -N {url}{path} -H \"Authorization: Bearer $TOKEN\" -H 'content-type: application/json' \\
       -d '{{\"model\":\"{model}\",\"max_tokens\":256,\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'"
        )
    };
    let formats = [Format::Messages, Format::ChatCompletions];
    let examples = formats.iter().filter_map(|format| Some((config.example_model(*format)?, format.path())));
    let commands: Vec<String> = examples.map(command).collect();
    if commands.is_empty() {
        return format!("  3. Call a model at {url}/v1 with the token.\n");
    }
    format!("  3. {}\n", commands.join("\n     "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_native::host::Environment;

    fn config(document: &str) -> Config {
        Config::load(document, &Environment::default()).unwrap()
    }

    #[test]
    fn shows_calls_that_work_with_this_configuration() {
        let echo = calls(&config(""));
        assert!(echo.contains("8080/v1/messages") && echo.contains("8080/v1/chat/completions"), "{echo}");
        let own = "[providers.gpt]\nkind = \"openai\"\napi_key = \"k\"\n[models.\"a*\"]\nprovider = \"gpt\"\n";
        assert_eq!(calls(&config(own)), "  3. Call a model at http://localhost:8080/v1 with the token.\n");
        let named = calls(&config(&format!("{own}[models.b]\nprovider = \"gpt\"")));
        assert!(named.contains("\"model\":\"b\"") && !named.contains("/v1/messages"), "{named}");
    }
}
