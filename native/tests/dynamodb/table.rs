//! What the table itself does, and what it costs to ask it.

use std::collections::BTreeMap;

use gateway_core::conformance::fixture::{START, audit, email, token, token_id, user, user_id};
use gateway_core::identity::{Status, User};
use gateway_core::memory::WINDOW_REMEMBERED;
use gateway_core::ports::{
    AuditLog as _, AuditQuery, Directory as _, Outbox as _, PageRequest, PeopleList, PeopleQuery, Subject, TokenQuery,
    Tokens as _, Users as _,
};
use gateway_core::token::LISTED_AFTER_EXPIRY;
use gateway_core::version::{Stored, Version};
use gateway_native::dynamodb::CreateError;
use serde_json::json;

use crate::support::{block_on, raw_items, store};

fn counts(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
    of.iter().map(|(operation, count)| ((*operation).to_owned(), *count)).collect()
}

#[test]
fn costs_the_same_however_much_there_is() {
    let (records, table) = store();
    block_on(async {
        records.insert_user(&user(1), &audit(1, "a", "b")).await.unwrap();
        let _ = table.shim.take_counts();
        for number in 1..=200 {
            records.insert_token(&token(1, number), &audit(1 + u16::from(number), "a", "b")).await.unwrap();
        }
        assert_eq!(table.shim.take_counts(), counts(&[("TransactWriteItems", 200)]));
        records.token(token_id(7)).await.unwrap().unwrap();
        assert_eq!(table.shim.take_counts(), counts(&[("GetItem", 1)]));
        records.user_named(&user(1).names()[0]).await.unwrap().unwrap();
        assert_eq!(table.shim.take_counts(), counts(&[("GetItem", 2)]));
        let page = PageRequest { limit: 50, cursor: None };
        let own = TokenQuery { user: user_id(1), expired_after: START, page: page.clone() };
        assert_eq!(records.tokens(&own).await.unwrap().items.len(), 50);
        assert_eq!(table.shim.take_counts(), counts(&[("Query", 1), ("BatchGetItem", 1)]));
        let about = AuditQuery { actor: Some("a".to_owned()), target: None, page };
        assert_eq!(records.entries(&about).await.unwrap().items.len(), 50);
        assert_eq!(table.shim.take_counts(), counts(&[("Query", 1), ("BatchGetItem", 1)]));
        records.applied(Subject::Token(token_id(7)), Version::FIRST).await.unwrap();
        assert_eq!(table.shim.take_counts(), counts(&[("DeleteItem", 1)]));
    });
}

#[test]
fn lists_people_for_the_same_however_many_there_are() {
    let (records, table) = store();
    block_on(async {
        for number in 1..=200 {
            let person =
                User { administers: number % 2 == 0, last_sign_in: Some(START.plus(number.into())), ..user(number) };
            records.insert_user(&person, &audit(number.into(), "a", "b")).await.unwrap();
        }
        assert_eq!(table.shim.take_counts()["TransactWriteItems"], 200);
        let of_one_page = counts(&[("Query", 1), ("BatchGetItem", 1)]);
        for list in [PeopleList::Everybody, PeopleList::Address("user".to_owned()), PeopleList::Administrators] {
            let query = PeopleQuery { list: list.clone(), skip: 0, page: PageRequest { limit: 50, cursor: None } };
            let page = records.list_people(&query).await.unwrap();
            assert_eq!((page.items.len(), table.shim.take_counts()), (50, of_one_page.clone()));
            let second = PeopleQuery { page: PageRequest { limit: 40, cursor: page.next }, ..query.clone() };
            let page = records.list_people(&second).await.unwrap();
            assert_eq!((page.items.len(), table.shim.take_counts()), (40, of_one_page.clone()));
            let behind = PeopleQuery { skip: 60, ..query };
            let third = records.list_people(&behind).await.unwrap();
            assert_eq!(third.items[..30], page.items[10..]);
            assert_eq!(table.shim.take_counts(), counts(&[("Query", 2), ("BatchGetItem", 1)]));
            records.count_people(&list).await.unwrap();
            assert_eq!(table.shim.take_counts(), counts(&[("Query", 1)]));
        }
        records.people_at(&user(7).email).await.unwrap();
        assert_eq!(table.shim.take_counts(), of_one_page);
    });
}

