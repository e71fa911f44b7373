//! Paths under `/v1` that the gateway passes on without reading them: only those that the configuration names.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Method;

use super::{Format, Provider};
use crate::config::{self, PassthroughMethod};
use crate::money::Nanodollars;

/// One such path.
#[derive(Debug, Clone)]
pub struct Passthrough {
    /// The method.
    pub method: Method,
    /// The path in axum's syntax; captures are numbered, so that two paths never differ in their names only.
    pub path: String,
    /// Who serves it.
    pub provider: Arc<Provider>,
    /// What a call costs that is answered with success.
    pub cost: Nanodollars,
}

impl Passthrough {
    /// Makes a path from its configuration.
    pub(super) fn new(config: &config::Passthrough, provider: &Arc<Provider>) -> Result<Self, super::provider::Flaw> {
        const PRICE: &str = "price";
        let cost = match (&config.price, config.unmetered) {
            (Some(_), true) => return Err((PRICE, "contradicts unmetered = true")),
            (None, false) => return Err((PRICE, "is required, or unmetered = true")),
            (None, true) => Nanodollars::ZERO,
            (Some(price), false) => {
                let price = Nanodollars::parse_dollars(price).ok().filter(|price| price.0 >= 0);
                price.ok_or((PRICE, "must be dollars per call, a text such as \"0.01\""))?
            }
        };
        if provider.echo().is_some() {
            return Err(("provider", "is of kind echo, which serves models only"));
        }
        let method = match config.method {
            PassthroughMethod::Get => Method::GET,
            PassthroughMethod::Post => Method::POST,
            PassthroughMethod::Delete => Method::DELETE,
        };
        let path = pattern(&config.path).ok_or((
            "path",
            "must begin with /v1/ and have segments of letters, digits, - . _ ~ or a name in braces",
        ))?;
        if path == "/v1/models" || Format::of(&path).is_some() {
            return Err(("path", "is one that the gateway serves itself"));
        }
        Ok(Self { method, path, provider: Arc::clone(provider), cost })
    }
}

/// Says which entry repeats an earlier one.
pub(super) fn repeated(all: &[Passthrough]) -> Option<usize> {
    let mut seen = BTreeSet::new();
    all.iter().position(|one| !seen.insert((one.method.as_str(), one.path.as_str())))
}

fn pattern(path: &str) -> Option<String> {
    let segments = path.strip_prefix("/v1/")?.split('/').enumerate();
    let segments: Option<Vec<String>> = segments.map(|(index, segment)| self::segment(index, segment)).collect();
    Some(format!("/v1/{}", segments?.join("/")))
}

fn segment(index: usize, text: &str) -> Option<String> {
    let is_name =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if let Some(name) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        return is_name(name).then(|| format!("{{p{index}}}"));
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (!text.is_empty() && text != "." && text != ".." && text.bytes().all(is_plain)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passthrough(document: &str) -> Result<Passthrough, &'static str> {
        let provider = toml::from_str("kind = \"openai\"\napi_key = \"k\"").unwrap();
        let provider = Arc::new(Provider::new("p", &provider).unwrap());
        let config = toml::from_str(&format!("provider = \"p\"\n{document}")).unwrap();
        Passthrough::new(&config, &provider).map_err(|(key, _)| key)
    }

    #[test]
    fn costs_what_the_configuration_says() {
        let speech = passthrough("method = \"POST\"\npath = \"/v1/audio/speech\"\nprice = \"0.015\"").unwrap();
        assert_eq!((speech.path.as_str(), speech.cost), ("/v1/audio/speech", Nanodollars(15_000_000)));
        let file = passthrough("method = \"GET\"\npath = \"/v1/files/{id}/content\"\nunmetered = true").unwrap();
        assert_eq!((file.path.as_str(), file.cost), ("/v1/files/{p1}/content", Nanodollars::ZERO));
    }

    #[test]
    fn refuses_by_key_what_cannot_be_used() {
        for (rest, key) in [
            ("path = \"/v1/a\"", "price"),
            ("path = \"/v1/a\"\nprice = \"1\"\nunmetered = true", "price"),
            ("path = \"/v1/a\"\nprice = \"-1\"", "price"),
            ("path = \"/v1/messages\"\nunmetered = true", "path"),
            ("path = \"/v1/models\"\nunmetered = true", "path"),
            ("path = \"/api/me\"\nunmetered = true", "path"),
            ("path = \"/v1/\"\nunmetered = true", "path"),
            ("path = \"/v1/a/../b\"\nunmetered = true", "path"),
            ("path = \"/v1/{*rest}\"\nunmetered = true", "path"),
            ("path = \"/v1/a%2fb\"\nunmetered = true", "path"),
        ] {
            assert_eq!(passthrough(&format!("method = \"GET\"\n{rest}")).unwrap_err(), key, "{rest}");
        }
    }
}
