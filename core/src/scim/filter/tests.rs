use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::json;

use super::super::testing::{ann, stored};
use super::super::{USER, render};
use super::*;

fn parse(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn matches(text: &str) -> bool {
    parse(text).matches(&render(&stored(ann()), "https://gateway.example/Users"))
}

fn refuses(text: &str) {
    let error = Filter::parse(text).expect_err(text);
    assert_eq!((error.status.as_u16(), error.scim_type), (400, Some(ScimType::InvalidFilter)), "{text}");
}

#[test]
fn compares_texts() {
    for text in [
        r#"displayName eq "ann a.""#,
        r#"displayName ne "bob""#,
        r#"displayName co "N A""#,
        r#"displayName sw "ANN""#,
        r#"displayName ew "a.""#,
        r#"displayName gt "an""#,
        r#"displayName ge "ann a.""#,
        r#"displayName lt "b""#,
        r#"displayName le "ann a.""#,
        "displayName pr",
    ] {
        assert!(matches(text), "{text}");
    }
    for text in [
        r#"displayName eq "ann""#,
        r#"displayName ne "ANN A.""#,
        r#"displayName co "b""#,
        r#"displayName sw "nn""#,
        r#"displayName ew "a""#,
        r#"displayName gt "ann a.""#,
        r#"displayName lt "ann a.""#,
        "nickName pr",
    ] {
        assert!(!matches(text), "{text}");
    }
}

#[test]
fn knows_attributes_and_operators_in_any_case() {
    assert!(matches(r#"USERNAME EQ "ann@example.com" AND Name.GIVENNAME Sw "a""#));
    assert!(matches(&format!(r#"{USER}:userName eq "ann@example.com""#)));
    assert!(!matches(r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:userName eq "ann@example.com""#));
}

#[test]
fn compares_ids_letter_by_letter() {
    assert!(matches(r#"externalId eq "e-1""#));
    assert!(!matches(r#"externalId eq "E-1""#));
    let id = ann().id.to_string();
    assert!(matches(&format!(r#"id eq "{id}""#)));
    assert!(!matches(&format!(r#"id eq "{}""#, id.to_lowercase())));
    assert!(matches(r#"meta.resourceType eq "User" and not (meta.resourceType eq "user")"#));
}

#[test]
fn compares_names_and_addresses_without_regard_to_case() {
    assert!(matches(r#"userName eq "ANN@EXAMPLE.COM""#));
    assert!(matches(r#"emails.value eq "ANN@EXAMPLE.COM""#));
    assert!(matches(r#"emails eq "ANN@EXAMPLE.COM""#));
    assert!(matches(r#"emails[value eq "ANN@EXAMPLE.COM"]"#));
}

#[test]
fn compares_truths_and_numbers_and_nothing() {
    assert!(matches("active eq true"));
    assert!(!matches("active eq false"));
    assert!(!matches(r#"active eq "true""#));
    assert!(matches("active ne false"));
    assert!(matches("nickName eq null"));
    assert!(matches("displayName ne null"));
    assert!(!matches("displayName eq null"));
    assert!(matches(r#"nickName ne "x""#));
    let resource = json!({"size": 7});
    assert!(parse("size gt 6.5").matches(&resource));
    assert!(!parse("size le -1").matches(&resource));
}

#[test]
fn compares_times_as_times() {
    assert!(matches(r#"meta.created eq "2023-11-14T23:13:20+01:00""#));
    assert!(matches(r#"meta.lastModified gt "2023-11-14T22:13:20.5Z""#));
    assert!(!matches(r#"meta.created lt "2023-11-14T22:13:20Z""#));
}

#[test]
fn binds_not_closer_than_and_closer_than_or() {
    assert!(matches("active eq true or active eq true and active eq false"));
    assert!(!matches("(active eq true or active eq true) and active eq false"));
    assert!(!matches("not (active eq true) and active eq true"));
    assert!(matches("not(active eq true and active eq false)"));
}

#[test]
fn asks_all_of_a_value_filter_of_one_value() {
    let resource = json!({"emails": [{"type": "work", "value": "a@b"}, {"type": "home", "value": "c@d"}]});
    assert!(parse(r#"emails[type eq "home" and value co "C@"]"#).matches(&resource));
    assert!(!parse(r#"emails[type eq "work" and value co "c@"]"#).matches(&resource));
    assert!(parse(r#"emails.type eq "work" and emails.value co "c@""#).matches(&resource));
    assert!(parse(r#"emails[type eq "home"].value eq "c@d""#).matches(&resource));
    assert!(!parse(r#"emails[type eq "work"].value eq "c@d""#).matches(&resource));
    assert!(!parse(r#"phones[type eq "work"]"#).matches(&resource));
}

#[test]
fn reads_escapes() {
    let resource = json!({"displayName": "a \"b\" \\ ü)"});
    assert!(parse(r#"displayName eq "a \"b\" \\ \u00fc)""#).matches(&resource));
    assert!(parse(r#"(displayName ew "\\ ü)")"#).matches(&resource));
}

#[test]
fn refuses_malformed_filters() {
    for text in [
        "",
        " ",
        "userName",
        "userName eq",
        "userName eq ann",
        "userName eq 'ann'",
        r#"userName eq "ann"#,
        r#"userName eq"ann""#,
        r#"userName is "ann""#,
        r#"userName eq "ann" and"#,
        r#"userName eq "ann" or or active eq true"#,
        r#"userName eq "ann" active eq true"#,
        r#"userName eq ["ann"]"#,
        "userName eq {}",
        r#"(userName eq "ann""#,
        r#"userName eq "ann")"#,
        "not active eq true",
        "not ()",
        r#"emails[value eq "a"#,
        "emails[]",
        r#"emails[value[type eq "a"]]"#,
        r#"name.givenName[value eq "a"]"#,
        r#"emails[value eq "a"].value"#,
        r#"emails[value eq "a"].value.b eq "c""#,
        r#"1a eq "b""#,
        "userName eq \"a\u{1}b\"",
        r#"userName eq "\x""#,
    ] {
        refuses(text);
    }
}

#[test]
fn refuses_comparisons_that_say_nothing() {
    for text in ["active gt true", "active co true", "userName sw 7", "userName le null", "userName ew false"] {
        refuses(text);
    }
}

#[test]
fn refuses_filters_that_are_too_long_or_too_deep() {
    let of_length = |length: usize| format!(r#"userName eq "{}""#, "a".repeat(length - 14));
    assert!(Filter::parse(&of_length(MAX_FILTER)).is_ok());
    refuses(&of_length(MAX_FILTER + 1));
    let of_depth = |depth: usize| format!("{}active pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&of_depth(8)).is_ok());
    refuses(&of_depth(9));
    refuses(&"(".repeat(999));
    assert!(Filter::parse(&vec!["(active pr)"; 60].join(" or ")).is_ok());
}

#[test]
fn finds_what_an_index_answers() {
    let id = ann().id;
    let email = || Lookup::Email(Email::parse("a@b").unwrap());
    for (text, lookup) in [
        (r#"userName eq "Ann""#.to_owned(), Lookup::UserName("ann".to_owned())),
        (r#"externalId eq "Ann""#.to_owned(), Lookup::ExternalId("Ann".to_owned())),
        (format!(r#"id eq "{id}""#), Lookup::Id(id)),
        (r#"id eq "7""#.to_owned(), Lookup::Nobody),
        (r#"emails.value eq "A@b""#.to_owned(), email()),
        (r#"emails eq "a@b""#.to_owned(), email()),
        (r#"emails[value eq "a@b"]"#.to_owned(), email()),
        (r#"emails[type eq "work" and value eq "a@b"]"#.to_owned(), email()),
        (r#"emails[type eq "work"].value eq "a@b""#.to_owned(), email()),
        (r#"emails.value eq "nobody""#.to_owned(), Lookup::Nobody),
        (r#"active eq true and (userName eq "Ann")"#.to_owned(), Lookup::UserName("ann".to_owned())),
    ] {
        assert_eq!(parse(&text).lookup(), Some(lookup), "{text}");
    }
}

#[test]
fn finds_nothing_that_an_index_would_answer_wrongly() {
    for text in [
        "active eq true",
        "userName pr",
        r#"userName sw "ann""#,
        r#"userName ne "ann""#,
        "userName eq null",
        r#"not (userName eq "ann")"#,
        r#"userName eq "ann" or userName eq "bob""#,
        r#"emails.type eq "work""#,
        r#"emails[type eq "work"]"#,
        r#"emails[value eq "a@b" or type eq "work"]"#,
        r#"groups[value eq "a@b"]"#,
        r#"name.userName eq "ann""#,
        r#"urn:x:userName eq "ann""#,
    ] {
        assert_eq!(parse(text).lookup(), None, "{text}");
    }
    assert_eq!(Filter::too_many().scim_type, Some(ScimType::TooMany));
}

/// Texts that look like filters, more or less.
fn filters() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "userName",
        "emails",
        "name.givenName",
        "eq",
        "pr",
        "co",
        "gt",
        "and",
        "or",
        "not",
        "(",
        ")",
        "[",
        "]",
        ".value",
        "\"a\"",
        "\"",
        "\\",
        "true",
        "null",
        "7",
        " ",
        " ",
        "ü",
        "\u{0}",
    ]);
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(7), ..ProptestConfig::with_cases(256) })]

    #[test]
    fn never_panics_on_what_looks_like_a_filter(text in filters()) {
        if let Ok(filter) = Filter::parse(&text) {
            let _ = filter.matches(&json!({"userName": "a", "emails": [{"value": "a"}, 7, null]}));
            let _ = filter.lookup();
        }
    }

    #[test]
    fn never_panics_on_any_text(text in any::<String>()) {
        let _ = Filter::parse(&text);
    }
}
