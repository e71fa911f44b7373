//! What the table itself does, and what it costs to ask it.

use std::collections::BTreeMap;

use gateway_core::conformance::fixture::{START, audit, token, token_id, user, user_id};
use gateway_core::memory::WINDOW_REMEMBERED;
use gateway_core::ports::{
    AuditLog as _, AuditQuery, Outbox as _, PageRequest, Subject, TokenQuery, Tokens as _, Users as _,
};
use gateway_core::token::LISTED_AFTER_EXPIRY;
use gateway_core::version::Version;
use gateway_native::dynamodb::CreateError;

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
        records.user_by_subject(&user(1).issuer, &user(1).subject).await.unwrap().unwrap();
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
    use gateway_core::ports::{Directory as _, TokenSearch};
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
