//! Secrets in AWS's parameter store, for the program alone: what the functions do with them is in `lambda.rs`.

use std::process::Output;

use gateway_tests::{ParameterStore, free_port, place};
use tokio::process::Command;

/// Runs the program where nothing is but this store.
async fn run(store: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let mut program = Command::new(place("LLM_GATEWAY_BIN").expect("scripts/test says where the program is"));
    program.args(arguments).env_clear().current_dir(folder.path()).envs(variables.iter().copied());
    program.env("AWS_ENDPOINT_URL_SSM", store).env("AWS_REGION", "us-east-1");
    program.env("AWS_ACCESS_KEY_ID", "obviously").env("AWS_SECRET_ACCESS_KEY", "fake");
    program.output().await.expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn rotates_keys_in_a_parameter_and_leaves_them_encrypted_as_they_were() {
    let store = ParameterStore::start().await;
    let rotate = ["keys", "rotate", "--ssm", "/gateway/keys"];
    let made = run(store.url(), &[rotate.as_slice(), &["--kms-key", "alias/mine"]].concat(), &[]).await;
    assert!(made.status.success() && said(&made).contains("There was no parameter /gateway/keys"), "{}", said(&made));
    let first = store.parameter("/gateway/keys").unwrap();
    assert_eq!(store.key("/gateway/keys").as_deref(), Some("alias/mine"));
    let rotated = run(store.url(), &rotate, &[]).await;
    assert!(rotated.status.success() && !said(&rotated).contains("There was no"), "{}", said(&rotated));
    let second = store.parameter("/gateway/keys").unwrap();
    assert_ne!(first, second);
    assert_eq!(store.key("/gateway/keys").as_deref(), Some("alias/mine"), "it was not named again");
    for output in [made, rotated] {
        assert!(!said(&output).contains("seed"), "{}", said(&output));
    }
    assert!(!second.contains('\n') && second.len() < 4096);
}

#[tokio::test]
async fn reads_secrets_from_parameters_and_names_those_that_are_missing() {
    let store = ParameterStore::start().await;
    let variables = [
        ("LLM_GATEWAY__HOT__UPSTASH", "https://obviously-fake.upstash.io"),
        ("LLM_GATEWAY__HOT__TOKEN_SSM", "/gateway/token"),
    ];
    let missing = run(store.url(), &["check-config"], &variables).await;
    assert!(!missing.status.success() && said(&missing).contains("there is no parameter /gateway/token"));
    store.put("/gateway/token", "obviously-fake\n");
    let found = run(store.url(), &["check-config"], &variables).await;
    assert!(found.status.success() && !said(&found).contains("obviously"), "{}", said(&found));
}

/// The keys of Langfuse come last, and beyond what the store tells at once.
#[tokio::test]
async fn reads_all_secrets_under_a_path() {
    let store = ParameterStore::start().await;
    let document = "{ traces = { kind = \"otlp\", url = \"https://otlp.example\" }, \
                    views = { kind = \"langfuse\", url = \"https://langfuse.example\" } }";
    let variables = [("LLM_GATEWAY__EXPORTERS", document), ("LLM_GATEWAY__EXPORTERS_SSM", "/gateway/exporters/")];
    store.put("/gateway/exporters-of-others/views/public_key", "obviously-fake");
    let none = run(store.url(), &["check-config"], &variables).await;
    assert!(
        !none.status.success() && said(&none).contains("no parameter under /gateway/exporters/"),
        "{}",
        said(&none)
    );
    for number in 0..11 {
        store.put(&format!("/gateway/exporters/traces/headers/x-{number}"), "obviously-fake\n");
    }
    store.put("/gateway/exporters/views/public_key", "obviously-fake");
    let missing = run(store.url(), &["check-config"], &variables).await;
    assert!(said(&missing).contains("exporters.views.secret_key is missing"), "{}", said(&missing));
    store.put("/gateway/exporters/views/secret_key", "obviously-fake");
    let found = run(store.url(), &["check-config"], &variables).await;
    assert!(found.status.success() && !said(&found).contains("obviously"), "{}", said(&found));
    let key = ("LLM_GATEWAY__EXPORTERS__VIEWS__SECRET_KEY", "obviously-fake");
    let twice = run(store.url(), &["check-config"], &[variables.as_slice(), &[key]].concat()).await;
    let told = "SECRET_KEY is set, and so is /gateway/exporters/views/secret_key";
    assert!(!twice.status.success() && said(&twice).contains(told), "{}", said(&twice));
}

#[tokio::test]
async fn asks_nobody_for_secrets_to_see_whether_the_gateway_is_ready() {
    let port = free_port().unwrap();
    let listen = format!("127.0.0.1:{port}");
    let variables = [
        ("LLM_GATEWAY__SERVER__LISTEN", listen.as_str()),
        ("LLM_GATEWAY__HOT__UPSTASH", "https://obviously-fake.upstash.io"),
        ("LLM_GATEWAY__HOT__TOKEN_SSM", "/gateway/token"),
    ];
    let asked = run("http://127.0.0.1:1", &["health"], &variables).await;
    assert!(!asked.status.success(), "no gateway listens there");
    assert!(!said(&asked).contains("parameter"), "{}", said(&asked));
}
