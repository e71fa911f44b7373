//! Checks the configuration that is built into the functions, `gateway.toml`, as far as it can be without what a deployment
//! adds. One that cannot work does not build.

use std::error::Error;
use std::path::Path;

use gateway_core::config::{Config, Place};

#[expect(clippy::disallowed_macros, reason = "this is how a build script talks to Cargo")]
fn main() -> Result<(), Box<dyn Error>> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?.join("gateway.toml");
    println!("cargo::rerun-if-changed={}", document.display());
    println!("cargo::rustc-env=LLM_GATEWAY_DOCUMENT={}", document.display());
    let text =
        std::fs::read_to_string(&document).map_err(|error| format!("cannot read {}: {error}", document.display()))?;
    if let Err(error) = Config::check_without_secrets(Place::Whole, &text, &()) {
        println!("cargo::error=the functions' configuration (gateway.toml): {error}");
    }
    Ok(())
}