/// Whoever has just signed in stands in front, and the index has them further back for a moment.
#[test]
fn goes_on_where_the_index_has_somebody_and_not_where_they_are() {
    let (records, table) = store();
    block_on(async {
        for number in 1..=4 {
            let person = User { last_sign_in: Some(START.plus(number.into())), ..user(number) };
            records.insert_user(&person, &audit(number.into(), "a", "b")).await.unwrap();
        }
        let seen = records.user(user_id(2)).await.unwrap().unwrap();
        let next = User { last_sign_in: Some(START.plus(99)), ..seen.value.clone() };
        records.replace_user(&next, &seen, &audit(9, "a", "b")).await.unwrap();
        let question = json!({
            "TableName": table.name, "Key": {"pk": {"S": format!("USER#{}", user_id(2))}, "sk": {"S": "USER"}},
            "UpdateExpression": "SET sk1 = :place",
            "ExpressionAttributeValues": {":place": {"S": PeopleList::Everybody.place(&seen.value)}},
        });
        table.shim.ask("DynamoDB_20120810.UpdateItem", &question).await;
        let (mut found, mut cursor) = (Vec::new(), None);
        for _ in 0..9 {
            let page = PageRequest { limit: 1, cursor };
            let page = records.list_people(&PeopleQuery { list: PeopleList::Everybody, skip: 0, page }).await.unwrap();
            found.extend(page.items.into_iter().map(|user| user.value.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, [4, 3, 2, 1].map(user_id));
    });
}

#[test]
fn keeps_nothing_that_leads_to_somebody_who_was_erased() {
    let (records, table) = store();
    block_on(async {
        let person = User { pins: vec![email(1)], administers: true, status: Status::Removed, ..user(1) };
        records.insert_user(&person, &audit(1, "a", "b")).await.unwrap();
        // Themselves, two names, an address, the lists, the change and the entry.
        assert_eq!(raw_items(&table).await.len(), 7);
        let erased = User { erased: Some(START), email: email(9), ..person.clone() };
        let seen = Stored { value: person, version: Version::FIRST };
        records.replace_user(&erased, &seen, &audit(2, "a", "b")).await.unwrap();
        let items = raw_items(&table).await;
        // Themselves, the change and two entries.
        assert_eq!(items.len(), 4, "{items:?}");
        let own = items.iter().find(|item| item["sk"].as_s().unwrap() == "USER").unwrap();
        assert!(["pk1", "sk1", "pk2", "sk2"].iter().all(|name| !own.contains_key(*name)), "{own:?}");
    });
}

#[test]
fn forgets_tokens_and_what_leads_to_them_by_itself() {
    let (records, table) = store();
    block_on(async {
        records.insert_token(&token(1, 1), &audit(1, "a", "b")).await.unwrap();
        let forgotten = (token(1, 1).expiry.0 + LISTED_AFTER_EXPIRY).to_string();
        let items = raw_items(&table).await;
        assert_eq!(items.len(), 4);
        for item in items {
            let (pk, ttl) = (item["pk"].as_s().unwrap(), item.get("ttl"));
            let expected = if pk == "AUDIT" { None } else { Some(forgotten.clone()) };
            assert_eq!(ttl.map(|ttl| ttl.as_n().unwrap().clone()), expected, "{pk}");
        }
    });
}

#[test]
fn forgets_what_was_spent_by_itself_but_never_what_was_spent_in_all() {
    use gateway_core::accounts::Posting;
    use gateway_core::conformance::fixture::usage_event;
    use gateway_core::ports::UsageLog as _;
    let (records, table) = store();
    block_on(async {
        let posting = Posting::of(usage_event(1, 1), &jiff::tz::TimeZone::UTC);
        records.put_usage(std::slice::from_ref(&posting)).await.unwrap();
        let day = posting.calendar.daily.end.unwrap().0 + WINDOW_REMEMBERED;
        for item in raw_items(&table).await {
            let pk = item["pk"].as_s().unwrap();
            let ttl = item.get("ttl").map(|ttl| ttl.as_n().unwrap().clone());
            match pk.strip_prefix("SPENT#") {
                Some(window) if window.starts_with("daily") => assert_eq!(ttl, Some(day.to_string())),
                None if pk.starts_with("ARRIVALS#") => assert!(ttl.is_some(), "{pk}"),
                Some("total") | None => assert_eq!(ttl, None, "{pk}"),
                Some(_) => assert!(ttl.is_some(), "{pk}"),
            }
        }
    });
}

#[test]
fn says_that_a_table_is_there_already() {
    let (records, table) = store();
    let error = block_on(records.create_table()).unwrap_err();
    assert!(matches!(&error, CreateError::Exists(name) if *name == table.name), "{error}");
}

/// Where each token is found by two terms, half of what is read leads nowhere.
#[test]
fn reads_no_more_for_a_page_where_most_rows_are_left_out() {
    use gateway_core::ports::TokenSearch;
    use gateway_core::token::{Token, TokenName};
    let (records, table) = store();
    block_on(async {
        for number in 1..=250 {
            let token = Token { name: TokenName::parse("ubuntu").unwrap(), ..token(1, number) };
            records.insert_token(&token, &audit(number.into(), "a", "b")).await.unwrap();
        }
        let (mut found, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let _ = table.shim.take_counts();
            let page = PageRequest { limit: 50, cursor };
            let search = TokenSearch { prefix: Some("u".to_owned()), expired_after: START, page };
            let page = records.all_tokens(&search).await.unwrap();
            assert!(table.shim.take_counts()["Query"] <= 8);
            found.extend(page.items.iter().map(|token| token.value.id));
            pages += 1;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        found.sort();
        assert_eq!(found, (1..=250).map(token_id).collect::<Vec<_>>(), "each once");
        assert!(pages <= 7, "{pages}");
    });
}
