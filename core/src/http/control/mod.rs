//! The control plane's router. It sees authenticated actors only.

mod everybody;
mod internal;
mod me;
mod remote;
mod tokens;

use axum::extract::Request;
use axum::extract::State;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Router};

use super::routes::{ControlEndpoint, Endpoint, Gate, ROUTES};
use super::{Dialect, Kind, Problem};
use crate::Chain;
use crate::control::{Actor, Authority, Control, Via};
use crate::id::UserId;
use crate::identity::{Email, Role, Status};
use crate::ports::{Unavailable, Users as _};
use crate::token::Scope;

pub use remote::{RemoteControl, remote_control_router};

/// Largest answer of the control plane, in bytes: a page of 200 tokens is a tenth of it.
pub const MAX_ANSWER: usize = 1024 * 1024;

/// Longest body that the control plane reads, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// Builds the control plane's router. Whoever serves it puts the authenticated [`Actor`] into the extensions.
pub fn control_router<A: Authority>(control: Control<A>) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let Endpoint::Control(endpoint) = route.endpoint else { continue };
        let Ok(method) = MethodFilter::try_from(route.method.clone()) else { continue };
        let gate = route.gate;
        let checked = handler(endpoint, method);
        let checked = checked.layer(from_fn_with_state((control.clone(), gate), admit_actor::<A>));
        router = router.route(route.path, checked);
    }
    router.layer(from_fn(tell)).with_state(control)
}

fn handler<A: Authority>(endpoint: ControlEndpoint, method: MethodFilter) -> MethodRouter<Control<A>> {
    match endpoint {
        ControlEndpoint::Me => on(method, me::me::<A>),
        ControlEndpoint::Generate => on(method, tokens::generate::<A>),
        ControlEndpoint::List => on(method, tokens::list::<A>),
        ControlEndpoint::Info => on(method, tokens::info::<A>),
        ControlEndpoint::Revoke => on(method, tokens::revoke::<A>),
        ControlEndpoint::RevokeAll => on(method, tokens::revoke_all::<A>),
        ControlEndpoint::Everybodys => on(method, everybody::list::<A>),
        ControlEndpoint::RevokeAnybodys => on(method, everybody::revoke::<A>),
        ControlEndpoint::RevokeUser => on(method, everybody::revoke_user::<A>),
        ControlEndpoint::SignIn => on(method, internal::sign_in::<A>),
        ControlEndpoint::Restore => on(method, internal::restore::<A>),
        ControlEndpoint::Keys => on(method, internal::keys::<A>),
        ControlEndpoint::Ready => on(method, internal::ready::<A>),
    }
}

/// The administrator who asks.
#[derive(Debug, Clone)]
struct Administrator {
    id: UserId,
    email: Email,
    role: Role,
}

/// Checks the gate once more, on what the front says of the caller: a front that forgets one opens nothing here. Who is an
/// administrator only shows here.
async fn admit_actor<A: Authority>(
    State((control, gate)): State<(Control<A>, Gate)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let actor = request.extensions().get::<Actor>().cloned();
    let passes = match (gate, actor.as_ref().map(|actor| &actor.via)) {
        (Gate::Front, Some(Via::Front))
        | (Gate::Session | Gate::SessionOr(_) | Gate::Admin, Some(Via::Session { .. })) => true,
        (Gate::Admin, Some(Via::Bearer { scopes, .. })) => scopes.contains(Scope::Admin),
        (Gate::SessionOr(scope), Some(Via::Bearer { scopes, .. })) => scopes.contains(scope),
        _ => false,
    };
    let refused = || Problem::new(Kind::Forbidden, "This is not for you.");
    let actor = actor.filter(|_| passes).ok_or_else(refused)?;
    if gate == Gate::Admin {
        let administrator = administrator(&control, &actor).await?.ok_or_else(refused)?;
        request.extensions_mut().insert(administrator);
    }
    Ok(next.run(request).await)
}

/// Returns who asks, if they are an administrator.
async fn administrator<A: Authority>(control: &Control<A>, actor: &Actor) -> Result<Option<Administrator>, Problem> {
    let Some(id) = actor.user() else { return Ok(None) };
    let user = control.records().user(id).await.map_err(|error| unavailable(&error, actor))?;
    let Some(user) = user.map(|user| user.value) else { return Ok(None) };
    // The records count, also where the hot state has not heard of it yet.
    let is_active = match &user.status {
        Status::Active => true,
        Status::Suspended(suspension) => !suspension.holds_at(control.now()),
        Status::Removed => false,
    };
    let role = control.config().roles.role(&user);
    Ok((is_active && role >= Role::Admin).then_some(Administrator { id, email: user.email, role }))
}

/// Tells problems in our own API's dialect.
async fn tell(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<Actor>().map(|actor| actor.request.clone()).unwrap_or_default();
    let response = next.run(request).await;
    match response.extensions().get::<Problem>() {
        Some(problem) => problem.respond(Dialect::Api, &id),
        None => response,
    }
}

/// Returns the person who asks; the front itself owns nothing.
fn person(Extension(actor): &Extension<Actor>) -> Result<UserId, Problem> {
    actor.user().ok_or_else(|| Problem::new(Kind::Forbidden, "This is for people."))
}

/// Logs why the control plane cannot answer, once, and says that it cannot.
fn unavailable(error: &Unavailable, actor: &Actor) -> Problem {
    tracing::error!(error = %Chain(error), request = actor.request, "the control plane cannot answer");
    Problem::unavailable()
}
