//! Exchanging a code for tokens.

use std::future::Future;
use std::pin::Pin;

use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AccessToken, AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, EndpointNotSet,
    EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RequestTokenError,
    StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::fetch::fetch;
use super::{FetchError, Metadata, ProviderError, SigninConfig, Surroundings};
use crate::ports::Body;

/// Longest answer to a code, in bytes: three tokens of the largest size that is accepted, and room.
const MAX_ANSWER: usize = 64 * 1024;

/// What OpenID Connect adds to OAuth 2's answer (OpenID Connect Core §3.1.3.3).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct IdTokenField {
    #[serde(skip_serializing)]
    id_token: Option<SecretString>,
}

impl ExtraTokenFields for IdTokenField {}

type TokenAnswer = StandardTokenResponse<IdTokenField, BasicTokenType>;

/// The OAuth 2 client: it can send browsers away and exchange the codes that they bring back.
pub(super) type OAuthClient = Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The tokens that a code was worth.
pub(super) struct Tokens {
    pub(super) id_token: SecretString,
    pub(super) access_token: AccessToken,
}

/// Why a code was worth nothing.
#[derive(Debug)]
pub(super) enum ExchangeError {
    /// The provider does not take the code: it expired, was used, or was never given to us.
    Code,
    /// The provider did not play its part.
    Provider(ProviderError),
}

pub(super) fn client(config: &SigninConfig, metadata: &Metadata, redirect_uri: &Url) -> OAuthClient {
    let client = Client::new(ClientId::new(config.client_id.clone()))
        .set_auth_uri(AuthUrl::from_url(metadata.authorization_endpoint.clone()))
        .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()))
        .set_redirect_uri(RedirectUrl::from_url(redirect_uri.clone()))
        .set_auth_type(if metadata.secret_in_body { AuthType::RequestBody } else { AuthType::BasicAuth });
    match &config.client_secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned())),
        None => client,
    }
}

/// Exchanges a code (RFC 6749 §4.1.3, RFC 7636 §4.5).
pub(super) async fn exchange<S: Surroundings>(
    surroundings: &S,
    client: &OAuthClient,
    code: String,
    verifier: String,
) -> Result<Tokens, ExchangeError> {
    let answer: TokenAnswer = client
        .exchange_code(AuthorizationCode::new(code))
        .set_pkce_verifier(PkceCodeVerifier::new(verifier))
        .request_async(&Adapter(surroundings))
        .await
        .map_err(ExchangeError::from)?;
    let id_token = answer.extra_fields().id_token.clone();
    Ok(Tokens {
        id_token: id_token.ok_or(ExchangeError::Provider(ProviderError::TokenAnswer))?,
        access_token: answer.access_token().clone(),
    })
}

/// Lets the `oauth2` crate speak through the platform's HTTP client, which follows no redirects.
struct Adapter<'s, S>(&'s S);

impl<'c, S: Surroundings> AsyncHttpClient<'c> for Adapter<'_, S> {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answer = fetch(self.0, request.map(Body::from), MAX_ANSWER).await?;
            Ok(answer.map(|body| body.to_vec()))
        })
    }
}

impl From<RequestTokenError<FetchError, BasicErrorResponse>> for ExchangeError {
    /// Keeps what the caller can act on. The rest is the provider's text and may hold a credential.
    fn from(error: RequestTokenError<FetchError, BasicErrorResponse>) -> Self {
        let RequestTokenError::ServerResponse(answer) = error else {
            return Self::Provider(match error {
                RequestTokenError::Request(error) => error.into(),
                _ => ProviderError::TokenAnswer,
            });
        };
        match answer.error() {
            BasicErrorResponseType::InvalidGrant => Self::Code,
            BasicErrorResponseType::InvalidClient | BasicErrorResponseType::UnauthorizedClient => {
                Self::Provider(ProviderError::ClientRefused)
            }
            _ => Self::Provider(ProviderError::TokenAnswer),
        }
    }
}
