//! The gateway's control plane as an AWS Lambda function.
//!
//! In scope: the clients that a function keeps between invocations, and serving the core's router. Out of scope: any
//! decision; those are the core's.

use aws_config::SdkConfig;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use lambda_http::{Error, run, tracing};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let records = aws_sdk_dynamodb::Client::new(&aws().await);
    run(gateway_core::http::liveness().with_state(records)).await
}

/// Reads region, credentials and endpoints from the function's environment.
///
/// With ring for TLS, as in the rest of the gateway: one implementation to follow, and no C library to cross-compile.
async fn aws() -> SdkConfig {
    let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::from_env().http_client(https).load().await
}
