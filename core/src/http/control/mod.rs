//! The control plane's router. It sees authenticated actors only.

mod amount;
mod audit;
mod budgets;
mod csv;
mod customers;
mod everybody;
mod internal;
mod manage;
mod me;
mod overview;
mod paging;
mod people;
mod remote;
mod scim;
mod sessions;
mod tokens;
mod usage;
mod usage_row;

use axum::extract::Request;
use axum::extract::State;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Router};
use serde::Deserialize;

use super::routes::{ControlEndpoint, Endpoint, Gate, ROUTES};
use super::{Dialect, Kind, Problem};
use crate::Chain;
use crate::control::{Actor, Authority, ChangeError, Control, Untouchable, Via};
use crate::id::UserId;
use crate::identity::{Email, Role};
use crate::ports::Unavailable;
use crate::token::Scope;

pub use remote::{RemoteControl, remote_control_router};

/// Largest answer of the control plane, in bytes: a part of the audit log as a table. A page of 200 tokens is a hundredth of it.
pub const MAX_ANSWER: usize = 6 * 1024 * 1024;

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
        ControlEndpoint::OwnUsage => on(method, usage::own::<A>),
        ControlEndpoint::Usage => on(method, usage::list::<A>),
        ControlEndpoint::UsageTable => on(method, usage::export::<A>),
        ControlEndpoint::Generate => on(method, tokens::generate::<A>),
        ControlEndpoint::List => on(method, tokens::list::<A>),
        ControlEndpoint::Info => on(method, tokens::info::<A>),
        ControlEndpoint::Revoke => on(method, tokens::revoke::<A>),
        ControlEndpoint::RevokeAll => on(method, tokens::revoke_all::<A>),
        ControlEndpoint::Overview => on(method, overview::overview::<A>),
        ControlEndpoint::Everybodys => on(method, everybody::list::<A>),
        ControlEndpoint::RevokeAnybodys => on(method, everybody::revoke::<A>),
        ControlEndpoint::RevokeUser => on(method, everybody::revoke_user::<A>),
        ControlEndpoint::OwnSessions => on(method, sessions::own::<A>),
        ControlEndpoint::EndOwnSession => on(method, sessions::end_own::<A>),
        ControlEndpoint::SignOutEverywhere => on(method, sessions::sign_out_everywhere::<A>),
        ControlEndpoint::Sessions => on(method, sessions::list::<A>),
        ControlEndpoint::SessionStats => on(method, sessions::stats::<A>),
        ControlEndpoint::ActiveUsers => on(method, sessions::active_users::<A>),
        ControlEndpoint::EndSession => on(method, sessions::end::<A>),
        ControlEndpoint::EndUserSessions => on(method, sessions::end_all::<A>),
        ControlEndpoint::People => on(method, people::list::<A>),
        ControlEndpoint::Suspend => on(method, people::suspend::<A>),
        ControlEndpoint::Lift => on(method, people::lift::<A>),
        ControlEndpoint::LiftByPath => on(method, people::lift_by_path::<A>),
        ControlEndpoint::RestorePerson => on(method, people::restore::<A>),
        ControlEndpoint::Unpin => on(method, people::unpin::<A>),
        ControlEndpoint::Erase => on(method, people::erase::<A>),
        ControlEndpoint::Budgets => on(method, budgets::list::<A>),
        ControlEndpoint::SetBudget => on(method, budgets::set::<A>),
        ControlEndpoint::RemoveBudget => on(method, budgets::remove::<A>),
        ControlEndpoint::NewCustomer => on(method, customers::new::<A>),
        ControlEndpoint::UpdateCustomer => on(method, customers::update::<A>),
        ControlEndpoint::Customer => on(method, customers::info::<A>),
        ControlEndpoint::Customers => on(method, customers::list::<A>),
        ControlEndpoint::Administrators => on(method, manage::list::<A>),
        ControlEndpoint::Grant => on(method, manage::add::<A>),
        ControlEndpoint::Ungrant => on(method, manage::remove::<A>),
        ControlEndpoint::AuditLog => on(method, audit::list::<A>),
        ControlEndpoint::AuditTable => on(method, audit::export::<A>),
        ControlEndpoint::ScimConfig => on(method, scim::service_provider_config::<A>),
        ControlEndpoint::ScimTypes => on(method, scim::resource_types::<A>),
        ControlEndpoint::ScimType => on(method, scim::resource_type::<A>),
        ControlEndpoint::ScimSchemas => on(method, scim::schemas::<A>),
        ControlEndpoint::ScimSchema => on(method, scim::schema::<A>),
        ControlEndpoint::ScimUsers => on(method, scim::list::<A>),
        ControlEndpoint::ScimSearch => on(method, scim::search::<A>),
        ControlEndpoint::ScimCreate => on(method, scim::create::<A>),
        ControlEndpoint::ScimShow => on(method, scim::show::<A>),
        ControlEndpoint::ScimReplace => on(method, scim::replace::<A>),
        ControlEndpoint::ScimPatch => on(method, scim::change::<A>),
        ControlEndpoint::ScimDelete => on(method, scim::delete::<A>),
        ControlEndpoint::SignInRefused => on(method, internal::sign_in_refused::<A>),
        ControlEndpoint::ProviderLogout => on(method, internal::provider_logout::<A>),
        ControlEndpoint::SignIn => on(method, internal::sign_in::<A>),
        ControlEndpoint::Restore => on(method, internal::restore::<A>),
        ControlEndpoint::Keys => on(method, internal::keys::<A>),
        ControlEndpoint::Ready => on(method, internal::ready::<A>),
    }
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
        | (Gate::Directory, Some(Via::Directory))
        | (Gate::Session | Gate::SessionOr(_) | Gate::Admin | Gate::SuperAdmin, Some(Via::Session { .. })) => true,
        (Gate::Admin | Gate::SuperAdmin, Some(Via::Bearer { scopes, .. })) => scopes.contains(Scope::Admin),
        (Gate::SessionOr(scope), Some(Via::Bearer { scopes, .. })) => scopes.contains(scope),
        _ => false,
    };
    let refused = || Problem::new(Kind::Forbidden, "This is not for you.");
    let actor = actor.filter(|_| passes).ok_or_else(refused)?;
    let least = match gate {
        Gate::Admin => Some(Role::Admin),
        Gate::SuperAdmin => Some(Role::SuperAdmin),
        Gate::Open
        | Gate::Page
        | Gate::PageFor(_)
        | Gate::Session
        | Gate::Bearer(_)
        | Gate::SessionOr(_)
        | Gate::Directory
        | Gate::Front => None,
    };
    if let Some(least) = least {
        let administrator = control.administrator(&actor).await.map_err(|error| unavailable(&error, &actor))?;
        let administrator = administrator.filter(|administrator| administrator.role >= least).ok_or_else(refused)?;
        request.extensions_mut().insert(administrator);
    }
    Ok(next.run(request).await)
}

