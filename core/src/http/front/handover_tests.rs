//! Addresses that come to be another person's, and people who come to have another address.

use http::{Method, StatusCode};
use serde_json::json;

use super::people_tests::{RESTORE, ROLES, email, post, sign_in};
use super::testing::{TestAuthority, World};
use crate::conformance::fixture::front_actor;
use crate::control::{Control, ProvisionError, SignInOutcome};
use crate::id::UserId;
use crate::identity::{Status, User};
use crate::ports::{Directory as _, Users as _};
use crate::scim::{Resource, ScimType};

/// Has the directory tell of somebody.
async fn provision(
    control: &Control<TestAuthority>,
    address: &str,
    external_id: Option<&str>,
) -> Result<User, ProvisionError> {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": address, "externalId": external_id,
    });
    let resource = Resource::parse(&body).unwrap();
    control.provision(&front_actor(), &resource).await.map(|user| user.value)
}

async fn welcome(control: &Control<TestAuthority>, subject: &str, address: &str) -> UserId {
    match sign_in(control, subject, address).await {
        SignInOutcome::Welcome { user, .. } => user,
        refused => panic!("{refused:?}"),
    }
}

async fn record(world: &World, id: UserId) -> User {
    world.records.user(id).await.unwrap().unwrap().value
}

fn is_uniqueness(outcome: &Result<User, ProvisionError>) -> bool {
    matches!(outcome, Err(ProvisionError::Scim(error)) if error.scim_type == Some(ScimType::Uniqueness))
}

#[tokio::test]
async fn whose_address_changes_keeps_the_role_and_hands_it_to_nobody() {
    let (world, control) = World::with(ROLES);
    let root = welcome(&control, "root", "root@example.com").await;
    assert_eq!(welcome(&control, "root", "married@example.com").await, root);
    let heir = welcome(&control, "heir", "root@example.com").await;
    assert_eq!(record(&world, root).await.pins, [email("root@example.com")]);
    assert_eq!(record(&world, heir).await.pins, []);
}

#[tokio::test]
async fn who_gets_another_address_of_a_list_keeps_both() {
    let (world, control) = World::with(ROLES);
    let root = welcome(&control, "root", "root@example.com").await;
    assert_eq!(welcome(&control, "root", "ann@example.com").await, root);
    assert_eq!(record(&world, root).await.pins, ["root@example.com", "ann@example.com"].map(email));
    for address in ["root@example.com", "ann@example.com"] {
        let heir = welcome(&control, address, address).await;
        assert_eq!(record(&world, heir).await.pins, []);
    }
    let actor = front_actor();
    control.unpin(&actor, &email("root@example.com")).await.unwrap();
    assert_eq!(record(&world, root).await.pins, [email("ann@example.com")], "one may be freed without the other");
}

#[tokio::test]
async fn what_the_directory_told_of_an_address_holds_for_somebody_who_comes_to_have_it() {
    let (world, control) = World::with(ROLES);
    let bob = world.somebody(&control, "bob@example.com").await;
    let told = provision(&control, "robert@example.com", Some("e-1")).await.unwrap();
    assert_ne!(told.id, bob.user);
    assert_eq!(welcome(&control, "bob", "robert@example.com").await, bob.user);
    let known = control.provisioned_person(told.id).await.unwrap().unwrap();
    assert_eq!(known.value.id, bob.user, "the directory knows them by the id that it got");
    assert_eq!(control.provisioned_person(bob.user).await.unwrap(), None, "and by no other");

    control.deprovision(&front_actor(), told.id).await.unwrap();
    assert_eq!(world.call(&bob).await.0, StatusCode::UNAUTHORIZED, "it reaches their tokens");
    assert_eq!(sign_in(&control, "bob", "robert@example.com").await, SignInOutcome::Removed);
}

#[tokio::test]
async fn a_successor_whom_the_directory_tells_of_does_not_bring_a_predecessor_back() {
    let (world, control) = World::with(ROLES);
    let bob = welcome(&control, "bob", "bob@example.com").await;
    assert_eq!(provision(&control, "bob@example.com", Some("e-1")).await.unwrap().id, bob);
    control.deprovision(&front_actor(), bob).await.unwrap();

    let successor = provision(&control, "bob@example.com", Some("e-2")).await.unwrap();
    assert_ne!(successor.id, bob);
    assert_eq!(sign_in(&control, "bob", "bob@example.com").await, SignInOutcome::Removed);
    assert_eq!(welcome(&control, "bobby", "bob@example.com").await, successor.id);
    assert_eq!(record(&world, bob).await.status, Status::Removed);
}

