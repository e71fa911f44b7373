//! One provider: where it is, what it speaks, how it knows us.

use std::time::Duration;

use axum::body::Body;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Uri};
use secrecy::ExposeSecret as _;
use url::Url;

use super::{Echo, Format, outbound};
use crate::config::{self, ProviderKind, Vendor};
use crate::identity::Email;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Which version of Anthropic's API is spoken (docs.anthropic.com, "Versioning"); required in every request.
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// The version that is meant where a client names none.
const DEFAULT_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// Whom a LiteLLM proxy attributes a call to (docs.litellm.ai, "Customers / End-User Budgets").
const END_USER: HeaderName = HeaderName::from_static("x-litellm-end-user-id");

/// The beginning that all of OpenAI's paths share. A base URL such as `https://api.openai.com/v1` has it already.
const VERSION_PREFIX: &str = "/v1";

/// A provider, ready to be called.
#[derive(Debug, Clone)]
pub struct Provider {
    name: String,
    kind: ProviderKind,
    base: String,
    credential: Option<(HeaderName, HeaderValue)>,
    asks_usage: bool,
    pace: Duration,
    vendor: Option<Vendor>,
}

/// What is sent to a provider, beside the body.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path that the client called, such as `/v1/messages`.
    pub path: &'a str,
    /// The query string that the client sent.
    pub query: Option<&'a str>,
    /// The headers that the client sent.
    pub headers: &'a HeaderMap,
    /// The address of the person who calls.
    pub email: &'a Email,
}

/// Returns whose published prices hold: what the configuration says, else those of whose address it is. Somebody else's server that
/// speaks the same may charge anything.
fn vendor(config: &config::Provider) -> Option<Vendor> {
    let usual = || match (config.kind, &config.base_url) {
        (ProviderKind::Anthropic, None) => Some(Vendor::Anthropic),
        (ProviderKind::Openai, None) => Some(Vendor::Openai),
        (ProviderKind::Anthropic | ProviderKind::Openai, Some(url)) => Vendor::at(Url::parse(url).ok()?.host_str()?),
        (ProviderKind::Litellm | ProviderKind::Echo, _) => None,
    };
    config.prices.or_else(usual)
}

/// What is wrong with a provider's configuration: the key, and why it cannot be used.
pub(super) type Flaw = (&'static str, &'static str);

impl Provider {
    /// Makes a provider from its configuration.
    pub(super) fn new(name: &str, config: &config::Provider) -> Result<Self, Flaw> {
        Ok(Self {
            name: name.to_owned(),
            kind: config.kind,
            base: base(config)?,
            credential: credential(config)?,
            asks_usage: config.include_usage,
            pace: Duration::from_millis(config.pace_ms.into()),
            vendor: vendor(config),
        })
    }

    /// Returns its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says whether it takes calls of that form.
    #[must_use]
    pub const fn serves(&self, format: Format) -> bool {
        self.kind.serves(format)
    }

    /// Returns whose published prices hold for its models.
    #[must_use]
    pub const fn vendor(&self) -> Option<Vendor> {
        self.vendor
    }

    /// Returns the built-in provider, if it is that.
    #[must_use]
    pub const fn echo(&self) -> Option<Echo> {
        match self.kind {
            ProviderKind::Echo => Some(Echo { pace: self.pace }),
            ProviderKind::Anthropic | ProviderKind::Openai | ProviderKind::Litellm => None,
        }
    }

    /// Says whether it obeys members of the body that are the operator's to set.
    pub(super) const fn is_proxy(&self) -> bool {
        matches!(self.kind, ProviderKind::Litellm)
    }

    /// Says whether it is asked for usage in streams whose clients did not ask.
    pub(super) const fn asks_usage(&self) -> bool {
        self.asks_usage
    }

