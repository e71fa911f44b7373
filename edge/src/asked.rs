//! A request as the runtime has received it.

use std::error::Error;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use gateway_core::http::PeerAddress;
use gateway_core::ports::Background as _;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Request};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use worker::web_sys;

use crate::headers::read_headers;
use crate::work::RequestBackground;

/// The header in which Cloudflare tells who has connected to it; a client's own is overwritten there.
const CONNECTING_IP: &str = "cf-connecting-ip";

/// How much of a body that nobody reads is read after all, in bytes: more than any page of ours sends.
const LEFTOVER: usize = 64 * 1024;

/// Takes a request over.
///
/// # Errors
///
/// Whatever keeps it from being read.
pub(crate) fn asked(request: &web_sys::Request) -> Result<Request<Body>, Box<dyn Error>> {
    let mut asked = Request::new(Body::empty());
    *asked.method_mut() = request.method().parse()?;
    *asked.uri_mut() = request.url().parse()?;
    *asked.headers_mut() = read_headers(&request.headers()).map_err(|error| format!("{error:?}"))?;
    if let Some(peer) = peer(asked.headers()) {
        asked.extensions_mut().insert(peer);
    }
    if let Some(stream) = request.body() {
        let length = asked.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        *asked.body_mut() = Body::new(AskedBody { stream: Some(worker::Body::new(stream)), left: length });
    }
    Ok(asked)
}

/// Returns who has connected to Cloudflare.
fn peer(headers: &HeaderMap) -> Option<PeerAddress> {
    let address: IpAddr = headers.get(CONNECTING_IP)?.to_str().ok()?.parse().ok()?;
    Some(PeerAddress(address.to_canonical()))
}

/// A request's body. If nobody reads it to its end it is read and thrown away when it is dropped, unless it is long: a
/// connection on which something unread is left over is closed, and who sends the next request on it gets no answer.
struct AskedBody {
    stream: Option<worker::Body>,
    /// How many bytes are still to come, if the client has said.
    left: Option<u64>,
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
        if let Some(body) = self.stream.take() {
            RequestBackground.spawn(drain(body));
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
