//! What this process measures, for Prometheus: at an address of its own, where whoever reaches it may read it, and where everything
//! else is, for whoever shows a token.

mod http;
mod stores;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, StatusCode};
use axum::Router;
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use gateway_core::Chain;
use gateway_core::config::Config;
use gateway_core::control::measures;
use gateway_core::http::{Dialect, Kind, Problem, shows, unserved};
use gateway_core::money::{Calendar, Counter, WindowKind};
use gateway_core::ports::{Clock as _, Unavailable, Usage as _};
use gateway_native::host::SystemClock;
use metrics::{Unit, describe_gauge, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use metrics_util::MetricKindMask;
use tokio::net::TcpListener;

use crate::local_hot::LocalHot;
use crate::server;

pub(crate) use stores::Operation;

/// The text format of Prometheus.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How often what was measured is put into its buckets, if nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// How long a gauge is believed that nobody sets any more, because another process does that now: twice as long as Prometheus usually
/// waits between two looks.
const STALE: Duration = Duration::from_mins(2);

/// How long the hot state may take to say what is held; the rest is told without.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which version runs.
const BUILD_INFO: &str = "llm_gateway_build_info";

/// What running calls hold, of everybody.
const HELD: &str = "llm_gateway_held_dollars";

/// Begins to measure, if somebody wants to know, and serves what was measured at the address that is there for that until the process
/// ends.
///
/// # Errors
///
/// Whatever keeps it from listening there.
pub(crate) async fn start(
    config: &Arc<Config>,
    hot: &LocalHot,
) -> Result<Option<Metering>, Box<dyn std::error::Error>> {
    let listen = config.metrics.listen;
    if listen.is_none() && config.metrics.token.is_none() {
        return Ok(None);
    }
    let metering = Metering {
        handle: install(recorder()?)?,
        process: metrics_process::Collector::default(),
        config: Arc::clone(config),
        hot: hot.clone(),
    };
    describe(&metering.process);
    let handle = metering.handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            handle.run_upkeep();
        }
    });
    if let Some(listen) = listen {
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|error| format!("cannot listen on {listen} (metrics.listen): {error}"))?;
        let own = metering.clone();
        let router = Router::new().route("/metrics", get(async move || own.tell().await));
        tokio::spawn(server::serve(listener, router, std::future::pending(), Duration::ZERO));
        tracing::info!(%listen, "serving metrics");
    }
    Ok(Some(metering))
}

/// What is measured, and how to read it.
#[derive(Clone)]
pub(crate) struct Metering {
    handle: PrometheusHandle,
    process: metrics_process::Collector,
    config: Arc<Config>,
    hot: LocalHot,
}

impl Metering {
    /// Measures what a router answers, and adds `/metrics` to it for whoever shows the token, if there is one.
    pub(crate) fn around(&self, router: Router) -> Router {
        let router = router.layer(from_fn(http::measure));
        if self.config.metrics.token.is_none() {
            return router;
        }
        let own = self.clone();
        router.route("/metrics", get(async move |headers: HeaderMap| own.tell_bearer(&headers).await))
    }

    async fn tell_bearer(&self, headers: &HeaderMap) -> Response {
        if self.config.metrics.token.as_ref().is_some_and(|token| shows(headers, token)) {
            return self.tell().await;
        }
        let problem = Problem::new(Kind::Unauthenticated, "The metrics token is missing or not valid.");
        unserved(&problem, Dialect::Api, "")
    }

    async fn tell(&self) -> Response {
        gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        self.process.collect();
        http::note_open();
        match self.held().await {
            Ok(dollars) => gauge!(HELD).set(dollars),
            Err(error) => tracing::warn!(error = %Chain(&error), "what is held cannot be told"),
        }
        (StatusCode::OK, [(CONTENT_TYPE, FORMAT)], self.handle.render()).into_response()
    }

    /// Returns what running calls hold, in dollars.
    #[expect(clippy::cast_precision_loss, reason = "fifteen digits are there")]
    async fn held(&self) -> Result<f64, Unavailable> {
        let calendar = Calendar::at(SystemClock.now().seconds(), &self.config.time_zone());
        let counters = [(WindowKind::Total, Counter::Org)];
        let asked = tokio::time::timeout(PATIENCE, self.hot.totals(&calendar, &counters)).await;
        let totals = asked.unwrap_or_else(|_| Err(Unavailable::timed_out("the hot state")))?;
        Ok(totals.iter().map(|totals| totals.held.0 as f64 / 1e9).sum())
    }
}

fn install(recorder: PrometheusRecorder) -> Result<PrometheusHandle, Box<dyn std::error::Error>> {
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| "something else measures already")?;
    Ok(handle)
}

fn recorder() -> Result<PrometheusRecorder, Box<dyn std::error::Error>> {
    let mut builder = PrometheusBuilder::new().idle_timeout(MetricKindMask::GAUGE, Some(STALE));
    for (name, buckets) in measures::HISTOGRAMS.into_iter().chain([http::HISTOGRAM, stores::HISTOGRAM]) {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets)?;
    }
    Ok(builder.build_recorder())
}

/// Says what everything is that is measured.
fn describe(process: &metrics_process::Collector) {
    measures::describe();
    http::describe();
    stores::describe();
    process.describe();
    describe_gauge!(BUILD_INFO, Unit::Count, "Always 1; the label says which version runs");
    describe_gauge!(HELD, "What running calls hold, in dollars; every process tells the same of a shared hot state");
}

/// Time that passes.
struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "nothing is decided by what is measured")]
    fn start() -> Self {
        Self(Instant::now())
    }

    fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is told once that was done.
    fn told(work: impl FnOnce()) -> String {
        let recorder = recorder().unwrap();
        metrics::with_local_recorder(&recorder, || {
            describe(&metrics_process::Collector::default());
            work();
        });
        recorder.handle().render()
    }

    #[test]
    fn writes_what_was_measured_as_prometheus_reads_it() {
        let text = told(|| {
            metrics::histogram!(measures::ESTIMATE_TO_COST, "model" => "m").record(1.5);
            metrics::counter!(measures::UNPRICED_CALLS, "model" => "n").increment(2);
        });
        for line in [
            "# TYPE llm_gateway_estimate_to_cost_ratio histogram",
            "llm_gateway_estimate_to_cost_ratio_bucket{model=\"m\",le=\"1.25\"} 0",
            "llm_gateway_estimate_to_cost_ratio_bucket{model=\"m\",le=\"2\"} 1",
            "# TYPE llm_gateway_unpriced_calls_total counter",
            "llm_gateway_unpriced_calls_total{model=\"n\"} 2",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }

    #[test]
    fn makes_a_histogram_of_all_that_has_buckets() {
        for (name, _) in measures::HISTOGRAMS.into_iter().chain([http::HISTOGRAM, stores::HISTOGRAM]) {
            let text = told(|| metrics::histogram!(name).record(1.0));
            assert!(text.contains(&format!("# HELP {name} ")), "{text}");
            assert!(text.contains(&format!("{name}_bucket{{le=\"+Inf\"}} 1")), "{text}");
        }
    }
}