    /// Makes the request that the provider gets: the client's headers without what is private, our credential, and for a
    /// LiteLLM proxy the person. `None` if the client's query is none that a URL can have.
    #[must_use]
    pub fn request(&self, outgoing: &Outgoing, body: Body) -> Option<Request<Body>> {
        let mut headers = outbound(outgoing.headers);
        match self.kind {
            ProviderKind::Anthropic => {
                headers.entry(ANTHROPIC_VERSION).or_insert(DEFAULT_VERSION);
            }
            ProviderKind::Litellm => {
                headers.insert(END_USER, HeaderValue::from_str(outgoing.email.as_str()).ok()?);
            }
            ProviderKind::Openai | ProviderKind::Echo => {}
        }
        headers.extend(self.credential.clone());
        let mut request = Request::new(body);
        *request.method_mut() = outgoing.method.clone();
        *request.uri_mut() = self.uri(outgoing.path, outgoing.query)?;
        *request.headers_mut() = headers;
        Some(request)
    }

    fn uri(&self, path: &str, query: Option<&str>) -> Option<Uri> {
        let path = match self.kind {
            ProviderKind::Openai => path.strip_prefix(VERSION_PREFIX)?,
            _ => path,
        };
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{path}{query}", self.base).parse().ok()
    }
}

/// Returns the URL that paths are put behind.
fn base(config: &config::Provider) -> Result<String, Flaw> {
    const KEY: &str = "base_url";
    let text = match (config.kind, &config.base_url) {
        (ProviderKind::Echo, None) => return Ok(String::new()),
        (ProviderKind::Echo, Some(_)) => return Err((KEY, "is of no use to a provider of kind echo")),
        (_, Some(url)) => url,
        (ProviderKind::Anthropic, None) => "https://api.anthropic.com",
        (ProviderKind::Openai, None) => "https://api.openai.com/v1",
        (ProviderKind::Litellm, None) => return Err((KEY, "is required for a provider of kind litellm")),
    };
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let is_plain = |url: &Url| {
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none()
    };
    let url = url.filter(is_plain).ok_or((KEY, "must be an http or https url without user, query and fragment"))?;
    let path = url.path().trim_end_matches('/');
    let is_bare_openai = path.is_empty() && config.kind == ProviderKind::Openai;
    let path = if is_bare_openai { VERSION_PREFIX } else { path };
    Ok(url.origin().ascii_serialization() + path)
}

