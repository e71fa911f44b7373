//! What this process measures, for Prometheus, at an address of its own: whoever reaches that may read it.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use gateway_core::control::measures;
use http::header::CONTENT_TYPE;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;

use crate::server;

/// The text format of Prometheus.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How often what was measured is put into its buckets, if nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// Begins to measure, and serves what was measured at `/metrics` until the process ends.
///
/// # Errors
///
/// Whatever keeps it from listening there.
pub(crate) async fn start(listen: SocketAddr) -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("cannot listen on {listen} (metrics.listen): {error}"))?;
    let handle = recorder()?.install()?;
    measures::describe();
    let kept = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            kept.run_upkeep();
        }
    });
    tokio::spawn(server::serve(listener, router(handle), std::future::pending(), Duration::ZERO));
    tracing::info!(%listen, "serving metrics");
    Ok(())
}

fn router(handle: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(async move || ([(CONTENT_TYPE, FORMAT)], handle.render())))
}

/// Metrics, and how to read them.
struct Recorder(metrics_exporter_prometheus::PrometheusRecorder);

impl Recorder {
    fn install(self) -> Result<PrometheusHandle, Box<dyn std::error::Error>> {
        let handle = self.0.handle();
        metrics::set_global_recorder(self.0).map_err(|_| "something else measures already")?;
        Ok(handle)
    }
}

fn recorder() -> Result<Recorder, Box<dyn std::error::Error>> {
    let ratio = Matcher::Full(measures::ESTIMATE_TO_COST.to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(ratio, &measures::RATIOS)?;
    Ok(Recorder(builder.build_recorder()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_was_measured_as_prometheus_reads_it() {
        let Recorder(recorder) = recorder().unwrap();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            measures::describe();
            metrics::histogram!(measures::ESTIMATE_TO_COST, "model" => "m").record(1.5);
            metrics::gauge!(measures::UNPRICED_CALLS, "model" => "n").increment(2.0);
        });
        let text = handle.render();
        for line in [
            "# TYPE llm_gateway_estimate_to_cost_ratio histogram",
            "llm_gateway_estimate_to_cost_ratio_bucket{model=\"m\",le=\"1.25\"} 0",
            "llm_gateway_estimate_to_cost_ratio_bucket{model=\"m\",le=\"2\"} 1",
            "# TYPE llm_gateway_unpriced_calls gauge",
            "llm_gateway_unpriced_calls{model=\"n\"} 2",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }
}
