//! The command line: what it says, and what it refuses to start with.

use std::process::Output;

use gateway_tests::{Browser, Deployment, echo};

fn run(gateway: &Deployment, arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = gateway.program();
    let Output { status, stdout, stderr } =
        command.args(arguments).envs(variables.iter().copied()).output().expect("the program runs");
    (status.success(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
}

#[tokio::test]
async fn says_what_it_can_do() {
    let gateway = Deployment::embedded("").await;
    let (ok, help) = run(&gateway, &["--help"], &[]);
    assert!(
        ok && ["serve", "check-config", "health", "hot", "keys", "import-litellm", "--config", "SUPER_ADMIN_EMAIL"]
            .iter()
            .all(|word| help.contains(word)),
        "{help}"
    );
    let (ok, version) = run(&gateway, &["--version"], &[]);
    assert!(ok && version.starts_with("llm-gateway 0."), "{version}");
}

#[tokio::test]
async fn checks_a_configuration_without_serving_it() {
    let gateway = Deployment::embedded("").await;
    let (ok, text) = run(&gateway, &["check-config"], &[]);
    assert!(ok && text.contains("good"), "{text}");
    for (name, value, named) in [
        ("LLM_GATEWAY__SERVER__LISEN", "x", "lisen"),
        ("LLM_GATEWAY__SERVER__PUBLIC_URL", "http://gw.example.com", "server.public_url"),
        ("LLM_GATEWAY__SIGNIN__ISSUER", "https://id.example", "signin.client_id"),
        ("LLM_GATEWAY__CALENDAR__TIME_ZONE", "Mars/Olympus", "calendar.time_zone"),
        ("LLM_GATEWAY__SIGNIN__CLIENT_SECRET_FILE", "/nowhere/at/all", "CLIENT_SECRET_FILE"),
        ("SUPER_ADMIN_EMAIL", "not an address", "SUPER_ADMIN_EMAIL"),
    ] {
        let (ok, text) = run(&gateway, &["check-config"], &[(name, value)]);
        assert!(!ok && text.contains(named), "{name}: {text}");
    }
}

#[tokio::test]
async fn says_whether_it_is_ready() {
    let gateway = Deployment::embedded("").await;
    let (ok, text) = run(&gateway, &["health"], &[]);
    assert!(ok && text.contains("ready"), "{text}");
    let nowhere = format!("127.0.0.1:{}", gateway_tests::free_port().unwrap());
    let (ok, text) = run(&gateway, &["health"], &[("LLM_GATEWAY__SERVER__LISTEN", &nowhere)]);
    assert!(!ok && text.contains(&nowhere), "{text}");
}

#[tokio::test]
async fn rebuilds_nothing_that_is_embedded() {
    let gateway = Deployment::embedded("").await;
    let (ok, text) = run(&gateway, &["hot", "rebuild"], &[]);
    assert!(!ok && text.contains("remove hot.db"), "{text}");
}

#[tokio::test]
async fn names_unknown_keys_and_their_line() {
    let gateway = Deployment::embedded("").await;
    let path = gateway.data().join("gateway.toml");
    std::fs::write(&path, "[roles]\nsuper_admin = \"x\"\n").unwrap();
    let (ok, text) = run(&gateway, &["serve"], &[]);
    assert!(!ok && text.contains("line 2") && text.contains("super_admin"), "{text}");
}

#[tokio::test]
async fn refuses_to_share_a_data_folder_with_another_process() {
    let gateway = Deployment::embedded("").await;
    let (ok, text) = run(&gateway, &["serve"], &[("LLM_GATEWAY__SERVER__LISTEN", "127.0.0.1:0")]);
    assert!(!ok && text.contains("in use by another llm-gateway"), "{text}");
}

#[tokio::test]
async fn makes_somebody_the_super_administrator_by_a_variable() {
    let gateway = Deployment::embedded("[roles]\nsuper_admins = [\"boss@example.com\"]\n").await;
    let mut boss = Browser::sign_in(&gateway, "Boss@example.com").await;
    assert_eq!(boss.get("/api/me").await.body["roles"], serde_json::json!(["user", "admin", "super_admin"]));
    let mut other = Browser::sign_in(&gateway, "admin@example.com").await;
    assert_eq!(
        other.get("/api/me").await.body["roles"],
        serde_json::json!(["user"]),
        "no default once somebody is named"
    );
}

#[tokio::test]
async fn logs_no_secrets() {
    let gateway = Deployment::embedded("[log]\nlevel = \"trace\"\nformat = \"json\"\n").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let minted = ann.mint().await;
    echo(&gateway, &minted.token).await;
    ann.revoke(&minted.id).await;
    echo(&gateway, &minted.token).await;
    let keys = std::fs::read_to_string(gateway.data().join("keys.json")).unwrap();
    let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    let log = gateway.log();
    assert!(log.contains("\"request\""), "requests are logged");
    let signature = minted.token.rsplit('.').next().unwrap();
    for secret in
        [signature, ann.ticket(), keys["keys"][0]["seed"].as_str().unwrap(), keys["keys"][1]["seed"].as_str().unwrap()]
    {
        assert!(!log.contains(secret));
    }
}

#[tokio::test]
async fn opens_the_development_sign_in_to_this_machine_only() {
    let gateway = Deployment::embedded("").await;
    let variables =
        [("LLM_GATEWAY__SERVER__LISTEN", "0.0.0.0:0"), ("LLM_GATEWAY__SERVER__PUBLIC_URL", "http://localhost:8080")];
    let (ok, text) = run(&gateway, &["serve"], &variables);
    assert!(!ok && text.contains("server.listen must be a loopback address"), "{text}");
}

#[tokio::test]
async fn imports_a_litellm_configuration() {
    let gateway = Deployment::embedded("").await;
    let file = gateway.data().join("config.yaml");
    let text = "model_list: [{model_name: a, litellm_params: {model: openai/b, api_key: sk-secret, rpm: 5}}]";
    std::fs::write(&file, text).unwrap();
    let output = gateway.program().arg("import-litellm").arg(&file).output().unwrap();
    let (document, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && document.contains("upstream_name = \"b\""), "{document}{said}");
    assert!(said.contains("not taken over: model a (openai/b): rpm"), "{said}");
    assert!(!document.contains("sk-secret") && !said.contains("sk-secret"), "{document}{said}");
}

#[tokio::test]
async fn refuses_to_import_what_is_no_litellm_configuration() {
    let gateway = Deployment::embedded("").await;
    let file = gateway.data().join("config.yaml");
    for (text, reason) in [("model_list: [", "not YAML: line "), ("[server]", "model_list"), ("{}", "model_list")] {
        std::fs::write(&file, text).unwrap();
        let output = gateway.program().arg("import-litellm").arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(reason), "{text}: {said}");
        assert!(output.stdout.is_empty() && said.contains("config.yaml"), "{text}: {said}");
    }
    let output = gateway.program().args(["import-litellm", "/nowhere/at/all"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("cannot read /nowhere/at/all"), "{said}");
}
