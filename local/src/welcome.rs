//! What the gateway says when it starts, to the person at the terminal.

use std::path::Path;

use gateway_core::config::Config;

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
    say(&format!("  data in {data}: records.db, hot.db, keys.json"));
    if welcome.made_keys {
        say("  made new signing keys");
    }
    if welcome.is_development {
        say(&development(welcome.config));
    }
}

fn development(config: &Config) -> String {
    let url = config.public_url();
    let admins: Vec<_> = config.roles.super_admins.iter().map(ToString::to_string).collect();
    format!(
        "  no [signin] issuer is configured: a development sign-in lets anybody in who can reach this machine
  super administrator: {admins}

Try it:
  1. Open {url}, sign in with any address, and mint a token.
  2. export TOKEN=...   # the token
  3. curl -N {url}/v1/messages -H \"Authorization: Bearer $TOKEN\" -H 'content-type: application/json' \\
       -d '{{\"model\":\"echo\",\"max_tokens\":256,\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'
     curl {url}/v1/chat/completions -H \"Authorization: Bearer $TOKEN\" -H 'content-type: application/json' \\
       -d '{{\"model\":\"echo\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'
  4. Revoke the token on the page, and call again.",
        admins = admins.join(", ")
    )
}
