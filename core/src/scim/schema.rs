//! The documents that say what is served (RFC 7643 §5 to §7, RFC 7644 §4), and lists.

use serde_json::{Value, json};

use super::USER;

/// Most people in one answer.
pub const MAX_RESULTS: usize = 200;

/// Returns what the service can do (RFC 7643 §5). `base_url` is where it is, without a slash at its end.
#[must_use]
pub fn service_provider_config(base_url: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": MAX_RESULTS},
        "changePassword": {"supported": false},
        "sort": {"supported": false},
        "etag": {"supported": false},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "The token of the directory, in the Authorization header",
            "primary": true,
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base_url}/ServiceProviderConfig")},
    })
}

/// Returns the one type of resources that there is (RFC 7643 §6).
#[must_use]
pub fn user_resource_type(base_url: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "description": "People who use the gateway",
        "schema": USER,
        "meta": {"resourceType": "ResourceType", "location": format!("{base_url}/ResourceTypes/User")},
    })
}

/// Returns the list of types.
#[must_use]
pub fn resource_types(base_url: &str) -> Value {
    list_response(1, 1, vec![user_resource_type(base_url)])
}

/// Returns the schema of users (RFC 7643 §7), with exactly the attributes that are kept. `id`, `externalId` and `meta` are
/// every resource's, hence in no schema (RFC 7643 §3.1).
#[must_use]
pub fn user_schema(base_url: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": USER,
        "name": "User",
        "description": "A person who uses the gateway",
        "attributes": [
            required(attribute("userName", "string", "server", "What the directory calls them")),
            complex(attribute("name", "complex", "none", "Their name"), false, &[
                attribute("givenName", "string", "none", "Their given name"),
                attribute("familyName", "string", "none", "Their family name"),
            ]),
            attribute("displayName", "string", "none", "Their name as they are shown"),
            required(attribute("active", "boolean", "none", "Whether they may use the gateway; true unless told")),
            required(complex(attribute("emails", "complex", "none", "Their address; one is kept"), true, &[
                required(attribute("value", "string", "none", "The address")),
                with(attribute("type", "string", "none", "Whose address it is"), "canonicalValues", json!(["work"])),
                attribute("primary", "boolean", "none", "Whether it is the one that is kept"),
            ])),
            complex(attribute("groups", "complex", "none", "Their groups, by name"), true, &[
                attribute("value", "string", "none", "The group's name"),
            ]),
        ],
        "meta": {"resourceType": "Schema", "location": format!("{base_url}/Schemas/{USER}")},
    })
}

/// Returns the list of schemas.
#[must_use]
pub fn schemas(base_url: &str) -> Value {
    list_response(1, 1, vec![user_schema(base_url)])
}

/// Returns a page of a list (RFC 7644 §3.4.2): `resources` are those from the `start_index`th, counted from 1, of `total`.
#[must_use]
pub fn list_response(total: usize, start_index: usize, resources: Vec<Value>) -> Value {
    let mut list = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": resources.len(),
    });
    list["Resources"] = Value::Array(resources);
    list
}

/// Returns an attribute that clients may write and always see.
fn attribute(name: &str, kind: &str, uniqueness: &str, description: &str) -> Value {
    let attribute = json!({
        "name": name,
        "type": kind,
        "multiValued": false,
        "description": description,
        "required": false,
        "mutability": "readWrite",
        "returned": "default",
    });
    // Only texts have a spelling and can be somebody's alone.
    if kind == "string" {
        with(with(attribute, "caseExact", json!(false)), "uniqueness", json!(uniqueness))
    } else {
        attribute
    }
}

fn complex(attribute: Value, multi_valued: bool, within: &[Value]) -> Value {
    with(with(attribute, "multiValued", json!(multi_valued)), "subAttributes", json!(within))
}

fn required(attribute: Value) -> Value {
    with(attribute, "required", json!(true))
}

fn with(mut attribute: Value, characteristic: &str, value: Value) -> Value {
    attribute[characteristic] = value;
    attribute
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::render;
    use super::super::testing::{ann, stored};
    use super::*;

    const BASE: &str = "https://gateway.example/scim/v2";

    fn names(attributes: &Value) -> BTreeSet<&str> {
        attributes.as_array().unwrap().iter().map(|attribute| attribute["name"].as_str().unwrap()).collect()
    }

    fn keys(value: &Value) -> BTreeSet<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn describes_exactly_what_is_shown() {
        let schema = user_schema(BASE);
        let shown = render(&stored(ann()), BASE);
        let common = BTreeSet::from(["schemas", "id", "externalId", "meta"]);
        assert_eq!(&keys(&shown) - &common, names(&schema["attributes"]));
        for attribute in schema["attributes"].as_array().unwrap() {
            let value = &shown[attribute["name"].as_str().unwrap()];
            assert_eq!(value.is_array(), attribute["multiValued"] == true, "{attribute}");
            let one = if value.is_array() { &value[0] } else { value };
            assert_eq!(one.is_object(), attribute["type"] == "complex", "{attribute}");
            if one.is_object() {
                assert_eq!(keys(one), names(&attribute["subAttributes"]));
            }
        }
    }

    #[test]
    fn says_where_each_document_is() {
        for (document, path) in [
            (service_provider_config(BASE), "ServiceProviderConfig"),
            (user_resource_type(BASE), "ResourceTypes/User"),
            (user_schema(BASE), "Schemas/urn:ietf:params:scim:schemas:core:2.0:User"),
        ] {
            assert_eq!(document["meta"]["location"], format!("{BASE}/{path}"));
        }
    }

    #[test]
    fn promises_nothing_that_is_not_served() {
        let config = service_provider_config(BASE);
        for (name, supported) in [
            ("patch", true),
            ("filter", true),
            ("bulk", false),
            ("changePassword", false),
            ("sort", false),
            ("etag", false),
        ] {
            assert_eq!(config[name]["supported"], supported, "{name}");
        }
        assert_eq!(config["filter"]["maxResults"], 200);
    }

    #[test]
    fn lists_with_their_numbers() {
        let list = list_response(7, 3, vec![json!({"id": "a"}), json!({"id": "b"})]);
        let numbers = [&list["totalResults"], &list["startIndex"], &list["itemsPerPage"]];
        assert_eq!(numbers, [7, 3, 2]);
        assert_eq!(list["Resources"][1]["id"], "b");
        assert_eq!(schemas(BASE)["Resources"], json!([user_schema(BASE)]));
        assert_eq!(resource_types(BASE)["Resources"], json!([user_resource_type(BASE)]));
    }
}
