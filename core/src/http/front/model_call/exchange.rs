//! Sending a call to its provider, and judging what comes back before a byte of it is passed on.

use std::time::Duration;

use axum::body::Body;
use http::{Request, Response, StatusCode};

use crate::admission::ErrorType;
use crate::http::front::Front;
use crate::http::{Kind, Problem, RequestContext};
use crate::ports::{Http as _, HttpError, Platform, in_time};
use crate::upstream::{Provider, inbound};

/// Why a provider's answer is not passed on.
pub(super) struct Failure {
    /// What the client is told.
    pub(super) problem: Problem,
    /// What the usage event says.
    pub(super) error: ErrorType,
    /// The provider's status; 0 if none came.
    pub(super) status: u16,
}

impl Failure {
    pub(super) fn new(kind: Kind, detail: impl Into<String>, error: ErrorType, status: u16) -> Self {
        Self { problem: Problem::new(kind, detail), error, status }
    }
}

/// Sends a request and returns the answer with the headers that the client gets. The provider's refusals of a call are
/// answers; its refusal of us is a failure of ours, and so is a redirect, which is never followed.
pub(super) async fn exchange<P: Platform>(
    front: &Front<P>,
    context: &RequestContext,
    provider: &Provider,
    request: Request<Body>,
) -> Result<Response<Body>, Failure> {
    let answer = send(front, request).await;
    let (name, id) = (provider.name(), &context.id);
    let mut answer = answer.map_err(|error| {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            provider = name,
            request = id,
            "no answer from the provider"
        );
        match error {
            HttpError::Timeout => Failure::new(
                Kind::GatewayTimeout,
                format!("The provider {name:?} took too long to answer."),
                ErrorType::Timeout,
                0,
            ),
            HttpError::Unreachable(_) => Failure::new(
                Kind::BadGateway,
                format!("The provider {name:?} cannot be reached."),
                ErrorType::Unreachable,
                0,
            ),
        }
    })?;
    let status = answer.status();
    let refused = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "refuses the gateway's credential",
        status if status.is_redirection() => "answers with a redirect",
        status if status.is_informational() || status.as_u16() >= 600 => "answers with a status that means nothing",
        _ => {
            *answer.headers_mut() = inbound(answer.headers());
            return Ok(answer);
        }
    };
    tracing::error!(provider = name, request = id, status = status.as_u16(), "the provider {refused}");
    let detail = format!("The provider {name:?} {refused}. An administrator has to look at its configuration.");
    Err(Failure::new(Kind::BadGateway, detail, ErrorType::Refused, status.as_u16()))
}

/// Sends a request, and waits for the answer's head no longer than the configuration says.
async fn send<P: Platform>(front: &Front<P>, request: Request<Body>) -> Result<Response<Body>, HttpError> {
    let limits = &front.config().upstream;
    let limit = Duration::from_secs(limits.first_byte.min(limits.max_duration).0.into());
    let platform = front.platform();
    let answer = in_time(platform.clock(), limit, platform.http().send(request)).await;
    answer.unwrap_or(Err(HttpError::Timeout))
}
