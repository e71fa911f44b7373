//! `llm-gateway serve`: wires the adapters to core and serves its router.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use gateway_core::Chain;
use gateway_core::config::{Config, HotStore};
use gateway_core::control::Control;
use gateway_core::http::{Front, control_router, front_router, remote_control_router};
use gateway_core::identity::Email;
use gateway_core::ports::{Clock as _, Duties as _, Random as _, Unavailable};
use gateway_core::redis::{RedisHot, UpstashTransport};
use gateway_core::token::KeySet;
use gateway_core::version::Generation;
use gateway_native::aws;
use gateway_native::dynamodb::DynamoRecords;
use gateway_native::host::{Environment, SystemClock, SystemRandom};
use gateway_native::http_client::HttpClient;
use gateway_native::redis::RedisTransport;
use tokio::net::TcpListener;

use crate::background::TokioBackground;
use crate::dev_oidc::DevProvider;
use crate::hot::EmbeddedHot;
use crate::key_source::KeySource;
use crate::local_hot::LocalHot;
use crate::local_records::LocalRecords;
use crate::metrics::Metering;
use crate::platform::{LocalAuthority, LocalControl, LocalPlatform};
use crate::records::SqliteRecords;
use crate::welcome::{self, Welcome};
use crate::{data_folder, metrics, say, server, upkeep};

/// How long work in the background may go on after the last answer: closing leases is a matter of milliseconds.
const BACKGROUND_GRACE: Duration = Duration::from_secs(10);

/// How long Redis may take to answer. Calls have a shorter deadline (`admission.deadline_ms`); this one is for the rest, such
/// as a thousand usage events at once.
const REDIS_DEADLINE: Duration = Duration::from_secs(2);

/// The super administrator of a gateway that nobody configured.
const DEVELOPMENT_ADMIN: &str = "admin@example.com";

/// Serves until told to stop.
///
/// # Errors
///
/// Whatever keeps the gateway from starting.
pub(crate) async fn serve(mut config: Config, environment: Environment) -> Result<(), Box<dyn std::error::Error>> {
    let data = data_folder(&config)?;
    let (source, keys, made_keys) = KeySource::open(&config, &environment, &data).await?;

    let listen = config.server.listen;
    let listener = TcpListener::bind(listen).await.map_err(|error| format!("cannot listen on {listen}: {error}"))?;

    let development = development_provider(&mut config)?;
    let config = Arc::new(config);
    let background = TokioBackground::default();
    let http = HttpClient::new()?;
    let authority = open_stores(&config, &data, &http).await?;
    let metering = metrics::start(&config, &authority.hot).await?;
    let control = Control::new(authority.clone(), Arc::clone(&config), keys);
    let platform = LocalPlatform {
        hot: authority.hot,
        http: http.clone(),
        background: background.clone(),
        control: LocalControl(control_router(control.clone())),
    };
    let front = Front::new(platform, Arc::clone(&config))?;
    let is_development = development.is_some();
    let router = measured(metering.as_ref(), front_router(front));
    let router = match development {
        Some(provider) => provider.fallback_service(router),
        None => router,
    };
    begin(&control, &http, source).await;

    tracing::info!(%listen, public_url = %config.public_url(), "serving");
    welcome::print(&Welcome { config: &config, data: &data, is_development, made_keys });
    server::serve(listener, router, server::stop_signal(), server::GRACE).await;
    let unfinished = background.finish(BACKGROUND_GRACE).await;
    if unfinished > 0 {
        tracing::warn!(unfinished, "some leases stay open; they are charged at their estimate");
    }
    tracing::info!("stopped");
    Ok(())
}

/// Serves the control plane alone, to fronts in other places, until told to stop.
///
/// # Errors
///
/// Whatever keeps it from starting.
pub(crate) async fn serve_control(config: Config, environment: Environment) -> Result<(), Box<dyn std::error::Error>> {
    let data = data_folder(&config)?;
    let (source, keys, _) = KeySource::open(&config, &environment, &data).await?;
    let fronts = config.control.front_keys()?;

    let listen = config.server.listen;
    let listener = TcpListener::bind(listen).await.map_err(|error| format!("cannot listen on {listen}: {error}"))?;

    let config = Arc::new(config);
    let http = HttpClient::new()?;
    let authority = open_stores(&config, &data, &http).await?;
    let metering = metrics::start(&config, &authority.hot).await?;
    let public_url = config.public_url().to_string();
    let control = Control::new(authority, config, keys);
    begin(&control, &http, source).await;

    tracing::info!(%listen, public_url, "serving the control plane");
    say(&format!("llm-gateway {} serves the control plane of {public_url} on {listen}", env!("CARGO_PKG_VERSION")));
    let router = measured(metering.as_ref(), remote_control_router(control, fronts));
    server::serve(listener, router, server::stop_signal(), server::GRACE).await;
    tracing::info!("stopped");
    Ok(())
}

/// Has measured what a router answers, if somebody wants to know.
fn measured(metering: Option<&Metering>, router: Router) -> Router {
    match metering {
        Some(metering) => metering.around(router),
        None => router,
    }
}

