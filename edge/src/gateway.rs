//! The gateway of an isolate: made with its first request, and used by all that follow.

use std::cell::OnceCell;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use gateway_core::Chain;
use gateway_core::config::{Config, HotStore, Place};
use gateway_core::http::{Dialect, Front, Kind, Problem, RemoteControl, RequestContext, front_router, unserved};
use gateway_core::ports::Clock as _;
use gateway_core::redis::{RedisHot, UpstashTransport};
use http::Response;
use jiff::tz::TimeZone;
use tower::ServiceExt as _;
use worker::{Env, web_sys};

use crate::asked::asked;
use crate::host::{WorkerClock, WorkerRandom, bindings};
use crate::http_client::FetchClient;
use crate::logging;
use crate::platform::{Adapters, EdgePlatform};

/// The configuration, as it was when the Worker was built: the build has checked it.
const DOCUMENT: &str = include_str!(env!("LLM_GATEWAY_DOCUMENT"));

/// The time zone of budgets, and its rules (`TZif`, RFC 9636) as they were when the Worker was built.
const TIME_ZONE: (&str, &[u8]) = (env!("LLM_GATEWAY_TIME_ZONE"), include_bytes!(env!("LLM_GATEWAY_TIME_ZONE_RULES")));

/// How long the hot state may take for what is no call; calls have a shorter deadline (`admission.deadline_ms`).
const HOT_DEADLINE: Duration = Duration::from_secs(5);

thread_local! {
    static ROUTER: OnceCell<Router> = const { OnceCell::new() };
}

/// Answers a request; in this dialect with 503, and a line in the log that names what is missing, if there is no gateway yet.
pub(crate) async fn answer(request: web_sys::Request, env: &Env, dialect: Dialect) -> Response<Body> {
    let router = match router(env) {
        Ok(router) => router,
        Err(error) => {
            worker::console_error!("the gateway cannot serve: {}", Chain(&*error));
            return refuse(&Problem::unavailable(), dialect);
        }
    };
    match asked(&request) {
        Ok((request, leftover)) => {
            let answer = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            leftover.read().await;
            answer
        }
        Err(error) => {
            tracing::warn!(error = %Chain(&*error), "a request cannot be read");
            refuse(&Problem::new(Kind::Invalid, "The request cannot be read."), dialect)
        }
    }
}

fn time_zone(name: &str) -> Option<TimeZone> {
    let (known, rules) = TIME_ZONE;
    if name == known { TimeZone::tzif(known, rules).ok() } else { None }
}

fn refuse(problem: &Problem, dialect: Dialect) -> Response<Body> {
    unserved(problem, dialect, &RequestContext::new_id(WorkerClock.now(), &WorkerRandom))
}

fn router(env: &Env) -> Result<Router, Box<dyn Error>> {
    ROUTER.with(|made| match made.get() {
        Some(router) => Ok(router.clone()),
        None => make(env).map(|router| made.get_or_init(|| router).clone()),
    })
}

fn make(env: &Env) -> Result<Router, Box<dyn Error>> {
    let config = Config::load_with(Place::Edge, time_zone, DOCUMENT, &bindings(env))?;
    logging::start(&config.log);
    let HotStore::Upstash(database) = config.hot.store()? else { return Err("hot.upstash is missing".into()) };
    let control = (config.control.address()?, config.control.signer()?);
    let (Some(url), Some(signer)) = control else { return Err("control.url or control.key is missing".into()) };
    let transport = UpstashTransport::new(FetchClient, WorkerClock, &database, HOT_DEADLINE)?;
    let hot = RedisHot::new(transport, WorkerClock, WorkerRandom, &config.hot.name);
    let origin = config.public_url().origin();
    let control = RemoteControl::new(FetchClient, WorkerClock, WorkerRandom, &url, origin, signer);
    let platform = EdgePlatform::new(Adapters { hot, control });
    Ok(front_router(Front::new(platform, Arc::new(config))?))
}
