//! Requests to sinks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{HeaderMap, HeaderName, Method, Request};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{Exported, clickhouse, langfuse, otlp};
use crate::config::{Exporter, ExporterKind};

/// Where traces go, at a receiver of OTLP over HTTP.
const TRACES: &str = "/v1/traces";

/// The same at Langfuse.
const LANGFUSE_TRACES: &str = "/api/public/otel/v1/traces";

/// Has Langfuse show at once what comes (Langfuse, "OpenTelemetry", real-time ingestion).
const INGESTION_VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-langfuse-ingestion-version"), HeaderValue::from_static("4"));

const CLICKHOUSE_USER: HeaderName = HeaderName::from_static("x-clickhouse-user");
const CLICKHOUSE_KEY: HeaderName = HeaderName::from_static("x-clickhouse-key");

/// Why no request can be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// The address is none.
    #[error("the exporter's address cannot be used")]
    Address(#[from] url::ParseError),
    /// A value cannot be a header.
    #[error("a name or password of the exporter cannot be sent")]
    Header(#[from] http::header::InvalidHeaderValue),
    /// Something else.
    #[error("the request cannot be made")]
    Request(#[from] http::Error),
}

/// Returns the request that tells an exporter's sink of these events.
///
/// # Errors
///
/// [`RequestError`] if the configuration does not make one.
pub(crate) fn request(exporter: &Exporter, events: &[Exported]) -> Result<Request<Bytes>, RequestError> {
    let (url, body) = match exporter.kind {
        ExporterKind::Otlp => (address(&exporter.url, TRACES)?, otlp::body(events, otlp::add_said).to_string()),
        ExporterKind::Langfuse => {
            (address(&exporter.url, LANGFUSE_TRACES)?, otlp::body(events, langfuse::add).to_string())
        }
        ExporterKind::Clickhouse => (inserting(exporter)?, clickhouse::lines(events)),
    };
    let mut request = Request::builder().method(Method::POST).uri(url.as_str()).body(Bytes::from(body))?;
    *request.headers_mut() = headers(exporter)?;
    Ok(request)
}

/// Adds a path to an address, unless it has it already.
fn address(base: &str, path: &str) -> Result<Url, url::ParseError> {
    let base = base.trim_end_matches('/');
    if base.ends_with(path) { Url::parse(base) } else { Url::parse(&format!("{base}{path}")) }
}

fn inserting(exporter: &Exporter) -> Result<Url, url::ParseError> {
    let mut url = Url::parse(&exporter.url)?;
    let statement = format!("INSERT INTO {} FORMAT JSONEachRow", exporter.full_table());
    url.query_pairs_mut().append_pair("query", &statement);
    Ok(url)
}

fn headers(exporter: &Exporter) -> Result<HeaderMap, RequestError> {
    let mut headers: HeaderMap = exporter.header_pairs().collect();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static("llm-gateway"));
    match exporter.kind {
        ExporterKind::Otlp => {}
        ExporterKind::Langfuse => {
            let key = |key: &Option<SecretString>| key.as_ref().map_or("", |key| key.expose_secret()).to_owned();
            let both = format!("{}:{}", key(&exporter.public_key), key(&exporter.secret_key));
            headers.insert(AUTHORIZATION, secret(&format!("Basic {}", STANDARD.encode(both)))?);
            headers.extend([INGESTION_VERSION]);
        }
        ExporterKind::Clickhouse => {
            headers.insert(CLICKHOUSE_USER, HeaderValue::from_str(exporter.user())?);
            if let Some(password) = &exporter.password {
                headers.insert(CLICKHOUSE_KEY, secret(password.expose_secret())?);
            }
        }
    }
    Ok(headers)
}

fn secret(text: &str) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}
