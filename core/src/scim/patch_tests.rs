use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::json;

use super::super::USER;
use super::super::testing::ann;
use super::*;
use crate::identity::Email;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn before() -> Resource {
    Resource { email: address("a@example.com"), ..Resource::of(&ann()) }
}

fn address(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn body(operations: &Value) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

fn patched(operations: &Value) -> Result<Resource, ScimError> {
    Patch::parse(&body(operations))?.apply(&before())
}

fn refusal(operations: &Value) -> Option<ScimType> {
    patched(operations).expect_err(&operations.to_string()).scim_type
}

fn assert_patched(operations: &Value, expected: &Resource) {
    assert_eq!(patched(operations).as_ref(), Ok(expected), "{operations}");
}

fn assert_unchanged(operations: &Value) {
    assert_patched(operations, &before());
}

#[test]
fn deactivates_as_entra_asks() {
    let expected = Resource { active: false, ..before() };
    assert_patched(&json!([{"op": "Replace", "path": "active", "value": "False"}]), &expected);
}

#[test]
fn deactivates_as_okta_asks() {
    let expected = Resource { active: false, ..before() };
    assert_patched(&json!([{"op": "replace", "value": {"active": false}}]), &expected);
}

#[test]
fn adds_paths_within_a_value_as_entra_sends_them() {
    let value = json!({
        "name.givenName": "Anna", "emails[type eq \"work\"].value": "b@example.com", "displayName": "Anna A.",
        format!("{ENTERPRISE}:department"): "Sales", ENTERPRISE: {"manager": {"value": "7"}},
    });
    let expected = Resource {
        given_name: Some("Anna".to_owned()),
        email: address("b@example.com"),
        display_name: Some("Anna A.".to_owned()),
        ..before()
    };
    assert_patched(&json!([{"op": "Add", "value": value}]), &expected);
}

#[test]
fn follows_every_spelling_of_a_path() {
    let expected = Resource { given_name: Some("Bea".to_owned()), ..before() };
    for path in ["name.givenName", "NAME.GIVENNAME", &format!("{USER}:name.givenName")] {
        for op in ["add", "Add", "replace", "REPLACE"] {
            assert_patched(&json!([{"op": op, "path": path, "value": "Bea"}]), &expected);
        }
    }
    for value in [json!({"givenName": "Bea"}), json!({"GIVENNAME": "Bea", "formatted": "B"})] {
        assert_patched(&json!([{"op": "replace", "path": "name", "value": value}]), &expected);
        assert_patched(&json!([{"op": "replace", "value": {"name": value}}]), &expected);
    }
}

#[test]
fn removes_what_may_be_missing() {
    let operations: Vec<Value> = ["externalId", "name.familyName", "displayName", "groups"]
        .iter()
        .map(|path| json!({"op": "remove", "path": path}))
        .collect();
    let expected = Resource { external_id: None, family_name: None, display_name: None, groups: None, ..before() };
    assert_patched(&json!(operations), &expected);
    let nameless = Resource { given_name: None, family_name: None, ..before() };
    assert_patched(&json!([{"op": "remove", "path": "name"}]), &nameless);
    assert_patched(&json!([{"op": "replace", "path": "name", "value": null}]), &nameless);
}

#[test]
fn refuses_to_remove_what_everybody_has() {
    for path in ["userName", "active"] {
        assert_eq!(refusal(&json!([{"op": "remove", "path": path}])), Some(ScimType::Mutability), "{path}");
        assert_eq!(refusal(&json!([{"op": "replace", "value": {path: null}}])), Some(ScimType::Mutability), "{path}");
    }
    let nameless = Resource { user_name: "ann".to_owned(), ..before() };
    for path in ["emails", "emails.value", "emails[type eq \"work\"]", "emails[primary eq true].value"] {
        let patch = Patch::parse(&body(&json!([{"op": "remove", "path": path}]))).unwrap();
        assert_eq!(patch.apply(&nameless).unwrap_err().scim_type, Some(ScimType::Mutability), "{path}");
    }
}

#[test]
fn falls_back_on_the_user_name_where_the_address_is_removed() {
    let expected = Resource { email: address("ann@example.com"), ..before() };
    assert_patched(&json!([{"op": "Remove", "path": "emails[type eq \"work\"].value"}]), &expected);
}

#[test]
fn refuses_changes_to_what_clients_cannot_write() {
    for path in ["id", "meta.created", "schemas", &format!("{USER}:id")] {
        let operations = json!([{"op": "replace", "path": path, "value": "x"}]);
        assert_eq!(refusal(&operations), Some(ScimType::Mutability), "{path}");
    }
    assert_unchanged(&json!([{"op": "replace", "value": {"id": "7", "meta": {}, "schemas": [USER]}}]));
}

#[test]
fn reads_over_what_is_not_kept() {
    for path in ["nickName", "title", "phoneNumbers[type eq \"work\"].value", "addresses", "name.formatted", ENTERPRISE]
    {
        assert_unchanged(&json!([{"op": "replace", "path": path, "value": "x"}]));
        assert_unchanged(&json!([{"op": "remove", "path": path}]));
    }
    assert_unchanged(&json!([{"op": "add", "path": format!("{ENTERPRISE}:manager"), "value": {"value": "7"}}]));
    assert_unchanged(&json!([{"op": "add", "path": "emails[type eq \"work\"].type", "value": "home"}]));
}

#[test]
fn replaces_the_address() {
    let expected = Resource { email: address("b@example.com"), ..before() };
    for (path, value) in [
        ("emails", json!([{"value": "c@example.com"}, {"value": "b@example.com", "primary": true}])),
        ("emails", json!({"value": "B@example.com"})),
        ("emails.value", json!("b@example.com")),
        ("emails[type eq \"work\"].value", json!("b@example.com")),
        ("emails[type eq \"work\"]", json!({"type": "work", "value": "b@example.com"})),
        ("emails[primary eq true and value eq \"A@example.com\"].value", json!("b@example.com")),
    ] {
        assert_patched(&json!([{"op": "replace", "path": path, "value": value}]), &expected);
    }
}

#[test]
fn keeps_the_address_when_one_is_added_that_is_not_primary() {
    assert_unchanged(&json!([{"op": "add", "path": "emails", "value": [{"value": "b@example.com", "type": "home"}]}]));
    assert_unchanged(&json!([{"op": "add", "path": "emails[type eq \"home\"].value", "value": "b@example.com"}]));
    let expected = Resource { email: address("b@example.com"), ..before() };
    let primary = json!([{"value": "b@example.com", "primary": "True"}]);
    assert_patched(&json!([{"op": "add", "path": "emails", "value": primary}]), &expected);
}

#[test]
fn refuses_addresses_that_are_none() {
    for value in ["b", "Bea <b@example.com>", "b@@example.com"] {
        let operations = json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": value}]);
        assert_eq!(refusal(&operations), Some(ScimType::InvalidValue), "{value}");
    }
}

#[test]
fn says_when_nothing_is_there_to_replace() {
    for path in ["emails[type eq \"home\"].value", "emails[value eq \"x@y\"]", "groups[value eq \"other\"]"] {
        let operations = json!([{"op": "replace", "path": path, "value": "b@example.com"}]);
        assert_eq!(refusal(&operations), Some(ScimType::NoTarget), "{path}");
        assert_unchanged(&json!([{"op": "remove", "path": path}]));
    }
    assert_eq!(refusal(&json!([{"op": "remove"}])), Some(ScimType::NoTarget));
}

#[test]
fn moves_an_address_that_is_the_user_name() {
    let resource = Resource { email: address("ann@example.com"), ..before() };
    let change = |operations: Value| Patch::parse(&body(&operations)).unwrap().apply(&resource).unwrap();
    let renamed = change(json!([{"op": "replace", "path": "userName", "value": "Bea@example.com"}]));
    assert_eq!((&*renamed.user_name, renamed.email.as_str()), ("Bea@example.com", "bea@example.com"));
    let renamed = change(json!([{"op": "replace", "path": "userName", "value": "bea"}]));
    assert_eq!((&*renamed.user_name, renamed.email.as_str()), ("bea", "ann@example.com"));
    let renamed = patched(&json!([{"op": "replace", "path": "userName", "value": "bea@example.com"}])).unwrap();
    assert_eq!(renamed.email, before().email);
}

#[test]
fn changes_groups_one_by_one() {
    let groups = |operations: Value| patched(&operations).unwrap().groups.unwrap_or_default();
    let add = json!({"op": "add", "path": "groups", "value": [{"value": "7", "display": "ops"}, "staff"]});
    assert_eq!(groups(json!([add])), ["staff", "ops"]);
    assert_eq!(groups(json!([add, {"op": "remove", "path": "groups[value eq \"staff\"]"}])), ["ops"]);
    assert_eq!(groups(json!([add, {"op": "remove", "path": "groups", "value": [{"value": "staff"}]}])), ["ops"]);
    assert_eq!(groups(json!([add, {"op": "replace", "path": "groups", "value": ["dev"]}])), ["dev"]);
    let rename = json!({"op": "replace", "path": "groups[value eq \"ops\"].value", "value": "dev"});
    assert_eq!(groups(json!([add, rename])), ["staff", "dev"]);
    assert_eq!(patched(&json!([{"op": "remove", "path": "groups[value pr]"}])).unwrap().groups, None);
}

#[test]
fn refuses_malformed_paths() {
    for path in [
        "",
        " ",
        "1a",
        "name..givenName",
        "a.b.c",
        "emails[",
        "emails[type eq]",
        "emails[type eq \"work\"]value",
        "emails[type eq \"work\"].",
        "emails[type eq \"work\"].a.b",
        "name.givenName[a pr]",
        "userName[value pr]",
        "emails[type eq \"work\"].value x",
        "http://a/b",
    ] {
        let operations = json!([{"op": "replace", "path": path, "value": "x"}]);
        assert_eq!(refusal(&operations), Some(ScimType::InvalidPath), "{path}");
        assert_eq!(refusal(&json!([{"op": "replace", "value": {path: "x"}}])), Some(ScimType::InvalidPath), "{path}");
    }
    assert_eq!(refusal(&json!([{"op": "add", "path": 7, "value": "x"}])), Some(ScimType::InvalidPath));
}

#[test]
fn refuses_values_that_an_attribute_cannot_have() {
    for (path, value) in [
        ("userName", json!(7)),
        ("userName", json!("a".repeat(255))),
        ("active", json!("yes")),
        ("active", json!(1)),
        ("name", json!("Ann")),
        ("name.givenName", json!({})),
        ("displayName", json!("a\nb")),
        ("groups", json!([7])),
    ] {
        let operations = json!([{"op": "replace", "path": path, "value": value}]);
        assert_eq!(refusal(&operations), Some(ScimType::InvalidValue), "{operations}");
    }
    assert_eq!(refusal(&json!([{"op": "add", "path": "userName"}])), Some(ScimType::InvalidValue));
    assert_eq!(refusal(&json!([{"op": "replace", "value": "x"}])), Some(ScimType::InvalidValue));
}

#[test]
fn refuses_bodies_that_are_no_change() {
    let operation = json!({"op": "replace", "value": {"active": true}});
    for body in [
        json!(null),
        json!({"Operations": [operation]}),
        json!({"schemas": [USER], "Operations": [operation]}),
        json!({"schemas": [PATCH_OP]}),
        json!({"schemas": [PATCH_OP], "Operations": []}),
        json!({"schemas": [PATCH_OP], "Operations": operation}),
        body(&json!([{"op": "move", "path": "active", "value": true}])),
        body(&json!(["replace"])),
        body(&json!(vec![operation.clone(); MAX_OPERATIONS + 1])),
    ] {
        let error = Patch::parse(&body).expect_err(&body.to_string());
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{body}");
    }
    assert!(Patch::parse(&body(&json!(vec![operation; MAX_OPERATIONS]))).is_ok());
    assert!(Patch::parse(&json!({"Schemas": [PATCH_OP], "operations": [{"OP": "add", "VALUE": {}}]})).is_ok());
}

#[test]
fn changes_nothing_where_one_operation_is_refused() {
    let good = json!({"op": "replace", "path": "active", "value": false});
    let bad = json!({"op": "replace", "path": "emails", "value": "x"});
    assert_eq!(refusal(&json!([good, bad])), Some(ScimType::InvalidValue));
}

fn values() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        prop::sample::select(vec![
            "True",
            "",
            "a@b.c",
            "emails[type eq \"work\"].value",
            "groups",
            "name.givenName",
            "userName",
            "work",
            "add",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        let name = prop_oneof![
            prop::sample::select(vec!["value", "display", "primary", "emails", "groups", "name", "active"])
                .prop_map(str::to_owned),
            text.clone(),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(name, inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn paths() -> impl Strategy<Value = Value> {
    let known =
        ["emails", "emails[type eq \"work\"]", "groups[value pr].value", "groups", "name", "active", "userName"];
    prop_oneof![prop::sample::select(known.to_vec()).prop_map(Value::from), values()]
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(7), ..ProptestConfig::with_cases(256) })]

    #[test]
    fn never_panics_on_any_operation(
        op in prop::sample::select(vec!["add", "replace", "remove"]),
        path in paths(),
        value in values(),
    ) {
        let _ = patched(&json!([{"op": op, "path": path, "value": value}]));
        let _ = patched(&json!([{"op": op, "value": value}]));
    }

    #[test]
    fn never_panics_on_any_body(value in values()) {
        let _ = Patch::parse(&value);
        let _ = patched(&value);
        let _ = patched(&json!([value]));
        let _ = Resource::parse(&json!({"schemas": [USER], "userName": value, "emails": value, "groups": value}));
    }
}
