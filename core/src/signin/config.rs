//! The configuration of signing in (`[signin]`).

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::{Host, Url};

use super::Admittance;
use crate::identity::Email;

/// How people sign in, and which of them may.
///
/// Who may sign in has no default: a gateway that trusts a public identity provider and forgets to say whom it lets in
/// would let in the world.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SigninConfig {
    /// The identity provider's issuer identifier, exactly as its discovery document and its tokens spell it.
    pub issuer: Option<String>,
    /// Our name at the identity provider.
    pub client_id: String,
    /// Our secret at the identity provider; none for a public client.
    pub client_secret: Option<SecretString>,
    /// Domains whose every address may sign in; compared as whole labels.
    pub allowed_domains: Vec<String>,
    /// Addresses that may sign in.
    pub allowed_emails: Vec<Email>,
    /// Groups of the identity provider whose members may sign in.
    pub allowed_groups: Vec<String>,
    /// Lets everybody sign in whom the identity provider knows.
    pub allow_anyone: bool,
    /// The claim that holds the address.
    pub email_claim: String,
    /// Whether the identity provider has to say that it verified the address.
    pub email_verified: EmailVerified,
    /// The claim that holds the groups.
    pub groups_claim: String,
    /// What is asked of the identity provider.
    pub scopes: Vec<String>,
}

impl Default for SigninConfig {
    fn default() -> Self {
        Self {
            issuer: None,
            client_id: String::new(),
            client_secret: None,
            allowed_domains: Vec::new(),
            allowed_emails: Vec::new(),
            allowed_groups: Vec::new(),
            allow_anyone: false,
            email_claim: "email".to_owned(),
            email_verified: EmailVerified::Required,
            groups_claim: "groups".to_owned(),
            scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
        }
    }
}

/// Whether the identity provider has to say that it verified an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailVerified {
    /// Its `email_verified` must be true.
    Required,
    /// Every address in its tokens is taken as verified. Only for providers that say nothing and let nobody choose their
    /// own address.
    Trusted,
}

/// What is wrong with the configuration, by the key that is to be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigninConfigError {
    /// No provider to sign in with.
    #[error("signin.issuer is missing")]
    NoIssuer,
    /// Not a URL that an issuer may have (OpenID Connect Core §2, `iss`).
    #[error("signin.issuer must be an https url (http on loopback) without user, query and fragment")]
    Issuer,
    /// We have no name at the provider.
    #[error("signin.client_id is empty")]
    ClientId,
    /// A secret that is none.
    #[error("signin.client_secret is empty")]
    ClientSecret,
    /// Nobody could sign in, or everybody by accident.
    #[error(
        "one of signin.allowed_domains, signin.allowed_emails, signin.allowed_groups or signin.allow_anyone is required"
    )]
    NobodyAllowed,
    /// A domain that no address can have.
    #[error("signin.allowed_domains has {0:?}, which is no domain")]
    Domain(String),
    /// A group that anybody might seem to be in.
    #[error("signin.allowed_groups has an empty name")]
    Group,
    /// A claim without a name.
    #[error("signin.{0} is empty")]
    Claim(&'static str),
    /// Without the scope `openid` there is no ID token.
    #[error("signin.scopes must have openid, and no spaces within a scope")]
    Scopes,
}

