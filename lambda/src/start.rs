//! What is made once for each process, and kept between invocations.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use gateway_core::Chain;
use gateway_core::config::{Config, HotStore, Place};
use gateway_core::control::Control;
use gateway_core::ports::{Answers as _, Clock as _, Random as _, within};
use gateway_core::redis::{RedisHot, UpstashTransport};
use gateway_core::token::{KeySet, PublicKeys};
use gateway_native::host::{Environment, SIGNING_KEYS, SystemClock, SystemRandom};
use gateway_native::http_client::HttpClient;
use gateway_native::parameters::ParameterStore;
use gateway_native::{SdkConfig, aws, dynamodb, logging};
use lambda_http::Error;

use crate::authority::LambdaAuthority;
use crate::keys::FollowedKeys;

/// The configuration, as it was when the program was built: the build has checked it.
const DOCUMENT: &str = include_str!(env!("LLM_GATEWAY_DOCUMENT"));

/// How long the hot state may take for what nobody waits for, such as a thousand usage events at once.
const HOT_DEADLINE: Duration = Duration::from_secs(5);

/// How long a store may take to be there: the process may start without it, and has ten seconds for all.
const WARM: Duration = Duration::from_secs(1);

/// What the functions are called where they share work with gateways elsewhere. A process that was ended leaves its duty to the
/// next one.
const NAME: &str = "lambda";

/// A control plane that fronts may ask.
pub(crate) struct Started {
    pub(crate) control: Control<LambdaAuthority>,
    /// The keys of the fronts that it believes.
    pub(crate) fronts: PublicKeys,
    pub(crate) keys: FollowedKeys,
}

/// Makes a control plane for fronts, with connections to its stores.
///
/// # Errors
///
/// Whatever keeps it from working, but for a store that does not answer: it may later.
pub(crate) async fn start(environment: Environment) -> Result<Started, Error> {
    let aws = aws::load().await;
    let store = ParameterStore::new(&aws);
    let parameter = environment.parameter(SIGNING_KEYS).map(str::to_owned);
    let config = configure(Place::Function, environment, &store).await?;
    let signing = config.tokens.keys()?.ok_or("tokens.keys is missing")?;
    let fronts = config.control.front_keys()?;
    let authority = open(&config, &aws).await?;
    let keys = FollowedKeys::new(parameter.map(|name| (store, name)));
    Ok(Started { control: Control::new(authority, Arc::new(config), signing), fronts, keys })
}

/// Makes a control plane that nobody asks anything: its keys are its own, and it signs nothing.
///
/// # Errors
///
/// As [`start`].
pub(crate) async fn start_errands(environment: Environment) -> Result<Control<LambdaAuthority>, Error> {
    let aws = aws::load().await;
    let config = configure(Place::Errand, environment, &ParameterStore::new(&aws)).await?;
    let authority = open(&config, &aws).await?;
    let own = KeySet::new(SystemClock.now().seconds(), SystemRandom.bytes(), SystemRandom.bytes());
    Ok(Control::called(NAME.to_owned(), authority, Arc::new(config), own))
}

async fn configure(place: Place, environment: Environment, store: &ParameterStore) -> Result<Config, Error> {
    let environment = environment.filled_from(store).await?;
    let config = Config::load_at(place, DOCUMENT, &environment)?;
    logging::start(&config.log)?;
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Ok(config)
}

async fn open(config: &Config, aws: &SdkConfig) -> Result<LambdaAuthority, Error> {
    let HotStore::Upstash(database) = config.hot.store()? else { return Err("hot.upstash is missing".into()) };
    let table = config.records.dynamodb.as_ref().ok_or("records.dynamodb is missing")?;
    let transport = UpstashTransport::new(HttpClient::new()?, SystemClock, &database, HOT_DEADLINE)?;
    let authority = LambdaAuthority {
        records: dynamodb::DynamoRecords::new(aws, table),
        hot: RedisHot::new(transport, SystemClock, SystemRandom, &config.hot.name),
    };
    warm(&authority).await;
    Ok(authority)
}

/// Asks both stores for next to nothing, so that the first request finds connections.
async fn warm(LambdaAuthority { records, hot }: &LambdaAuthority) {
    let hot = hot.answer_maker("nobody's", SystemClock.now().seconds());
    let hot = within(&SystemClock, WARM, "the hot state", hot);
    let records = within(&SystemClock, WARM, "the records", records.warm());
    let (records, hot) = join(records, hot).await;
    for error in [records.err(), hot.err()].into_iter().flatten() {
        tracing::warn!(error = %Chain(&error), "a store does not answer yet");
    }
}
