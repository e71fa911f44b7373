//! Lists of people.

use super::helpers::{ANSWERS, pages_of};
use super::names::known_by;
use crate::conformance::fixture::{START, audit, email, user, user_id};
use crate::identity::{Email, Status, Suspension, User};
use crate::ports::{Cursor, PeopleList, PeopleQuery, Records};
use crate::version::{Stored, Version};

fn suspended() -> Status {
    Status::Suspended(Suspension { until: Some(START), reason: String::new(), by: user_id(1), at: START })
}

fn listed(number: u8, user: User) -> User {
    User { administers: true, provisioning: Some(known_by(number, &number.to_string(), None)), ..user }
}

/// Returns people of every kind, by number.
fn people() -> [User; 7] {
    [
        User { last_sign_in: Some(START.plus(10)), ..user(1) },
        User { last_sign_in: Some(START.plus(30)), administers: true, status: suspended(), ..user(2) },
        User { last_sign_in: None, provisioning: Some(known_by(3, "3", None)), status: Status::Removed, ..user(3) },
        listed(4, User::expected(user_id(4), email(4), START)),
        listed(5, User { status: suspended(), erased: Some(START), ..user(5) }),
        User { email: email(1), last_sign_in: Some(START.plus(10)), status: suspended(), ..user(6) },
        User { email: Email::parse("ann@example.com").expect("it is one"), status: Status::Removed, ..user(7) },
    ]
}

async fn fill(records: &impl Records) {
    for (number, person) in (1..).zip(people()) {
        records.insert_user(&person, &audit(number, "a", "b")).await.expect(ANSWERS);
    }
}

fn number(user: &Stored<User>) -> u8 {
    (1..=9).find(|number| user_id(*number) == user.value.id).expect("they were written")
}

/// Returns the numbers of those in a list, so many on a page, without the first `skip`.
async fn numbers(records: &impl Records, list: &PeopleList, skip: u32, limit: u32) -> Vec<u8> {
    let (mut numbers, mut cursor) = (Vec::new(), None);
    loop {
        let query = PeopleQuery { list: list.clone(), skip, page: pages_of(limit, cursor) };
        let page = records.list_people(&query).await.expect(ANSWERS);
        assert!(page.items.len() <= limit as usize);
        numbers.extend(page.items.iter().map(number));
        cursor = page.next;
        if cursor.is_none() {
            return numbers;
        }
    }
}

fn at(prefix: &str) -> PeopleList {
    PeopleList::Address(prefix.to_owned())
}

/// Each list has those who belong there, in its order, however it is cut into pages; who was erased is in none.
pub async fn lists_people_in_order(records: &impl Records) {
    for list in PeopleList::ALL {
        assert!(numbers(records, &list, 0, 2).await.is_empty());
        assert_eq!(records.count_people(&list).await.expect(ANSWERS), 0);
    }
    fill(records).await;
    for (list, expected) in [
        (PeopleList::Everybody, &[2, 1, 6, 7, 3, 4][..]),
        (at(""), &[7, 1, 6, 2, 3, 4]),
        (at("user"), &[1, 6, 2, 3, 4]),
        (at("user1@example.com"), &[1, 6]),
        (at("user5"), &[]),
        (at("ann@example.com\n0"), &[]),
        (at("USER"), &[]),
        (at("%"), &[]),
        (at("user_"), &[]),
        (at("user1' OR"), &[]),
        (PeopleList::Suspended, &[2, 6]),
        (PeopleList::Removed, &[3, 7]),
        (PeopleList::Administrators, &[2, 4]),
        (PeopleList::Provisioned, &[3, 4]),
    ] {
        for limit in [1, 2, 50] {
            assert_eq!(numbers(records, &list, 0, limit).await, expected, "{list:?} by {limit}");
        }
        assert_eq!(records.count_people(&list).await.expect(ANSWERS), expected.len() as u64, "{list:?}");
    }
}

/// A page may begin behind so many; where there is a cursor, it says where.
pub async fn leaves_out_so_many_people_where_there_is_no_cursor(records: &impl Records) {
    fill(records).await;
    for (list, all) in [
        (PeopleList::Everybody, &[2, 1, 6, 7, 3, 4][..]),
        (at("user"), &[1, 6, 2, 3, 4]),
        (PeopleList::Suspended, &[2, 6]),
    ] {
        for skip in 0..=all.len() {
            let left = u32::try_from(skip).expect("they are few");
            for limit in [1, 2, 50] {
                assert_eq!(
                    numbers(records, &list, left, limit).await,
                    all[skip..],
                    "{list:?} behind {skip} by {limit}"
                );
            }
        }
        assert!(numbers(records, &list, 1000, 2).await.is_empty());
    }
}

