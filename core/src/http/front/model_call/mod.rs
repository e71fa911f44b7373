//! A model call: peek, admit, forward, stream back, settle.

mod admit;
#[cfg(test)]
#[cfg(feature = "test-support")]
mod beside_tests;
mod content;
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

use std::pin::pin;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::{Either, select};
use http::request::Parts;

use self::exchange::{Failure, exchange};
use self::lease::{Ending, Lease};
use self::measure::{Measure, Tokens, is_encoded};
use self::metered::{Extras, metered};
use self::question::Asker;
use super::Front;
use crate::admission::{Admitted, ErrorType};
use crate::http::{Kind, Problem, RequestContext, body, budget_notice};
use crate::identity::Email;
use crate::money::Nanodollars;
use crate::ports::Platform;
use crate::token::{Scope, Verified};
use crate::upstream::{
    Asked, Echo, EchoError, Format, ModelRoute, Outgoing, Passthrough, Peek, Provider, inbound, peek,
};

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
    let body = read(&front, &head, body).await?;
    let peek = peek(&body, format).map_err(|error| Problem::new(Kind::Invalid, format!("{error}.")))?;
    let route = front.catalog().route(&peek.model);
    if let Some(member) = route.as_ref().and_then(|route| route.forbidden(&peek)) {
        return Err(Problem::new(Kind::Invalid, format!("{member} is not for clients to set.")));
    }
    let question = Asker { front: &front, context: &context, token: &token }.about_model(format, &peek, route.as_ref());
    let mut lease = Lease::asking(&front, question);
    let Some(route) = route else {
        // The one who asks learns first whether they may ask at all.
        admit::admit(&mut lease).await?;
        return Err(Problem::unavailable());
    };
    let measure = measure(&front, format, &route, &peek);
    if let Some(bytes) = measure.kept() {
        lease.note_asked(Asked::of(&body, format, bytes));
    }
    let call = Call { front: &front, context: &context, head: &head, continues: &peek.continues };
    let (mut answer, withholds) = if let Some(echo) = route.provider().echo() {
        (call.ask_echo(&mut lease, echo, format, &body).await?, false)
    } else {
        let (outgoing, asks_usage) = route.body(&body, &peek);
        // From here on it is the provider's: what was sent is not held while one waits for the answer.
        drop(body);
        (call.ask_provider(&mut lease, route.provider(), outgoing, &measure).await?, asks_usage)
    };
    if format.is_anthropic() && answer.status().is_success() {
        budget_notice::tell(answer.headers_mut(), lease.budgets());
    }
    let keeper = peek.is_kept.then_some(token.user);
    Ok(metered(lease, answer, measure, Extras { withholds, keeper }))
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
    let body = read(&front, &head, body).await?;
    let asker = Asker { front: &front, context: &context, token: &token };
    let question = asker.about_passthrough(head.uri.path(), &passthrough);
    let mut lease = Lease::asking(&front, question);
    let measure = Measure::Flat(passthrough.cost);
    let call = Call { front: &front, context: &context, head: &head, continues: &[] };
    let answer = call.ask_provider(&mut lease, &passthrough.provider, Body::from(body), &measure).await?;
    Ok(metered(lease, answer, measure, Extras::default()))
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
    let mut lease = Lease::asking(front, question);
    admit::admit(&mut lease).await?;
    lease.cancel();
    Ok(())
}

/// Reads the body, up to the limit.
async fn read<P: Platform>(front: &Front<P>, head: &Parts, body: Body) -> Result<Bytes, Problem> {
    if is_encoded(&head.headers) {
        return Err(Problem::new(Kind::UnsupportedMediaType, "The body must not be compressed."));
    }
    let limit = front.config().limits.body();
    body::read_for(&head.method, front.platform().clock(), body, limit, " (limits.body)").await
}

fn measure<P: Platform>(front: &Front<P>, format: Format, route: &ModelRoute, peek: &Peek) -> Measure {
    if format.is_free() {
        return Measure::Flat(Nanodollars::ZERO);
    }
    Measure::Tokens(Tokens {
        format,
        model: route.name().to_owned(),
        size: peek.size,
        price: route.price().cloned(),
        kept: front.config().content_room(),
    })
}

/// A call.
struct Call<'a, P: Platform> {
    front: &'a Front<P>,
    context: &'a RequestContext,
    head: &'a Parts,
    /// The earlier answers that it goes on from.
    continues: &'a [String],
}

impl<P: Platform> Call<'_, P> {
    /// Has the call admitted, and answers it with what it says.
    async fn ask_echo(
        &self,
        lease: &mut Lease<P>,
        echo: Echo,
        format: Format,
        body: &Bytes,
    ) -> Result<Response, Problem> {
        self.admit(lease).await?;
        let clock = self.front.platform().clock();
        let answer = echo.answer(format, body, &self.context.id, clock);
        let failure = |error| Failure::new(Kind::Invalid, format!("{error}."), ErrorType::Refused, 400);
        let mut answer = answer.map_err(|error: EchoError| fail(lease, failure(error)))?;
        *answer.headers_mut() = inbound(answer.headers());
        Ok(answer)
    }

    /// Has the call admitted and sends it to a provider: one after the other, or beside each other where the answer can be
    /// foreseen. Either way nothing of the provider's answer is passed on before the call is admitted, and if it is not, the
    /// request is cancelled. If the client leaves once the provider has it, the call costs what it costs unanswered.
    async fn ask_provider(
        &self,
        lease: &mut Lease<P>,
        provider: &Provider,
        body: Body,
        measure: &Measure,
    ) -> Result<Response, Problem> {
        // Whose an earlier answer is cannot be foreseen.
        let foreseen = self.front.recent().foresee(lease.question(), self.front.now_ms());
        let unanswered = measure.unanswered(self.front);
        let answer = if let Some(email) = foreseen.filter(|_| self.continues.is_empty()) {
            lease.presume(unanswered);
            match select(pin!(self.admit(lease)), pin!(self.send(provider, body, &email))).await {
                Either::Left((admitted, sending)) => {
                    admitted?;
                    sending.await
                }
                Either::Right((answer, admitting)) => {
                    admitting.await?;
                    answer
                }
            }
        } else {
            let admitted = self.admit(lease).await?;
            lease.presume(unanswered);
            self.send(provider, body, &admitted.email).await
        };
        answer.map_err(|failure| fail(lease, failure))
    }

    /// Has the call admitted, and checks what it goes on from.
    async fn admit(&self, lease: &mut Lease<P>) -> Result<Admitted, Problem> {
        let admitted = admit::admit(lease).await?;
        if let Err(problem) = kept::check_own(self.front, lease.question().user, self.continues).await {
            lease.cancel();
            return Err(problem);
        }
        Ok(admitted)
    }

    /// Sends the call to a provider.
    async fn send(&self, provider: &Provider, body: Body, email: &Email) -> Result<Response, Failure> {
        let outgoing = Outgoing {
            method: &self.head.method,
            path: self.head.uri.path(),
            query: self.head.uri.query(),
            headers: &self.head.headers,
            email,
        };
        let Some(request) = provider.request(&outgoing, body) else {
            let detail = "The query cannot be passed on.";
            return Err(Failure::new(Kind::Invalid, detail, ErrorType::Refused, 400));
        };
        exchange(self.front, self.context, provider, request).await
    }
}

/// Ends a call that nobody pays for.
fn fail<P: Platform>(lease: &mut Lease<P>, failure: Failure) -> Problem {
    lease.settle(Ending { error: Some(failure.error), status: failure.status, ..Ending::default() });
    failure.problem
}
