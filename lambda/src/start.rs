//! What is made once for each process, and kept between invocations.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use gateway_core::Chain;
use gateway_core::config::{Config, HotStore, Place};
use gateway_core::control::Control;
use gateway_core::ports::{Answers as _, Clock as _};
use gateway_core::redis::{RedisHot, UpstashTransport};
use gateway_core::token::PublicKeys;
use gateway_native::dynamodb::DynamoRecords;
use gateway_native::host::{Environment, SystemClock, SystemRandom};
use gateway_native::http_client::HttpClient;
use gateway_native::parameters::ParameterStore;
use gateway_native::{aws, logging};
use lambda_http::Error;

use crate::authority::LambdaAuthority;
use crate::keys::FollowedKeys;

/// The configuration, as it was when the program was built: the build has checked it.
const DOCUMENT: &str = include_str!(env!("LLM_GATEWAY_DOCUMENT"));

/// The variable that holds the signing keys.
const KEYS: &str = "LLM_GATEWAY__TOKENS__KEYS";

/// How long the hot state may take for what nobody waits for, such as a thousand usage events at once.
const HOT_DEADLINE: Duration = Duration::from_secs(5);

/// A control plane that is ready to be asked.
pub(crate) struct Started {
    pub(crate) control: Control<LambdaAuthority>,
    /// The keys of the fronts that it believes.
    pub(crate) fronts: PublicKeys,
    pub(crate) keys: FollowedKeys,
}

/// Makes a control plane, with connections to its stores.
///
/// # Errors
///
/// Whatever keeps it from working, but for a store that does not answer: it may later.
pub(crate) async fn start(environment: Environment) -> Result<Started, Error> {
    let aws = aws::load().await;
    let store = ParameterStore::new(&aws);
    let parameter = environment.parameter(KEYS).map(str::to_owned);
    let environment = if environment.has_parameters() { environment.filled_from(&store).await? } else { environment };

    let config = Config::load_at(Place::Function, DOCUMENT, &environment)?;
    logging::start(&config.log)?;
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));

    let HotStore::Upstash(database) = config.hot.store()? else { return Err("hot.upstash is missing".into()) };
    let table = config.records.dynamodb.as_ref().ok_or("records.dynamodb is missing")?;
    let signing = config.tokens.keys()?.ok_or("tokens.keys is missing")?;
    let transport = UpstashTransport::new(HttpClient::new()?, SystemClock, &database, HOT_DEADLINE)?;
    let authority = LambdaAuthority {
        records: DynamoRecords::new(&aws, table),
        hot: RedisHot::new(transport, SystemClock, SystemRandom, &config.hot.name),
    };
    warm(&authority).await;

    let fronts = config.control.front_keys()?;
    let keys = FollowedKeys::new(parameter.map(|name| (store, name)));
    Ok(Started { control: Control::new(authority, Arc::new(config), signing), fronts, keys })
}

/// Asks both stores for next to nothing, so that the first request finds connections.
async fn warm(LambdaAuthority { records, hot }: &LambdaAuthority) {
    let hot = hot.answer_maker("nobody's", SystemClock.now().seconds());
    let (records, hot) = join(records.warm(), hot).await;
    for error in [records.err(), hot.err()].into_iter().flatten() {
        tracing::warn!(error = %Chain(&error), "a store does not answer yet");
    }
}
