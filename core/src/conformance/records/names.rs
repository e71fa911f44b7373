//! What leads to one person and to no other.

use super::helpers::{ANSWERS, entries, is_conflict};
use crate::conformance::fixture::{START, audit, email, user, user_id};
use crate::identity::{Account, Name, Provisioning, Status, Suspension, User};
use crate::ports::{Records, Subject};
use crate::version::{Stored, Version};

/// Returns what the company's directory may say of somebody.
fn provisioning(user_name: &str, external_id: Option<&str>) -> Provisioning {
    Provisioning {
        id: user_id(200),
        user_name: user_name.to_owned(),
        external_id: external_id.map(str::to_owned),
        given_name: None,
        family_name: None,
        display_name: None,
        groups: None,
        created: START,
        modified: START,
    }
}

/// Returns the `number`th user with a name of each kind that somebody can have besides an account.
fn named(number: u8) -> User {
    let provisioning = provisioning(&format!("User{number}'--"), Some(&format!("{number}\u{0}\"")));
    User { pins: vec![email(number)], provisioning: Some(provisioning), ..user(number) }
}

/// Returns what the directory may say of the `number`th user, whom it knows by the id of their record.
pub(super) fn known_by(number: u8, user_name: &str, external_id: Option<&str>) -> Provisioning {
    Provisioning { id: user_id(number), ..provisioning(user_name, external_id) }
}

/// Returns the `number`th user as somebody whom nobody but that name leads to, if anything.
fn called(number: u8, name: &Name) -> User {
    let nobody = Account { issuer: String::new(), subject: number.to_string() };
    let plain = User { account: Some(nobody), ..user(number) };
    match name.clone() {
        Name::Account(account) => User { account: Some(account), ..plain },
        Name::Expected(email) => User { account: None, email, ..plain },
        Name::Pin(email) => User { pins: vec![email], ..plain },
        Name::UserName(name) => User { provisioning: Some(known_by(number, &name.to_uppercase(), None)), ..plain },
        Name::Resource(id) => {
            User { provisioning: Some(Provisioning { id, ..provisioning("nobody at all", None) }), ..plain }
        }
        Name::ExternalId(id) => User { provisioning: Some(known_by(number, "nobody else", Some(&id))), ..plain },
    }
}

async fn found(records: &impl Records, name: &Name) -> Option<Stored<User>> {
    records.user_named(name).await.expect(ANSWERS)
}

async fn insert(records: &impl Records, user: &User, entry: u16) -> bool {
    let written = records.insert_user(user, &audit(entry, "a", "b")).await;
    assert!(written.is_ok() || is_conflict(&written), "{written:?}");
    written.is_ok()
}

/// Replaces the first version.
async fn replace(records: &impl Records, next: &User, seen: &User, entry: u16) -> bool {
    let seen = Stored { value: seen.clone(), version: Version::FIRST };
    let written = records.replace_user(next, &seen, &audit(entry, "a", "b")).await;
    assert!(written.is_ok() || is_conflict(&written), "{written:?}");
    written.is_ok()
}

/// Whatever somebody is called leads to them, and nobody else is called so; the same text is another name where it is of another
/// kind.
pub async fn leads_by_each_name_to_one_user_only(records: &impl Records) {
    let expected = User::expected(user_id(2), email(2), START);
    assert!(insert(records, &named(1), 1).await && insert(records, &expected, 2).await);
    let other = called(3, &Name::Pin(email(3)));
    assert!(insert(records, &other, 3).await);
    let names = [named(1).names(), expected.names()].concat();
    assert_eq!(names.len(), 6);
    for (number, name) in (0..).zip(names) {
        let holder = if number < 5 { named(1) } else { expected.clone() };
        let holder = Some(Stored { value: holder, version: Version::FIRST });
        assert_eq!(found(records, &name).await, holder, "{name:?}");
        let called = called(4, &name);
        assert!(called.names().contains(&name));
        assert!(!insert(records, &called, 10 + number).await, "{name:?}");
        assert!(!replace(records, &self::called(3, &name), &other, 20 + number).await, "{name:?}");
        assert_eq!(found(records, &name).await, holder, "{name:?}");
    }
    assert_eq!(records.user(user_id(4)).await.expect(ANSWERS), None);
    assert_eq!(records.user(user_id(3)).await.expect(ANSWERS).map(|held| held.value), Some(other));
    assert_eq!(entries(records, None, None).await.len(), 3, "refused writes leave no entry");
    let waiting = records.unapplied(10).await.expect(ANSWERS);
    assert_eq!(waiting, [1, 2, 3].map(|number| (Subject::User(user_id(number)), Version::FIRST)));

    let text = "user1'--".to_owned();
    assert_eq!(found(records, &Name::ExternalId(text.clone())).await, None);
    assert!(insert(records, &called(5, &Name::ExternalId(text)), 30).await);
    assert!(insert(records, &called(6, &Name::Pin(email(2))), 31).await, "expected is somebody else");
}

