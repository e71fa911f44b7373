//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// A company's sign-in, personal tokens and budgets in front of its LLM APIs.
///
/// Without a configuration it serves on localhost:8080 with a development sign-in and an echo model.
#[derive(Debug, Parser)]
#[command(name = "llm-gateway", version, about, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// The configuration file [default: gateway.toml, if there is one]
    #[arg(long, short, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// What to do [default: serve]
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What the binary can do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// Serve the gateway (the default)
    Serve {
        /// Serve only the control plane, to fronts in other places that control.fronts names
        #[arg(long)]
        control: bool,
    },
    /// Read the configuration, say whether it is good, and exit
    CheckConfig,
    /// Ask the gateway of this machine whether it is ready, and exit with 0 if it is
    ///
    /// It asks where the configuration says that the gateway listens: for health checks of containers.
    Health,
    /// Print every route with who may call it
    ///
    /// Method, path and gate, a line each, separated by tabs. Routes that the configuration adds (passthrough) are not among them.
    Routes,
    /// Manage the records
    #[command(subcommand)]
    Records(Records),
    /// Manage the hot state
    #[command(subcommand)]
    Hot(Hot),
    /// Manage the keys that sign API tokens, and those of fronts in other places
    #[command(subcommand)]
    Keys(Keys),
    /// Print what calls cost, and why: by the configuration, or as the provider publishes it
    ///
    /// Dollars per million tokens. A model that is not in the configuration by its name is looked for among those that stand for many.
    Prices {
        /// A model as clients name it [default: all that the configuration names]
        model: Option<String>,
    },
    /// Print the gateway.toml that does what a LiteLLM proxy's configuration does
    ///
    /// Models, providers, prices, aliases and budgets are taken over. What is not, and what is left to do, is said on
    /// standard error and in the document's comments. Keys are never printed. Nothing is read but the file.
    ImportLitellm {
        /// LiteLLM's config.yaml
        file: PathBuf,
    },
    /// Give people the budgets that they had as customers of a LiteLLM proxy
    ///
    /// Tells a running gateway by its API, with an administrator's token that has the scope `admin`. Customers are people if their id is
    /// an e-mail address. Whoever has a budget already keeps it, so that this can be done again.
    ImportCustomers {
        /// What LiteLLM's GET /customer/list answers
        file: PathBuf,
        /// Where the gateway is
        #[arg(long, value_name = "URL")]
        to: String,
        /// The variable that holds the token
        #[arg(long, value_name = "NAME", default_value = "LLM_GATEWAY_TOKEN")]
        token_from: String,
    },
}

/// What can be done with the records.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Records {
    /// Make the DynamoDB table that records.dynamodb names
    ///
    /// With the AWS credentials and region of the environment. A deployment with SAM makes its own, with backups.
    Create,
}

/// What can be done with the hot state.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Hot {
    /// Have everything in Redis told anew from the records: who is who, whose tokens live, and what was spent
    ///
    /// Running gateways go on; for a moment they answer 503. Sessions stay. What is embedded needs it never.
    Rebuild,
}

/// What can be done with keys.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Keys {
    /// Let the key that was published ahead sign from now on, and publish another
    ///
    /// A running gateway follows within a minute. Tokens of older keys stay good until they expire.
    Rotate {
        /// Rotate the keys in this parameter of AWS's parameter store instead of those in the data folder; make them if there
        /// are none
        ///
        /// With the AWS credentials and region of the environment.
        #[arg(long, value_name = "NAME")]
        ssm: Option<String>,
        /// The key of AWS's key management that encrypts the parameter [default: the one that does already, or the
        /// account's own]
        #[arg(long, value_name = "KEY", requires = "ssm")]
        kms_key: Option<String>,
    },
    /// Make a key for a front in another place, and print what both sides have to know
    ///
    /// The private key is for the front alone. Nothing is kept and no configuration is read.
    Front,
}

const AFTER_HELP: &str = "\
Variables override the configuration file: LLM_GATEWAY__SERVER__LISTEN is `listen` in [server]. With _FILE at its end a \
variable names a file that holds the value, with _SSM a parameter of AWS's parameter store. SUPER_ADMIN_EMAIL makes somebody the super administrator.";
