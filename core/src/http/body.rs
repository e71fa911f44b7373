//! Reading a request's body: no more than allowed, and not for ever.

use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::Method;
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::{Kind, Problem};
use crate::ports::{Clock, in_time};

/// How many times what has arrived is reserved for what is still to come. Who wants a large piece of memory held has to send
/// a good part of it, and what is moved when it has to grow is small beside the whole.
const AHEAD: usize = 3;

/// How long a client may take to send a body.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Reads the body of a request with this method, as [`read`] does.
///
/// # Errors
///
/// As [`read`]; and a problem if a GET has one, which means nothing (RFC 9110 §9.3.1) and which not every client of ours could
/// pass on.
pub(super) async fn read_for(
    method: &Method,
    clock: &impl Clock,
    body: Body,
    limit: usize,
    named: &str,
) -> Result<Bytes, Problem> {
    let body = read(clock, body, limit, named).await?;
    if *method == Method::GET && !body.is_empty() {
        return Err(Problem::new(Kind::Invalid, "A GET request has no body."));
    }
    Ok(body)
}

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
    if body.size_hint().lower() > limit as u64 {
        return Err(Box::new(Oversized));
    }
    let mut body = Limited::new(body, limit);
    let Some(first) = next(&mut body).await? else { return Ok(Bytes::new()) };
    let Some(mut more) = next(&mut body).await? else { return Ok(first) };
    let mut whole = BytesMut::from(first);
    loop {
        if whole.capacity() - whole.len() < more.len() {
            // How much is still to come is the sender's word. It is believed as far as they have kept it.
            let told = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
            whole.reserve(more.len() + told.min(AHEAD * whole.len()));
        }
        whole.extend_from_slice(&more);
        match next(&mut body).await? {
            Some(next) => more = next,
            None => return Ok(whole.freeze()),
        }
    }
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

/// A body that says itself that it is longer than allowed.
#[derive(Debug, thiserror::Error)]
#[error("the body is longer than allowed")]
struct Oversized;

fn is_too_large(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    error.is::<LengthLimitError>() || error.is::<Oversized>()
}

#[cfg(test)]
#[cfg(feature = "test-support")]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body::{Frame, SizeHint};
    use http_body_util::StreamBody;

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
    async fn refuses_at_once_what_says_that_it_is_too_large() {
        let endless = futures_util::stream::pending::<io::Result<Frame<Bytes>>>();
        let told = Told { inner: StreamBody::new(endless), length: 100 };
        assert_eq!(read_body(Body::new(told), 99).await.unwrap_err(), Kind::TooLarge);
    }

    #[tokio::test]
    async fn takes_no_body_with_a_get() {
        let clock = FixedClock::at(Millis(0));
        let read = async |method: Method, body: &'static str| {
            read_for(&method, &clock, Body::from(body), 99, "").await.map_err(|problem| problem.kind())
        };
        assert_eq!(read(Method::GET, "x").await.unwrap_err(), Kind::Invalid);
        assert_eq!(read(Method::GET, "").await.unwrap(), "");
        assert_eq!(read(Method::POST, "x").await.unwrap(), "x");
    }

    /// A body that tells its length.
    struct Told<B> {
        inner: B,
        length: u64,
    }

    impl<B: http_body::Body<Data = Bytes> + Unpin> http_body::Body for Told<B> {
        type Data = Bytes;
        type Error = B::Error;

        fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
            Pin::new(&mut self.inner).poll_frame(cx)
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.length)
        }
    }

    #[tokio::test]
    async fn tells_a_body_that_broke_off_from_one_that_is_too_large() {
        let pieces = [Ok("a"), Ok("b"), Err(io::Error::other("gone"))];
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        assert_eq!(read_body(body, 99).await.unwrap_err(), Kind::Invalid);
    }
}
