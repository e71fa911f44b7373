//! The files of the pages, checked against each other.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Map, Value};

use super::*;
use crate::http::front::pages::words::Language;
use crate::shrink;

/// Returns the name and the text of every file of the pages that ends so.
fn files(end: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/ui")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let read = |name: String| {
        let text = fs::read_to_string(format!("{}/ui/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        (name, text)
    };
    let files: Vec<_> = names.filter(|name| name.ends_with(end)).map(read).collect();
    assert!(!files.is_empty());
    files
}

/// Returns what stands between `before` and `after`, wherever it does.
fn between<'a>(text: &'a str, before: &'a str, after: char) -> impl Iterator<Item = &'a str> {
    text.split(before).skip(1).filter_map(move |rest| rest.split(after).next())
}

fn dictionary(language: &str, part: &str) -> Map<String, Value> {
    let text = if language == "en" { ui!("words/en.json") } else { ui!("words/ja.json") };
    let words: Value = serde_json::from_str(text).unwrap();
    words[part].as_object().unwrap().clone()
}

/// Returns the names in braces.
fn holes(text: &Value) -> BTreeSet<&str> {
    between(text.as_str().unwrap(), "{", '}').collect()
}

#[test]
fn documents_have_no_inline_script_or_style() {
    for (name, html) in files(".html") {
        for inline in ["<style", " style=", " onclick=", " onload=", "javascript:", "|safe"] {
            assert!(!html.contains(inline), "{name} has {inline}");
        }
        assert_eq!(html.matches("<script").count(), html.matches("<script type=\"module\" src=\"/assets/").count());
    }
}

#[test]
fn serves_every_file_that_documents_and_modules_name() {
    let (documents, modules) = (files(".html"), files(".js"));
    let named = documents.iter().flat_map(|(_, html)| between(html, "\"/assets/", '"'));
    let imported = modules.iter().flat_map(|(_, text)| between(text, "from \"./", '"'));
    for name in named.chain(imported) {
        let name = name.replace("{{ view.language() }}", "en");
        assert!(assets::file(&name).is_some(), "{name}");
    }
    let modules = modules.iter().map(|(name, text)| (name, shrink::script(text)));
    let sheets = files(".css");
    for (name, text) in modules.chain(sheets.iter().map(|(name, text)| (name, shrink::style(text)))) {
        assert_eq!(assets::file(name).map(|(_, served)| served), Some(text.as_str()), "{name} is served");
    }
}

/// A module that is found out only when another has come costs a round trip.
#[test]
fn documents_ask_for_every_module_that_theirs_import() {
    let modules = files(".js");
    for (name, html) in files(".html") {
        let mut wanted: Vec<&str> = between(&html, "<script type=\"module\" src=\"/assets/", '"').collect();
        let asked: BTreeSet<&str> =
            between(&html, "rel=\"modulepreload\" href=\"/assets/", '"').chain(wanted.clone()).collect();
        let mut seen = BTreeSet::new();
        while let Some(module) = wanted.pop() {
            if seen.insert(module) {
                let (_, text) = modules.iter().find(|(known, _)| known == module).unwrap();
                wanted.extend(between(text, "from \"./", '"'));
            }
        }
        // The layout asks for what every page has.
        let of_all = ["words.js", "settings.js", "dom.js"];
        let missing: Vec<_> =
            seen.iter().filter(|module| !asked.contains(*module) && !of_all.contains(module)).collect();
        assert!(missing.is_empty(), "{name} does not preload {missing:?}");
    }
}

#[test]
fn every_text_is_there_in_every_language_and_is_used() {
    let html: String = files(".html").into_iter().map(|(_, text)| text).collect();
    let rust = [include_str!("mod.rs"), include_str!("view.rs")].concat();
    let kinds = [
        Kind::BadGateway,
        Kind::Conflict,
        Kind::Forbidden,
        Kind::Internal,
        Kind::Invalid,
        Kind::NotFound,
        Kind::RateLimited,
        Kind::SessionNotFound,
        Kind::Suspended,
        Kind::TokenNotFound,
        Kind::Unavailable,
    ];
    let slugs = kinds.map(Kind::slug);
    for (part, source) in
        [("page", html.clone() + &rust), ("script", files(".js").into_iter().map(|(_, text)| text).collect())]
    {
        let (english, japanese) = (dictionary("en", part), dictionary("ja", part));
        assert_eq!(english.keys().collect::<Vec<_>>(), japanese.keys().collect::<Vec<_>>());
        for (key, text) in &english {
            assert_eq!(holes(text), holes(&japanese[key]), "{key}");
            assert!(!text.as_str().unwrap().is_empty() && !japanese[key].as_str().unwrap().is_empty(), "{key}");
            let stem = key.rsplit_once('.').filter(|(_, end)| ["one", "other", "title", "text"].contains(end));
            let is_named = |name: &str| source.contains(&format!("\"{name}\""));
            let is_problem =
                key.strip_prefix("problem.").is_some_and(|rest| slugs.contains(&rest.split('.').next().unwrap()));
            let is_family = source.contains(&format!("`{}.${{", key.split('.').next().unwrap()));
            assert!(
                is_problem || is_family || is_named(key) || stem.is_some_and(|(stem, _)| is_named(stem)),
                "{part} {key} is not used"
            );
        }
        for before in ["view.t(\"", " t(\"", "(t(\"", "[t(\"", "!t(\"", "{t(\"", "n(\"", "...t(\""] {
            for key in between(&source, before, '"').filter(|key| key.contains('.')) {
                let is_there = english.contains_key(key) || english.contains_key(&format!("{key}.other"));
                assert!(is_there, "{part} has no {key}");
            }
        }
    }
}

#[test]
fn asks_for_the_dashboards_list_with_the_document() {
    let people = Some("/api/admin/sessions/active-users?limit=50");
    for (query, expected) in [
        ("", people),
        ("tab=people&q=&status=seen", people),
        ("tab=people&q=&status=", Some("/api/admin/users?limit=50")),
        ("tab=people&q=&status=removed", None),
        ("tab=tokens&q=&status=", Some("/api/admin/tokens?limit=50")),
        ("tab=tokens&q=a&status=", None),
        ("tab=other", None),
    ] {
        assert_eq!(first_list(query), expected, "{query}");
    }
}

#[test]
fn offers_lifetimes_that_tokens_can_have() {
    let view = View::of(&HeaderMap::new());
    let offered = |default, longest| lifetimes(&view, default, longest);
    let names: Vec<String> = offered(30 * DAY, 90 * DAY).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["1 hour", "1 day", "7 days", "30 days", "90 days"]);
    assert_eq!(offered(7 * DAY, 7 * DAY).last(), Some(&(7 * DAY, "7 days".to_owned())));
    assert_eq!(offered(14 * DAY, 20 * DAY).last(), Some(&(14 * DAY, "14 days".to_owned())));
    assert_eq!(offered(60, 60).len(), 1);
}

#[test]
fn markup_in_a_text_stays_text() {
    let markup = r#"<img src=x onerror="a('&')">"#;
    let request = Problem::new(Kind::NotFound, markup);
    let view = View::of(&HeaderMap::new());
    let html = ErrorPage {
        view: &view,
        title: "t",
        advice: "",
        detail: request.detail(),
        retry_after: None,
        request_id: markup,
    };
    let html = html.render().unwrap();
    assert!(!html.contains("<img src=x") && !html.contains("onerror=\""), "{html}");
    assert_eq!(html.matches("&#60;img src=x").count(), 2, "{html}");
}

#[test]
fn documents_are_in_the_language_that_is_asked_for() {
    for language in [Language::English, Language::Japanese] {
        let headers = HeaderMap::from_iter([(http::header::ACCEPT_LANGUAGE, language.tag().parse().unwrap())]);
        let html = SignInPage { view: View::of(&headers), rd: String::new() }.render().unwrap();
        assert!(html.contains(&format!("<html lang=\"{}\"", language.tag())));
        assert!(html.contains(dictionary(language.tag(), "page")["sign_in.lead"].as_str().unwrap()));
    }
}
