//! What the documents say of the code is true.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use gateway_tests::place;
use serde_json::Value;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("it is a folder") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Returns the names in backticks that look like those of tests: words, and several of them.
fn named_tests(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_name = |name: &&str| {
        name.matches('_').count() >= 2
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    quoted.filter(is_name).collect()
}

#[test]
fn every_test_that_a_promise_names_is_there() {
    let root = place("LLM_GATEWAY_ROOT").expect("scripts/test says where that is");
    let mut paths = Vec::new();
    for package in ["core", "edge", "lambda", "local", "native", "tests"] {
        sources(&root.join(package).join("src"), &mut paths);
        let own_tests = root.join(package).join("tests");
        if own_tests.is_dir() {
            sources(&own_tests, &mut paths);
        }
    }
    let code: String = paths.iter().map(|path| fs::read_to_string(path).expect("it is text")).collect();
    let security = fs::read_to_string(root.join("SECURITY.md")).expect("it is there");
    let names = named_tests(&security);
    assert!(names.len() > 150, "there are many: {}", names.len());
    let missing: Vec<_> = names.iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Returns the metrics that a text names; of a histogram's parts, the histogram.
fn metrics(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let names = words.filter(|word| word.starts_with("llm_gateway_"));
    let whole =
        |name| ["_bucket", "_sum", "_count"].iter().find_map(|part| str::strip_suffix(name, part)).unwrap_or(name);
    names.map(whole).collect()
}

/// Returns the metrics that the gateway describes: their names are constants, and nothing else in these files begins so.
fn described_metrics(root: &Path) -> String {
    let mut paths = vec![root.join("core/src/control/measures.rs")];
    sources(&root.join("local/src/metrics"), &mut paths);
    let code: String = paths.iter().map(|path| fs::read_to_string(path).expect("it is text")).collect();
    let is_name = |line: &&str| line.contains("const ") && line.contains(": &str = \"llm_gateway_");
    code.lines().filter(is_name).flat_map(|line| [line, "\n"]).collect()
}

/// Returns what a dashboard asks for.
fn expressions(dashboard: &Value) -> String {
    let panels = dashboard["panels"].as_array().expect("it has panels");
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let expressions: Vec<&str> = targets.map(|target| target["expr"].as_str().expect("a text")).collect();
    assert!(expressions.len() > 20, "there are many: {}", expressions.len());
    expressions.join("\n")
}

#[test]
fn the_dashboard_and_the_table_know_the_metrics_that_there_are() {
    let root = place("LLM_GATEWAY_ROOT").expect("scripts/test says where that is");
    let code = described_metrics(&root);
    let described = metrics(&code);
    let operations = fs::read_to_string(root.join("docs/OPERATIONS.md")).expect("it is there");
    assert_eq!(described, metrics(&operations), "the table");
    let dashboard = fs::read_to_string(root.join("docs/grafana/llm-gateway.json")).expect("it is there");
    let shown = expressions(&serde_json::from_str(&dashboard).expect("it is JSON"));
    let unknown: Vec<_> = metrics(&shown).difference(&described).copied().collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
