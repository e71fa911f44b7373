//! Finishing a sign-in: the browser is back from the identity provider.

use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::exchange::{self, ExchangeError, Tokens};
use super::flow::Flow;
use super::id_token::{Claims, Expected, Identity, UnverifiedIdToken};
use super::provider::KeyError;
use super::{EmailVerified, IdTokenError, Metadata, ProviderError, RelyingParty, SigninConfig, Surroundings};
use crate::identity::{Account, Email};
use crate::ports::{Clock as _, Unavailable};
use crate::session::Cookies;
use crate::time::Timestamp;

/// Longest display name that is kept, in characters.
const MAX_NAME: usize = 200;

/// What the identity provider sent along with the browser (RFC 6749 §4.1.2, RFC 9207 §2). Its `error_description` is not
/// read: it is anybody's text.
#[derive(Default)]
pub struct CallbackQuery {
    code: Option<String>,
    state: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
}

/// A person whom the identity provider vouches for and whom the configuration lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// What the identity provider calls them: who they are.
    pub account: Account,
    /// Their verified address.
    pub email: Email,
    /// Their display name, if it told one.
    pub name: Option<String>,
    /// Their groups.
    pub groups: Vec<String>,
    /// When they last gave their credentials, if it told.
    pub auth_time: Option<Timestamp>,
    /// The provider's id of its own session.
    pub idp_session: Option<String>,
    /// Where the browser wants to go: a path on our origin.
    pub return_path: String,
    /// Whether the flow asked for the credentials again.
    pub login_again: bool,
}

