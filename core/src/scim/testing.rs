//! A person whom a directory has told us about.

use crate::id::UserId;
use crate::identity::{Email, Provisioning, User};
use crate::time::{Millis, Timestamp};
use crate::version::{Stored, Version};

pub(super) fn ann() -> User {
    let email = Email::parse("ann@example.com").unwrap();
    let id = UserId::new(Millis(1), [7; 10]);
    let mut user = User::expected(id, email, Timestamp(5));
    user.provisioning = Some(Provisioning {
        id,
        user_name: "Ann@Example.com".to_owned(),
        external_id: Some("e-1".to_owned()),
        given_name: Some("Ann".to_owned()),
        family_name: Some("Archer".to_owned()),
        display_name: Some("Ann A.".to_owned()),
        groups: Some(vec!["staff".to_owned()]),
        created: Timestamp(1_700_000_000),
        modified: Timestamp(1_700_000_001),
    });
    user
}

pub(super) fn stored(user: User) -> Stored<User> {
    Stored { value: user, version: Version::FIRST }
}
