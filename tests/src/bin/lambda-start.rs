//! Prints how long the control function takes from its start, in milliseconds, as JSON: for `scripts/bench`.

use std::io::{Write as _, stdout};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use gateway_tests::lambda_start::{Start, measure};
use serde_json::json;

/// Starts the control function again and again, on stores of this machine.
#[derive(Debug, Parser)]
struct Options {
    /// The function's program.
    function: PathBuf,
    /// How often it is started.
    #[arg(long, default_value_t = 15)]
    runs: usize,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let starts = measure(&options.function, options.runs).await;
    let all =
        |of: fn(&Start) -> Duration| starts.iter().map(|start| of(start).as_secs_f64() * 1000.0).collect::<Vec<_>>();
    let printed = json!({"init": all(|start| start.init), "first": all(|start| start.first), "second": all(|start| start.second)});
    writeln!(stdout(), "{printed}")
}
