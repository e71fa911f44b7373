//! Asking the identity provider, with a limit on time and on size.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::Surroundings;
use crate::ports::{Body, Http, HttpError, in_time};

/// Longest time that the identity provider has to answer, body included.
///
/// A person waits for it. Providers answer in well under a second, and a browser's patience is not the gateway's to spend.
const DEADLINE: Duration = Duration::from_secs(5);

/// Why the identity provider's answer did not come.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The request did not get through.
    #[error("the identity provider could not be reached")]
    Unreachable(#[source] HttpError),
    /// The answer was not complete in time.
    #[error("the identity provider took longer than {} s", DEADLINE.as_secs())]
    TooSlow,
    /// The answer was longer than anything honest.
    #[error("the identity provider's answer is longer than {0} bytes")]
    TooLarge(usize),
    /// The connection broke in the middle.
    #[error("the identity provider's answer broke off")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Sends a request and reads the whole answer, up to `limit` bytes. Every status is an answer.
pub(super) async fn fetch<S: Surroundings>(
    surroundings: &S,
    request: Request<Body>,
    limit: usize,
) -> Result<Response<Bytes>, FetchError> {
    let answer = in_time(surroundings.clock(), DEADLINE, read(surroundings.http(), request, limit)).await;
    answer.unwrap_or(Err(FetchError::TooSlow))
}

async fn read<H: Http>(http: &H, request: Request<Body>, limit: usize) -> Result<Response<Bytes>, FetchError> {
    let (parts, body) = http.send(request).await.map_err(FetchError::Unreachable)?.into_parts();
    let body = Limited::new(body, limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { FetchError::TooLarge(limit) } else { FetchError::Broken(error) }
    })?;
    Ok(Response::from_parts(parts, body.to_bytes()))
}