/// One write may change all that a directory tells of somebody, and where they stand.
pub async fn changes_all_that_a_directory_tells_at_once(records: &impl Records) {
    let told = |user: u8, word: &str| Some(known_by(user, &format!("{word}{user}"), Some(&format!("{word}-{user}"))));
    let suspension = Suspension { until: None, reason: "r".to_owned(), by: user_id(9), at: START };
    let expected = User::expected(user_id(1), email(1), START);
    for (number, user) in [(1, expected), (2, user(2))] {
        let before = User { provisioning: told(number, "before"), ..user };
        assert!(insert(records, &before, number.into()).await);
        let (address, status) = (email(10 + number), Status::Suspended(suspension.clone()));
        let after = User { email: address.clone(), provisioning: told(number, "after"), status, ..before.clone() };
        assert!(replace(records, &after, &before, 10 + u16::from(number)).await);
        let stored = Stored { value: after.clone(), version: Version(2) };
        for name in after.names() {
            assert_eq!(found(records, &name).await, Some(stored.clone()), "{name:?}");
        }
        for name in before.names().into_iter().filter(|name| !after.names().contains(name)) {
            assert_eq!(found(records, &name).await, None, "{name:?}");
        }
        assert_eq!(records.people_at(&before.email).await.expect(ANSWERS), []);
        assert_eq!(records.people_at(&address).await.expect(ANSWERS), [stored]);
    }
}

/// What somebody is called no more, others may be called; what they still are called, nobody else.
pub async fn frees_names_that_are_given_up(records: &impl Records) {
    assert!(insert(records, &named(1), 1).await);
    let next = User { pins: Vec::new(), provisioning: Some(known_by(1, "another", None)), ..user(1) };
    assert!(replace(records, &next, &named(1), 2).await);
    for (number, name) in (0..).zip(named(1).names()) {
        let is_kept = matches!(name, Name::Account(_));
        assert_eq!(found(records, &name).await.is_some(), is_kept, "{name:?}");
        let other = called(2 + number, &name);
        assert_eq!(insert(records, &other, 10 + u16::from(number)).await, !is_kept, "{name:?}");
        let holder = if is_kept { user_id(1) } else { other.id };
        assert_eq!(found(records, &name).await.map(|held| held.value.id), Some(holder), "{name:?}");
    }
    let new = found(records, &Name::UserName("another".to_owned())).await;
    assert_eq!(new, Some(Stored { value: next.clone(), version: Version(2) }));
    let seen = Stored { value: next, version: Version(2) };
    let back = records.replace_user(&named(1), &seen, &audit(20, "a", "b")).await;
    assert!(is_conflict(&back), "others are called so now");
}

/// A write that is refused gives nothing up.
pub async fn frees_no_name_where_nothing_was_written(records: &impl Records) {
    assert!(insert(records, &named(1), 1).await && insert(records, &user(2), 2).await);
    let taken = User { pins: Vec::new(), account: user(2).account, ..named(1) };
    assert!(!replace(records, &taken, &named(1), 3).await);
    let stale = Stored { value: named(1), version: Version(2) };
    assert!(is_conflict(&records.replace_user(&user(1), &stale, &audit(4, "a", "b")).await));
    assert!(!replace(records, &user(1), &named(1), 2).await, "the entry is taken");
    for name in named(1).names() {
        assert_eq!(found(records, &name).await.map(|held| held.value), Some(named(1)), "{name:?}");
    }
}

/// Whoever signs in with an address about which something was decided is that person from then on; the address may be expected
/// of another.
pub async fn has_people_who_are_expected_claimed_by_an_account(records: &impl Records) {
    let expected = User::expected(user_id(1), email(1), START);
    assert!(insert(records, &expected, 1).await);
    let name = Name::Expected(email(1));
    assert_eq!(found(records, &name).await.map(|held| held.value), Some(expected.clone()));
    assert!(!insert(records, &User { id: user_id(2), ..expected.clone() }, 2).await);
    assert!(replace(records, &user(1), &expected, 3).await);
    assert_eq!(found(records, &name).await, None);
    let claimed = Some(Stored { value: user(1), version: Version(2) });
    assert_eq!(found(records, &user(1).names()[0]).await, claimed);
    assert!(insert(records, &User { id: user_id(2), ..expected }, 4).await);
    assert_eq!(found(records, &name).await.map(|held| held.value.id), Some(user_id(2)));
}

/// Nothing leads to somebody whose record was erased, and all of it may lead to another.
pub async fn forgets_what_led_to_people_who_were_erased(records: &impl Records) {
    assert!(insert(records, &named(1), 1).await);
    let erased = User { email: email(9), erased: Some(START), ..named(1) };
    assert!(replace(records, &erased, &named(1), 2).await);
    for name in named(1).names() {
        assert_eq!(found(records, &name).await, None, "{name:?}");
    }
    for address in [1, 9] {
        assert_eq!(records.people_at(&email(address)).await.expect(ANSWERS), []);
    }
    assert!(insert(records, &User { id: user_id(2), ..named(1) }, 3).await);
    let held = records.user(user_id(1)).await.expect(ANSWERS);
    assert_eq!(held, Some(Stored { value: erased, version: Version(2) }), "what is left of it stays");
}