/// Tells problems in the dialect of whoever asks: our own API's, or the directory's.
async fn tell(request: Request, next: Next) -> Response {
    let dialect = Dialect::of(request.uri().path(), request.headers());
    let id = request.extensions().get::<Actor>().map(|actor| actor.request.clone()).unwrap_or_default();
    let response = next.run(request).await;
    match response.extensions().get::<Problem>() {
        Some(problem) => problem.respond(dialect, &id),
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

/// A body that names a person.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Address {
    user_email: String,
}

impl Address {
    fn email(&self) -> Result<Email, Problem> {
        address(&self.user_email)
    }
}

fn address(text: &str) -> Result<Email, Problem> {
    Email::parse(text).map_err(|_| invalid("The e-mail address is not valid."))
}

fn invalid(detail: &str) -> Problem {
    Problem::new(Kind::Invalid, detail)
}

/// Tells why whoever has an address was not changed.
fn change_problem(error: &ChangeError, email: &Email, actor: &Actor) -> Problem {
    match error {
        ChangeError::NotFound => Problem::new(Kind::NotFound, format!("Nobody has the address {email}.")),
        error => failed_change(error, actor),
    }
}

/// Tells why something was not changed that is there.
fn failed_change(error: &ChangeError, actor: &Actor) -> Problem {
    match error {
        ChangeError::NotFound => Problem::new(Kind::NotFound, "There is no such record."),
        ChangeError::Untouchable(why) => Problem::new(Kind::Forbidden, untouchable(*why)),
        ChangeError::Contended => Problem::new(Kind::Conflict, "Others keep changing the same record. Try again."),
        ChangeError::Unavailable(error) => unavailable(error, actor),
        ChangeError::Pending(error) => {
            let _ = unavailable(error, actor);
            Problem::new(
                Kind::Unavailable,
                "The change is saved and is being applied. Try again to see whether it is in effect.",
            )
        }
    }
}

const fn untouchable(why: Untouchable) -> &'static str {
    match why {
        Untouchable::Oneself => "You cannot do that to yourself.",
        Untouchable::Administrator => "They are an administrator. Only a super administrator may do that.",
        Untouchable::SuperAdministrator => "They are a super administrator. Only another one may do that.",
        Untouchable::Configured => "They are a super administrator. Only the configuration changes that.",
    }
}