/// Why nobody was signed in. No message holds a credential or a text from outside.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// The identity provider says no, or the person did (403).
    #[error("the identity provider refused the sign-in")]
    Denied,
    /// The flow is over, was never this browser's, or broke off at the identity provider: start again (400).
    #[error("this sign-in is over or belongs to another browser")]
    UnknownFlow,
    /// The query is none that an identity provider sends (400).
    #[error("the answer of the identity provider is malformed")]
    Malformed,
    /// The answer is another issuer's (400).
    #[error("the answer came from another identity provider")]
    OtherIssuer,
    /// The ID token tells no address that can be used (403).
    #[error("the identity provider tells no usable e-mail address")]
    NoEmail,
    /// The address may be anybody's (403).
    #[error("the identity provider has not verified the e-mail address")]
    EmailUnverified,
    /// The person is not among those who may sign in (403).
    #[error("this person may not sign in here")]
    NotAdmitted {
        /// Their verified address, for the log; the message does not have it.
        email: Email,
    },
    /// The ID token is not believed (502): a misconfigured provider, or an attack.
    #[error("the identity provider's id token was refused")]
    IdToken(#[from] IdTokenError),
    /// The identity provider is of no use just now (503).
    #[error("the identity provider is unavailable")]
    Provider(#[from] ProviderError),
    /// The flow could not be read (503).
    #[error("sign-in flows are unavailable")]
    Unavailable(#[from] Unavailable),
}

impl CallbackQuery {
    /// Parses a query string.
    ///
    /// # Errors
    ///
    /// [`CallbackError::Malformed`] if a parameter is there twice (RFC 6749 §3.1).
    pub fn parse(query: &str) -> Result<Self, CallbackError> {
        let mut parsed = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let member = match &*name {
                "code" => &mut parsed.code,
                "state" => &mut parsed.state,
                "iss" => &mut parsed.issuer,
                "error" => &mut parsed.error,
                _ => continue,
            };
            if member.replace(value.into_owned()).is_some() {
                return Err(CallbackError::Malformed);
            }
        }
        Ok(parsed)
    }

    /// Returns the state, for clearing away its flow's cookie.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

impl RelyingParty {
    /// Finishes a sign-in, step by step: the provider's own refusal, the flow (once, and only for the browser that began
    /// it), the issuer, the code, the ID token, and who may sign in.
    ///
    /// # Errors
    ///
    /// [`CallbackError`] says which step failed. The flow is used up unless it was the first, or the cookie was missing.
    pub async fn finish<S: Surroundings>(
        &self,
        surroundings: &S,
        query: &CallbackQuery,
        cookies: &Cookies<'_>,
    ) -> Result<SignedIn, CallbackError> {
        refuse_errors(query)?;
        let flow = self.redeem_flow(surroundings, query, cookies).await?;
        let metadata = self.provider.metadata(surroundings).await?;
        check_issuer(query, &flow, &metadata)?;
        let code = query.code.clone().filter(|code| !code.is_empty()).ok_or(CallbackError::Malformed)?;
        let client = exchange::client(&self.config, &metadata, &self.redirect_uri());
        let tokens = exchange::exchange(surroundings, &client, code, flow.verifier.clone()).await?;
        let (claims, identity) = self.verify(surroundings, &metadata, &flow, &tokens).await?;
        self.admit(&claims, identity, flow)
    }

    async fn redeem_flow<S: Surroundings>(
        &self,
        surroundings: &S,
        query: &CallbackQuery,
        cookies: &Cookies<'_>,
    ) -> Result<Flow, CallbackError> {
        let state = query.state().ok_or(CallbackError::UnknownFlow)?;
        let secret = self.flow_secret(cookies, state).ok_or(CallbackError::UnknownFlow)?;
        let flow = self.redeem(surroundings, secret, surroundings.clock().now().seconds()).await?;
        let flow = flow.ok_or(CallbackError::UnknownFlow)?;
        let same = bool::from(flow.state.as_bytes().ct_eq(state.as_bytes())) && flow.issuer == self.provider.issuer();
        if same { Ok(flow) } else { Err(CallbackError::UnknownFlow) }
    }

    async fn verify<S: Surroundings>(
        &self,
        surroundings: &S,
        metadata: &Metadata,
        flow: &Flow,
        tokens: &Tokens,
    ) -> Result<(Claims, Identity), CallbackError> {
        let token = secrecy::ExposeSecret::expose_secret(&tokens.id_token);
        let token = UnverifiedIdToken::parse(token, &metadata.algorithms)?;
        let (id, algorithm) = (token.jws.key_id.as_deref(), token.jws.algorithm);
        let key = self.provider.key(surroundings, metadata, id, algorithm).await;
        let claims = token.verify(&key?)?;
        let identity = claims.check(&Expected {
            issuer: &flow.issuer,
            client_id: &self.config.client_id,
            nonce: &flow.nonce,
            access_token: tokens.access_token.secret(),
            now: surroundings.clock().now().seconds(),
        })?;
        Ok((claims, identity))
    }

    fn admit(&self, claims: &Claims, identity: Identity, flow: Flow) -> Result<SignedIn, CallbackError> {
        let email = email(claims, &self.config)?;
        let groups = groups(claims, &self.config)?;
        if !self.config.admittance().admits(&email, &groups) {
            return Err(CallbackError::NotAdmitted { email });
        }
        Ok(SignedIn {
            account: Account { issuer: flow.issuer, subject: identity.subject },
            email,
            name: name(claims),
            groups,
            auth_time: identity.auth_time,
            idp_session: identity.idp_session,
            return_path: flow.return_path,
            login_again: flow.login_again,
        })
    }
}

/// Turns the provider's own refusal into ours (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
fn refuse_errors(query: &CallbackQuery) -> Result<(), CallbackError> {
    match query.error.as_deref() {
        None => Ok(()),
        Some("login_required" | "interaction_required" | "consent_required" | "account_selection_required") => {
            Err(CallbackError::UnknownFlow)
        }
        Some("server_error" | "temporarily_unavailable") => Err(ProviderError::Unwell.into()),
        Some("unauthorized_client") => Err(ProviderError::ClientRefused.into()),
        Some(_) => Err(CallbackError::Denied),
    }
}

/// Checks who answered (RFC 9207 §2.4).
fn check_issuer(query: &CallbackQuery, flow: &Flow, metadata: &Metadata) -> Result<(), CallbackError> {
    match &query.issuer {
        Some(issuer) if *issuer == flow.issuer => Ok(()),
        None if !metadata.names_itself => Ok(()),
        _ => Err(CallbackError::OtherIssuer),
    }
}

fn email(claims: &Claims, config: &SigninConfig) -> Result<Email, CallbackError> {
    let text = claims.members.get(&config.email_claim).and_then(Value::as_str).ok_or(CallbackError::NoEmail)?;
    let email = Email::parse(text).map_err(|_| CallbackError::NoEmail)?;
    let verified = match config.email_verified {
        EmailVerified::Required => claims.members.get("email_verified") == Some(&Value::Bool(true)),
        EmailVerified::Trusted => true,
    };
    if verified { Ok(email) } else { Err(CallbackError::EmailUnverified) }
}

/// Returns the groups: a list of texts, or one text. Anything else is refused, because a group that is not seen may be
/// the one that a rule is about.
fn groups(claims: &Claims, config: &SigninConfig) -> Result<Vec<String>, IdTokenError> {
    match claims.members.get(&config.groups_claim) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(group)) => Ok(vec![group.clone()]),
        Some(Value::Array(groups)) => {
            let texts = groups.iter().map(|group| group.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().ok_or(IdTokenError::Malformed)
        }
        Some(_) => Err(IdTokenError::Malformed),
    }
}

fn name(claims: &Claims) -> Option<String> {
    let name = claims.members.get("name")?.as_str()?;
    let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

impl From<ExchangeError> for CallbackError {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Code => Self::UnknownFlow,
            ExchangeError::Provider(error) => Self::Provider(error),
        }
    }
}

impl From<KeyError> for CallbackError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Provider(error) => Self::Provider(error),
            KeyError::NotFound => Self::IdToken(IdTokenError::Key),
        }
    }
}

#[cfg(test)]
#[path = "callback_tests.rs"]
mod tests;
