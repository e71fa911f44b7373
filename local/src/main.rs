//! `llm-gateway`: the front door and the control plane in one process.
//!
//! In scope: adapters (SQLite, the in-memory hot state and its journal, hyper), wiring, the command line. Out of scope:
//! every decision; those are in `gateway-core`.

mod background;
mod cli;
mod dev_oidc;
mod health;
mod hot;
mod import_litellm;
mod keys;
mod local_hot;
mod platform;
mod records;
mod serve;
mod server;
mod stall;
mod upkeep;
mod welcome;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser as _;
use gateway_core::Chain;
use gateway_core::config::{Config, Place, VARIABLE_PREFIX};
use gateway_core::ports::Random as _;
use gateway_core::token::FrontKey;
use gateway_native::host::{Environment, SystemClock, SystemRandom};
use gateway_native::logging;

use crate::cli::{Cli, Command, Hot, Keys};
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
    let configured = || configuration(Place::Whole, cli.config.as_deref());
    match cli.command.as_ref().unwrap_or(&Command::Serve { control: false }) {
        Command::Serve { control: false } => {
            let (config, _) = configured()?;
            logging::start(&config.log)?;
            runtime()?.block_on(serve::serve(config))
        }
        Command::Serve { control: true } => {
            let (config, _) = configuration(Place::Control, cli.config.as_deref())?;
            logging::start(&config.log)?;
            runtime()?.block_on(serve::serve_control(config))
        }
        Command::Health => {
            let (config, _) = configured()?;
            runtime()?.block_on(health::check(config.server.listen))?;
            say("ready");
            Ok(())
        }
        Command::Hot(Hot::Rebuild) => {
            let (config, _) = configured()?;
            runtime()?.block_on(serve::rebuild_hot(config))?;
            say("The hot state was told everything anew.");
            Ok(())
        }
        Command::CheckConfig => {
            let (config, path) = configured()?;
            let source = path.map_or_else(|| "the defaults".to_owned(), |path| path.display().to_string());
            say(&format!("{source}: good\nThe gateway will be {}", config.public_url()));
            Ok(())
        }
        Command::Keys(Keys::Rotate) => {
            let (config, _) = configured()?;
            let data = data_folder(&config)?;
            let lifetime = config.tokens.max_lifetime.0;
            let keys = KeyFile::new(&data).rotate(lifetime, &SystemClock, &SystemRandom)?;
            say(&format!("Tokens are signed with the key {} from now on", keys.signer()?.kid()));
            say("A running gateway follows within a minute. Older tokens stay good until they expire.");
            Ok(())
        }
        Command::Keys(Keys::Front) => {
            let key = FrontKey::new(SystemRandom.bytes());
            say(&format!("# For the front alone, as a secret:\n{VARIABLE_PREFIX}CONTROL__KEY={}", key.expose()));
            say(&format!("# For the control plane:\n{VARIABLE_PREFIX}CONTROL__FRONTS='[\"{}\"]'", key.public()));
            Ok(())
        }
        Command::ImportLitellm { file } => import_litellm(file),
    }
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

/// Reads the configuration: the file that was named, else `gateway.toml` if there is one, and the environment over it.
fn configuration(place: Place, named: Option<&Path>) -> Result<(Config, Option<PathBuf>), Box<dyn std::error::Error>> {
    let path = named.map(Path::to_owned).or_else(|| Some(PathBuf::from(DEFAULT_CONFIG)).filter(|path| path.exists()));
    let document = match &path {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?
        }
        None => String::new(),
    };
    let config = Config::load_at(place, &document, &Environment::read()?).map_err(|error| match &path {
        Some(path) => format!("{}: {error}", path.display()),
        None => error.to_string(),
    })?;
    Ok((config, path))
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
