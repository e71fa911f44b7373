//! The host: time, chance, HTTP, work in the background, and the way to the control plane.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use super::{Hot, Unavailable};
use crate::control::Actor;
use crate::time::Millis;

/// A body that streams.
pub type Body = axum::body::Body;

/// Everything one deployment is made of.
pub trait Platform: Clone + Send + Sync + 'static {
    /// The hot state.
    type Hot: Hot;
    /// The clock.
    type Clock: Clock;
    /// The source of randomness.
    type Random: Random;
    /// The HTTP client.
    type Http: Http;
    /// What runs tasks beside the request.
    type Background: Background;
    /// The way to the control plane.
    type Control: ControlPlane;

    /// Returns the hot state.
    fn hot(&self) -> &Self::Hot;
    /// Returns the clock.
    fn clock(&self) -> &Self::Clock;
    /// Returns the source of randomness.
    fn random(&self) -> &Self::Random;
    /// Returns the HTTP client.
    fn http(&self) -> &Self::Http;
    /// Returns what runs tasks beside the request.
    fn background(&self) -> &Self::Background;
    /// Returns the way to the control plane.
    fn control(&self) -> &Self::Control;
}

/// Tells the time and waits for it to pass.
pub trait Clock: Clone + Send + Sync + 'static {
    /// Returns the time.
    fn now(&self) -> Millis;

    /// Waits for `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// Makes bits that nobody can guess.
pub trait Random: Clone + Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);

    /// Returns `N` random bytes.
    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// Sends HTTP requests; streams both ways. Follows no redirects.
pub trait Http: Clone + Send + Sync + 'static {
    /// Sends a request and returns the answer as soon as its head is there.
    ///
    /// # Errors
    ///
    /// [`HttpError`] if no answer came. Every status is an answer.
    fn send(
        &self,
        request: http::Request<Body>,
    ) -> impl Future<Output = Result<http::Response<Body>, HttpError>> + Send;
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection, or it broke.
    #[error("the server could not be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took longer than allowed.
    #[error("the server took too long")]
    Timeout,
}

/// Runs tasks beside the request, to their end where the host can.
pub trait Background: Clone + Send + Sync + 'static {
    /// Starts a task.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);
}

/// Carries requests from the front to the control plane: a function call, or HTTPS with a signed assertion.
pub trait ControlPlane: Clone + Send + Sync + 'static {
    /// Asks the control plane, on behalf of `actor`.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if no answer came. Every status is an answer.
    fn call(
        &self,
        actor: &Actor,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Bytes>, Unavailable>> + Send;
}

/// Reads configuration variables: the environment, Worker bindings, or Lambda's.
pub trait Vars {
    /// Returns every variable whose name starts with `prefix`.
    fn with_prefix(&self, prefix: &str) -> Vec<(String, String)>;

    /// Returns the variable of that name.
    fn var(&self, name: &str) -> Option<String>;
}

/// Variables that were read beforehand.
impl Vars for BTreeMap<String, String> {
    fn with_prefix(&self, prefix: &str) -> Vec<(String, String)> {
        let ours = self.iter().filter(|(name, _)| name.starts_with(prefix));
        ours.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn var(&self, name: &str) -> Option<String> {
        self.get(name).cloned()
    }
}

/// No variables at all.
impl Vars for () {
    fn with_prefix(&self, _: &str) -> Vec<(String, String)> {
        Vec::new()
    }

    fn var(&self, _: &str) -> Option<String> {
        None
    }
}
