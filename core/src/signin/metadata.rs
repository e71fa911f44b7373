//! The identity provider's discovery document (OpenID Connect Discovery §3).

use jsonwebtoken::Algorithm;
use serde::Deserialize;
use url::Url;

use super::config::{is_loopback, trusted_url};

/// What the identity provider says about itself, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Where browsers are sent.
    pub authorization_endpoint: Url,
    /// Where codes are exchanged.
    pub token_endpoint: Url,
    /// Where its keys are.
    pub jwks_uri: Url,
    /// Where browsers are sent to sign out, if there is such a place (OpenID Connect RP-Initiated Logout §2.1).
    pub end_session_endpoint: Option<Url>,
    /// The algorithms it signs ID tokens with, as far as they are accepted.
    pub(super) algorithms: Vec<Algorithm>,
    /// Whether it takes our secret in the body only.
    pub(super) secret_in_body: bool,
    /// Whether it always names itself in its answers (RFC 9207 §3).
    pub(super) names_itself: bool,
}

/// Why a discovery document is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// Not the JSON it should be.
    #[error("the discovery document is malformed")]
    Malformed,
    /// It speaks for somebody else. Often a slash at the end.
    #[error("the discovery document names another issuer than signin.issuer")]
    OtherIssuer,
    /// An endpoint that anybody on the way could be, or one on this machine although the provider is not.
    #[error("the discovery document's {0} is not a trusted url")]
    Endpoint(&'static str),
    /// It signs ID tokens with nothing that is accepted.
    #[error("the identity provider signs id tokens with none of RS256, PS256, ES256 and EdDSA")]
    Algorithms,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    end_session_endpoint: Option<String>,
    id_token_signing_alg_values_supported: Vec<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Parses the document that was found under `issuer`, and checks that it speaks for exactly that issuer.
    ///
    /// # Errors
    ///
    /// [`MetadataError`] says what is wrong with it; nothing of it is to be used then.
    pub(super) fn parse(json: &[u8], issuer: &str) -> Result<Self, MetadataError> {
        let document: Document = serde_json::from_slice(json).map_err(|_| MetadataError::Malformed)?;
        if document.issuer != issuer {
            return Err(MetadataError::OtherIssuer);
        }
        let local = trusted_url(issuer).is_some_and(|url| is_loopback(&url));
        let endpoint = |name, text: &str| {
            let trusted = trusted_url(text).filter(|url| local || !is_loopback(url));
            trusted.ok_or(MetadataError::Endpoint(name))
        };
        let end_session_endpoint = document.end_session_endpoint.as_deref();
        let methods = document.token_endpoint_auth_methods_supported.unwrap_or_default();
        let takes = |name: &str| methods.iter().any(|method| method == name);
        Ok(Self {
            authorization_endpoint: endpoint("authorization_endpoint", &document.authorization_endpoint)?,
            token_endpoint: endpoint("token_endpoint", &document.token_endpoint)?,
            jwks_uri: endpoint("jwks_uri", &document.jwks_uri)?,
            end_session_endpoint: end_session_endpoint
                .map(|text| endpoint("end_session_endpoint", text))
                .transpose()?,
            algorithms: accepted_of(&document.id_token_signing_alg_values_supported)?,
            secret_in_body: takes("client_secret_post") && !takes("client_secret_basic"),
            names_itself: document.authorization_response_iss_parameter_supported,
        })
    }

    /// Returns where to send a browser so that its session at the identity provider ends, too, and it comes back to
    /// `post_logout_redirect_uri`; `None` if the provider has no such place.
    #[must_use]
    pub fn end_session_url(&self, client_id: &str, post_logout_redirect_uri: &str) -> Option<Url> {
        let mut url = self.end_session_endpoint.clone()?;
        url.query_pairs_mut()
            .append_pair("client_id", client_id)
            .append_pair("post_logout_redirect_uri", post_logout_redirect_uri);
        Some(url)
    }
}

fn accepted_of(names: &[String]) -> Result<Vec<Algorithm>, MetadataError> {
    let algorithms: Vec<_> = names.iter().filter_map(|name| accepted(name)).collect();
    if algorithms.is_empty() { Err(MetadataError::Algorithms) } else { Ok(algorithms) }
}

/// Returns the algorithm of that name, if ID tokens may be signed with it: never `none`, never one with a shared secret.
pub(super) fn accepted(name: &str) -> Option<Algorithm> {
    match name {
        "RS256" => Some(Algorithm::RS256),
        "PS256" => Some(Algorithm::PS256),
        "ES256" => Some(Algorithm::ES256),
        "EdDSA" => Some(Algorithm::EdDSA),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://id.example";

    fn document(changes: &Value) -> Vec<u8> {
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": "https://id.example/token",
            "jwks_uri": "https://keys.id.example/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none", "ES384"],
        });
        for (name, value) in changes.as_object().unwrap() {
            document[name] = value.clone();
        }
        document.to_string().into_bytes()
    }

    fn parse(changes: &Value) -> Result<Metadata, MetadataError> {
        Metadata::parse(&document(changes), ISSUER)
    }

    #[test]
    fn keeps_only_accepted_algorithms() {
        assert_eq!(parse(&json!({})).unwrap().algorithms, [Algorithm::RS256]);
        let none = json!({"id_token_signing_alg_values_supported": ["HS256", "none"]});
        assert_eq!(parse(&none), Err(MetadataError::Algorithms));
    }

    #[test]
    fn refuses_another_issuer() {
        for issuer in ["https://id.example/", "https://ID.example", "https://evil.example", ""] {
            assert_eq!(parse(&json!({"issuer": issuer})), Err(MetadataError::OtherIssuer), "{issuer}");
        }
    }

    #[test]
    fn refuses_endpoints_that_anybody_could_be() {
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"] {
            for url in ["http://id.example/a", "javascript:alert(1)", "http://localhost/a", "https://127.0.0.1/a", "/a"]
            {
                assert_eq!(parse(&json!({name: url})), Err(MetadataError::Endpoint(name)), "{url}");
            }
        }
    }

    #[test]
    fn allows_loopback_endpoints_to_a_loopback_issuer() {
        let changes = json!({"issuer": "http://localhost:1", "token_endpoint": "http://localhost:1/token"});
        assert!(Metadata::parse(&document(&changes), "http://localhost:1").is_ok());
    }

    #[test]
    fn refuses_a_document_that_lacks_a_member() {
        assert_eq!(Metadata::parse(b"{\"issuer\":\"https://id.example\"}", ISSUER), Err(MetadataError::Malformed));
        assert_eq!(Metadata::parse(b"<html>", ISSUER), Err(MetadataError::Malformed));
    }

    #[test]
    fn sends_the_secret_in_the_body_only_where_nothing_else_is_taken() {
        let methods =
            |methods: Value| parse(&json!({"token_endpoint_auth_methods_supported": methods})).unwrap().secret_in_body;
        assert!(methods(json!(["client_secret_post"])));
        assert!(!methods(json!(["client_secret_post", "client_secret_basic"])));
        assert!(!methods(json!([])));
    }

    #[test]
    fn escapes_what_it_puts_into_the_sign_out_url() {
        let metadata = parse(&json!({"end_session_endpoint": "https://id.example/out?a=b"})).unwrap();
        assert_eq!(
            metadata.end_session_url("a&b", "https://gateway.example/").unwrap().as_str(),
            "https://id.example/out?a=b&client_id=a%26b&post_logout_redirect_uri=https%3A%2F%2Fgateway.example%2F"
        );
        assert_eq!(parse(&json!({})).unwrap().end_session_url("a", "b"), None);
    }
}
