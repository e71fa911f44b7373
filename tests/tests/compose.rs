//! Two processes with one data folder and one Redis server, reached in turn: what one does holds for the other. And what
//! `compose.yaml` and the `Dockerfile` promise, as far as that shows without an engine.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use futures_util::future::join_all;
use gateway_tests::provider::{Behaviour, Gate};
use gateway_tests::{Browser, Deployment, Fronted, ask, echo, message, place};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Far more than a call takes on a machine that compiles something else meanwhile.
const PATIENT: &str = "[admission]\ndeadline_ms = 5000\n";

/// How long something may take that happens by itself within seconds, on a busy machine.
const SOON: Duration = Duration::from_mins(1);

#[tokio::test]
async fn refuses_everywhere_what_one_process_has_revoked() {
    let gateway = Deployment::compose(PATIENT).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let (gone, kept) = (ann.mint().await, ann.mint().await);
    for process in [0, 1] {
        gateway.lead_to(process);
        assert_eq!(echo(&gateway, &gone.token).await.status, StatusCode::OK, "both know it");
    }
    gateway.lead_to(0);
    ann.revoke(&gone.id).await;
    for process in [1, 0] {
        gateway.lead_to(process);
        assert_eq!(echo(&gateway, &gone.token).await.anthropic_error(), ("authentication_error", "token revoked"));
        assert_eq!(echo(&gateway, &kept.token).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn shares_sessions() {
    let gateway = Deployment::compose(PATIENT).await;
    gateway.lead_to(0);
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let mut former = ann.clone();
    gateway.lead_to(1);
    assert_eq!(ann.get("/api/me").await.status, StatusCode::OK);
    let page = ann.visit(&format!("{}/oauth2/sign_out", gateway.origin())).await;
    ann.submit(page, &[]).await;
    gateway.lead_to(0);
    assert_eq!(former.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
}

/// A call of "ping" costs 6,000 nanodollars, and no two fit into the budget with what they hold.
#[tokio::test]
async fn holds_a_budget_against_both_at_once() {
    let budget = "[[budgets]]\nscope = \"org\"\nwindow = \"daily\"\namount = \"0.001\"\n";
    let gateway = Deployment::compose(&format!("{PATIENT}{budget}")).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let token = ann.mint().await.token;
    let body = message("ping", 100, false);
    let answers = join_all((0..200).map(|_| ask(&gateway, &token, &body))).await;
    let admitted = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    let refused = answers.iter().filter(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS).count();
    assert_eq!(admitted + refused, 200, "nothing else happens");
    let spent = ann.settled().await;
    assert_eq!(spent, i64::try_from(admitted).unwrap() * 6000);
    assert!(spent <= 1_000_000, "{spent} of 1,000,000 nanodollars");
    assert!(refused > 0 && admitted > 0, "{admitted} {refused}");
}

/// A budget holds while one of two processes dies in the middle of its calls: what they held stays held, nobody spends it, and
/// nothing is charged twice.
#[tokio::test]
async fn holds_a_budget_while_one_process_is_killed() {
    let budget = "[[budgets]]\nscope = \"org\"\nwindow = \"daily\"\namount = \"0.004\"\n";
    let mut scene = Fronted::compose(&format!("{PATIENT}{budget}")).await;
    let gate = Gate::closed();
    let usage = json!({"input_tokens": 1, "output_tokens": 1});
    for _ in 0..4 {
        scene.provider.next(Behaviour::text("word ").events(9).usage(&usage).stall_after(3, &gate));
    }
    let mut body = message("ping", 100, true);
    body["model"] = "plain".into();
    scene.gateway.lead_to(1);
    let dying = join_all((0..4).map(|_| scene.call("/v1/messages", &body))).await;
    assert!(dying.iter().all(|answer| answer.status() == StatusCode::OK), "they have begun");
    let held = scene.ann.money().await.held;
    scene.gateway.kill_one(1);
    scene.gateway.lead_to(0);
    body["stream"] = false.into();
    let answers = join_all((0..60).map(|_| scene.ask("/v1/messages", &body))).await;
    let admitted = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    let refused = answers.iter().filter(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS).count();
    assert_eq!(admitted + refused, 60, "nothing else happens");
    let settled = async {
        while scene.ann.money().await.held != held {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, settled).await.expect("what was held by the dead alone stays held");
    let money = scene.ann.money().await;
    // A call of the provider's usual answer costs no more than some thousand nanodollars, and holds a hundred times that.
    assert!(admitted > 0 && refused > 0 && money.spent > 0, "{admitted} {refused} {money:?}");
    assert!(money.spent + money.held <= 4_000_000, "{money:?}");
    assert_eq!(money.spent % i64::try_from(admitted).unwrap(), 0, "each of them once");
}

/// The one that is left serves everybody, moves what is spent into the log, and can end what the other began.
#[tokio::test]
async fn goes_on_when_one_process_is_gone() {
    let mut scene = Fronted::compose(PATIENT).await;
    let on_duty = scene.gateway.printed_by("does the upkeep");
    scene.gateway.lead_to(on_duty);
    let gate = Gate::closed();
    scene.provider.next(Behaviour::text("word ").events(9).stall_after(3, &gate));
    let mut body = message("ping", 100, true);
    body["model"] = "plain".into();
    let stream = scene.call("/v1/messages", &body).await;
    gate.reached().await;
    scene.gateway.kill_one(on_duty);
    assert!(stream.bytes().await.is_err(), "its stream breaks off");
    scene.gateway.lead_to(0);
    body["stream"] = false.into();
    for _ in 0..2 {
        let answer = scene.ask("/v1/messages", &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
    let used = async {
        while scene.ann.get("/api/token/list").await.body["tokens"][0]["last_used"].is_null() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(SOON, used).await.expect("the other one does the upkeep");
    assert_eq!(scene.gateway.printed_by("does the upkeep"), 0);
    assert!(scene.ann.money().await.held > 0, "the call that nobody ends is not forgotten");
}

/// Returns what `compose.yaml` says, checked against the Compose Specification.
fn compose_file() -> Value {
    compose_file_named("compose.yaml")
}

fn compose_file_named(file: &str) -> Value {
    let place = |name| place(name).expect("scripts/test says where that is");
    let root = place("LLM_GATEWAY_ROOT");
    let mut node = Command::new("node");
    node.arg(root.join("tests/node/compose.mjs")).arg(&root).arg(place("LLM_GATEWAY_NODE")).arg(file);
    let Output { status, stdout, stderr } = node.output().expect("node is there");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).expect("it prints JSON")
}

/// What shows usage is reached from this machine only, and has no secret that nobody made.
#[test]
fn starts_what_shows_usage_with_no_secret_of_its_own() {
    let file = compose_file_named("compose.observability.yaml");
    let services = file["services"].as_object().unwrap();
    let published: Vec<_> = services.values().filter_map(|service| service["ports"].as_array()).flatten().collect();
    assert_eq!(published, [&json!("127.0.0.1:3000:3000")]);
    assert_eq!(file["networks"]["observability"]["internal"], true);
    let example = std::fs::read_to_string(root().join("observability.env.example")).unwrap();
    for (service, name, value) in services.iter().flat_map(|(service, said)| {
        said["environment"].as_object().unwrap().iter().map(move |(name, value)| (service, name, value))
    }) {
        let value = value.as_str().unwrap();
        let is_secret = ["PASSWORD", "SECRET", "SALT", "AUTH", "ENCRYPTION_KEY", "SECRET_KEY"]
            .iter()
            .any(|end| name.ends_with(end));
        assert!(!is_secret || value.contains(":?in observability.env}"), "{name} of {service}");
        for asked in value.split("${").skip(1).filter_map(|rest| rest.split_once(':')) {
            assert!(example.contains(&format!("\n{}=\n", asked.0)), "{} is not in the example", asked.0);
        }
    }
    let ignored =
        Command::new("git").args(["check-ignore", "--quiet", "observability.env"]).current_dir(root()).status();
    assert!(ignored.expect("git is there").success(), "the secrets might be committed");
}

#[test]
fn builds_its_image_from_every_package() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).expect("it is there");
    let (workspace, sent) = (read("Cargo.toml"), read(".dockerignore"));
    let members = workspace.lines().find_map(|line| line.strip_prefix("members = ")).expect("there are some");
    let members: Vec<String> = serde_json::from_str(members).expect("a list of names");
    let missing: Vec<_> = members.iter().filter(|name| !sent.lines().any(|line| line == format!("!{name}"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn publishes_nothing_but_the_gateway() {
    let file = compose_file();
    let services = file["services"].as_object().unwrap();
    let published: Vec<_> = services.iter().filter(|(_, service)| !service["ports"].is_null()).collect();
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].0, "gateway");
    assert_eq!(
        published[0].1["ports"],
        json!(["127.0.0.1:8080:8080"]),
        "this machine only, unless somebody says otherwise"
    );
    let redis = &services["redis"];
    assert_eq!(redis["networks"], json!(["stores"]));
    assert_eq!(file["networks"]["stores"]["internal"], true);
}

#[test]
fn has_no_secret_of_its_own() {
    let file = compose_file();
    assert_eq!(file["secrets"]["redis_password"]["file"], "./secrets/redis_password");
    let command = file["services"]["redis"]["command"].to_string();
    assert!(command.contains("requirepass $$(cat /run/secrets/redis_password)"), "{command}");
    assert!(
        ["--appendonly yes", "--maxmemory-policy noeviction"].iter().all(|part| command.contains(part)),
        "{command}"
    );
    let environment = file["services"]["gateway"]["environment"].as_object().unwrap();
    assert!(!environment.keys().any(|name| name.ends_with("PASSWORD") || name.ends_with("SECRET")), "{environment:?}");
    for name in ["gateway.env", "secrets/redis_password"] {
        let ignored = Command::new("git").args(["check-ignore", "--quiet", name]).current_dir(root()).status();
        assert!(ignored.expect("git is there").success(), "{name} might be committed");
    }
}

#[test]
fn pins_its_images_and_runs_as_nobody() {
    let file = compose_file();
    for (name, service) in file["services"].as_object().unwrap() {
        let image = service["image"].as_str().unwrap();
        let (_, tag) = image.rsplit_once(':').unwrap_or_else(|| unreachable!("{image} has no version"));
        assert!(tag.starts_with(|first: char| first.is_ascii_digit()) && tag.matches('.').count() == 2, "{image}");
        assert_eq!(service["cap_drop"], json!(["ALL"]), "{name}");
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["security_opt"], json!(["no-new-privileges:true"]), "{name}");
    }
    assert_eq!(file["services"]["redis"]["user"], "redis");
    let dockerfile = std::fs::read_to_string(root().join("Dockerfile")).unwrap();
    let (_, last) = dockerfile.rsplit_once("\nFROM ").unwrap();
    assert!(last.starts_with("scratch\n"), "no build tools, no shell");
    assert!(last.contains("\nUSER 65532:65532\n") && last.contains("\nHEALTHCHECK "), "{last}");
    let toolchain = std::fs::read_to_string(root().join("rust-toolchain.toml")).unwrap();
    let toolchain: toml::Table = toolchain.parse().unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    assert!(dockerfile.contains(&format!("\nFROM rust:{channel}-")), "the image is built with another compiler");
}

/// Who starts with the example as it is, is told what is missing.
#[tokio::test]
async fn starts_with_no_setting_that_nobody_made() {
    let gateway = Deployment::embedded("").await;
    std::fs::write(gateway.data().join("gateway.toml"), "").unwrap();
    let example = std::fs::read_to_string(root().join("gateway.env.example")).unwrap();
    let settings = example.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    let mut command = gateway.program();
    command.envs(settings).env("LLM_GATEWAY__SERVER__LISTEN", "0.0.0.0:0").arg("serve");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("SERVER__PUBLIC_URL"), "{text}");
}

/// Where there is an engine, it has the last word.
#[test]
fn is_taken_by_docker_compose_where_that_is() {
    let folder = tempfile::tempdir().unwrap();
    let compose =
        |arguments: &[&str]| Command::new("docker").arg("compose").args(arguments).current_dir(&folder).output();
    if !compose(&["version"]).is_ok_and(|output| output.status.success()) {
        return;
    }
    std::fs::copy(root().join("compose.yaml"), folder.path().join("compose.yaml")).unwrap();
    std::fs::copy(root().join("gateway.env.example"), folder.path().join("gateway.env")).unwrap();
    let output = compose(&["config", "--quiet"]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn root() -> PathBuf {
    place("LLM_GATEWAY_ROOT").expect("scripts/test says where that is")
}