#[tokio::test]
async fn the_directory_brings_back_whom_it_calls_as_before() {
    let (_, control) = World::with(ROLES);
    let bob = welcome(&control, "bob", "bob@example.com").await;
    provision(&control, "bob@example.com", Some("e-1")).await.unwrap();
    control.deprovision(&front_actor(), bob).await.unwrap();
    assert_eq!(provision(&control, "bob@example.com", Some("e-1")).await.unwrap().id, bob);
    assert_eq!(welcome(&control, "bob", "bob@example.com").await, bob);
}

#[tokio::test]
async fn the_directory_tells_of_one_person_at_an_address_until_they_have_signed_in() {
    let (_, control) = World::with(ROLES);
    let bob = provision(&control, "bob@example.com", None).await.unwrap();
    assert!(is_uniqueness(&provision(&control, "bob@example.com", Some("e-2")).await));
    let ann = provision(&control, "ann@example.com", None).await.unwrap();
    let moved = |former: &Resource| Ok(Resource { email: bob.email.clone(), ..former.clone() });
    let moved = control.reprovision(&front_actor(), ann.id, moved).await;
    assert!(is_uniqueness(&moved.map(|user| user.value)));
}

#[tokio::test]
async fn a_grant_stays_with_the_address_that_it_was_given_to() {
    let (world, control) = World::with(ROLES);
    let root = world.somebody(&control, "root@example.com").await;
    let new = provision(&control, "new@example.com", None).await.unwrap();
    let granted = post(&world, &root, "/api/admin/manage", json!({"email": "new@example.com"})).await;
    assert_eq!(granted.0, StatusCode::CREATED);
    assert!(record(&world, new.id).await.grant.is_some());
    let moved = |former: &Resource| Ok(Resource { email: email("other@example.com"), ..former.clone() });
    let moved = control.reprovision(&front_actor(), new.id, moved).await.unwrap();
    assert_eq!((moved.value.email, moved.value.grant), (email("other@example.com"), None));
}

#[tokio::test]
async fn restores_who_had_an_address_last() {
    let (world, control) = World::with(ROLES);
    let ann = world.person(&control).await;
    let mut gone = Vec::new();
    for subject in ["first", "second"] {
        let user = welcome(&control, subject, "bob@example.com").await;
        control.remove(&front_actor(), user, |user| Ok(user.clone())).await.unwrap();
        world.clock.advance(std::time::Duration::from_secs(1));
        gone.push(user);
    }
    assert_eq!(post(&world, &ann, RESTORE, json!({"user_email": "bob@example.com"})).await.0, StatusCode::OK);
    assert_eq!(record(&world, gone[0]).await.status, Status::Removed);
    assert_eq!(record(&world, gone[1]).await.status, Status::Active);
}

#[tokio::test]
async fn erases_who_had_an_address_before_by_their_id() {
    let (world, control) = World::with(ROLES);
    let root = world.somebody(&control, "root@example.com").await;
    let first = welcome(&control, "first", "bob@example.com").await;
    world.clock.advance(std::time::Duration::from_secs(1));
    let second = welcome(&control, "second", "bob@example.com").await;
    let erased = world.as_page(&root, Method::DELETE, &format!("/api/admin/users/{first}"), None).await;
    assert_eq!(erased.0, StatusCode::OK, "{}", erased.1);
    assert!(record(&world, first).await.erased.is_some() && record(&world, second).await.erased.is_none());
}

#[tokio::test]
async fn a_super_administrator_restores_another() {
    let (world, control) = World::with(
        "[roles]\nsuper_admins = [\"root@example.com\", \"toor@example.com\"]\nadmins = [\"ann@example.com\"]\n",
    );
    let (ann, root) = (world.person(&control).await, world.somebody(&control, "root@example.com").await);
    let toor = welcome(&control, "toor", "toor@example.com").await;
    control.remove(&front_actor(), toor, |user| Ok(user.clone())).await.unwrap();
    let restore = json!({"user_email": "toor@example.com"});
    assert_eq!(post(&world, &ann, RESTORE, restore.clone()).await.0, StatusCode::FORBIDDEN);
    assert_eq!(post(&world, &root, RESTORE, restore).await.0, StatusCode::OK);
    assert_eq!(record(&world, toor).await.status, Status::Active);
    assert_eq!(world.records.people_at(&email("toor@example.com")).await.unwrap().len(), 1);
}
