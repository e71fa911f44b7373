//! The answer on its way to the client, byte for byte, with a meter beside it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body::{Body as _, Frame};

use super::lease::{Ending, Lease};
use crate::admission::ErrorType;
use crate::money::{CallSize, Nanodollars, Price};
use crate::ports::{Clock as _, Platform};
use crate::time::Millis;
use crate::upstream::{Ended, Format, Meter};

/// What is needed to turn an answer into a cost.
pub(super) struct Measure {
    pub(super) format: Format,
    pub(super) model: String,
    pub(super) size: CallSize,
    pub(super) price: Option<Price>,
}

/// Puts a meter beside an answer. The lease is settled when the answer ends, breaks off, takes too long, or is dropped
/// because the client left.
pub(super) fn metered<P: Platform>(lease: Lease<P>, answer: Response<Body>, measure: Measure) -> Response<Body> {
    let content_type = answer.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_stream = content_type.starts_with(b"text/event-stream");
    let front = lease.front().clone();
    let limit = Duration::from_secs(front.config().upstream.max_duration.0.into());
    let status = answer.status();
    answer.map(|inner| {
        let watch = Watch {
            meter: Meter::new(measure.format, is_stream),
            measure,
            lease,
            status: status.as_u16(),
            is_error: !status.is_success(),
            first_byte: None,
        };
        let timeout = async move { front.platform().clock().sleep(limit).await }.boxed();
        Body::new(Metered { inner, timeout, watch: Some(watch) })
    })
}

/// A body with a meter.
struct Metered<P: Platform> {
    inner: Body,
    timeout: BoxFuture<'static, ()>,
    /// Gone once the lease is settled.
    watch: Option<Watch<P>>,
}

/// What sees the answer pass.
struct Watch<P: Platform> {
    lease: Lease<P>,
    meter: Meter,
    measure: Measure,
    status: u16,
    is_error: bool,
    first_byte: Option<Millis>,
}

impl<P: Platform> http_body::Body for Metered<P> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(watch), Some(data)) = (&mut this.watch, frame.data_ref()) {
                    watch.see(data);
                }
                this.settle_if_ended();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.settle(Ended::Cut, Some(ErrorType::Cut));
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                this.settle(Ended::Complete, None);
                Poll::Ready(None)
            }
            Poll::Pending if this.watch.is_some() && this.timeout.poll_unpin(cx).is_ready() => {
                this.settle(Ended::Cut, Some(ErrorType::Timeout));
                Poll::Ready(Some(Err(axum::Error::new("the answer took longer than upstream.max_duration"))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}

impl<P: Platform> Metered<P> {
    /// A body of known length is not asked for more once its last byte is there: whoever sends it lets go of it.
    fn settle_if_ended(&mut self) {
        if self.inner.is_end_stream() {
            self.settle(Ended::Complete, None);
        }
    }

    fn settle(&mut self, ended: Ended, error: Option<ErrorType>) {
        if let Some(watch) = self.watch.take() {
            watch.settle(ended, error);
        }
    }
}

impl<P: Platform> Drop for Metered<P> {
    fn drop(&mut self) {
        self.settle_if_ended();
        self.settle(Ended::Cut, Some(ErrorType::ClientGone));
    }
}

impl<P: Platform> Watch<P> {
    fn see(&mut self, data: &Bytes) {
        if self.first_byte.is_none() {
            self.first_byte = Some(self.lease.front().platform().clock().now());
        }
        if !self.is_error {
            self.meter.feed(data);
        }
    }

    fn settle(mut self, ended: Ended, error: Option<ErrorType>) {
        let mut ending = Ending { status: self.status, first_byte: self.first_byte, priced: true, ..Ending::default() };
        if self.is_error {
            ending.error = Some(ErrorType::Refused);
        } else {
            let reading = self.meter.finish(ended);
            let Measure { model, size, price, .. } = &self.measure;
            if !reading.estimated {
                self.lease.front().estimator().learn(model, size, &reading.usage);
            }
            ending.cost = price.map_or(Nanodollars::ZERO, |price| price.cost(&reading.usage));
            ending.priced = price.is_some();
            ending.usage = reading.usage;
            ending.estimated = reading.estimated;
            ending.error = error.or_else(|| reading.failed.then_some(ErrorType::Cut));
            ending.model_served = reading.model;
        }
        self.lease.settle(ending);
    }
}
