//! Roles, suspension, leaving and the audit log, on stores that fail when they are told to.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::testing::{NOW, Person, TestAuthority, World};
use crate::conformance::faulty::Fault;
use crate::conformance::fixture::front_actor;
use crate::control::{Control, RefusedSignIn, SignInOutcome, SignInRecord};
use crate::identity::{Account, Email, Name, Status};
use crate::ports::{AuditEntry, AuditLog as _, AuditQuery, Directory as _, PageRequest, Users as _};

pub(super) const ROLES: &str =
    "[roles]\nsuper_admins = [\"root@example.com\"]\nadmins = [\"ann@example.com\", \"eve@example.com\"]\n";

const SUSPEND: &str = "/api/admin/users/ban";
const LIFT: &str = "/api/admin/users/unban";
pub(super) const RESTORE: &str = "/api/admin/users/restore";
const MANAGE: &str = "/api/admin/manage";

pub(super) fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

/// Signs in whom the identity provider calls so, with an address.
pub(super) async fn sign_in(control: &Control<TestAuthority>, subject: &str, address: &str) -> SignInOutcome {
    let record = SignInRecord {
        account: Account { issuer: "https://id.example".to_owned(), subject: subject.to_owned() },
        email: email(address),
        name: None,
        groups: Vec::new(),
        authenticated_at: Some(NOW.plus(86400 * 365)),
    };
    control.sign_in(&front_actor(), &record).await.unwrap()
}

pub(super) async fn post(world: &World, by: &Person, path: &str, body: Value) -> (StatusCode, Value) {
    world.as_page(by, Method::POST, path, Some(body)).await
}

async fn suspend(world: &World, by: &Person, address: &str) -> StatusCode {
    post(world, by, SUSPEND, json!({"user_email": address, "reason": "a reason"})).await.0
}

async fn entries(world: &World) -> Vec<AuditEntry> {
    let page = PageRequest { limit: 200, cursor: None };
    world.records.entries(&AuditQuery { actor: None, target: None, page }).await.unwrap().items
}

fn pass(world: &World, seconds: u64) {
    world.clock.advance(Duration::from_secs(seconds));
}

#[tokio::test]
async fn suspends_with_effect_or_says_that_it_did_not() {
    for fault in [Fault::Lost, Fault::Applied, Fault::Stalled] {
        let (world, control) = World::with(ROLES);
        let (ann, bob) = (world.person(&control).await, world.somebody(&control, "bob@example.com").await);
        assert_eq!(world.call(&bob).await.0, StatusCode::OK);
        // The administrator's session is read first, then the suspension is installed.
        world.hot_faults.pass_next();
        world.hot_faults.fail_next(fault);
        let (status, body) = post(&world, &ann, SUSPEND, json!({"user_email": "bob@example.com"})).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{fault:?}");
        assert!(body["detail"].as_str().unwrap().contains("saved and is being applied"), "{body}");
        control.apply_outbox().await.unwrap();
        assert_eq!(world.call(&bob).await.0, StatusCode::FORBIDDEN, "{fault:?}");
    }
}

