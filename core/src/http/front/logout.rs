//! `POST /oauth2/backchannel-logout`: the identity provider says that somebody is signed out there (OpenID Connect Back-Channel
//! Logout 1.0).

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response};
use serde::de::IgnoredAny;
use sha2::{Digest as _, Sha256};

use super::{Front, control_plane};
use crate::Chain;
use crate::control::ProviderLogout;
use crate::http::{Kind, Problem, RequestContext, body};
use crate::ports::{OneTime as _, Platform, within};
use crate::signin::{LogoutToken, LogoutTokenError};

/// The kind under which logout tokens are kept that were acted on.
const SEEN: &str = "logout";

/// Longest body, in bytes: a logout token has some hundred.
const MAX_BODY: usize = 32 * 1024;

/// Ends the sessions that a logout token names; API tokens stay. 400 for a token that is not believed or was acted on before, 503
/// if a store or the identity provider's keys cannot be had: the provider sends it again.
pub(super) async fn backchannel<P: Platform>(
    State(front): State<Front<P>>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (head, body) = request.into_parts();
    let body = body::read(front.platform().clock(), body, MAX_BODY, "").await?;
    let text = logout_token(&head.headers, &body)?;
    let token = front.relying_party().check_logout_token(front.platform(), &text).await;
    let token = token.map_err(|error| refusal(&error, &context))?;

    let id = URL_SAFE_NO_PAD.encode(Sha256::digest(&token.id));
    claim(&front, &id, &token).await?;
    let logout = ProviderLogout { issuer: token.issuer, subject: token.account_subject, session: token.session };
    let ended: Result<IgnoredAny, _> =
        control_plane::ask(&front, "/internal/provider-logout", Some(&context), &logout).await;
    if let Err(problem) = ended {
        forget(&front, &id).await;
        return Err(problem);
    }
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn logout_token(headers: &HeaderMap, body: &[u8]) -> Result<String, Problem> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Problem::new(Kind::Invalid, "The body must be application/x-www-form-urlencoded."));
    }
    let mut tokens = url::form_urlencoded::parse(body).filter(|(name, _)| name == "logout_token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) => Ok(token.into_owned()),
        _ => Err(Problem::new(Kind::Invalid, "The body must have one logout_token.")),
    }
}

/// Keeps a token from being acted on twice.
async fn claim<P: Platform>(front: &Front<P>, id: &str, token: &LogoutToken) -> Result<(), Problem> {
    let platform = front.platform();
    let kept = platform.hot().keep(SEEN, id, "", front.now(), token.remember_until());
    let is_first = within(platform.clock(), front.deadline(), "the hot state", kept).await.map_err(|error| {
        tracing::error!(error = %Chain(&error), "it cannot be told whether a logout token is new");
        Problem::unavailable()
    })?;
    if is_first { Ok(()) } else { Err(Problem::new(Kind::Invalid, "The logout token was used before.")) }
}

/// Nothing came of it: the provider may send the same token again.
async fn forget<P: Platform>(front: &Front<P>, id: &str) {
    let platform = front.platform();
    let forgotten = platform.hot().redeem(SEEN, id, front.now());
    if let Err(error) = within(platform.clock(), front.deadline(), "the hot state", forgotten).await {
        tracing::warn!(error = %Chain(&error), "a logout token that came to nothing is kept as used");
    }
}

fn refusal(error: &LogoutTokenError, context: &RequestContext) -> Problem {
    tracing::warn!(error = %Chain(error), request = context.id, address = context.address, "logout token refused");
    match error {
        LogoutTokenError::Refused(why) => Problem::new(Kind::Invalid, format!("{}.", capitalised(&why.to_string()))),
        LogoutTokenError::Provider(_) => {
            Problem::new(Kind::Unavailable, "The identity provider's keys cannot be had just now.")
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
