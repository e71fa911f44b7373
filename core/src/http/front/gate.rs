//! Who may pass: the one place where credentials become an [`Actor`].

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::session::{Visitor, me, visitor};
use super::{Front, enter, keys, model_call};
use crate::admission::Refusal;
use crate::control::{Actor, Via};
use crate::http::{CredentialError, Gate, Kind, Problem, RequestContext, bearer, is_own_page, shows};
use crate::identity::Role;
use crate::ports::Platform;
use crate::token::{Scope, Verified, VerifyError};

/// The one text for every credential that is not good: it does not say what is wrong with it.
pub(super) const BAD_CREDENTIAL: &str = "The API token is missing or not valid.";

/// Opens the gate of a route, or says why not. Behind it the extensions hold an [`Actor`], and for model calls the
/// [`Verified`] token, which admission has still to decide about.
pub(super) async fn check<P: Platform>(
    State((front, gate)): State<(Front<P>, Gate)>,
    request: Request,
    next: Next,
) -> Response {
    match open(&front, gate, request).await {
        Ok(request) => next.run(request).await,
        Err(Shut::Refused(problem)) => problem.into_response(),
        Err(Shut::SignInFirst(path)) => enter::redirect(&path),
    }
}

/// What happens before a gate that stays shut.
enum Shut {
    /// The request is refused.
    Refused(Problem),
    /// The browser is sent to this page.
    SignInFirst(String),
}

impl From<Problem> for Shut {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

async fn open<P: Platform>(front: &Front<P>, gate: Gate, mut request: Request) -> Result<Request, Shut> {
    let has_authorization = request.headers().contains_key(AUTHORIZATION);
    let via = match gate {
        Gate::Open => return Ok(request),
        Gate::Front => return Err(Problem::new(Kind::NotFound, "There is nothing at this path.").into()),
        Gate::Bearer(_) => {
            let verified = verify(front, request.headers(), true).await?;
            request.extensions_mut().insert(verified);
            return Ok(request);
        }
        Gate::SessionOr(scope) if has_authorization => {
            let verified = verify(front, request.headers(), false).await?;
            by_token(front, &context(&request), verified, scope).await?
        }
        Gate::Directory => by_directory(front, request.headers())?,
        Gate::Admin | Gate::SuperAdmin if has_authorization => {
            let verified = verify(front, request.headers(), false).await?;
            by_token(front, &context(&request), verified, Scope::Admin).await?
        }
        Gate::Page | Gate::PageFor(_) | Gate::Session | Gate::SessionOr(_) | Gate::Admin | Gate::SuperAdmin => {
            by_session(front, gate, &mut request).await?
        }
    };
    let context = context(&request);
    let actor = Actor { via, request: context.id, address: context.address, user_agent: context.user_agent };
    if let Gate::PageFor(least) = gate {
        let me = me(front, &actor).await?;
        if me.role() < least {
            let detail = match least {
                Role::User | Role::Admin => "This page is for administrators.",
                Role::SuperAdmin => "This page is for super administrators.",
            };
            return Err(Problem::new(Kind::Forbidden, detail).into());
        }
        request.extensions_mut().insert(me);
    }
    request.extensions_mut().insert(actor);
    Ok(request)
}

/// A request that shows a token is judged by the token alone, wherever it goes: never by a cookie, never by a redirect.
async fn by_session<P: Platform>(front: &Front<P>, gate: Gate, request: &mut Request) -> Result<Via, Shut> {
    if request.headers().contains_key(AUTHORIZATION) {
        let detail = "This takes a browser session, not an API token.";
        return Err(Problem::new(Kind::Unauthenticated, detail).into());
    }
    match visitor(front, request.headers()).await? {
        Visitor::SignedIn(session) => {
            if !is_own_page(request.method(), request.headers(), front.public_url()) {
                return Err(Problem::new(Kind::Forbidden, "The request does not come from a page of ours.").into());
            }
            let via = Via::Session { user: session.user, session: session.ticket.session() };
            request.extensions_mut().insert(session);
            Ok(via)
        }
        Visitor::Nobody if matches!(gate, Gate::Page | Gate::PageFor(_)) => {
            Err(Shut::SignInFirst(sign_in_page(request)))
        }
        Visitor::Nobody => Err(Problem::new(Kind::Unauthenticated, "Sign in first.").into()),
    }
}

/// The company's directory shows a secret that it has for this alone. Without one in the configuration there is no such path.
fn by_directory<P: Platform>(front: &Front<P>, headers: &HeaderMap) -> Result<Via, Problem> {
    let expected = front.config().scim.token.as_ref();
    let expected = expected.ok_or_else(|| Problem::new(Kind::NotFound, "There is nothing at this path."))?;
    if shows(headers, expected) {
        return Ok(Via::Directory);
    }
    Err(Problem::new(Kind::Unauthenticated, BAD_CREDENTIAL))
}

async fn by_token<P: Platform>(
    front: &Front<P>,
    context: &RequestContext,
    verified: Verified,
    scope: Scope,
) -> Result<Via, Problem> {
    model_call::authenticate(front, context, &verified, scope).await?;
    Ok(Via::Bearer { user: verified.user, token: verified.token, scopes: verified.scopes })
}

async fn verify<P: Platform>(front: &Front<P>, headers: &HeaderMap, api_key: bool) -> Result<Verified, Problem> {
    let refused = |detail| Problem::new(Kind::Unauthenticated, detail);
    let text = bearer(headers, api_key).map_err(|error| match error {
        CredentialError::Conflicting => refused("The request carries conflicting credentials."),
        CredentialError::Missing | CredentialError::Malformed => refused(BAD_CREDENTIAL),
    })?;
    keys::verify(front, text).await?.map_err(|error| match error {
        VerifyError::Expired => refused("token expired").because(Refusal::Expired.reason()),
        VerifyError::Invalid | VerifyError::UnknownKey => refused(BAD_CREDENTIAL),
    })
}

fn sign_in_page(request: &Request) -> String {
    let here = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let here: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
    format!("/oauth2/sign_in?rd={here}")
}

/// Returns the request's context, which the outermost layer has made.
fn context(request: &Request) -> RequestContext {
    request.extensions().get::<RequestContext>().cloned().expect("the outermost layer makes it for every request")
}
