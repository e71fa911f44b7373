//! The clients that people use, unchanged, as they come from their makers.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use gateway_tests::provider::Behaviour;
use gateway_tests::{Fronted, place};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

/// How long a client may take: seconds, and the rest for a machine that compiles something else meanwhile.
const PATIENCE: Duration = Duration::from_mins(2);

/// Runs a client with an empty home and nothing in its environment but these variables.
async fn run(program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let home = TempDir::new().expect("there is room for a folder");
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(variables.iter().copied()).current_dir(home.path()).kill_on_drop(true);
    command.env("HOME", home.path()).env("PATH", "/usr/local/bin:/usr/bin:/bin").stdin(std::process::Stdio::null());
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    output.expect("the client ends").expect("the client is installed")
}

fn text(output: &Output) -> String {
    let [out, error] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{}\n{out}{error}", output.status)
}

/// Runs one of the scripts that use an SDK.
async fn run_python(script: &str, variables: &[(&str, &str)]) {
    let script = installed("LLM_GATEWAY_ROOT").join("tests/python").join(script).display().to_string();
    let packages = installed("LLM_GATEWAY_PYTHON").display().to_string();
    let variables = [variables, &[("PYTHONPATH", packages.as_str())]].concat();
    let output = run(Path::new("python3"), &[&script], &variables).await;
    assert!(output.status.success(), "{}", text(&output));
}

fn installed(place_of: &'static str) -> PathBuf {
    place(place_of).expect("scripts/test says where things are")
}

async fn ask_claude(scene: &Fronted, arguments: &[&str]) -> Output {
    let variables = [
        ("ANTHROPIC_BASE_URL", scene.gateway.origin()),
        ("ANTHROPIC_AUTH_TOKEN", &scene.token),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ];
    run(&installed("LLM_GATEWAY_NODE").join("node_modules/.bin/claude"), arguments, &variables).await
}

#[tokio::test]
async fn serves_anthropics_sdk() {
    let mut scene = Fronted::start("").await;
    let variables = [("ANTHROPIC_BASE_URL", scene.gateway.origin()), ("ANTHROPIC_AUTH_TOKEN", &scene.token)];
    run_python("anthropic_sdk.py", &variables).await;
    assert!(scene.ann.settled().await > 0);
}

#[tokio::test]
async fn serves_openais_sdk() {
    let mut scene = Fronted::start("").await;
    let base = format!("{}/v1", scene.gateway.origin());
    run_python("openai_sdk.py", &[("OPENAI_BASE_URL", &base), ("OPENAI_API_KEY", &scene.token)]).await;
    assert!(scene.ann.settled().await > 0);
}

#[tokio::test]
async fn serves_claude_code() {
    let mut scene = Fronted::start("").await;
    let output = ask_claude(&scene, &["-p", "say ping", "--model", "plain"]).await;
    assert!(output.status.success() && text(&output).contains("pong"), "{}", text(&output));
    assert!(scene.ann.settled().await > 0);
    let call = scene.provider.requests().into_iter().find(|request| request.path() == "/v1/messages").unwrap();
    assert!(call.header("anthropic-beta").is_some() && call.header("x-app").is_some(), "its headers pass");
}

#[tokio::test]
async fn lets_claude_code_use_a_tool() {
    let scene = Fronted::start("").await;
    let file = scene.gateway.data().join("note.txt");
    std::fs::write(&file, "the word is xylophone").unwrap();
    scene.provider.next(Behaviour::tool("Read", &json!({"file_path": file})));
    let directory = scene.gateway.data().to_str().unwrap();
    let arguments = ["-p", "read the note", "--model", "plain", "--allowedTools", "Read", "--add-dir", directory];
    let output = ask_claude(&scene, &arguments).await;
    assert!(output.status.success() && text(&output).contains("pong"), "{}", text(&output));
    let last = scene.provider.requests().pop().unwrap();
    assert!(String::from_utf8_lossy(&last.body).contains("xylophone"), "the tool's result reaches the model");
}

#[tokio::test]
async fn stops_claude_code_at_the_cap_with_our_sentence() {
    let scene = Fronted::start("[[budgets]]\nscope = \"default_user\"\nwindow = \"monthly\"\namount = \"0\"\n").await;
    let output = ask_claude(&scene, &["-p", "say ping", "--model", "plain"]).await;
    let told = text(&output);
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("Used up: your monthly budget ($0.00 of $0.00 spent); it starts afresh at"), "{told}");
    assert!(scene.provider.requests().is_empty());
}

#[tokio::test]
async fn tells_claude_code_at_once_that_its_token_was_revoked() {
    let mut scene = Fronted::start("").await;
    let minted = scene.ann.mint().await;
    scene.ann.revoke(&minted.id).await;
    scene.token = minted.token;
    let output = ask_claude(&scene, &["-p", "say ping", "--model", "plain"]).await;
    assert!(!output.status.success() && text(&output).contains("token revoked"), "{}", text(&output));
    assert!(scene.provider.requests().is_empty());
}
