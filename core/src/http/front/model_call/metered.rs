//! The answer on its way to the client, byte for byte, with a meter beside it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http::Response;
use http::header::CONTENT_LENGTH;
use http_body::{Body as _, Frame, SizeHint};

use super::kept;
use super::lease::Lease;
use super::limits::{Limits, Overrun};
use super::measure::{Measure, is_encoded, is_stream};
use crate::admission::ErrorType;
use crate::http::{Kind, Problem};
use crate::id::UserId;
use crate::ports::{Clock as _, Platform};
use crate::time::Millis;
use crate::upstream::{Ended, ExtraChunk, Format, Meter};

/// What else is done with an answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extras {
    /// A stream tells usage that the client did not ask for: it is kept back.
    pub(super) withholds: bool,
    /// Who may go on from the answer, if the provider keeps it.
    pub(super) keeper: Option<UserId>,
}

/// Puts a meter beside an answer. The lease is settled when the answer ends, breaks off, pauses or takes too long, or is
/// dropped because the client left.
pub(super) fn metered<P: Platform>(
    lease: Lease<P>,
    answer: Response<Body>,
    measure: Measure,
    extras: Extras,
) -> Response<Body> {
    let (mut head, inner) = answer.into_parts();
    let is_readable_stream = is_stream(&head.headers) && !is_encoded(&head.headers);
    let extra = (extras.withholds && is_readable_stream).then(ExtraChunk::default);
    if extra.is_some() {
        head.headers.remove(CONTENT_LENGTH);
    }
    let can_tell_errors = is_readable_stream && !head.headers.contains_key(CONTENT_LENGTH);
    let is_success = head.status.is_success();
    let meter = measure.meter(&head.headers).filter(|_| is_success);
    let limits = Limits::of(lease.front(), lease.at());
    let errors = match &measure {
        Measure::Tokens(tokens) if can_tell_errors => Some(tokens.format),
        _ => None,
    };
    let keeper = extras.keeper;
    let watch =
        Watch { meter, measure, lease, keeper, noted: 0, status: head.status.as_u16(), is_success, first_byte: None };
    let metered = Metered { inner, limits, extra, errors, tail: Tail::default(), watch: Some(watch) };
    Response::from_parts(head, Body::new(metered))
}

/// A body with a meter.
struct Metered<P: Platform> {
    inner: Body,
    limits: Limits<P::Clock>,
    extra: Option<ExtraChunk>,
    /// The form in which a stream can be told that it broke off.
    errors: Option<Format>,
    tail: Tail,
    /// Gone once the lease is settled. Nothing more comes then.
    watch: Option<Watch<P>>,
}

/// Nothing is pinned in place: what has to stay where it is lies behind a box.
impl<P: Platform> Unpin for Metered<P> {}

/// What sees the answer pass.
struct Watch<P: Platform> {
    lease: Lease<P>,
    meter: Option<Meter>,
    measure: Measure,
    keeper: Option<UserId>,
    /// How many of the answer's ids have been noted.
    noted: usize,
    status: u16,
    is_success: bool,
    first_byte: Option<Millis>,
}

impl<P: Platform> http_body::Body for Metered<P> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        while this.watch.is_some() {
            if let Poll::Ready(overrun) = this.limits.poll_overrun(cx) {
                return Poll::Ready(Some(this.cut(ErrorType::Timeout, overrun.into())));
            }
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let passed = this.see(frame);
                    this.settle_if_ended();
                    if passed.data_ref().is_none_or(|data| !data.is_empty()) {
                        return Poll::Ready(Some(Ok(passed)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(this.cut(ErrorType::Cut, error))),
                None => {
                    this.settle(Ended::Complete, None);
                    let held = this.extra.as_mut().map(ExtraChunk::finish).filter(|held| !held.is_empty());
                    return Poll::Ready(held.map(|held| Ok(Frame::data(held))));
                }
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.extra.is_none() && (self.watch.is_none() || self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        if self.extra.is_some() { SizeHint::default() } else { self.inner.size_hint() }
    }
}

impl<P: Platform> Metered<P> {
    /// Reads what passes, and returns what of it goes on.
    fn see(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        let Ok(mut data) = frame.into_data() else { return Frame::data(Bytes::new()) };
        self.limits.progressed();
        if let Some(watch) = &mut self.watch {
            watch.see(&data);
        }
        if let Some(extra) = &mut self.extra {
            data = extra.pass(data);
        }
        self.tail.follow(&data);
        Frame::data(data)
    }

    /// A body of known length is not asked for more once its last byte is there: whoever sends it lets go of it.
    fn settle_if_ended(&mut self) {
        if self.extra.is_none() && self.inner.is_end_stream() {
            self.settle(Ended::Complete, None);
        }
    }

    /// Ends an answer that broke off. A stream between two events ends with one that says so; anything else breaks off for
    /// the client as well.
    fn cut(&mut self, error: ErrorType, cause: axum::Error) -> Result<Frame<Bytes>, axum::Error> {
        let request = self.watch.as_ref().map(|watch| watch.lease.id().to_string()).unwrap_or_default();
        tracing::warn!(error = &cause as &dyn std::error::Error, call = request, "an answer broke off");
        self.settle(Ended::Cut, Some(error));
        let Some(format) = self.errors.filter(|_| self.tail.is_between_events()) else { return Err(cause) };
        let problem = match error {
            ErrorType::Timeout => Problem::new(Kind::GatewayTimeout, "The provider's answer took too long."),
            _ => Problem::new(Kind::BadGateway, "The provider's answer broke off."),
        };
        Ok(Frame::data(problem.event(format)))
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
        if let Some(meter) = &mut self.meter {
            meter.feed(data);
        }
        let told = self.meter.as_ref().map(Meter::kept_as).unwrap_or_default();
        self.noted = note_new(&self.lease, self.keeper, self.noted, told);
    }

    fn settle(mut self, ended: Ended, error: Option<ErrorType>) {
        let mut ending = if self.is_success {
            self.measure.charge(self.lease.front(), self.meter.take(), ended)
        } else {
            super::Ending { error: Some(ErrorType::Refused), ..super::Ending::default() }
        };
        note_new(&self.lease, self.keeper, self.noted, &ending.kept_as);
        ending.error = error.filter(|_| self.is_success).or(ending.error);
        ending.status = self.status;
        ending.first_byte = self.first_byte;
        self.lease.settle(ending);
    }
}

/// Notes whose an answer is, as soon as it says under which ids it is kept; returns how many it has told so far.
fn note_new<P: Platform>(lease: &Lease<P>, keeper: Option<UserId>, noted: usize, told: &[String]) -> usize {
    for (user, id) in keeper.iter().flat_map(|user| told.iter().skip(noted).map(move |id| (user, id))) {
        kept::note(lease.front(), *user, id);
    }
    told.len()
}

/// The end of what has been passed on.
#[derive(Debug, Default)]
struct Tail([u8; 4]);

impl Tail {
    fn follow(&mut self, data: &[u8]) {
        for byte in data.iter().skip(data.len().saturating_sub(self.0.len())) {
            self.0.rotate_left(1);
            self.0[3] = *byte;
        }
    }

    /// Says whether nothing was passed on yet, or a blank line at last.
    fn is_between_events(&self) -> bool {
        self.0 == [0; 4] || self.0.ends_with(b"\n\n") || self.0.ends_with(b"\r\n\r\n") || self.0.ends_with(b"\r\r")
    }
}

impl From<Overrun> for axum::Error {
    fn from(overrun: Overrun) -> Self {
        Self::new(overrun)
    }
}
