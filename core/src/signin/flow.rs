//! Starting a sign-in: the browser is sent to the identity provider, and what must match later is kept.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use oauth2::{CsrfToken, PkceCodeChallenge, PkceCodeVerifier, Scope};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::provider::Provider;
use super::{ProviderError, SigninConfig, SigninConfigError, Surroundings, exchange, return_path};
use crate::ports::{Clock as _, OneTime as _, Random, Unavailable, within};
use crate::session::{CookiePolicy, Cookies};
use crate::time::Timestamp;

/// The kind under which flows are kept.
pub(super) const KIND: &str = "flow";

/// How long a person has for signing in at the identity provider, in seconds: time to find the second factor.
const LIFETIME: u32 = 10 * 60;

/// What the names of flow cookies start with.
const COOKIE: &str = "llm_gateway_flow_";

/// Characters of the state's hash in a flow cookie's name: enough to tell a browser's few flows apart, no secret.
const COOKIE_ID: usize = 12;

/// Most flow cookies that one browser keeps: tabs that were opened together. More would fill up the `Cookie` header.
const MAX_COOKIES: usize = 5;

/// The gateway as a client of one identity provider.
pub struct RelyingParty {
    pub(super) config: SigninConfig,
    pub(super) public_url: Url,
    pub(super) provider: Provider,
    cookies: CookiePolicy,
    /// How long the store of flows may take to answer.
    deadline: Duration,
}

/// A browser that wants to sign in.
pub struct StartRequest<'a> {
    /// Where it wants to go afterwards, as it says.
    pub return_to: Option<&'a str>,
    /// The cookies that it sent.
    pub cookies: &'a Cookies<'a>,
    /// Whether the identity provider must ask for the credentials again, although its own session may still run.
    pub login_again: bool,
}

/// A sign-in that has begun.
pub struct Started {
    /// Where to send the browser.
    pub location: Url,
    /// The `Set-Cookie` headers that go with it: the flow's own, and deletions of the oldest if there are too many.
    pub set_cookies: Vec<HeaderValue>,
}

/// Why no sign-in was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The identity provider is of no use just now.
    #[error("the identity provider is unavailable")]
    Provider(#[from] ProviderError),
    /// The flow could not be kept.
    #[error("sign-in flows are unavailable")]
    Unavailable(#[from] Unavailable),
}

/// What has to match when the browser comes back. Kept under the hash of the flow cookie's secret, so that nobody can
/// redeem a flow, or spoil it, without the browser that began it.
#[derive(Serialize, Deserialize)]
pub(super) struct Flow {
    pub(super) issuer: String,
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) return_path: String,
    pub(super) login_again: bool,
}

impl RelyingParty {
    /// Makes a relying party that browsers reach under `public_url`. The store of its flows has `deadline` to answer.
    ///
    /// # Errors
    ///
    /// [`SigninConfigError`] if there is no issuer or something else is wrong with the configuration.
    pub fn new(config: SigninConfig, public_url: Url, deadline: Duration) -> Result<Self, SigninConfigError> {
        config.validate()?;
        let issuer = config.issuer.clone().ok_or(SigninConfigError::NoIssuer)?;
        let cookies = CookiePolicy::of(&public_url);
        Ok(Self { provider: Provider::new(issuer), config, public_url, cookies, deadline })
    }

    /// Returns where the identity provider sends browsers back to.
    #[must_use]
    pub fn redirect_uri(&self) -> Url {
        self.at("/oauth2/callback")
    }

    /// Starts a sign-in: keeps a flow for ten minutes, and returns where to send the browser and what to tell it to keep.
    ///
    /// # Errors
    ///
    /// - [`StartError::Provider`] if the identity provider's endpoints are not known.
    /// - [`StartError::Unavailable`] if the flow could not be kept.
    pub async fn start<S: Surroundings>(
        &self,
        surroundings: &S,
        request: &StartRequest<'_>,
    ) -> Result<Started, StartError> {
        let metadata = self.provider.metadata(surroundings).await?;
        let flow = self.flow(surroundings.random(), request);
        let secret = secret(surroundings.random());
        self.keep(surroundings, &secret, &flow).await?;
        let set_cookies = self.set_cookies(&flow.state, &secret, request.cookies);
        Ok(Started { location: self.location(&metadata, flow), set_cookies })
    }

    /// Returns the `Set-Cookie` header that clears away the flow of this `state`, for every answer to its callback.
    #[must_use]
    pub fn clear_flow(&self, state: &str) -> Option<HeaderValue> {
        self.cookies.delete(&cookie_base(state))
    }

