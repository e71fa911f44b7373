use serde_json::json;

use super::*;

fn body(changes: &Value) -> Value {
    let mut body = json!({"schemas": [USER], "userName": "Ann", "emails": [{"value": "Ann@example.com"}]});
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn parse(changes: &Value) -> Resource {
    Resource::parse(&body(changes)).unwrap_or_else(|error| panic!("{changes}: {error}"))
}

fn refusal(changes: &Value) -> Option<ScimType> {
    Resource::parse(&body(changes)).expect_err(&changes.to_string()).scim_type
}

#[test]
fn is_replaced_by_a_body_that_need_not_say_who_still_works_here() {
    let gone = parse(&json!({"active": false, "displayName": "Ann A."}));
    let next = gone.replaced_by(&body(&json!({"externalId": "e-2"}))).unwrap();
    assert_eq!((next.active, next.display_name, next.external_id.as_deref()), (false, None, Some("e-2")));
    assert!(gone.replaced_by(&body(&json!({"Active": "True"}))).unwrap().active);
}

#[test]
fn reads_what_a_directory_says() {
    let said = json!({
        "externalId": "e-1",
        "name": {"formatted": "Somebody Else", "givenName": "Ann", "familyName": "Archer"},
        "displayName": "Ann A.",
        "active": false,
        "groups": [{"value": "7", "display": "staff"}, {"value": "ops"}, "dev", "dev"],
    });
    let expected = Resource {
        user_name: "Ann".to_owned(),
        external_id: Some("e-1".to_owned()),
        given_name: Some("Ann".to_owned()),
        family_name: Some("Archer".to_owned()),
        display_name: Some("Ann A.".to_owned()),
        email: Email::parse("ann@example.com").unwrap(),
        active: false,
        groups: Some(vec!["staff".to_owned(), "ops".to_owned(), "dev".to_owned()]),
    };
    assert_eq!(parse(&said), expected);
}

#[test]
fn takes_everybody_as_active_and_without_word_of_groups_unless_told() {
    let resource = parse(&json!({}));
    assert!(resource.active);
    assert_eq!(resource.groups, None);
}

#[test]
fn reads_over_what_is_not_kept_and_what_cannot_be_written() {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let said = json!({
        "id": "7", "meta": {"created": 1}, "nickName": 7, "password": "p", "phoneNumbers": "x", "": 1, "a b": 2,
        enterprise: {"department": "Sales"},
    });
    assert_eq!(parse(&said), parse(&json!({})));
}

#[test]
fn takes_null_and_empty_lists_as_no_value() {
    let said = json!({"externalId": null, "name": null, "displayName": "", "active": null, "groups": [], "emails": [
        null, {"value": null}, {"value": "ann@example.com"},
    ]});
    assert_eq!(parse(&said), parse(&json!({})));
}

#[test]
fn knows_attributes_in_any_case() {
    let said = json!({
        "SCHEMAS": ["URN:ietf:params:scim:schemas:core:2.0:user"], "USERNAME": "Ann", "Name": {"GIVENNAME": "A"},
        "EMAILS": [{"VALUE": "ann@example.com"}], "Active": false,
    });
    let expected = Resource { active: false, given_name: Some("A".to_owned()), ..parse(&json!({})) };
    assert_eq!(Resource::parse(&said), Ok(expected));
}

#[test]
fn reads_the_truths_that_entra_writes() {
    for (text, active) in [("True", true), ("true", true), ("False", false), ("false", false)] {
        assert_eq!(parse(&json!({"active": text})).active, active, "{text}");
    }
    for value in [json!("yes"), json!(0), json!([true]), json!({})] {
        assert_eq!(refusal(&json!({"active": value})), Some(ScimType::InvalidValue), "{value}");
    }
}

#[test]
fn keeps_the_primary_address_or_else_the_first() {
    let email = |emails: Value| parse(&json!({"emails": emails})).email.to_string();
    assert_eq!(email(json!([{"value": "a@b"}, {"value": "C@d", "primary": true}])), "c@d");
    assert_eq!(email(json!([{"value": "a@b"}, {"value": "c@d", "primary": "true"}])), "c@d");
    assert_eq!(email(json!([{"value": "a@b", "primary": false}, {"value": "c@d"}])), "a@b");
    assert_eq!(email(json!([{"type": "work"}, {"value": "c@d"}])), "c@d");
    assert_eq!(email(json!({"value": "a@b"})), "a@b");
    assert_eq!(email(json!(["a@b"])), "a@b");
}

#[test]
fn takes_the_user_name_as_the_address_where_there_is_none() {
    let resource = parse(&json!({"userName": "Bea@example.com", "emails": []}));
    assert_eq!((&*resource.user_name, resource.email.as_str()), ("Bea@example.com", "bea@example.com"));
    assert_eq!(refusal(&json!({"emails": null})), Some(ScimType::InvalidValue));
}

#[test]
fn refuses_addresses_that_are_none() {
    for address in
        [json!("ann"), json!("Ann <ann@example.com>"), json!("a@b@c"), json!(7), json!({}), json!("a\u{1}@b")]
    {
        let said = json!({"userName": "bea@example.com", "emails": [{"value": address}]});
        assert_eq!(refusal(&said), Some(ScimType::InvalidValue), "{address}");
    }
}

#[test]
fn refuses_user_names_that_are_none() {
    for name in [json!(null), json!(""), json!(" "), json!(7), json!("a\n"), json!("a".repeat(255)), json!(["a"])] {
        assert_eq!(refusal(&json!({"userName": name})), Some(ScimType::InvalidValue), "{name}");
    }
    assert!(Resource::parse(&body(&json!({"userName": "a".repeat(254)}))).is_ok());
}

#[test]
fn refuses_values_of_other_types() {
    for said in [
        json!({"externalId": 7}),
        json!({"displayName": {}}),
        json!({"name": "Ann"}),
        json!({"name": {"givenName": 7}}),
        json!({"groups": [7]}),
        json!({"groups": [{"value": {}}]}),
    ] {
        assert_eq!(refusal(&said), Some(ScimType::InvalidValue), "{said}");
    }
}

#[test]
fn refuses_bodies_that_are_no_user() {
    for body in [
        json!(null),
        json!([]),
        json!({"userName": "ann@example.com"}),
        json!({"schemas": USER, "userName": "ann@example.com"}),
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "userName": "ann@example.com"}),
    ] {
        let error = Resource::parse(&body).expect_err(&body.to_string());
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{body}");
    }
}
