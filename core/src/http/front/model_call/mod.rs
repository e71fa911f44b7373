//! A model call: peek, admit, forward, stream back, settle.

mod admit;
mod exchange;
mod kept;
mod lease;
mod limits;
mod measure;
mod metered;
mod question;
#[cfg(test)]
#[cfg(feature = "test-support")]
mod tests;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;

use self::exchange::{Failure, exchange};
use self::lease::{Ending, Lease};
use self::measure::{Measure, Tokens, is_encoded};
use self::metered::{Extras, metered};
use self::question::Asker;
use super::Front;
use crate::admission::{Admit, Admitted, ErrorType};
use crate::http::{Kind, Problem, RequestContext, body};
use crate::money::Nanodollars;
use crate::ports::Platform;
use crate::token::{Scope, Verified};
use crate::upstream::{Format, ModelRoute, Outgoing, Passthrough, Peek, Provider, inbound, peek};

/// A call to a model, in any of the forms.
pub(super) async fn model_call<P: Platform>(
    State(front): State<Front<P>>,
    Extension(context): Extension<RequestContext>,
    Extension(token): Extension<Verified>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let format =
        Format::of(head.uri.path()).ok_or_else(|| Problem::new(Kind::NotFound, "There is nothing at this path."))?;
    let body = read(&front, &head.headers, body).await?;
    let peek = peek(&body, format).map_err(|error| Problem::new(Kind::Invalid, format!("{error}.")))?;
    let route = front.catalog().route(&peek.model);
    if let Some(member) = route.as_ref().and_then(|route| route.forbidden(&peek)) {
        return Err(Problem::new(Kind::Invalid, format!("{member} is not for clients to set.")));
    }
    let question = Asker { front: &front, context: &context, token: &token }.about_model(format, &peek, route.as_ref());
    let (mut lease, admitted) = open(&front, &context, &question).await?;
    if let Err(problem) = kept::check_own(&front, token.user, &peek.continues).await {
        lease.cancel();
        return Err(problem);
    }
    // Admission refuses calls to models that are not configured, so there is a route.
    let Some(route) = route else { return Err(Problem::unavailable()) };
    let mut call = Forwarded { front, context, head, lease, admitted };
    let measure = measure(format, &route, &peek);
    let (answer, withholds) = call.ask_model(&route, format, &body, &peek, &measure).await?;
    let keeper = peek.is_kept.then_some(token.user);
    Ok(metered(call.lease, answer, measure, Extras { withholds, keeper }))
}

/// A call that is passed on without being read.
pub(super) async fn pass_through<P: Platform>(
    State(front): State<Front<P>>,
    Extension(context): Extension<RequestContext>,
    Extension(token): Extension<Verified>,
    Extension(passthrough): Extension<Passthrough>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let body = read(&front, &head.headers, body).await?;
    let asker = Asker { front: &front, context: &context, token: &token };
    let question = asker.about_passthrough(head.uri.path(), &passthrough);
    let (lease, admitted) = open(&front, &context, &question).await?;
    let mut call = Forwarded { front, context, head, lease, admitted };
    let measure = Measure::Flat(passthrough.cost);
    let answer = call.ask_provider(&passthrough.provider, Body::from(body), &measure).await?;
    Ok(metered(call.lease, answer, measure, Extras::default()))
}

/// Checks a token for a route that calls no model: the same decision, nothing held, nothing left behind.
///
/// # Errors
///
/// The refusal, or 503 if the hot state did not say in time.
pub(super) async fn authenticate<P: Platform>(
    front: &Front<P>,
    context: &RequestContext,
    token: &Verified,
    scope: Scope,
) -> Result<(), Problem> {
    let question = Asker { front, context, token }.about_nothing(scope);
    let (mut lease, _) = open(front, context, &question).await?;
    lease.cancel();
    Ok(())
}

/// Opens the lease that the question is about.
async fn open<P: Platform>(
    front: &Front<P>,
    context: &RequestContext,
    question: &Admit,
) -> Result<(Lease<P>, Admitted), Problem> {
    let mut lease = Lease::asking(front, question.lease, context.at);
    let admitted = admit::admit(&mut lease, question).await?;
    Ok((lease, admitted))
}

/// Reads the body, up to the limit.
async fn read<P: Platform>(front: &Front<P>, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    if is_encoded(headers) {
        return Err(Problem::new(Kind::UnsupportedMediaType, "The body must not be compressed."));
    }
    body::read(front.platform().clock(), body, front.config().limits.body(), " (limits.body)").await
}

fn measure(format: Format, route: &ModelRoute, peek: &Peek) -> Measure {
    if format.is_free() {
        return Measure::Flat(Nanodollars::ZERO);
    }
    Measure::Tokens(Tokens { format, model: route.name().to_owned(), size: peek.size, price: route.price() })
}

/// A call that was admitted.
struct Forwarded<P: Platform> {
    front: Front<P>,
    context: RequestContext,
    head: http::request::Parts,
    lease: Lease<P>,
    admitted: Admitted,
}

impl<P: Platform> Forwarded<P> {
    /// Sends the call to the model's provider. Says beside the answer whether it has usage that the client did not ask for.
    async fn ask_model(
        &mut self,
        route: &ModelRoute,
        format: Format,
        body: &Bytes,
        peek: &Peek,
        measure: &Measure,
    ) -> Result<(Response, bool), Problem> {
        let Some(echo) = route.provider().echo() else {
            let (body, asks_usage) = route.body(body, peek);
            return Ok((self.ask_provider(route.provider(), body, measure).await?, asks_usage));
        };
        let clock = self.front.platform().clock();
        let mut answer = echo
            .answer(format, body, &self.context.id, clock)
            .map_err(|error| self.fail(Failure::new(Kind::Invalid, format!("{error}."), ErrorType::Refused, 400)))?;
        *answer.headers_mut() = inbound(answer.headers());
        Ok((answer, false))
    }

    /// Sends the call to a provider. If the client leaves meanwhile, the call costs what it costs unanswered.
    async fn ask_provider(&mut self, provider: &Provider, body: Body, measure: &Measure) -> Result<Response, Problem> {
        let outgoing = Outgoing {
            method: &self.head.method,
            path: self.head.uri.path(),
            query: self.head.uri.query(),
            headers: &self.head.headers,
            email: &self.admitted.email,
        };
        let Some(request) = provider.request(&outgoing, body) else {
            let detail = "The query cannot be passed on.";
            return Err(self.fail(Failure::new(Kind::Invalid, detail, ErrorType::Refused, 400)));
        };
        self.lease.presume(measure.unanswered(&self.front));
        let answer = exchange(&self.front, &self.context, provider, request).await;
        answer.map_err(|failure| self.fail(failure))
    }

    /// Ends a call that nobody pays for.
    fn fail(&mut self, failure: Failure) -> Problem {
        self.lease.settle(Ending { error: Some(failure.error), status: failure.status, ..Ending::default() });
        failure.problem
    }
}