/// Begins what goes on beside requests.
async fn begin(control: &Control<LocalAuthority>, client: &HttpClient, source: KeySource) {
    // What the first request would do otherwise, with less patience.
    if let Err(error) = control.recover().await {
        tracing::warn!(error = %Chain(&error), "the hot state is not recovered yet");
    }
    upkeep::start(control, client, source);
}

/// Has the hot state told everything anew; see [`Control::rebuild`].
///
/// # Errors
///
/// Whatever keeps a store from answering; it can be tried again.
pub(crate) async fn rebuild_hot(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    if matches!(config.hot.store()?, HotStore::Embedded) {
        return Err("the hot state is in hot.db, not on Redis, and needs no rebuilding: stop the gateway, remove hot.db, start it".into());
    }
    // Nothing is signed here, so nobody's keys are needed.
    let own = KeySet::new(SystemClock.now().seconds(), SystemRandom.bytes(), SystemRandom.bytes());
    let data = PathBuf::from(&config.data.dir);
    if config.records.dynamodb.is_none() {
        data_folder(&config)?;
    }
    let authority = open_stores(&config, &data, &HttpClient::new()?).await?;
    Ok(Control::new(authority, Arc::new(config), own).rebuild().await?)
}

/// Opens the stores; what a former process left behind in the data folder is put in order first.
///
/// # Errors
///
/// Whatever keeps one of them from being used.
pub(crate) async fn open_stores(
    config: &Config,
    data: &Path,
    http: &HttpClient,
) -> Result<LocalAuthority, Box<dyn std::error::Error>> {
    let name = &config.hot.name;
    let hot = match config.hot.store()? {
        HotStore::Redis(server) => {
            let transport = RedisTransport::connect(&server, REDIS_DEADLINE).await?;
            tracing::info!(%server, tls = server.tls, name, "the hot state is on redis");
            LocalHot::Redis(Arc::new(RedisHot::new(transport, SystemClock, SystemRandom, name)))
        }
        HotStore::Upstash(database) => {
            let transport = UpstashTransport::new(http.clone(), SystemClock, &database, REDIS_DEADLINE)?;
            let hot = RedisHot::new(transport, SystemClock, SystemRandom, name);
            // A token that may only read would be found out by the first call.
            let tried = hot.claim("start", "whoever starts", 1).await;
            tried.map_err(|source| Unusable { database: database.to_string(), source })?;
            tracing::info!(%database, name, "the hot state is at upstash");
            LocalHot::Upstash(Arc::new(hot))
        }
        HotStore::Embedded => {
            let generation = Generation(u64::from_be_bytes(SystemRandom.bytes()));
            LocalHot::Embedded(EmbeddedHot::open(data, generation, SystemClock.now().seconds())?)
        }
    };
    Ok(LocalAuthority { records: open_records(config, data).await?, hot })
}

async fn open_records(config: &Config, data: &Path) -> Result<LocalRecords, Box<dyn std::error::Error>> {
    let Some(table) = &config.records.dynamodb else { return Ok(LocalRecords::Sqlite(SqliteRecords::open(data)?)) };
    let records = DynamoRecords::new(&aws::load().await, table);
    let answers = records.warm().await;
    answers.map_err(|source| UnusableTable { table: table.clone(), source })?;
    tracing::info!(table, "the records are in dynamodb");
    Ok(LocalRecords::Dynamo(records))
}

/// Makes the table for the records that the configuration names.
///
/// # Errors
///
/// Whatever keeps it from being made.
pub(crate) async fn create_records(config: &Config) -> Result<String, Box<dyn std::error::Error>> {
    let table = config.records.dynamodb.as_ref();
    let table = table.ok_or("records.dynamodb names no table; records.db is made when the gateway starts")?;
    DynamoRecords::new(&aws::load().await, table).create_table().await?;
    Ok(table.clone())
}

/// Why there are no records.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the table {table}; `llm-gateway records create` makes one")]
struct UnusableTable {
    table: String,
    source: Unavailable,
}

/// Why there is no hot state.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the upstash database {database}")]
struct Unusable {
    database: String,
    source: Unavailable,
}

/// Without an identity provider, makes the development one and configures the gateway to use it; returns its routes. It
/// makes `admin@example.com` the super administrator unless somebody is.
fn development_provider(config: &mut Config) -> Result<Option<Router>, Box<dyn std::error::Error>> {
    if config.signin.issuer.is_some() {
        return Ok(None);
    }
    // The check of `Host` stops pages that rebind names, not a neighbour who writes the header.
    if !config.server.listen.ip().is_loopback() {
        return Err("without signin.issuer, server.listen must be a loopback address".into());
    }
    let provider = DevProvider::new(config.public_url().url(), SystemClock, SystemRandom)?;
    config.signin = provider.signin_config();
    if config.roles.super_admins.is_empty() {
        config.roles.super_admins.push(Email::parse(DEVELOPMENT_ADMIN)?);
    }
    Ok(Some(provider.router()))
}
