//! Reading a request's body: no more than allowed, and not for ever.

use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

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
    match in_time(clock, TIMEOUT, whole(body, limit)).await {
        Some(Ok(body)) => Ok(body),
        Some(Err(error)) if is_too_large(&*error) => {
            Err(Problem::new(Kind::TooLarge, format!("The body may have {limit} bytes at most{named}.")))
        }
        Some(Err(_)) => Err(Problem::new(Kind::Invalid, "The body broke off.")),
        None => Err(Problem::new(Kind::Invalid, "The body took too long.")),
    }
}

/// Puts a body together. Of what has arrived there is one copy: several large bodies at once are what an isolate has its
/// memory for.
async fn whole(body: Body, limit: usize) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
    let mut body = Limited::new(body, limit);
    let Some(first) = next(&mut body).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(&mut body).await? else { return Ok(first) };
    // What is still to come is the sender's word, and believed only from who has begun to send it.
    let rest = body.size_hint().exact().and_then(|rest| usize::try_from(rest).ok()).unwrap_or(0).min(limit);
    let mut whole = BytesMut::with_capacity(first.len() + second.len() + rest);
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&second);
    drop((first, second));
    while let Some(data) = next(&mut body).await? {
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// Returns the next data of a body; whatever else comes is left out.
async fn next(body: &mut Limited<Body>) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn is_too_large(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    error.is::<LengthLimitError>()
}

#[cfg(test)]
#[cfg(feature = "test-support")]
mod tests {
    use std::io;

    use super::*;
    use crate::conformance::host::FixedClock;
    use crate::time::Millis;

    async fn read_pieces(pieces: &[&'static str], limit: usize) -> Result<Bytes, Kind> {
        let pieces: Vec<io::Result<&str>> = pieces.iter().map(|piece| Ok(*piece)).collect();
        read_body(Body::from_stream(futures_util::stream::iter(pieces)), limit).await
    }

    async fn read_body(body: Body, limit: usize) -> Result<Bytes, Kind> {
        read(&FixedClock::at(Millis(0)), body, limit, "").await.map_err(|problem| problem.kind())
    }

    #[tokio::test]
    async fn puts_pieces_together() {
        for pieces in [&[][..], &["", ""], &["one"], &["one", "two"], &["one", "", "two", "three", ""]] {
            assert_eq!(read_pieces(pieces, 99).await.unwrap(), pieces.concat(), "{pieces:?}");
        }
        assert_eq!(read_body(Body::from("as a whole"), 99).await.unwrap(), "as a whole");
    }

    #[tokio::test]
    async fn takes_what_is_allowed_and_no_byte_more() {
        for pieces in [&["abcde"][..], &["ab", "cde"], &["ab", "c", "de"]] {
            assert_eq!(read_pieces(pieces, 5).await.unwrap(), "abcde");
            assert_eq!(read_pieces(pieces, 4).await.unwrap_err(), Kind::TooLarge);
        }
    }

    #[tokio::test]
    async fn tells_a_body_that_broke_off_from_one_that_is_too_large() {
        let pieces = [Ok("a"), Ok("b"), Err(io::Error::other("gone"))];
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        assert_eq!(read_body(body, 99).await.unwrap_err(), Kind::Invalid);
    }
}
