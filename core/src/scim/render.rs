//! How a person is shown to a directory.

use serde_json::{Map, Value, json};

use super::USER;
use super::draft::{email_item, group_item};
use super::resource::Resource;
use crate::identity::User;
use crate::time::Timestamp;
use crate::version::Stored;

/// Returns a person as a SCIM user. `users_url` is where users are, without a slash at its end.
#[must_use]
pub fn render(user: &Stored<User>, users_url: &str) -> Value {
    let Stored { value: user, version } = user;
    let resource = Resource::of(user);
    let (id, created, modified) = match &user.provisioning {
        Some(told) => (told.id, told.created, told.modified),
        None => (user.id, user.first_seen, user.first_seen),
    };
    let mut shown = json!({
        "schemas": [USER],
        "id": id,
        "userName": resource.user_name,
        "active": resource.active,
        "emails": [email_item(&resource.email)],
        "meta": {
            "resourceType": "User",
            "created": rfc3339(created),
            "lastModified": rfc3339(modified),
            "location": format!("{users_url}/{id}"),
            "version": format!("W/\"{}\"", version.0),
        },
    });
    let mut name = Map::new();
    for (part, text) in [("givenName", resource.given_name), ("familyName", resource.family_name)] {
        name.extend(text.map(|text| (part.to_owned(), Value::String(text))));
    }
    let optional = [
        ("externalId", resource.external_id.map(Value::String)),
        ("name", (!name.is_empty()).then_some(Value::Object(name))),
        ("displayName", resource.display_name.map(Value::String)),
        ("groups", resource.groups.map(|groups| groups.iter().map(|name| group_item(name)).collect())),
    ];
    for (attribute, value) in optional {
        if let Some(value) = value {
            shown[attribute] = value;
        }
    }
    shown
}

/// Writes a time (RFC 7643 §2.3.5). One that has no such spelling cannot come from a clock, and is written as the epoch.
fn rfc3339(time: Timestamp) -> String {
    jiff::Timestamp::from_second(time.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ann, stored};
    use super::*;
    use crate::identity::{Email, Status, Suspension};
    use crate::version::Version;

    const USERS: &str = "https://gateway.example/scim/v2/Users";

    #[test]
    fn shows_everything_that_is_kept() {
        let user = ann();
        let id = user.id.to_string();
        let expected = json!({
            "schemas": [USER],
            "id": id,
            "externalId": "e-1",
            "userName": "Ann@Example.com",
            "name": {"givenName": "Ann", "familyName": "Archer"},
            "displayName": "Ann A.",
            "active": true,
            "emails": [{"value": "ann@example.com", "type": "work", "primary": true}],
            "groups": [{"value": "staff"}],
            "meta": {
                "resourceType": "User",
                "created": "2023-11-14T22:13:20Z",
                "lastModified": "2023-11-14T22:13:21Z",
                "location": format!("{USERS}/{id}"),
                "version": "W/\"7\"",
            },
        });
        assert_eq!(render(&Stored { value: user, version: Version(7) }, USERS), expected);
    }

    #[test]
    fn shows_who_was_never_provisioned_by_their_address() {
        let mut user = ann();
        user.provisioning = None;
        user.name = Some("Ann".to_owned());
        let shown = render(&stored(user), USERS);
        assert_eq!((&shown["userName"], &shown["displayName"]), (&json!("ann@example.com"), &json!("Ann")));
        assert_eq!(shown["meta"]["created"], "1970-01-01T00:00:05Z");
        for name in ["externalId", "name", "groups"] {
            assert!(shown.get(name).is_none(), "{name}");
        }
    }

    #[test]
    fn shows_only_the_removed_as_inactive() {
        let mut user = ann();
        let suspension = Suspension { until: None, reason: String::new(), by: user.id, at: Timestamp(0) };
        user.status = Status::Suspended(suspension);
        assert_eq!(render(&stored(user.clone()), USERS)["active"], true);
        user.status = Status::Removed;
        assert_eq!(render(&stored(user), USERS)["active"], false);
    }

    #[test]
    fn reads_what_it_shows() {
        let mut user = ann();
        user.email = Email::parse("other@example.com").unwrap();
        let shown = render(&stored(user.clone()), USERS);
        assert_eq!(Resource::parse(&shown), Ok(Resource::of(&user)));
    }
}
