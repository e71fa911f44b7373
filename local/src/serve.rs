//! `llm-gateway serve`: wires the adapters to core and serves its router.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use gateway_core::config::Config;
use gateway_core::control::Control;
use gateway_core::http::{Front, control_router, front_router};
use tokio::net::TcpListener;

use crate::dev_oidc::{self, DevProvider};
use crate::host::{SystemClock, SystemRandom, TokioBackground};
use crate::hot::EmbeddedHot;
use crate::http_client::HyperClient;
use crate::keys::KeyFile;
use crate::platform::{LocalAuthority, LocalControl, LocalPlatform};
use crate::records::SqliteRecords;
use crate::welcome::{self, Welcome};
use crate::{data_folder, server, upkeep};

/// How long work in the background may go on after the last answer: closing leases is a matter of milliseconds.
const BACKGROUND_GRACE: Duration = Duration::from_secs(10);

/// Serves until told to stop.
///
/// # Errors
///
/// Whatever keeps the gateway from starting.
pub(crate) async fn serve(mut config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let data = data_folder(&config)?;
    let key_file = KeyFile::new(&data);
    let (keys, made_keys) = key_file.read_or_create(&SystemClock, &SystemRandom)?;
    let public_keys = keys.public()?;

    let listen = config.server.listen;
    let listener = TcpListener::bind(listen).await.map_err(|error| format!("cannot listen on {listen}: {error}"))?;

    let development = development_provider(&mut config)?;
    let config = Arc::new(config);
    let background = TokioBackground::default();
    let authority = open_stores(&data, &config)?;
    let control = Control::new(authority.clone(), Arc::clone(&config), keys);
    let platform = LocalPlatform {
        hot: authority.hot,
        http: HyperClient::new(),
        background: background.clone(),
        control: LocalControl(control_router(control.clone())),
    };
    let front = Front::new(platform, Arc::clone(&config), public_keys);
    let is_development = development.is_some();
    let router = match development {
        Some(provider) => Router::new().nest(dev_oidc::PATH, provider).merge(front_router(front.clone())),
        None => front_router(front.clone()),
    };
    upkeep::start(&control, &front, key_file);

    tracing::info!(%listen, public_url = %config.public_url(), "serving");
    welcome::print(&Welcome { config: &config, data: &data, is_development, made_keys });
    server::serve(listener, router, server::stop_signal()).await;
    background.finish(BACKGROUND_GRACE).await;
    tracing::info!("stopped");
    Ok(())
}

fn open_stores(data: &Path, config: &Config) -> Result<LocalAuthority, Box<dyn std::error::Error>> {
    let _ = config;
    Ok(LocalAuthority { records: SqliteRecords::open(data)?, hot: EmbeddedHot::open(data)? })
}
