//! What the documents say of the code is true.

use std::fs;
use std::path::{Path, PathBuf};

use gateway_tests::place;

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
