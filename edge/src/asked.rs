//! A request as the runtime has received it.

use std::cell::RefCell;
use std::error::Error;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use gateway_core::http::PeerAddress;
use gateway_core::ports::in_time;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Request};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use worker::send::SendWrapper;
use worker::web_sys;

use crate::headers::read_headers;
use crate::host::WorkerClock;

/// The header in which Cloudflare tells who has connected to it; a client's own is overwritten there.
const CONNECTING_IP: &str = "cf-connecting-ip";

/// How much of a body that nobody reads is read after all, in bytes: more than any page of ours sends.
const LEFTOVER: usize = 64 * 1024;

/// How long that may take: what a page of ours sends is here by the time that it is answered.
const PATIENCE: Duration = Duration::from_secs(1);

/// Takes a request over. Beside it comes what will be left of its body.
///
/// # Errors
///
/// Whatever keeps it from being read.
pub(crate) fn asked(request: &web_sys::Request) -> Result<(Request<Body>, Leftover), Box<dyn Error>> {
    let leftover = Leftover::default();
    let mut asked = Request::new(Body::empty());
    *asked.method_mut() = request.method().parse()?;
    *asked.uri_mut() = request.url().parse()?;
    *asked.headers_mut() = read_headers(&request.headers()).map_err(|error| format!("{error:?}"))?;
    if let Some(peer) = peer(asked.headers()) {
        asked.extensions_mut().insert(peer);
    }
    if let Some(stream) = request.body() {
        let length = asked.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        *asked.body_mut() = Body::new(AskedBody {
            stream: Some(worker::Body::new(stream)),
            left: length,
            leftover: SendWrapper::new(leftover.clone()),
        });
    }
    Ok((asked, leftover))
}

/// Returns who has connected to Cloudflare.
fn peer(headers: &HeaderMap) -> Option<PeerAddress> {
    let address: IpAddr = headers.get(CONNECTING_IP)?.to_str().ok()?.parse().ok()?;
    Some(PeerAddress(address.to_canonical()))
}

/// What nobody has read of a request's body.
///
/// A connection on which something unread is left over is closed, and who sends the next request on it gets no answer. So what
/// is short is read before the request is answered, and thrown away.
#[derive(Clone, Default)]
pub(crate) struct Leftover(Rc<RefCell<Option<worker::Body>>>);

impl Leftover {
    fn keep(&self, body: Option<worker::Body>) {
        *self.0.borrow_mut() = body;
    }

    /// Reads it, if it is short.
    pub(crate) async fn read(&self) {
        let body = self.0.borrow_mut().take();
        if let Some(body) = body {
            // Whoever takes longer has a slow connection anyway.
            let _ = in_time(&WorkerClock, PATIENCE, drain(body)).await;
        }
    }
}

/// A request's body.
struct AskedBody {
    stream: Option<worker::Body>,
    /// How many bytes are still to come, if the client has said.
    left: Option<u64>,
    leftover: SendWrapper<Leftover>,
}

impl http_body::Body for AskedBody {
    type Data = Bytes;
    type Error = worker::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, worker::Error>>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(None) };
        let polled = Pin::new(stream).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.left = self.left.map(|left| left.saturating_sub(length));
            }
            Poll::Ready(None | Some(Err(_))) => self.stream = None,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.stream.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for AskedBody {
    fn drop(&mut self) {
        if self.left.is_none_or(|left| left <= LEFTOVER as u64) {
            self.leftover.keep(self.stream.take());
        }
    }
}

async fn drain(mut body: worker::Body) {
    let mut left = LEFTOVER;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(less) = left.checked_sub(length) else { return };
        left = less;
    }
}
