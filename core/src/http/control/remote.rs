//! The control plane in another place than the front: every request comes with an assertion that is good for it alone.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{StatusCode, Uri};
use url::Url;

use super::{MAX_ANSWER, MAX_BODY, control_router};
use crate::Chain;
use crate::control::{Actor, Asserted, Authority, Control, assert_request, check_assertion};
use crate::http::{Dialect, Kind, Problem, bearer, body};
use crate::ports::{Clock, ControlPlane, Http, OneTime as _, Random, Unavailable, in_time, within};
use crate::token::{PublicKeys, Signer};

/// What the control plane is called in errors.
const NAME: &str = "the control plane";

/// The kind of one-time values under which assertions are kept that were seen.
const SEEN: &str = "assertion";

/// How long the control plane may take to answer: a sign-in writes records and the hot state, and a Lambda may start cold.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long a request may take in all where it is answered: less than the front waits, so that it hears what became of it.
const ANSWERED: Duration = Duration::from_secs(8);

/// The way from a front to a control plane in another place. Clones share it.
#[derive(Debug, Clone)]
pub struct RemoteControl<H, C, R> {
    http: H,
    clock: C,
    random: R,
    way: Arc<Way>,
}

/// Where the control plane is, and as what a front comes to it.
#[derive(Debug)]
struct Way {
    url: String,
    origin: String,
    signer: Signer,
}

/// Why an answer is none.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("the assertion cannot be signed")]
    Signer,
    #[error("it does not take our assertion: keys, clocks or public addresses differ")]
    Refused,
    #[error("its answer cannot be read")]
    Body(#[source] axum::Error),
}

impl<H: Http, C: Clock, R: Random> RemoteControl<H, C, R> {
    /// Makes a way to the control plane at `url`, for a front of the gateway at `origin`. Nothing is asked yet.
    #[must_use]
    pub fn new(http: H, clock: C, random: R, url: &Url, origin: String, signer: Signer) -> Self {
        let url = url.as_str().trim_end_matches('/').to_owned();
        Self { http, clock, random, way: Arc::new(Way { url, origin, signer }) }
    }

    async fn exchange(&self, request: Request) -> Result<http::Response<Bytes>, Unavailable> {
        let answer = self.http.send(request).await.map_err(|error| Unavailable::new(NAME, error))?;
        // It sees only whom the front has authenticated, so nobody but the front itself can be meant.
        if answer.status() == StatusCode::UNAUTHORIZED {
            return Err(Unavailable::new(NAME, Unusable::Refused));
        }
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, MAX_ANSWER).await.map_err(|error| Unavailable::new(NAME, Unusable::Body(error)))?;
        Ok(http::Response::from_parts(head, body))
    }
}

impl<H: Http, C: Clock, R: Random> ControlPlane for RemoteControl<H, C, R> {
    async fn call(&self, actor: &Actor, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Unavailable> {
        let Way { url, origin, signer } = &*self.way;
        let now = self.clock.now().seconds();
        let assertion = assert_request(actor, &request, origin, self.random.bytes(), now, signer);
        let credential = assertion.and_then(|text| HeaderValue::try_from(format!("Bearer {text}")).ok());
        let mut credential = credential.ok_or_else(|| Unavailable::new(NAME, Unusable::Signer))?;
        credential.set_sensitive(true);

        let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let uri = Uri::try_from(format!("{url}{target}")).map_err(|error| Unavailable::new(NAME, error))?;
        let mut request = request.map(Body::from);
        *request.uri_mut() = uri;
        request.headers_mut().insert(AUTHORIZATION, credential);
        within(&self.clock, DEADLINE, NAME, self.exchange(request)).await
    }
}

/// Builds the control plane's router for fronts in another place, whose keys these are. Nothing is answered, not even that
/// there is nothing, to a request without a good assertion that was never seen before.
pub fn remote_control_router<A: Authority>(control: Control<A>, keys: PublicKeys) -> Router {
    let gatekeeper = Gatekeeper { control: control.clone(), keys: Arc::new(keys) };
    control_router(control).layer(from_fn_with_state(gatekeeper, believe::<A>))
}

/// Who lets fronts in.
struct Gatekeeper<A: Authority> {
    control: Control<A>,
    keys: Arc<PublicKeys>,
}

impl<A: Authority> Clone for Gatekeeper<A> {
    fn clone(&self) -> Self {
        Self { control: self.control.clone(), keys: Arc::clone(&self.keys) }
    }
}

async fn believe<A: Authority>(State(gatekeeper): State<Gatekeeper<A>>, request: Request, next: Next) -> Response {
    let answered = async {
        match gatekeeper.open(request).await {
            Ok(request) => next.run(request).await,
            Err(problem) => problem.respond(Dialect::Api, ""),
        }
    };
    in_time(gatekeeper.control.clock(), ANSWERED, answered).await.unwrap_or_else(|| {
        tracing::error!("a request was not answered in time");
        Problem::unavailable().respond(Dialect::Api, "")
    })
}

impl<A: Authority> Gatekeeper<A> {
    /// Checks the assertion of a request; behind it the extensions hold the actor, and the request says nothing of the
    /// assertion any more.
    async fn open(&self, request: Request) -> Result<Request, Problem> {
        let (head, body) = request.into_parts();
        let control = &self.control;
        let body = body::read(control.clock(), body, MAX_BODY, "").await?;
        let request = Request::from_parts(head, body);

        let now = control.now();
        let origin = control.config().public_url().origin();
        let text = bearer(request.headers(), false).map_err(|_| refused())?;
        let asserted = check_assertion(text, &request, &origin, now, &self.keys);
        let Asserted { actor, target, id, expiry } = asserted.ok_or_else(refused)?;
        let kept = control.hot().keep(SEEN, &id, "", now, expiry);
        let kept = within(control.clock(), control.deadline(), "the hot state", kept).await;
        let is_first = kept.map_err(|error| {
            tracing::error!(error = %Chain(&error), request = actor.request, "it cannot be told whether an assertion is new");
            Problem::unavailable()
        })?;
        if !is_first {
            return Err(refused());
        }
        let mut request = request.map(Body::from);
        *request.uri_mut() = target.into();
        request.headers_mut().remove(AUTHORIZATION);
        request.extensions_mut().insert(actor);
        Ok(request)
    }
}

fn refused() -> Problem {
    Problem::new(Kind::Unauthenticated, "The assertion is missing or not valid.")
}