impl SigninConfig {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    ///
    /// [`SigninConfigError`] names the first key that is wrong. Without an issuer there is nothing to check.
    pub fn validate(&self) -> Result<(), SigninConfigError> {
        let Some(issuer) = &self.issuer else { return Ok(()) };
        trusted_url(issuer).filter(|url| url.query().is_none()).ok_or(SigninConfigError::Issuer)?;
        if self.client_id.is_empty() {
            return Err(SigninConfigError::ClientId);
        }
        if self.client_secret.as_ref().is_some_and(|secret| secret.expose_secret().is_empty()) {
            return Err(SigninConfigError::ClientSecret);
        }
        self.validate_admittance()?;
        for (key, claim) in [("email_claim", &self.email_claim), ("groups_claim", &self.groups_claim)] {
            if claim.is_empty() {
                return Err(SigninConfigError::Claim(key));
            }
        }
        let plain = |scope: &String| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic());
        if !self.scopes.iter().all(plain) || !self.scopes.iter().any(|scope| scope == "openid") {
            return Err(SigninConfigError::Scopes);
        }
        Ok(())
    }

    fn validate_admittance(&self) -> Result<(), SigninConfigError> {
        if self.allowed_groups.iter().any(String::is_empty) {
            return Err(SigninConfigError::Group);
        }
        let is_domain = |domain: &str| Email::parse(&format!("a@{domain}")).is_ok();
        if let Some(domain) = self.allowed_domains.iter().find(|domain| !is_domain(domain)) {
            return Err(SigninConfigError::Domain(domain.clone()));
        }
        let rules = self.allowed_domains.len() + self.allowed_emails.len() + self.allowed_groups.len();
        if rules == 0 && !self.allow_anyone { Err(SigninConfigError::NobodyAllowed) } else { Ok(()) }
    }

    /// Returns who may sign in.
    #[must_use]
    pub fn admittance(&self) -> Admittance<'_> {
        Admittance {
            domains: &self.allowed_domains,
            emails: &self.allowed_emails,
            groups: &self.allowed_groups,
            anyone: self.allow_anyone,
        }
    }
}

/// Parses a URL that what is sent to cannot be read or changed on the way: https, or http that stays on this machine.
pub(super) fn trusted_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let private = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    (plain && private && url.has_host()).then_some(url)
}

/// Says whether a URL leads to this machine, whatever a name server says.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid() -> SigninConfig {
        SigninConfig {
            issuer: Some("https://id.example".to_owned()),
            client_id: "gateway".to_owned(),
            allow_anyone: true,
            ..SigninConfig::default()
        }
    }

    #[test]
    fn accepts_a_provider_and_a_rule() {
        assert_eq!(valid().validate(), Ok(()));
        assert_eq!(SigninConfig::default().validate(), Ok(()));
    }

    #[test]
    fn requires_a_rule_about_who_may_sign_in() {
        let config = SigninConfig { allow_anyone: false, ..valid() };
        assert_eq!(config.validate(), Err(SigninConfigError::NobodyAllowed));
    }

    #[test]
    fn refuses_issuers_that_anybody_on_the_way_could_be() {
        for issuer in [
            "http://id.example",
            "http://localhost.evil.example",
            "http://10.0.0.1",
            "ftp://localhost",
            "https://user@id.example",
            "https://id.example/?a=b",
            "https://id.example/#a",
            "id.example",
            "",
        ] {
            let config = SigninConfig { issuer: Some(issuer.to_owned()), ..valid() };
            assert_eq!(config.validate(), Err(SigninConfigError::Issuer), "{issuer}");
        }
        for issuer in ["http://localhost:8080/dev/oidc", "http://127.0.0.1", "http://[::1]:1", "https://id.example/a/"]
        {
            let config = SigninConfig { issuer: Some(issuer.to_owned()), ..valid() };
            assert_eq!(config.validate(), Ok(()), "{issuer}");
        }
    }

    #[test]
    fn names_the_key_that_is_wrong() {
        let cases = [
            (SigninConfig { client_id: String::new(), ..valid() }, "client_id"),
            (SigninConfig { client_secret: Some(String::new().into()), ..valid() }, "client_secret"),
            (SigninConfig { allowed_domains: vec!["*.example.com".to_owned()], ..valid() }, "allowed_domains"),
            (SigninConfig { allowed_domains: vec![".example.com".to_owned()], ..valid() }, "allowed_domains"),
            (SigninConfig { allowed_groups: vec![String::new()], ..valid() }, "allowed_groups"),
            (SigninConfig { email_claim: String::new(), ..valid() }, "email_claim"),
            (SigninConfig { groups_claim: String::new(), ..valid() }, "groups_claim"),
            (SigninConfig { scopes: vec!["email".to_owned()], ..valid() }, "scopes"),
            (SigninConfig { scopes: vec!["openid email".to_owned()], ..valid() }, "scopes"),
        ];
        for (config, key) in cases {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with(&format!("signin.{key}")), "{error}");
        }
    }

    #[test]
    fn refuses_unknown_keys_by_name() {
        let error = toml::from_str::<SigninConfig>("allow_everyone = true").unwrap_err();
        assert!(error.to_string().contains("allow_everyone"));
    }

    #[test]
    fn never_prints_the_secret() {
        let config: SigninConfig = toml::from_str("client_secret = 'hunter2'").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
