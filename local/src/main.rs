//! `llm-gateway`: the front door and the control plane in one process.
//!
//! In scope: adapters (SQLite, the in-memory hot state and its journal, hyper), wiring, the command line. Out of scope:
//! every decision; those are in `gateway-core`.

mod background;
mod cli;
mod customers;
mod dev_oidc;
mod health;
mod hot;
mod import_litellm;
mod key_source;
mod keys;
mod local_hot;
mod local_records;
mod metrics;
mod platform;
mod prices;
mod records;
mod serve;
mod server;
mod stall;
mod upkeep;
mod welcome;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser as _;
use gateway_core::Chain;
use gateway_core::config::{Config, ConfigError, Place, VARIABLE_PREFIX};
use gateway_core::http::ROUTES;
use gateway_core::ports::{Clock as _, Random as _, Vars as _};
use gateway_core::token::{FrontKey, KeySet};
use gateway_native::host::{Environment, SystemClock, SystemRandom};
use gateway_native::http_client::HttpClient;
use gateway_native::logging;
use gateway_native::parameters::ParameterStore;

use crate::cli::{Cli, Command, Hot, Keys, Records};
use crate::keys::KeyFile;

/// The configuration file that is read when none is named.
const DEFAULT_CONFIG: &str = "gateway.toml";

/// How the program ends when the file that it was given cannot be used, as it does for wrong arguments.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let Err(error) = run(&cli) else { return ExitCode::SUCCESS };
    say_error(&format!("llm-gateway: {}", Chain(&*error)));
    let is_import = matches!(cli.command, Some(Command::ImportLitellm { .. }));
    if is_import { ExitCode::from(UNUSABLE) } else { ExitCode::FAILURE }
}

fn run(cli: &Cli) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = runtime()?;
    let configured = |place| runtime.block_on(configuration(place, cli.config.as_deref()));
    match cli.command.as_ref().unwrap_or(&Command::Serve { control: false }) {
        Command::Serve { control: false } => {
            let Configured { config, environment, .. } = configured(Place::Whole)?;
            logging::start(&config.log)?;
            runtime.block_on(serve::serve(config, environment))
        }
        Command::Serve { control: true } => {
            let Configured { config, environment, .. } = configured(Place::Control)?;
            logging::start(&config.log)?;
            runtime.block_on(serve::serve_control(config, environment))
        }
        Command::Health => {
            runtime.block_on(health::check(listen(cli.config.as_deref())?))?;
            say("ready");
            Ok(())
        }
        Command::Routes => {
            for route in ROUTES {
                say(&format!("{}\t{}\t{}", route.method, route.path, route.gate));
            }
            Ok(())
        }
        Command::Prices { model } => {
            say(&prices::describe(&configured(Place::Tool)?.config, model.as_deref())?);
            Ok(())
        }
        Command::Records(Records::Create) => {
            let table = runtime.block_on(serve::create_records(&configured(Place::Tool)?.config))?;
            say(&format!("The table {table} is there."));
            Ok(())
        }
        Command::Hot(Hot::Rebuild) => {
            runtime.block_on(serve::rebuild_hot(configured(Place::Tool)?.config))?;
            say("The hot state was told everything anew.");
            Ok(())
        }
        Command::CheckConfig => {
            let Configured { config, path, .. } = configured(Place::Whole)?;
            let source = path.map_or_else(|| "the defaults".to_owned(), |path| path.display().to_string());
            say(&format!("{source}: good\nThe gateway will be {}", config.public_url()));
            Ok(())
        }
        Command::Keys(Keys::Rotate { ssm, kms_key }) => {
            let config = configured(Place::Tool)?.config;
            match ssm {
                Some(name) => runtime.block_on(rotate_parameter(&config, name, kms_key.as_deref())),
                None => rotate_file(&config),
            }
        }
        Command::Keys(Keys::Front) => {
            let key = FrontKey::new(SystemRandom.bytes());
            say(&format!("# For the front alone, as a secret:\n{VARIABLE_PREFIX}CONTROL__KEY={}", key.expose()));
            say(&format!("# For the control plane:\n{VARIABLE_PREFIX}CONTROL__FRONTS='[\"{}\"]'", key.public()));
            Ok(())
        }
        Command::ImportLitellm { file } => import_litellm(file),
        Command::ImportCustomers { file, to, token_from } => runtime.block_on(import_customers(file, to, token_from)),
    }
}

fn rotate_file(config: &Config) -> Result<(), Box<dyn std::error::Error>> {
    if config.tokens.keys.is_some() {
        return Err("tokens.keys holds the signing keys; with --ssm those of a parameter are rotated".into());
    }
    let keys = KeyFile::new(&data_folder(config)?).rotate(config.tokens.max_lifetime.0, &SystemClock, &SystemRandom)?;
    say_rotated(&keys)
}

