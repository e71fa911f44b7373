//! AWS's side: region, credentials and endpoints from the environment.

use aws_config::{ConfigLoader, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

/// Reads region, credentials and endpoints as every AWS tool does: from variables, profiles, or where the machine runs.
pub async fn load() -> SdkConfig {
    loader().load().await
}

/// Returns what reads them, for those who know better.
///
/// With ring for TLS, as in the rest of the gateway: one implementation to follow, and no C library to cross-compile.
#[must_use]
pub fn loader() -> ConfigLoader {
    let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::from_env().http_client(https)
}