/// Returns the header by which the provider knows us.
fn credential(config: &config::Provider) -> Result<Option<(HeaderName, HeaderValue)>, Flaw> {
    const KEY: &str = "api_key";
    let key = match &config.api_key {
        None if !config.needs_key() => return Ok(None),
        Some(_) if !config.needs_key() => return Err((KEY, "is of no use to a provider without authentication")),
        None => return Err((KEY, "is missing; auth = \"none\" is for providers that want no key")),
        Some(key) => key.expose_secret(),
    };
    if key.is_empty() {
        return Err((KEY, "is empty"));
    }
    let (name, value) = match config.kind {
        ProviderKind::Anthropic => (API_KEY, key.to_owned()),
        ProviderKind::Openai | ProviderKind::Litellm | ProviderKind::Echo => (AUTHORIZATION, format!("Bearer {key}")),
    };
    let mut value = HeaderValue::from_str(&value).map_err(|_| (KEY, "has characters that no header can have"))?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(document: &str) -> Result<Provider, Flaw> {
        Provider::new("p", &toml::from_str(document).unwrap())
    }

    fn sent(document: &str, headers: &[(&'static str, &str)], path: &str, query: Option<&str>) -> Request<Body> {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let headers: HeaderMap = headers.collect();
        let email = Email::parse("ann@example.com").unwrap();
        let outgoing = Outgoing { method: &Method::POST, path, query, headers: &headers, email: &email };
        provider(document).unwrap().request(&outgoing, Body::empty()).unwrap()
    }

    #[test]
    fn knows_each_kind_by_its_own_credential() {
        let client = [("authorization", "Bearer ours"), ("x-api-key", "ours"), ("x-litellm-end-user-id", "eve")];
        let request = sent("kind = \"anthropic\"\napi_key = \"k1\"", &client, "/v1/messages", Some("beta=true"));
        assert_eq!(request.uri(), "https://api.anthropic.com/v1/messages?beta=true");
        assert_eq!(
            (&request.headers()["x-api-key"], request.headers().get("authorization")),
            (&"k1".parse().unwrap(), None)
        );
        assert_eq!(request.headers()["anthropic-version"], "2023-06-01");
        let request = sent("kind = \"openai\"\napi_key = \"k2\"", &client, "/v1/responses", None);
        assert_eq!(request.uri(), "https://api.openai.com/v1/responses");
        assert_eq!(request.headers()["authorization"], "Bearer k2");
        assert!(request.headers()["authorization"].is_sensitive());
        let litellm = "kind = \"litellm\"\napi_key = \"k3\"\nbase_url = \"http://litellm:4000/\"";
        let request = sent(litellm, &client, "/v1/messages", None);
        assert_eq!(request.uri(), "http://litellm:4000/v1/messages");
        assert_eq!(request.headers()["authorization"], "Bearer k3");
        let people: Vec<_> = request.headers().get_all("x-litellm-end-user-id").iter().collect();
        assert_eq!(people, ["ann@example.com"]);
    }

    #[test]
    fn keeps_the_version_that_the_client_speaks() {
        let client = [("anthropic-version", "2099-01-01")];
        let request = sent("kind = \"anthropic\"\napi_key = \"k\"", &client, "/v1/messages", None);
        assert_eq!(request.headers()["anthropic-version"], "2099-01-01");
    }

    #[test]
    fn takes_base_urls_as_sdks_do() {
        for (base, expected) in [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1/embeddings"),
            ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1/embeddings"),
            ("https://api.groq.com/openai/v1", "https://api.groq.com/openai/v1/embeddings"),
            ("https://g.example/v1beta/openai/", "https://g.example/v1beta/openai/embeddings"),
        ] {
            let document = format!("kind = \"openai\"\nauth = \"none\"\nbase_url = \"{base}\"");
            assert_eq!(sent(&document, &[], "/v1/embeddings", None).uri(), expected);
        }
        let document = "kind = \"anthropic\"\napi_key = \"k\"\nbase_url = \"https://proxy.example/anthropic\"";
        assert_eq!(sent(document, &[], "/v1/messages", None).uri(), "https://proxy.example/anthropic/v1/messages");
    }

    #[test]
    fn refuses_what_cannot_be_used_by_key_and_never_repeats_it() {
        for (document, key) in [
            ("kind = \"anthropic\"", "api_key"),
            ("kind = \"openai\"\napi_key = \"\"", "api_key"),
            ("kind = \"openai\"\napi_key = \"hunter2\\nx\"", "api_key"),
            ("kind = \"openai\"\napi_key = \"hunter2\"\nauth = \"none\"", "api_key"),
            ("kind = \"echo\"\napi_key = \"hunter2\"", "api_key"),
            ("kind = \"echo\"\nbase_url = \"http://a.example\"", "base_url"),
            ("kind = \"litellm\"\napi_key = \"k\"", "base_url"),
            ("kind = \"openai\"\napi_key = \"k\"\nbase_url = \"ftp://a.example\"", "base_url"),
            ("kind = \"openai\"\napi_key = \"k\"\nbase_url = \"https://u:hunter2@a.example\"", "base_url"),
            ("kind = \"openai\"\napi_key = \"k\"\nbase_url = \"a.example/v1\"", "base_url"),
        ] {
            let (found, reason) = provider(document).unwrap_err();
            assert_eq!(found, key, "{document}");
            assert!(!reason.contains("hunter2"));
        }
        let debug = format!("{:?}", provider("kind = \"openai\"\napi_key = \"hunter2\"").unwrap());
        assert!(!debug.contains("hunter2"), "{debug}");
    }

    #[test]
    fn serves_its_own_form_only() {
        let serves = |kind: &str| {
            let base =
                if kind == "echo" { "auth = \"key\"" } else { "base_url = \"http://a.example\"\napi_key = \"k\"" };
            let provider = provider(&format!("kind = \"{kind}\"\n{base}")).unwrap();
            Format::ALL.map(|format| provider.serves(format))
        };
        assert_eq!(serves("anthropic"), [true, true, false, false, false]);
        assert_eq!(serves("openai"), [false, false, true, true, true]);
        assert_eq!(serves("litellm"), [true; 5]);
        assert_eq!(serves("echo"), [true, true, true, false, false]);
    }
}