/// Rotates the keys that a parameter holds, or makes the first ones.
async fn rotate_parameter(
    config: &Config,
    name: &str,
    kms_key: Option<&str>,
) -> Result<(), Box<dyn std::error::Error>> {
    let store = ParameterStore::new(&gateway_native::aws::load().await);
    let now = SystemClock.now().seconds();
    let (keys, seen) = match store.versioned_keys(name).await? {
        Some((keys, seen)) => (keys.rotate(now, config.tokens.max_lifetime.0, SystemRandom.bytes()), Some(seen)),
        None => (KeySet::new(now, SystemRandom.bytes(), SystemRandom.bytes()), None),
    };
    store.write_keys(name, &keys, seen, kms_key).await?;
    if seen.is_none() {
        say(&format!("There was no parameter {name}: it is made, and so are the first keys."));
    }
    say_rotated(&keys)
}

fn say_rotated(keys: &KeySet) -> Result<(), Box<dyn std::error::Error>> {
    say(&format!("Tokens are signed with the key {} from now on", keys.signer()?.kid()));
    say("A running gateway follows within a minute. Older tokens stay good until they expire.");
    Ok(())
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// Prints what can be made of a LiteLLM configuration. It needs no configuration of its own.
fn import_litellm(file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let imported = import_litellm::import(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    say(imported.document.trim_end());
    for note in imported.notes {
        say_error(&format!("llm-gateway: {note}"));
    }
    Ok(())
}

/// Gives people the budgets that they had at a LiteLLM proxy, and says who has none.
async fn import_customers(file: &Path, to: &str, token_from: &str) -> Result<(), Box<dyn std::error::Error>> {
    let list = std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let token = Environment::read()?.var(token_from).ok_or_else(|| format!("{token_from} holds no token"))?;
    let outcome = customers::import(&list, to, token.trim(), &HttpClient::new()?).await?;
    for left in outcome.left.iter().chain(&outcome.refused) {
        say_error(&format!("llm-gateway: not taken over: {left}"));
    }
    let refused = outcome.refused.len();
    say(&format!(
        "{} people have the budget that they had; {} had one here already and keep it.",
        outcome.taken, outcome.kept
    ));
    if refused == 0 { Ok(()) } else { Err(format!("{refused} people were refused").into()) }
}

/// The configuration, and where it comes from.
struct Configured {
    config: Config,
    environment: Environment,
    path: Option<PathBuf>,
}

/// Reads the configuration: the file that was named, else `gateway.toml` if there is one, and the environment over it.
async fn configuration(place: Place, named: Option<&Path>) -> Result<Configured, Box<dyn std::error::Error>> {
    let (path, document) = document(named)?;
    let environment = Environment::read()?;
    let environment = if environment.has_parameters() {
        environment.filled_from(&ParameterStore::new(&gateway_native::aws::load().await)).await?
    } else {
        environment
    };
    let config = Config::load_at(place, &document, &environment).map_err(|error| located(path.as_deref(), &error))?;
    Ok(Configured { config, environment, path })
}

/// Returns where the gateway of this machine listens. Who only asks that needs none of its secrets.
fn listen(named: Option<&Path>) -> Result<SocketAddr, Box<dyn std::error::Error>> {
    let (path, document) = document(named)?;
    let loaded = Config::load_without_secrets(Place::Tool, &document, &Environment::read()?);
    let (config, _) = loaded.map_err(|error| located(path.as_deref(), &error))?;
    Ok(config.server.listen)
}

/// Reads the configuration file, if there is one.
fn document(named: Option<&Path>) -> Result<(Option<PathBuf>, String), String> {
    let path = named.map(Path::to_owned).or_else(|| Some(PathBuf::from(DEFAULT_CONFIG)).filter(|path| path.exists()));
    let document = match &path {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?
        }
        None => String::new(),
    };
    Ok((path, document))
}

fn located(path: Option<&Path>, error: &ConfigError) -> String {
    path.map_or_else(|| error.to_string(), |path| format!("{}: {error}", path.display()))
}

/// Returns the data folder, made if there is none; nobody else may read it.
pub(crate) fn data_folder(config: &Config) -> Result<PathBuf, String> {
    use std::os::unix::fs::DirBuilderExt as _;
    let path = PathBuf::from(&config.data.dir);
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(&path).map_err(|error| format!("cannot make the data folder {}: {error}", path.display()))?;
    Ok(path)
}

/// Prints a line for the person at the terminal. That nobody reads it is no reason to fail.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn say_error(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