#[tokio::test]
async fn gives_tokens_back_when_a_suspension_ends_and_sessions_never() {
    let (world, control) = World::with(ROLES);
    let (ann, bob) = (world.person(&control).await, world.somebody(&control, "bob@example.com").await);
    let request = json!({"user_email": "Bob@Example.com", "duration_seconds": 600, "reason": "<b>"});
    let (status, body) = post(&world, &ann, SUSPEND, request).await;
    assert_eq!((status, &body["banned_until"]), (StatusCode::OK, &json!(NOW.plus(600))));
    let (status, _, refused) = world.call(&bob).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(refused["error"]["message"].as_str().unwrap().contains("until 20"), "{refused}");
    assert_eq!(world.as_page(&bob, Method::GET, "/api/me", None).await.0, StatusCode::UNAUTHORIZED);
    assert!(matches!(sign_in(&control, "bob", "bob@example.com").await, SignInOutcome::Suspended { .. }));
    pass(&world, 600);
    assert_eq!(world.call(&bob).await.0, StatusCode::OK, "it has ended");
    assert_eq!(world.as_page(&bob, Method::GET, "/api/me", None).await.0, StatusCode::UNAUTHORIZED);

    assert_eq!(suspend(&world, &ann, "bob@example.com").await, StatusCode::OK);
    assert_eq!(world.call(&bob).await.0, StatusCode::FORBIDDEN);
    assert_eq!(post(&world, &ann, LIFT, json!({"user_email": "bob@example.com"})).await.0, StatusCode::OK);
    assert_eq!(world.call(&bob).await.0, StatusCode::OK, "it was lifted");
    assert_eq!(post(&world, &ann, LIFT, json!({"user_email": "bob@example.com"})).await.0, StatusCode::NOT_FOUND);
    let path = "/api/admin/sessions/unban/bob@example.com";
    assert_eq!(world.as_page(&ann, Method::DELETE, path, None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_suspends_themselves_and_the_last_way_in_stays() {
    let (world, control) = World::with(ROLES);
    let ann = world.person(&control).await;
    let eve = world.somebody(&control, "eve@example.com").await;
    let root = world.somebody(&control, "root@example.com").await;
    for (by, address) in [
        (&ann, "ann@example.com"),
        (&ann, "eve@example.com"),
        (&ann, "root@example.com"),
        (&root, "root@example.com"),
        (&ann, "ROOT@example.com"),
    ] {
        assert_eq!(suspend(&world, by, address).await, StatusCode::FORBIDDEN, "{address}");
    }
    let path = "/api/admin/users/root@example.com";
    assert_eq!(world.as_page(&root, Method::DELETE, path, None).await.0, StatusCode::FORBIDDEN);
    let remove = json!({"email": "root@example.com"});
    assert_eq!(world.as_page(&root, Method::DELETE, MANAGE, Some(remove)).await.0, StatusCode::FORBIDDEN);
    assert_eq!(suspend(&world, &root, "eve@example.com").await, StatusCode::OK, "a super administrator may");
    assert_eq!(world.call(&eve).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.call(&root).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_super_administrator_who_never_signed_in_is_out_of_reach_too() {
    let (world, control) = World::with(ROLES);
    let ann = world.person(&control).await;
    assert_eq!(suspend(&world, &ann, "root@example.com").await, StatusCode::FORBIDDEN);
    assert!(matches!(sign_in(&control, "root", "root@example.com").await, SignInOutcome::Welcome { .. }));
}

#[tokio::test]
async fn suspends_somebody_who_has_never_signed_in() {
    let (world, control) = World::with(ROLES);
    let ann = world.person(&control).await;
    assert_eq!(suspend(&world, &ann, "new@example.com").await, StatusCode::OK);
    assert!(matches!(sign_in(&control, "new", "new@example.com").await, SignInOutcome::Suspended { .. }));
    assert!(matches!(sign_in(&control, "other", "NEW@example.com").await, SignInOutcome::Suspended { .. }));
    assert_eq!(post(&world, &ann, LIFT, json!({"user_email": "new@example.com"})).await.0, StatusCode::OK);
    let SignInOutcome::Welcome { user, .. } = sign_in(&control, "new", "new@example.com").await else {
        panic!("the suspension was lifted");
    };
    let people = world.records.people_at(&email("new@example.com")).await.unwrap();
    assert_eq!(people.iter().map(|person| person.value.id).collect::<Vec<_>>(), [user], "the same record");
}

#[tokio::test]
async fn what_was_decided_about_an_address_holds_for_somebody_who_comes_to_have_it() {
    let (world, control) = World::with(ROLES);
    let ann = world.person(&control).await;
    world.somebody(&control, "bob@example.com").await;
    assert_eq!(suspend(&world, &ann, "robert@example.com").await, StatusCode::OK);
    assert!(matches!(sign_in(&control, "bob", "robert@example.com").await, SignInOutcome::Suspended { .. }));
    assert!(matches!(sign_in(&control, "bob", "bob@example.com").await, SignInOutcome::Welcome { .. }));
}

#[tokio::test]
async fn an_address_that_is_handed_on_hands_on_no_role() {
    let (world, control) = World::with(ROLES);
    let root = world.somebody(&control, "root@example.com").await;
    let SignInOutcome::Welcome { user, .. } = sign_in(&control, "heir", "root@example.com").await else {
        panic!("nothing is against them");
    };
    let heir = world.records.user(user).await.unwrap().unwrap();
    assert_eq!(heir.value.pins, []);
    let about = |entry: &AuditEntry| entry.target == format!("user:{user}") && entry.action == "user.first_sign_in";
    let entry = entries(&world).await.into_iter().find(about).unwrap();
    assert_eq!(entry.detail["address_pinned_to"], json!(root.user), "it is audited");

    let unpin = json!({"user_email": "root@example.com"});
    assert_eq!(post(&world, &root, "/api/admin/users/unpin", unpin.clone()).await.0, StatusCode::OK);
    assert_eq!(world.as_page(&root, Method::GET, MANAGE, None).await.0, StatusCode::FORBIDDEN, "two have it now");
    sign_in(&control, "heir", "root@example.com").await;
    let heir = world.records.user(user).await.unwrap().unwrap();
    assert_eq!(heir.value.pins, [email("root@example.com")]);
    assert_eq!(post(&world, &root, "/api/admin/users/unpin", unpin).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_role_list_that_has_grown_counts_at_once_for_those_who_are_signed_in() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    assert_eq!(world.as_page(&ann, Method::GET, "/api/admin/audit", None).await.0, StatusCode::FORBIDDEN);
    let keys = (*control.keys()).clone();
    let (grown, _) = World { configuration: ROLES.to_owned(), ..world }.serve(keys);
    assert_eq!(grown.as_page(&ann, Method::GET, "/api/admin/audit", None).await.0, StatusCode::OK);
    let stored = grown.records.user(ann.user).await.unwrap().unwrap();
    assert_eq!(stored.value.pins, [email("ann@example.com")]);
}

#[tokio::test]
async fn makes_and_unmakes_administrators_at_once() {
    let (world, control) = World::with(ROLES);
    let root = world.somebody(&control, "root@example.com").await;
    let bob = world.somebody(&control, "bob@example.com").await;
    let ann = world.person(&control).await;
    let audit = async |person: &Person| world.as_page(person, Method::GET, "/api/admin/audit", None).await.0;
    assert_eq!(audit(&bob).await, StatusCode::FORBIDDEN);
    for (address, status) in [
        ("bob@example.com", StatusCode::CREATED),
        ("bob@example.com", StatusCode::OK),
        ("new@example.com", StatusCode::CREATED),
        ("ann@example.com", StatusCode::OK),
    ] {
        assert_eq!(post(&world, &root, MANAGE, json!({"email": address})).await.0, status, "{address}");
    }
    assert_eq!(audit(&bob).await, StatusCode::OK, "at once");
    assert_eq!(audit(&ann).await, StatusCode::OK);
    assert_eq!(post(&world, &ann, MANAGE, json!({"email": "x@example.com"})).await.0, StatusCode::FORBIDDEN);

    let (_, list) = world.as_page(&root, Method::GET, MANAGE, None).await;
    let row = |email: &str, source: &str, removable: bool, pinned: bool| json!({"email": email, "source": source, "removable": removable, "pinned": pinned});
    let expected = json!([
        row("ann@example.com", "config", false, true),
        row("bob@example.com", "grant", true, false),
        row("eve@example.com", "config", false, false),
        row("new@example.com", "grant", true, false),
        row("root@example.com", "super_admin", false, true),
    ]);
    assert_eq!((&list["admins"], &list["total"]), (&expected, &json!(5)));

    for (address, status) in [
        ("bob@example.com", StatusCode::OK),
        ("bob@example.com", StatusCode::NOT_FOUND),
        ("nobody@example.com", StatusCode::NOT_FOUND),
        ("ann@example.com", StatusCode::FORBIDDEN),
        ("root@example.com", StatusCode::FORBIDDEN),
    ] {
        let removed = world.as_page(&root, Method::DELETE, MANAGE, Some(json!({"email": address}))).await;
        assert_eq!(removed.0, status, "{address}: {}", removed.1);
    }
    assert_eq!(audit(&bob).await, StatusCode::FORBIDDEN, "at once");
}

#[tokio::test]
async fn a_removed_person_stays_suspended_when_they_are_restored() {
    let (world, control) = World::with(ROLES);
    let (ann, bob) = (world.person(&control).await, world.somebody(&control, "bob@example.com").await);
    let request = json!({"user_email": "bob@example.com", "duration_seconds": 600});
    assert_eq!(post(&world, &ann, SUSPEND, request).await.0, StatusCode::OK);
    control.remove(&front_actor(), bob.user, |bob| Ok(bob.clone())).await.unwrap();
    assert_eq!(sign_in(&control, "bob", "bob@example.com").await, SignInOutcome::Removed);
    assert_eq!(world.call(&bob).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(post(&world, &ann, RESTORE, json!({"user_email": "bob@example.com"})).await.0, StatusCode::OK);
    assert!(matches!(sign_in(&control, "bob", "bob@example.com").await, SignInOutcome::Suspended { .. }));
    pass(&world, 600);
    assert!(matches!(sign_in(&control, "bob", "bob@example.com").await, SignInOutcome::Welcome { .. }));
    assert_eq!(world.call(&bob).await.0, StatusCode::UNAUTHORIZED, "their tokens were revoked for good");
    assert_eq!(post(&world, &ann, RESTORE, json!({"user_email": "bob@example.com"})).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn erases_what_tells_who_somebody_is() {
    let (world, control) = World::with(ROLES);
    let root = world.somebody(&control, "root@example.com").await;
    let bob = world.somebody(&control, "bob@example.com").await;
    let path = "/api/admin/users/bob@example.com";
    let (status, body) = world.as_page(&root, Method::DELETE, path, None).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let left = world.records.user(bob.user).await.unwrap().unwrap().value;
    let json = serde_json::to_string(&left).unwrap();
    assert!(!json.contains("bob") && left.status == Status::Removed && left.erased.is_some(), "{json}");
    assert_eq!(world.call(&bob).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(world.as_page(&bob, Method::GET, "/api/me", None).await.0, StatusCode::UNAUTHORIZED);
    let log = serde_json::to_string(&entries(&world).await).unwrap();
    assert!(!log.contains("bob@example.com"), "{log}");
    assert_eq!(world.as_page(&root, Method::DELETE, path, None).await.0, StatusCode::NOT_FOUND);
    let SignInOutcome::Welcome { user, .. } = sign_in(&control, "bob", "bob@example.com").await else {
        panic!("they are somebody else now");
    };
    assert_ne!(user, bob.user);
}

#[tokio::test]
async fn notes_refused_sign_ins_once_for_each_address_and_minute() {
    let (world, control) = World::with(ROLES);
    let ann = world.person(&control).await;
    let mut actor = front_actor();
    let refused = |why: &str| RefusedSignIn { why: why.to_owned(), email: Some(email("eve@evil.example")) };
    for (address, seconds) in [("192.0.2.1", 0), ("192.0.2.1", 1), ("192.0.2.2", 1), ("192.0.2.1", 59)] {
        address.clone_into(&mut actor.address);
        pass(&world, seconds);
        control.note_refused_sign_in(&actor, "sign-in", &refused("not admitted")).await;
    }
    let (_, log) = world.as_page(&ann, Method::GET, "/api/admin/audit?target=sign-in", None).await;
    let entries = log["entries"].as_array().unwrap().iter();
    let mut found: Vec<_> =
        entries.map(|entry| (entry["address"].as_str().unwrap(), &entry["detail"]["count"])).collect();
    found.sort_by_key(|(address, count)| (*address, count.as_u64()));
    assert_eq!(found, [("192.0.2.1", &json!(1)), ("192.0.2.1", &json!(2)), ("192.0.2.2", &json!(1))]);
}

#[tokio::test]
async fn slows_down_who_signs_in_or_mints_over_and_over() {
    let limits = "[limits]\nsign_ins_per_user = 2\nmints_per_user = 2\nsign_ins_per_address = 3\n";
    let (world, control) = World::with(limits);
    let ann = world.person(&control).await;
    let mint = async || post(&world, &ann, "/api/token/generate", json!({"token_name": "more"})).await;
    assert_eq!(mint().await.0, StatusCode::CREATED);
    let (status, problem) = mint().await;
    assert_eq!((status, &problem["title"]), (StatusCode::TOO_MANY_REQUESTS, &json!("Too many requests")));
    assert!(matches!(sign_in(&control, "ann", "ann@example.com").await, SignInOutcome::Welcome { .. }));
    let SignInOutcome::TooOften { retry_after } = sign_in(&control, "ann", "ann@example.com").await else {
        panic!("it was the third in a minute");
    };
    assert!((1..=60).contains(&retry_after));
    let start =
        async || world.ask(World::request(Method::GET, "/oauth2/start").body(axum::body::Body::empty()).unwrap()).await;
    for _ in 0..3 {
        assert_ne!(start().await.0, StatusCode::TOO_MANY_REQUESTS);
    }
    let (status, headers, _) = start().await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(headers.contains_key("retry-after"));
    pass(&world, 60);
    assert_eq!(mint().await.0, StatusCode::CREATED, "a minute later");
    assert!(matches!(sign_in(&control, "ann", "ann@example.com").await, SignInOutcome::Welcome { .. }));
}

#[tokio::test]
async fn has_people_sign_in_again_whose_tokens_ask_for_it() {
    let (world, control) = World::with("[tokens]\nrequire_sign_in_within = \"7d\"\n");
    let ann = world.person(&control).await;
    pass(&world, 7 * 86400);
    assert_eq!(world.call(&ann).await.0, StatusCode::OK);
    pass(&world, 1);
    let (status, headers, body) = world.call(&ann).await;
    let told = &body["error"]["message"];
    assert_eq!((status, told), (StatusCode::UNAUTHORIZED, &json!("sign in again at http://localhost:8080")));
    assert_eq!(headers["x-should-retry"], "false");
    sign_in(&control, "ann", "ann@example.com").await;
    assert_eq!(world.call(&ann).await.0, StatusCode::OK);
}

#[tokio::test]
async fn refuses_what_administrators_get_wrong_about_people() {
    let (world, control) = World::with(ROLES);
    let ann = world.person(&control).await;
    for body in [
        json!({"user_email": "bob"}),
        json!({"user_email": "bob@example.com", "duration_seconds": 0}),
        json!({"user_email": "bob@example.com", "duration_seconds": -1}),
        json!({"user_email": "bob@example.com", "duration_seconds": 1.5}),
        json!({"user_email": "bob@example.com", "duration_seconds": 1e300}),
        json!({"user_email": "bob@example.com", "reason": "a\nb"}),
        json!({"user_email": "bob@example.com", "reason": "x".repeat(501)}),
        json!({"user_email": "bob@example.com", "until": 1}),
    ] {
        assert_eq!(post(&world, &ann, SUSPEND, body.clone()).await.0, StatusCode::BAD_REQUEST, "{body}");
    }
    assert!(world.records.user_named(&Name::Expected(email("bob@example.com"))).await.unwrap().is_none());
    for path in ["/api/admin/users?status=x", "/api/admin/users?limit=0", "/api/admin/audit?cursor=AAAA"] {
        assert_eq!(world.as_page(&ann, Method::GET, path, None).await.0, StatusCode::BAD_REQUEST, "{path}");
    }
    for path in ["/api/admin/sessions/x", "/api/admin/sessions/..%2fban:bob", "/api/admin/sessions/user:1"] {
        let (status, body) = world.as_page(&ann, Method::DELETE, path, None).await;
        assert!(matches!(status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST), "{path}: {status} {body}");
    }
}