/// A list has those who belong there now, where they belong now.
pub async fn moves_people_from_list_to_list(records: &impl Records) {
    fill(records).await;
    let moved = [
        User { last_sign_in: Some(START.plus(50)), ..people()[3].clone() },
        User { status: Status::Active, administers: false, ..people()[1].clone() },
        User { erased: Some(START), ..people()[0].clone() },
        User { email: email(9), provisioning: None, status: suspended(), ..people()[2].clone() },
    ];
    for (entry, next) in (20..).zip(moved) {
        let seen = records.user(next.id).await.expect(ANSWERS).expect("they were written");
        records.replace_user(&next, &seen, &audit(entry, "a", "b")).await.expect(ANSWERS);
    }
    for (list, expected) in [
        (PeopleList::Everybody, &[4, 2, 6, 7, 3][..]),
        (at("user"), &[6, 2, 4, 3]),
        (at("user3"), &[]),
        (PeopleList::Suspended, &[3, 6]),
        (PeopleList::Removed, &[7]),
        (PeopleList::Administrators, &[4]),
        (PeopleList::Provisioned, &[4]),
    ] {
        for limit in [1, 50] {
            assert_eq!(numbers(records, &list, 0, limit).await, expected, "{list:?} by {limit}");
        }
        assert_eq!(records.count_people(&list).await.expect(ANSWERS), expected.len() as u64, "{list:?}");
    }
}

/// A cursor that the store did not make finds a page of the same list, and a limit that no page has is the nearest one.
pub async fn takes_odd_questions_for_people_without_falling_over(records: &impl Records) {
    fill(records).await;
    let odd = ["", "'; DROP TABLE user; --", "\u{0}", "\n", "\u{10FFFF}", "user9@example.com\n"].map(str::to_owned);
    let foreign = PeopleList::ALL.map(|list| list.place(&people()[1]));
    for list in PeopleList::ALL.into_iter().chain([at("ann"), at("user"), at("\n"), at("\u{0}"), at("\u{10FFFF}")]) {
        for cursor in odd.iter().chain(&foreign) {
            let page = pages_of(2, Some(Cursor(cursor.clone())));
            let query = PeopleQuery { list: list.clone(), skip: 1, page };
            let found = records.list_people(&query).await.expect(ANSWERS).items;
            assert!(found.iter().all(|user| list.has(&user.value)), "{list:?} behind {cursor:?}");
        }
        records.count_people(&list).await.expect(ANSWERS);
    }
    for (limit, expected) in [(0, 1), (u32::MAX, 6)] {
        let query = PeopleQuery { list: PeopleList::Everybody, skip: 0, page: pages_of(limit, None) };
        let found = records.list_people(&query).await.expect(ANSWERS);
        assert_eq!((found.items.len(), found.next.is_some()), (expected, expected < 6));
    }
}

/// Whoever has an address is found there as soon as it was written, and nowhere else.
pub async fn finds_people_by_a_new_address_at_once(records: &impl Records) {
    let at = async |number| {
        let people = records.people_at(&email(number)).await.expect(ANSWERS);
        let mut numbers: Vec<u8> = people.iter().map(self::number).collect();
        numbers.sort_unstable();
        numbers
    };
    records.insert_user(&user(1), &audit(1, "a", "b")).await.expect(ANSWERS);
    records.insert_user(&User::expected(user_id(2), email(1), START), &audit(2, "a", "b")).await.expect(ANSWERS);
    assert_eq!(at(1).await, [1, 2]);
    let mut seen = Stored { value: user(1), version: Version::FIRST };
    for (entry, address, others) in [(3, 3, 1), (4, 1, 3), (5, 4, 1)] {
        let next = User { email: email(address), ..user(1) };
        records.replace_user(&next, &seen, &audit(entry, "a", "b")).await.expect(ANSWERS);
        seen = Stored { value: next, version: seen.version.next() };
        assert_eq!(at(address).await, if address == 1 { vec![1, 2] } else { vec![1] });
        assert_eq!(at(others).await, if others == 1 { vec![2] } else { vec![] });
    }
}
