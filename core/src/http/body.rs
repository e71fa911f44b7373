//! Reading a request's body: no more than allowed, and not for ever.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http_body_util::LengthLimitError;

use super::{Kind, Problem};
use crate::ports::{Clock, in_time};

/// How long a client may take to send a body.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Reads a body of at most `limit` bytes; `named` is what an operator calls the limit.
///
/// # Errors
///
/// A problem that names the limit, or says that the body broke off or took too long.
pub(super) async fn read(clock: &impl Clock, body: Body, limit: usize, named: &str) -> Result<Bytes, Problem> {
    match in_time(clock, TIMEOUT, to_bytes(body, limit)).await {
        Some(Ok(body)) => Ok(body),
        Some(Err(error)) if is_too_large(&error) => {
            Err(Problem::new(Kind::TooLarge, format!("The body may have {limit} bytes at most{named}.")))
        }
        Some(Err(_)) => Err(Problem::new(Kind::Invalid, "The body broke off.")),
        None => Err(Problem::new(Kind::Invalid, "The body took too long.")),
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<LengthLimitError>)
}
