//! Answers to requests, and the calls that are open.

use std::pin::Pin;
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use gateway_core::http::{Kind, Problem};
use http::Method;
use http_body::{Frame, SizeHint};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use super::Stopwatch;

/// Answers, by route and status.
const RESPONSES: &str = "llm_gateway_http_responses_total";

/// How long they took.
const DURATION: &str = "llm_gateway_http_request_duration_seconds";

/// Model calls that were refused, by reason.
const REFUSED: &str = "llm_gateway_refused_calls_total";

/// Model calls whose answers have not ended.
const OPEN: &str = "llm_gateway_open_calls";

/// The histogram with its buckets, in seconds: from what is answered from memory to what a model thinks about.
pub(super) const HISTOGRAM: (&str, &[f64]) =
    (DURATION, &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]);

/// How many calls are open.
static OPEN_CALLS: AtomicI32 = AtomicI32::new(0);

pub(super) fn describe() {
    describe_counter!(RESPONSES, Unit::Count, "Answers, by route, method and status");
    describe_histogram!(DURATION, Unit::Seconds, "From a request to the head of its answer");
    let text = "Model calls that the gateway refused, by reason; they are not in the usage log";
    describe_counter!(REFUSED, Unit::Count, text);
    describe_gauge!(OPEN, Unit::Count, "Model calls of this process whose answers have not ended");
}

/// Notes how many calls are open.
pub(super) fn note_open() {
    gauge!(OPEN).set(OPEN_CALLS.load(Ordering::Relaxed));
}

/// Measures how a request is answered.
pub(super) async fn measure(request: Request, next: Next) -> Response {
    let began = Stopwatch::start();
    let method = known(request.method());
    // What no route has is counted together: it may be anything.
    let route = request.extensions().get::<MatchedPath>().map_or_else(String::new, |path| path.as_str().to_owned());
    let is_call = route.starts_with("/v1/") && route != "/v1/models";
    let open = is_call.then(Open::begin);
    let response = next.run(request).await;
    let status = response.status().as_str().to_owned();
    counter!(RESPONSES, "route" => route.clone(), "method" => method, "status" => status).increment(1);
    histogram!(DURATION, "route" => route, "method" => method).record(began.seconds());
    let Some(open) = open else { return response };
    if let Some(reason) = response.extensions().get().and_then(refusal) {
        counter!(REFUSED, "reason" => reason).increment(1);
    }
    response.map(|body| Body::new(Watched { body, _open: open }))
}

/// Returns why the gateway refused a call; nothing if it was the provider that failed.
fn refusal(problem: &Problem) -> Option<&'static str> {
    (!matches!(problem.kind(), Kind::BadGateway | Kind::GatewayTimeout)).then(|| problem.reason())
}

/// Returns a method's name, if it is one that routes have: clients may make up others.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "",
    }
}

/// An open call, for as long as this is there.
struct Open;

impl Open {
    fn begin() -> Self {
        OPEN_CALLS.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN_CALLS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer to a call, which is open as long as this is there.
struct Watched {
    body: Body,
    _open: Open,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blames_the_gateway_for_its_own_refusals_only() {
        assert_eq!(refusal(&Problem::new(Kind::Unavailable, "")), Some("unavailable"));
        assert_eq!(refusal(&Problem::new(Kind::Unauthenticated, "").because("revoked")), Some("revoked"));
        assert_eq!(refusal(&Problem::new(Kind::GatewayTimeout, "")), None);
    }

    #[test]
    fn leaves_the_size_of_an_answer_as_it_is() {
        let watched = Watched { body: Body::from("four"), _open: Open::begin() };
        assert_eq!(watched.size_hint().exact(), Some(4));
        assert!(!watched.is_end_stream());
    }

    #[test]
    fn counts_methods_that_clients_make_up_together() {
        assert_eq!(known(&Method::from_bytes(b"MADE-UP").unwrap()), "");
        assert_eq!(known(&Method::DELETE), "DELETE");
    }
}
