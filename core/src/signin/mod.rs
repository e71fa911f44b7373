//! Signing in with an OpenID Connect provider: authorization code with PKCE, nothing else.
//!
//! A [`RelyingParty`] [starts](RelyingParty::start) a flow, which sends the browser to the identity provider, and
//! [finishes](RelyingParty::finish) it when the browser comes back. What comes out is a person that the provider vouches
//! for and that the configuration lets in. When the provider ends a session of its own, a
//! [logout token](RelyingParty::check_logout_token) says so.
//!
//! Out of scope: HTTP routes and pages, the user's record (control notes the sign-in), and the session
//! ([`crate::session`]).

mod admittance;
mod callback;
mod config;
mod exchange;
mod fetch;
mod flow;
mod id_token;
mod jws;
mod keys;
mod logout_token;
mod metadata;
mod provider;
mod return_path;
mod surroundings;
#[cfg(test)]
pub(crate) mod testing;

pub use admittance::Admittance;
pub use callback::{CallbackError, CallbackQuery, SignedIn};
pub use config::{EmailVerified, SigninConfig, SigninConfigError, is_loopback};
pub use fetch::FetchError;
pub use flow::{RelyingParty, StartError, StartRequest, Started};
pub use id_token::IdTokenError;
pub use keys::KeySetError;
pub use logout_token::{LogoutToken, LogoutTokenError, LogoutTokenRefusal};
pub use metadata::{Metadata, MetadataError};
pub use provider::ProviderError;
pub use return_path::return_path;
pub use surroundings::Surroundings;
