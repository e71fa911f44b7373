//! A model call: peek, admit, forward, stream back, settle.

mod admit;
mod lease;
mod metered;

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use self::lease::{Ending, Lease};
use self::metered::{Measure, metered};
use super::{Front, body};
use crate::admission::{Admit, Call, ErrorType, Preclusion};
use crate::config::{Model, Provider, ProviderKind};
use crate::http::{Kind, Problem, RequestContext};
use crate::id::LeaseId;
use crate::money::Nanodollars;
use crate::ports::{Platform, Random as _};
use crate::token::{Scope, Verified};
use crate::upstream::{Echo, EchoError, Format, Peek, inbound, peek};

/// How long after a call's last moment its lease runs out, in seconds.
const LEASE_MARGIN: i64 = 60;

/// `POST /v1/messages`, `POST /v1/chat/completions`.
pub(super) async fn model_call<P: Platform>(
    State(front): State<Front<P>>,
    Extension(context): Extension<RequestContext>,
    Extension(token): Extension<Verified>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let format = Format::of(path).ok_or_else(|| Problem::new(Kind::NotFound, "There is nothing at this path."))?;
    let body = read(&front, &parts.headers, body).await?;
    let peek = peek(&body).map_err(|error| Problem::new(Kind::Invalid, format!("{error}.")))?;
    let found = front.config().model(&peek.model);

    let question = question(&front, &context, &token, path, &peek, found);
    let mut lease = Lease::asking(&front, question.lease, context.at);
    admit::admit(&mut lease, &question).await?;

    let Some((model, provider)) = found else {
        // Admission refuses calls to models that are not configured.
        lease.cancel();
        return Err(Problem::unavailable());
    };
    match send(&front, provider, format, &body, &context) {
        Ok(answer) => {
            let measure = Measure { format, model: peek.model, size: peek.size, price: model.price };
            Ok(metered(lease, answer.map(Body::new), measure))
        }
        Err(error) => {
            let ending = Ending { error: Some(ErrorType::Refused), status: 400, priced: true, ..Ending::default() };
            lease.settle(ending);
            Err(Problem::new(Kind::Invalid, format!("{error}.")))
        }
    }
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
    let preclusion = (!token.scopes.contains(scope)).then_some(Preclusion::Scope);
    let call = call(context, "", "", "", false);
    let question = Admit { budgets: Vec::new().into(), preclusion, ..admission(front, context, token, call) };
    let mut lease = Lease::asking(front, question.lease, context.at);
    admit::admit(&mut lease, &question).await?;
    lease.cancel();
    Ok(())
}

/// Reads the body, up to the limit.
async fn read<P: Platform>(front: &Front<P>, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    if headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(Problem::new(Kind::UnsupportedMediaType, "The body must not be compressed."));
    }
    body::read(front, body, front.config().limits.body, " (limits.body)").await
}

fn question<P: Platform>(
    front: &Front<P>,
    context: &RequestContext,
    token: &Verified,
    path: &str,
    peek: &Peek,
    found: Option<(&Model, &Provider)>,
) -> Admit {
    let preclusion = if !token.scopes.contains(Scope::Llm) {
        Some(Preclusion::Scope)
    } else if found.is_none() {
        Some(Preclusion::UnknownModel)
    } else {
        None
    };
    let price = found.and_then(|(model, _)| model.price);
    let estimate = price.map_or(Nanodollars::ZERO, |price| front.estimator().estimate(&peek.model, &price, &peek.size));
    let provider = found.map_or("", |(model, _)| &model.provider);
    let call = call(context, path, &peek.model, provider, peek.stream);
    Admit { preclusion, priced: price.is_some(), estimate, ..admission(front, context, token, call) }
}

/// Returns the question about a call that holds nothing.
fn admission<P: Platform>(front: &Front<P>, context: &RequestContext, token: &Verified, call: Call) -> Admit {
    let now = front.now();
    Admit {
        now,
        lease: LeaseId::new(context.at, front.platform().random().bytes()),
        user: token.user,
        token: token.token,
        epoch: token.epoch,
        preclusion: None,
        priced: true,
        estimate: Nanodollars::ZERO,
        expiry: now.plus(front.config().upstream.max_duration.get() + LEASE_MARGIN),
        calendar: front.calendar(now),
        budgets: front.budgets(),
        call,
    }
}

fn call(context: &RequestContext, path: &str, model: &str, provider: &str, stream: bool) -> Call {
    Call {
        at: context.at,
        request: context.id.clone(),
        route: path.to_owned(),
        model: model.to_owned(),
        provider: provider.to_owned(),
        stream,
        address: context.address.clone(),
        user_agent: context.user_agent.clone(),
    }
}

fn send<P: Platform>(
    front: &Front<P>,
    provider: &Provider,
    format: Format,
    body: &Bytes,
    context: &RequestContext,
) -> Result<Response, EchoError> {
    let ProviderKind::Echo = provider.kind;
    let echo = Echo { pace: Duration::from_millis(provider.pace_ms.into()) };
    let mut answer = echo.answer(format, body, &context.id, front.platform().clock())?;
    *answer.headers_mut() = inbound(answer.headers());
    Ok(answer)
}
