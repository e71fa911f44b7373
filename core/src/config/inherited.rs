//! The variables of the stack that this replaces: they fill in what the configuration leaves open, and override nothing.

use secrecy::SecretString;

use super::{Config, ConfigError, Model, Provider, ProviderKind};
use crate::identity::Email;
use crate::ports::Vars;

const AUTH0_DOMAIN: &str = "AUTH0_DOMAIN";
const AUTH0_CLIENT_ID: &str = "AUTH0_CLIENT_ID";
const AUTH0_CLIENT_SECRET: &str = "AUTH0_CLIENT_SECRET";
const SUPER_ADMIN_EMAIL: &str = "SUPER_ADMIN_EMAIL";
const ADMIN_EMAILS: &str = "ADMIN_EMAILS";
const ADMIN_DOMAINS: &str = "ADMIN_DOMAINS";
const ANTHROPIC_API_KEY: &str = "ANTHROPIC_API_KEY";
const OPENAI_API_KEY: &str = "OPENAI_API_KEY";
const LITELLM_SHARED_KEY: &str = "LITELLM_SHARED_KEY";

/// Every variable that is read here.
pub const INHERITED: [&str; 9] = [
    AUTH0_DOMAIN,
    AUTH0_CLIENT_ID,
    AUTH0_CLIENT_SECRET,
    SUPER_ADMIN_EMAIL,
    ADMIN_EMAILS,
    ADMIN_DOMAINS,
    ANTHROPIC_API_KEY,
    OPENAI_API_KEY,
    LITELLM_SHARED_KEY,
];

/// Which provider each key is for, of which kind that is, and which models it serves when nothing is configured.
const KEYS: [(&str, &str, ProviderKind, &[&str]); 3] = [
    (ANTHROPIC_API_KEY, "anthropic", ProviderKind::Anthropic, &["claude-*"]),
    (
        OPENAI_API_KEY,
        "openai",
        ProviderKind::Openai,
        &["gpt-*", "chatgpt-*", "codex-*", "o1*", "o3*", "o4*", "text-embedding-*"],
    ),
    (LITELLM_SHARED_KEY, "litellm", ProviderKind::Litellm, &[]),
];

/// Fills in what the variables say.
pub(super) fn inherit(config: &mut Config, vars: &impl Vars) -> Result<(), ConfigError> {
    let var = |name: &str| vars.var(name).filter(|value| !value.is_empty());
    let listed = |name: &str| -> Vec<String> {
        let value = var(name).unwrap_or_default();
        value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    if let (None, Some(domain)) = (&config.signin.issuer, var(AUTH0_DOMAIN)) {
        config.signin.issuer = Some(format!("https://{domain}/"));
        if config.signin.client_id.is_empty() {
            config.signin.client_id = var(AUTH0_CLIENT_ID).unwrap_or_default();
        }
        if config.signin.client_secret.is_none() {
            config.signin.client_secret = var(AUTH0_CLIENT_SECRET).map(SecretString::from);
        }
    }
    for (name, roles) in [(SUPER_ADMIN_EMAIL, &mut config.roles.super_admins), (ADMIN_EMAILS, &mut config.roles.admins)]
    {
        for address in listed(name) {
            roles.push(Email::parse(&address).map_err(|error| ConfigError::key(name, error))?);
        }
    }
    config.roles.admin_domains.extend(listed(ADMIN_DOMAINS));
    inherit_keys(config, var);
    Ok(())
}

fn inherit_keys(config: &mut Config, var: impl Fn(&str) -> Option<String>) {
    let is_bare = config.providers.is_empty() && config.models.is_empty();
    for (variable, name, kind, models) in KEYS {
        let Some(key) = var(variable) else { continue };
        if is_bare && !models.is_empty() {
            config.providers.insert(name.to_owned(), Provider::new(kind));
            config.models.extend(models.iter().map(|model| ((*model).to_owned(), Model::of(name))));
        }
        if let Some(provider) = config.providers.get_mut(name)
            && provider.kind == kind
            && provider.api_key.is_none()
        {
            provider.api_key = Some(SecretString::from(key));
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::super::tests::{load_with, vars};
    use super::*;

    #[test]
    fn signs_in_with_the_names_of_the_replaced_stack() {
        let vars = vars(&[
            ("AUTH0_DOMAIN", "acme.eu.auth0.com"),
            ("AUTH0_CLIENT_ID", "gw"),
            ("AUTH0_CLIENT_SECRET", "obviously-fake"),
            ("ADMIN_EMAILS", "ann@example.com, Bob@Example.com,"),
            ("ADMIN_DOMAINS", "ops.example.com"),
            ("SUPER_ADMIN_EMAIL", "Boss@Example.com"),
        ]);
        let config = load_with("[signin]\nallowed_domains = [\"example.com\"]", &vars).unwrap();
        assert_eq!(config.signin.issuer.as_deref(), Some("https://acme.eu.auth0.com/"));
        assert_eq!(config.signin.client_id, "gw");
        assert_eq!(config.signin.client_secret.unwrap().expose_secret(), "obviously-fake");
        let addresses = |list: &[Email]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(addresses(&config.roles.admins), ["ann@example.com", "bob@example.com"]);
        assert_eq!(addresses(&config.roles.super_admins), ["boss@example.com"]);
        assert_eq!(config.roles.admin_domains, ["ops.example.com"]);
    }

    #[test]
    fn still_requires_a_rule_about_who_may_sign_in() {
        let vars = vars(&[("AUTH0_DOMAIN", "acme.auth0.com"), ("AUTH0_CLIENT_ID", "gw")]);
        assert!(load_with("", &vars).unwrap_err().to_string().contains("allow_anyone"));
    }

    #[test]
    fn names_the_variable_that_cannot_be_used() {
        for name in ["SUPER_ADMIN_EMAIL", "ADMIN_EMAILS"] {
            let error = load_with("", &vars(&[(name, "no address")])).unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }

    #[test]
    fn offers_the_models_of_the_keys_that_it_finds() {
        let keys = vars(&[("ANTHROPIC_API_KEY", "k1"), ("OPENAI_API_KEY", "k2"), ("LITELLM_SHARED_KEY", "k3")]);
        let config = load_with("", &keys).unwrap();
        assert_eq!(config.providers.keys().collect::<Vec<_>>(), ["anthropic", "openai"]);
        assert!(config.models.contains_key("claude-*") && config.models.contains_key("gpt-*"));
        assert!(!config.models.contains_key("echo"));
    }

    #[test]
    fn gives_keys_to_the_provider_of_that_name_and_to_no_other() {
        let keys = vars(&[("OPENAI_API_KEY", "k2"), ("LITELLM_SHARED_KEY", "k3")]);
        let document = "[providers.litellm]\nkind = \"litellm\"\nbase_url = \"http://litellm:4000\"
            [providers.groq]\nkind = \"openai\"\napi_key = \"own\"\nbase_url = \"https://api.groq.example/openai/v1\"";
        let config = load_with(document, &keys).unwrap();
        let key = |name: &str| config.providers[name].api_key.as_ref().unwrap().expose_secret();
        assert_eq!((key("litellm"), key("groq")), ("k3", "own"));
        let other = "[providers.groq]\nkind = \"openai\"\nbase_url = \"https://api.groq.example/openai/v1\"";
        assert!(load_with(other, &keys).unwrap_err().to_string().starts_with("providers.groq.api_key"));
    }
}
