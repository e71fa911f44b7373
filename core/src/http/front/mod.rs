//! The front's router: the public origin. It authenticates, serves pages, proxies model calls, and passes everything that
//! changes something on to the control plane.

#[cfg(test)]
#[cfg(feature = "test-support")]
mod alert_tests;
#[cfg(test)]
#[cfg(feature = "test-support")]
mod content_tests;
mod control_plane;
mod enter;
#[cfg(test)]
#[cfg(feature = "test-support")]
mod export_tests;
mod gate;
#[cfg(test)]
#[cfg(feature = "test-support")]
mod handover_tests;
mod keys;
mod logout;
#[cfg(test)]
#[cfg(feature = "test-support")]
mod logout_tests;
mod model_call;
mod models;
mod pages;
#[cfg(test)]
#[cfg(feature = "test-support")]
mod people_tests;
#[cfg(test)]
#[cfg(feature = "test-support")]
mod recovery_tests;
#[cfg(test)]
#[cfg(feature = "test-support")]
mod remote_tests;
mod session;
mod sign_in;
#[cfg(test)]
#[cfg(feature = "test-support")]
mod sign_in_tests;
mod state;
#[cfg(test)]
#[cfg(feature = "test-support")]
mod testing;
#[cfg(test)]
#[cfg(feature = "test-support")]
mod tests;
mod usage;
#[cfg(test)]
#[cfg(feature = "test-support")]
mod usage_tests;
mod well_known;

use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Router};

use super::health;
use super::routes::{Endpoint, FrontEndpoint, Gate, ROUTES};
use super::{Kind, Problem};
use crate::ports::Platform;
use crate::token::Scope;

pub use enter::unserved;
pub use pages::Compressible;
pub use state::Front;

/// Builds the front's router. Hosts put the connection's [`super::PeerAddress`] into the extensions, where they know it.
pub fn front_router<P: Platform>(front: Front<P>) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        if route.gate == Gate::Front {
            continue;
        }
        let Ok(method) = MethodFilter::try_from(route.method.clone()) else { continue };
        let handler = match route.endpoint {
            Endpoint::Front(endpoint) => handler(endpoint, method),
            Endpoint::Control(_) => on(method, control_plane::forward::<P>),
        };
        let gate = from_fn_with_state((front.clone(), route.gate), gate::check::<P>);
        router = router.route(route.path, handler.layer(gate));
    }
    for passthrough in front.catalog().passthroughs() {
        let Ok(method) = MethodFilter::try_from(passthrough.method.clone()) else { continue };
        let gate = from_fn_with_state((front.clone(), Gate::Bearer(Scope::Llm)), gate::check::<P>);
        let handler = on(method, model_call::pass_through::<P>).layer(Extension(passthrough.clone())).layer(gate);
        router = router.route(&passthrough.path, handler);
    }
    router
        .fallback(|| async { Problem::new(Kind::NotFound, "There is nothing at this path.") })
        .method_not_allowed_fallback(|| async {
            Problem::new(Kind::MethodNotAllowed, "This path does not take that method.")
        })
        .layer(from_fn_with_state(front.clone(), enter::enter::<P>))
        .with_state(front)
}

fn handler<P: Platform>(endpoint: FrontEndpoint, method: MethodFilter) -> MethodRouter<Front<P>> {
    match endpoint {
        FrontEndpoint::Liveness => on(method, health::alive),
        FrontEndpoint::Readiness => on(method, well_known::readiness::<P>),
        FrontEndpoint::Jwks => on(method, well_known::jwks::<P>),
        FrontEndpoint::Home => on(method, pages::home::<P>),
        FrontEndpoint::SignInPage => on(method, pages::sign_in::<P>),
        FrontEndpoint::TokenPage => on(method, pages::token_manager::<P>),
        FrontEndpoint::UsagePage => on(method, pages::usage::<P>),
        FrontEndpoint::Dashboard => on(method, pages::dashboard::<P>),
        FrontEndpoint::AdministratorPage => on(method, pages::admin_manager::<P>),
        FrontEndpoint::SignOutPage => on(method, pages::sign_out::<P>),
        FrontEndpoint::Asset => on(method, pages::asset),
        FrontEndpoint::SignInStart => on(method, sign_in::start::<P>),
        FrontEndpoint::SignInCallback => on(method, sign_in::callback::<P>),
        FrontEndpoint::SignOut => on(method, sign_in::sign_out::<P>),
        FrontEndpoint::BackchannelLogout => on(method, logout::backchannel::<P>),
        FrontEndpoint::UserInfo => on(method, session::user_info::<P>),
        FrontEndpoint::Auth => on(method, session::auth::<P>),
        FrontEndpoint::ModelCall => on(method, model_call::model_call::<P>),
        FrontEndpoint::Models => on(method, models::models::<P>),
        FrontEndpoint::ClientUsage => on(method, usage::client_usage::<P>),
    }
}
