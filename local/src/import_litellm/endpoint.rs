//! Where a deployment's calls go, and with which key: what two deployments share if one provider serves both.

use url::Url;

use super::yaml::Node;

/// How LiteLLM spells a value that is in a variable.
const VARIABLE: &str = "os.environ/";

/// What a provider is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Anthropic,
    Openai,
    Litellm,
}

/// Where a provider is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Base {
    /// Where the kind is by default.
    Official,
    /// At that URL.
    Url(Url),
    /// Where that variable says.
    Variable(String),
}

/// What a provider knows us by. Has no `Debug`: a key that is written out is compared, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// What is in that variable.
    Variable(String),
    /// What is written into LiteLLM's configuration.
    Literal(String),
    /// Nothing.
    None,
}

/// A place to send calls to.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) kind: Kind,
    pub(super) base: Base,
    pub(super) key: Key,
}

impl Kind {
    /// Returns the kind of what LiteLLM calls a provider; `None` for what the gateway cannot call.
    pub(super) fn of(provider: &str) -> Option<Self> {
        match provider {
            "anthropic" => Some(Self::Anthropic),
            "openai" | "custom_openai" | "openai_like" | "hosted_vllm" | "lm_studio" | "llamafile" => {
                Some(Self::Openai)
            }
            "litellm_proxy" => Some(Self::Litellm),
            _ => None,
        }
    }

    /// Returns its name in the configuration.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::Litellm => "litellm",
        }
    }

    /// Returns where it is by default.
    pub(super) const fn official(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => Some("https://api.anthropic.com"),
            Self::Openai => Some("https://api.openai.com/v1"),
            Self::Litellm => None,
        }
    }
}

impl Base {
    /// Reads an `api_base`.
    ///
    /// # Errors
    ///
    /// Says why it cannot be taken over. It is not repeated: a URL may hold a password.
    pub(super) fn read(kind: Kind, text: Option<&str>) -> Result<Self, &'static str> {
        let Some(text) = text else {
            return kind.official().map(|_| Self::Official).ok_or("it has no api_base");
        };
        if let Some(variable) = variable(text) {
            return Ok(Self::Variable(variable));
        }
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let mut url = url.ok_or("its api_base is no http or https URL")?;
        let is_plain =
            url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        if !is_plain {
            return Err("its api_base has a user, a query or a fragment, which may be secret");
        }
        let path = url.path().trim_end_matches('/');
        // As SDKs take it, and as LiteLLM does: OpenAI's with its version, the others without.
        let path = match kind {
            Kind::Openai => path,
            Kind::Anthropic => without_version(path.strip_suffix("/messages").unwrap_or(path)),
            Kind::Litellm => without_version(path),
        };
        let path = path.to_owned();
        url.set_path(&path);
        let is_official = kind.official().and_then(|official| Url::parse(official).ok()).is_some_and(|own| own == url);
        Ok(if is_official { Self::Official } else { Self::Url(url) })
    }

    /// Says whether the gateway asks for other paths there than LiteLLM did: where OpenAI's version is missing, it adds it.
    pub(super) fn gains_version(&self, kind: Kind) -> bool {
        matches!(self, Self::Url(url) if kind == Kind::Openai && url.path() == "/")
    }
}

impl Key {
    /// Reads an `api_key`. Without one, LiteLLM looks for the variable that the provider is known for.
    pub(super) fn read(provider: &str, value: Option<&Node>) -> Self {
        let standard = match provider {
            "anthropic" => Some("ANTHROPIC_API_KEY"),
            "openai" => Some("OPENAI_API_KEY"),
            "litellm_proxy" => Some("LITELLM_PROXY_API_KEY"),
            _ => None,
        };
        match value.and_then(Node::text) {
            Some(text) => variable(text).map_or_else(|| Self::Literal(text.to_owned()), Self::Variable),
            None => standard.map_or(Self::None, |name| Self::Variable(name.to_owned())),
        }
    }
}

fn without_version(path: &str) -> &str {
    path.strip_suffix("/v1").unwrap_or(path)
}

/// Returns the variable that a value names, if it names one.
fn variable(text: &str) -> Option<String> {
    let name = text.strip_prefix(VARIABLE)?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| name.to_owned())
}
