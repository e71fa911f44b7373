//! Sessions, suspension, and what administrators see of people.

use gateway_tests::{Answer, Browser, Deployment, echo};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const ADMIN: &str = "admin@example.com";
const ANN: &str = "ann@example.com";

/// What somebody writes who would like to be an administrator's page.
const MARKUP: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";

async fn get(browser: &mut Browser, path: &str) -> Value {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.body
}

async fn post(browser: &mut Browser, path: &str, body: Value) -> Value {
    let answer = browser.post(path, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.body
}

async fn delete(browser: &Browser, path: &str) -> Answer {
    Answer::of(browser.request(Method::DELETE, path).send().await.expect("the gateway answers")).await
}

async fn status(browser: &mut Browser) -> StatusCode {
    browser.get("/api/me").await.status
}

fn list<'a>(body: &'a Value, name: &str) -> &'a Vec<Value> {
    body[name].as_array().unwrap_or_else(|| unreachable!("no list {name}: {body}"))
}

#[tokio::test]
async fn shows_everybodys_sessions_and_ends_one_at_once() {
    let gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    let mut ann = Browser::sign_in(&gateway, ANN).await;
    let mut elsewhere = Browser::sign_in(&gateway, ANN).await;
    let sessions = get(&mut admin, "/api/admin/sessions").await;
    assert_eq!(sessions["total"], 3);
    let emails: Vec<&str> =
        list(&sessions, "sessions").iter().filter_map(|session| session["email"].as_str()).collect();
    assert_eq!(emails.iter().filter(|email| **email == ANN).count(), 2);
    let current: Vec<&Value> =
        list(&sessions, "sessions").iter().filter(|session| session["current"] == true).collect();
    assert_eq!((current.len(), &current[0]["email"]), (1, &json!(ADMIN)));
    assert!(current[0]["expires_at"].as_i64() > current[0]["created_at"].as_i64());

    let own = get(&mut elsewhere, "/api/me/sessions").await;
    let mine = list(&own, "sessions").iter().find(|session| session["current"] == true).expect("it is in use");
    let key = mine["session_key"].as_str().expect("a text");
    assert!(!elsewhere.ticket().contains(key), "it opens nothing");
    for expected in [StatusCode::OK, StatusCode::NOT_FOUND] {
        let answer = delete(&admin, &format!("/api/admin/sessions/{key}")).await;
        assert_eq!(answer.status, expected, "{}", answer.text);
        assert_eq!(status(&mut elsewhere).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(status(&mut ann).await, StatusCode::OK, "the other one goes on");
    let found = get(&mut admin, &format!("/api/admin/sessions?email={ANN}")).await;
    assert_eq!((list(&found, "sessions").len(), &found["total"]), (1, &json!(1)));
    let stats = get(&mut admin, "/api/admin/sessions/stats").await;
    let expected = json!({"total_sessions": 2, "unique_users": 2, "user_sessions": {ADMIN: 1, ANN: 1}});
    assert_eq!(stats, expected);
}

#[tokio::test]
async fn pages_through_sessions_without_gaps() {
    let gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    for _ in 0..4 {
        Browser::sign_in(&gateway, ANN).await;
    }
    for query in ["", "&email=ann@example.com"] {
        let mut keys = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = get(&mut admin, &format!("/api/admin/sessions?limit=2&cursor={cursor}{query}")).await;
            assert!(list(&page, "sessions").len() <= 2);
            keys.extend(list(&page, "sessions").iter().map(|session| session["session_key"].to_string()));
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        let found = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!((keys.len(), found), if query.is_empty() { (5, 5) } else { (4, 4) });
    }
}

#[tokio::test]
async fn tells_who_was_seen_and_how() {
    let gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    let mut ann = Browser::sign_in(&gateway, ANN).await;
    let token = ann.mint().await.token;
    let seen = get(&mut admin, &format!("/api/admin/sessions/active-users?email={ANN}")).await;
    assert_eq!(list(&seen, "active_users")[0]["auth_methods"], json!(["session"]));
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    let everybody = get(&mut admin, "/api/admin/sessions/active-users").await;
    assert_eq!((&everybody["total"], &everybody["banned_count"]), (&json!(2), &json!(0)));
    let row = list(&everybody, "active_users").iter().find(|row| row["email"] == ANN).expect("she was seen");
    assert_eq!(row["auth_methods"], json!(["session", "token"]));
    assert_eq!((&row["session_count"], &row["is_banned"]), (&json!(1), &json!(false)));

    post(&mut admin, "/api/admin/users/ban", json!({"user_email": ANN, "duration_seconds": 600})).await;
    let banned = get(&mut admin, "/api/admin/sessions/active-users").await;
    assert_eq!(banned["banned_count"], 1);
    let row = list(&banned, "active_users").iter().find(|row| row["email"] == ANN).expect("she was seen before");
    assert_eq!((&row["is_banned"], &row["session_count"]), (&json!(true), &json!(0)));
    assert!((1..=600).contains(&row["ban_remaining_seconds"].as_i64().expect("a number")));
}

#[tokio::test]
async fn suspends_somebody_at_once_and_gives_their_tokens_back() {
    let mut gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    let mut ann = Browser::sign_in(&gateway, ANN).await;
    let token = ann.mint().await.token;
    let suspend = json!({"user_email": "ANN@Example.com", "duration_seconds": null, "reason": MARKUP});
    let answer = post(&mut admin, "/api/admin/users/ban", suspend).await;
    let expected = json!({"message": "User suspended", "user_email": ANN, "banned_until": null, "banned_by": ADMIN});
    assert_eq!(answer, expected);
    for _ in 0..2 {
        let call = echo(&gateway, &token).await;
        let text = "Your account is suspended until an administrator lifts it.";
        assert_eq!((call.status, call.anthropic_error()), (StatusCode::FORBIDDEN, ("permission_error", text)));
        assert_eq!(call.header("x-should-retry"), "false");
        assert_eq!(status(&mut ann).await, StatusCode::UNAUTHORIZED);
        gateway.kill_and_restart().await;
    }
    let mut again = Browser::open(&gateway);
    let callback = again.authenticate(ANN, "/").await;
    assert_eq!(again.visit(&callback).await.status(), StatusCode::FORBIDDEN);

    let people = get(&mut admin, "/api/admin/users?status=suspended").await;
    let row = &list(&people, "users")[0];
    assert_eq!((&row["email"], &row["suspension_reason"]), (&json!(ANN), &json!(MARKUP)), "as it was written");
    let lifted = post(&mut admin, "/api/admin/users/unban", json!({"user_email": ANN})).await;
    assert_eq!(lifted, json!({"message": "Suspension lifted", "user_email": ANN, "unbanned_by": ADMIN}));
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    Browser::sign_in(&gateway, ANN).await;
}

#[tokio::test]
async fn a_token_that_was_revoked_does_not_come_back_with_its_owner() {
    let gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    let mut ann = Browser::sign_in(&gateway, ANN).await;
    let minted = ann.mint().await;
    post(&mut admin, "/api/admin/users/ban", json!({"user_email": ANN})).await;
    assert_eq!(delete(&admin, &format!("/api/admin/tokens/{}", minted.id)).await.status, StatusCode::OK);
    assert_eq!(delete(&admin, &format!("/api/admin/sessions/unban/{ANN}")).await.status, StatusCode::OK);
    assert_eq!(echo(&gateway, &minted.token).await.anthropic_error(), ("authentication_error", "token revoked"));
}

#[tokio::test]
async fn signs_somebody_out_by_force_or_by_their_own_will() {
    let gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    let mut ann = Browser::sign_in(&gateway, ANN).await;
    let mut elsewhere = Browser::sign_in(&gateway, ANN).await;
    let token = ann.mint().await.token;
    let out = post(&mut ann, "/api/me/sign-out-everywhere", json!({})).await;
    assert_eq!(out, json!({"message": "Signed out everywhere", "ended_count": 2}));
    assert_eq!(status(&mut ann).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&mut elsewhere).await, StatusCode::UNAUTHORIZED);
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK, "tokens stay");

    let mut ann = Browser::sign_in(&gateway, ANN).await;
    let forced = post(&mut admin, "/api/admin/sessions/revoke-user", json!({"user_email": ANN})).await;
    let expected = json!({"message": "User sessions deleted successfully", "user_email": ANN, "deleted_count": 1,
        "deleted_by": ADMIN});
    assert_eq!(forced, expected);
    assert_eq!(status(&mut ann).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&mut admin).await, StatusCode::OK, "nobody else's");
    let nobody = admin.post("/api/admin/sessions/revoke-user", &json!({"user_email": "x@example.com"})).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn ends_own_sessions_and_nobody_elses() {
    let gateway = Deployment::start("").await;
    let mut ann = Browser::sign_in(&gateway, ANN).await;
    let mut elsewhere = Browser::sign_in(&gateway, ANN).await;
    let mut bob = Browser::sign_in(&gateway, "bob@example.com").await;
    let key = async |browser: &mut Browser| {
        let own = get(browser, "/api/me/sessions").await;
        let current = list(&own, "sessions").iter().find(|session| session["current"] == true);
        current.and_then(|session| session["session_key"].as_str()).expect("it is in use").to_owned()
    };
    let (other, bobs) = (key(&mut elsewhere).await, key(&mut bob).await);
    assert_eq!(delete(&ann, &format!("/api/me/sessions/{bobs}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(status(&mut bob).await, StatusCode::OK);
    assert_eq!(delete(&ann, &format!("/api/me/sessions/{other}")).await.status, StatusCode::OK);
    assert_eq!(status(&mut elsewhere).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&mut ann).await, StatusCode::OK);
}

#[tokio::test]
async fn lists_people_and_what_became_of_them() {
    let gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    let mut ann = Browser::sign_in(&gateway, ANN).await;
    let token = ann.mint().await.token;
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    ann.settled().await;
    post(&mut admin, "/api/admin/users/ban", json!({"user_email": "new@example.com"})).await;
    let emails = async |admin: &mut Browser, query: &str| {
        let people = get(admin, &format!("/api/admin/users?{query}")).await;
        list(&people, "users").iter().map(|row| row["email"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    let everybody = emails(&mut admin, "").await;
    assert_eq!((everybody.len(), everybody[2].as_str()), (3, "new@example.com"), "who never signed in comes last");
    assert_eq!(emails(&mut admin, "q=AN").await, [ANN]);
    assert_eq!(emails(&mut admin, "status=suspended").await, ["new@example.com"]);
    assert_eq!(emails(&mut admin, "status=active&q=a").await, [ADMIN, ANN]);
    let people = get(&mut admin, "/api/admin/users?q=ann").await;
    let row = &list(&people, "users")[0];
    assert_eq!((&row["session_count"], &row["spent_this_month"]), (&json!(1), &json!("0.000006")));
    assert_eq!((&row["roles"], &row["status"]), (&json!(["user"]), &json!("active")));
}

#[tokio::test]
async fn audits_every_change_and_every_sign_in() {
    let gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    Browser::sign_in(&gateway, ANN).await;
    post(&mut admin, "/api/admin/users/ban", json!({"user_email": ANN, "reason": "=1+1"})).await;
    post(&mut admin, "/api/admin/users/unban", json!({"user_email": ANN})).await;
    let log = get(&mut admin, &format!("/api/admin/audit?target={ANN}")).await;
    let mut actions: Vec<&str> = list(&log, "entries").iter().filter_map(|entry| entry["action"].as_str()).collect();
    // Both of these can be of one millisecond.
    actions[2..].sort_unstable();
    assert_eq!(actions, ["user.lift", "user.suspend", "user.expect", "user.first_sign_in"], "newest first");
    let entry = &list(&log, "entries")[1];
    assert_eq!((&entry["actor_email"], &entry["target_email"]), (&json!(ADMIN), &json!(ANN)));
    assert_eq!(entry["detail"]["reason"], "=1+1");
    assert!(entry["request_id"].as_str().is_some_and(|id| id.starts_with("req_")) && entry["address"] != "", "{entry}");
    let by_admin = get(&mut admin, &format!("/api/admin/audit?actor={ADMIN}&limit=1")).await;
    assert_eq!(list(&by_admin, "entries")[0]["action"], "user.lift");
    let next = by_admin["next_cursor"].as_str().expect("there is more");
    let next = get(&mut admin, &format!("/api/admin/audit?actor={ADMIN}&limit=1&cursor={next}")).await;
    assert_eq!(list(&next, "entries")[0]["action"], "user.suspend");

    let table = admin.get(&format!("/api/admin/audit.csv?target={ANN}")).await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert!(table.header("content-disposition").contains("audit.csv"));
    let lines: Vec<&str> = table.text.lines().collect();
    assert_eq!((lines.len(), lines[0].split(',').next()), (5, Some("time")));
    assert!(
        lines[2].contains("\"user.suspend\"") && lines[2].contains("\"{\"\"reason\"\":\"\"=1+1\"\""),
        "{}",
        lines[2]
    );
}

#[tokio::test]
async fn makes_somebody_an_administrator_who_can_act_at_once() {
    let gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    let mut ann = Browser::sign_in(&gateway, ANN).await;
    assert_eq!(ann.get("/api/admin/users").await.status, StatusCode::FORBIDDEN);
    let added = admin.post("/api/admin/manage", &json!({"email": ANN})).await;
    assert_eq!((added.status, &added.body["source"]), (StatusCode::CREATED, &json!("grant")), "{}", added.text);
    assert_eq!(get(&mut ann, "/api/me").await["roles"], json!(["user", "admin"]));
    get(&mut ann, "/api/admin/users").await;
    assert_eq!(ann.get("/api/admin/manage").await.status, StatusCode::FORBIDDEN);
    let admins = get(&mut admin, "/api/admin/manage").await;
    let sources: Vec<(&str, &str)> = list(&admins, "admins")
        .iter()
        .map(|row| (row["email"].as_str().unwrap_or_default(), row["source"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(sources, [(ADMIN, "super_admin"), (ANN, "grant")]);
    let request = admin.request(Method::DELETE, "/api/admin/manage").json(&json!({"email": ANN}));
    let removed = Answer::of(request.send().await.expect("the gateway answers")).await;
    assert_eq!(removed.status, StatusCode::OK, "{}", removed.text);
    assert_eq!(ann.get("/api/admin/users").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn deletes_sessions_and_nothing_else_by_their_key() {
    let gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    let mut ann = Browser::sign_in(&gateway, ANN).await;
    let minted = ann.mint().await;
    let id = ann.get("/api/me").await.body["user"]["id"].as_str().expect("a text").to_owned();
    post(&mut admin, "/api/admin/users/ban", json!({"user_email": ANN})).await;
    for key in [
        format!("user:{id}"),
        format!("ban:{ANN}"),
        format!("token:{}", minted.id),
        id,
        minted.id,
        "gen".to_owned(),
        "*".to_owned(),
        "{main}:gen".to_owned(),
    ] {
        let coded: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
        let answer = delete(&admin, &format!("/api/admin/sessions/{coded}")).await;
        assert_eq!(
            (answer.status, &answer.body["title"]),
            (StatusCode::NOT_FOUND, &json!("Session not found")),
            "{key}"
        );
    }
    assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::FORBIDDEN, "the suspension holds");
    assert_eq!(status(&mut admin).await, StatusCode::OK);
}

#[tokio::test]
async fn answers_empty_lists_as_lists() {
    let gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    for (path, name) in [
        ("/api/token/list", "tokens"),
        ("/api/admin/tokens", "tokens"),
        ("/api/admin/users?status=removed", "users"),
        ("/api/admin/sessions?email=nobody@example.com", "sessions"),
        ("/api/admin/sessions/active-users?email=nobody@example.com", "active_users"),
        ("/api/admin/audit?target=nobody@example.com", "entries"),
    ] {
        assert_eq!(get(&mut admin, path).await[name], json!([]), "{path}");
    }
}

#[tokio::test]
async fn takes_no_text_for_a_command() {
    let gateway = Deployment::start("").await;
    let mut admin = Browser::sign_in(&gateway, ADMIN).await;
    let mut ann = Browser::sign_in(&gateway, ANN).await;
    let token = ann.mint().await.token;
    for text in
        ["' OR '1'='1", "'; DROP TABLE user; --", "%\\_", "\"]) redis.call('FLUSHALL') --", "\u{202E}\u{1F600}", MARKUP]
    {
        let coded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        for (path, name) in
            [("users?q=", "users"), ("tokens?q=", "tokens"), ("audit?target=", "entries"), ("audit?actor=", "entries")]
        {
            assert_eq!(get(&mut admin, &format!("/api/admin/{path}{coded}")).await[name], json!([]), "{path}{text}");
        }
        for path in
            ["users/ban", "users/unban", "users/restore", "users/unpin", "sessions/revoke-user", "tokens/revoke-user"]
        {
            let answer = admin.post(&format!("/api/admin/{path}"), &json!({"user_email": text})).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {text}");
        }
        let bearer =
            reqwest::header::HeaderValue::from_bytes(format!("Bearer {text}").as_bytes()).expect("it can be sent");
        let request =
            reqwest::Client::new().get(format!("{}/v1/models", gateway.origin())).header("authorization", bearer);
        assert_eq!(request.send().await.expect("it answers").status(), StatusCode::UNAUTHORIZED, "{text}");
    }
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    assert_eq!(list(&get(&mut admin, "/api/admin/users").await, "users").len(), 2);
}