    /// Returns where to send a browser that signs out here so that it is signed out at the identity provider, too, and
    /// comes back; `None` if the provider has no such place or cannot be asked.
    pub async fn sign_out_url<S: Surroundings>(&self, surroundings: &S) -> Option<Url> {
        let metadata = self.provider.metadata_in_passing(surroundings).await?;
        metadata.end_session_url(&self.config.client_id, self.at("/").as_str())
    }

    /// Returns the secret of the flow cookie that belongs to `state`.
    pub(super) fn flow_secret<'a>(&self, cookies: &Cookies<'a>, state: &str) -> Option<&'a str> {
        cookies.value(&self.cookies.name(&cookie_base(state)))
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.public_url.clone();
        url.set_path(path);
        url.set_query(None);
        url.set_fragment(None);
        url
    }

    fn flow(&self, random: &impl Random, request: &StartRequest<'_>) -> Flow {
        Flow {
            issuer: self.provider.issuer().to_owned(),
            state: secret(random),
            nonce: secret(random),
            verifier: secret(random),
            return_path: return_path(&self.public_url, request.return_to),
            login_again: request.login_again,
        }
    }

    fn location(&self, metadata: &super::Metadata, flow: Flow) -> Url {
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(flow.verifier));
        let client = exchange::client(&self.config, metadata, &self.redirect_uri());
        let mut request = client
            .authorize_url(|| CsrfToken::new(flow.state))
            .add_scopes(self.config.scopes.iter().cloned().map(Scope::new))
            .add_extra_param("nonce", flow.nonce)
            .set_pkce_challenge(challenge);
        if flow.login_again {
            // `max_age` makes the provider say when the person authenticated (OpenID Connect Core §2, `auth_time`);
            // `prompt` alone does not, and nobody could tell whether it was honoured.
            request = request.add_extra_param("prompt", "login").add_extra_param("max_age", "0");
        }
        request.url().0
    }

    fn set_cookies(&self, state: &str, secret: &str, held: &Cookies<'_>) -> Vec<HeaderValue> {
        let prefix = self.cookies.name(COOKIE);
        let flows: Vec<&str> = held.names().filter_map(|name| name.strip_prefix(&*prefix)).collect();
        let surplus = (flows.len() + 1).saturating_sub(MAX_COOKIES);
        let deletions = flows.iter().take(surplus).filter_map(|id| self.cookies.delete(&format!("{COOKIE}{id}")));
        self.cookies.set(&cookie_base(state), secret, Some(LIFETIME)).into_iter().chain(deletions).collect()
    }

    async fn keep<S: Surroundings>(&self, surroundings: &S, secret: &str, flow: &Flow) -> Result<(), Unavailable> {
        let now = surroundings.clock().now().seconds();
        let value = serde_json::to_string(flow).map_err(|error| Unavailable::new("sign-in flows", error))?;
        let (id, expiry) = (hash(secret), now.plus(i64::from(LIFETIME)));
        let call = surroundings.one_time().keep(KIND, &id, &value, now, expiry);
        // The id is the hash of 256 fresh random bits: nobody else has it.
        within(surroundings.clock(), self.deadline, "the hot state", call).await.map(drop)
    }

    /// Returns the flow that a browser's cookie opens, once.
    pub(super) async fn redeem<S: Surroundings>(
        &self,
        surroundings: &S,
        secret: &str,
        now: Timestamp,
    ) -> Result<Option<Flow>, Unavailable> {
        let id = hash(secret);
        let call = surroundings.one_time().redeem(KIND, &id, now);
        let value = within(surroundings.clock(), self.deadline, "the hot state", call).await?;
        Ok(value.and_then(|value| serde_json::from_str(&value).ok()))
    }
}

/// Makes 256 random bits, written as 43 characters that need no escaping anywhere.
fn secret(random: &impl Random) -> String {
    URL_SAFE_NO_PAD.encode(random.bytes::<32>())
}

fn cookie_base(state: &str) -> String {
    let mut id = hash(state);
    id.truncate(COOKIE_ID);
    format!("{COOKIE}{id}")
}

fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use http::HeaderMap;
    use http::header::COOKIE as COOKIE_HEADER;

    use super::super::testing::{ISSUER, World, block_on};
    use super::*;

    fn query(url: &Url) -> HashMap<String, String> {
        url.query_pairs().into_owned().collect()
    }

    fn start(world: &World, return_to: Option<&str>, headers: &HeaderMap, login_again: bool) -> Started {
        let request = StartRequest { return_to, cookies: &Cookies::of(headers), login_again };
        block_on(world.party.start(world, &request)).unwrap()
    }

    #[test]
    fn sends_the_browser_to_the_identity_provider() {
        let world = World::new();
        let started = start(&world, None, &HeaderMap::new(), false);
        assert!(started.location.as_str().starts_with(&format!("{ISSUER}/authorize?")));
        let query = query(&started.location);
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], "gateway");
        assert_eq!(query["redirect_uri"], "https://gateway.example/oauth2/callback");
        assert_eq!(query["scope"], "openid email profile");
        assert_eq!(query["code_challenge_method"], "S256");
        for name in ["state", "nonce", "code_challenge"] {
            assert_eq!(query[name].len(), 43, "{name}");
        }
        assert!(!query.contains_key("prompt"));
    }

    #[test]
    fn uses_no_value_twice() {
        let world = World::new();
        let headers = HeaderMap::new();
        let (one, two) = (start(&world, None, &headers, false), start(&world, None, &headers, false));
        let (one_query, two_query) = (query(&one.location), query(&two.location));
        for name in ["state", "nonce", "code_challenge"] {
            assert_ne!(one_query[name], two_query[name], "{name}");
        }
        assert_ne!(one_query["state"], one_query["nonce"]);
        assert_ne!(one.set_cookies, two.set_cookies);
    }

    #[test]
    fn asks_for_the_credentials_again() {
        let world = World::new();
        let query = query(&start(&world, None, &HeaderMap::new(), true).location);
        assert_eq!((query["prompt"].as_str(), query["max_age"].as_str()), ("login", "0"));
    }

    #[test]
    fn keeps_the_flow_under_the_hash_of_the_cookie() {
        let world = World::new();
        let started = start(&world, Some("/usage"), &HeaderMap::new(), false);
        let cookie = started.set_cookies[0].to_str().unwrap();
        assert!(cookie.starts_with("__Host-llm_gateway_flow_"), "{cookie}");
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600"), "{cookie}");
        let secret = cookie.split(['=', ';']).nth(1).unwrap();
        assert!(!world.kept().contains(secret));
        let flow = block_on(world.party.redeem(&world, secret, world.now())).unwrap().unwrap();
        assert_eq!(flow.return_path, "/usage");
        assert_eq!(flow.state, query(&started.location)["state"]);
    }

    #[test]
    fn forgets_the_flow_after_ten_minutes() {
        let world = World::new();
        let started = start(&world, None, &HeaderMap::new(), false);
        let secret = started.set_cookies[0].to_str().unwrap().split(['=', ';']).nth(1).unwrap().to_owned();
        assert!(block_on(world.party.redeem(&world, &secret, world.now().plus(600))).unwrap().is_none());
    }

    #[test]
    fn returns_to_nowhere_else() {
        let world = World::new();
        start(&world, Some("//evil.example"), &HeaderMap::new(), false);
        assert!(world.kept().contains(r#""return_path":"/""#));
    }

    #[test]
    fn keeps_five_flow_cookies_and_deletes_the_oldest() {
        let world = World::new();
        let held: Vec<String> = (0..6).map(|index| format!("__Host-llm_gateway_flow_{index}=a")).collect();
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE_HEADER, format!("other=1; {}", held.join("; ")).parse().unwrap());
        let started = start(&world, None, &headers, false);
        let deleted: Vec<_> = started.set_cookies[1..].iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(deleted.len(), 2);
        for (index, cookie) in deleted.iter().enumerate() {
            assert!(cookie.starts_with(&format!("__Host-llm_gateway_flow_{index}=; ")), "{cookie}");
            assert!(cookie.ends_with("Secure; Max-Age=0"), "{cookie}");
        }
    }

    #[test]
    fn says_when_the_flow_cannot_be_kept() {
        let world = World::new();
        world.break_store();
        let cookies = Cookies::default();
        let request = StartRequest { return_to: None, cookies: &cookies, login_again: false };
        let result = block_on(world.party.start(&world, &request));
        assert!(matches!(result, Err(StartError::Unavailable(_))));
    }

    #[test]
    fn signs_out_at_the_identity_provider() {
        let world = World::new();
        let url = block_on(world.party.sign_out_url(&world)).unwrap();
        assert_eq!(url.path(), "/end");
        assert_eq!(query(&url)["post_logout_redirect_uri"], "https://gateway.example/");
    }
}
