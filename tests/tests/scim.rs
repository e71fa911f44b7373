//! What the company's directory tells of people who join and leave (SCIM 2.0).

use std::path::Path;
use std::time::Duration;

use gateway_tests::{Answer, Browser, Deployment, echo, place};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// What the directory shows.
const TOKEN: &str = "obviously-fake-scim-token-of-40-characters";

const CONFIGURATION: &str = "[scim]\ntoken = \"obviously-fake-scim-token-of-40-characters\"\n";

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

const ANN: &str = "ann@example.com";

/// How long the client may take: seconds, and the rest for a machine that compiles something else meanwhile.
const PATIENCE: Duration = Duration::from_mins(3);

async fn ask(gateway: &Deployment, method: Method, path: &str, body: Option<Value>) -> Answer {
    let request = Client::new().request(method, format!("{}/scim/v2{path}", gateway.origin())).bearer_auth(TOKEN);
    let request = match body {
        Some(body) => request.header("content-type", "application/scim+json").body(body.to_string()),
        None => request,
    };
    Answer::of(request.send().await.expect("the gateway answers")).await
}

async fn create(gateway: &Deployment, user_name: &str) -> String {
    let user = json!({"schemas": [USER], "userName": user_name, "externalId": format!("e-{user_name}")});
    let answer = ask(gateway, Method::POST, "/Users", Some(user)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.body["id"].as_str().expect("a text").to_owned()
}

async fn patch(gateway: &Deployment, id: &str, operations: Value) -> Answer {
    let body = json!({"schemas": [PATCH], "Operations": operations});
    ask(gateway, Method::PATCH, &format!("/Users/{id}"), Some(body)).await
}

async fn found(gateway: &Deployment, filter: &str) -> Value {
    let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    let answer = ask(gateway, Method::GET, &format!("/Users?filter={filter}"), None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.body
}

/// Tries to sign somebody in; returns the status of the last answer.
async fn sign_in(gateway: &Deployment, email: &str) -> StatusCode {
    let mut browser = Browser::open(gateway);
    let callback = browser.authenticate(email, "/").await;
    browser.visit(&callback).await.status()
}

#[tokio::test]
async fn somebody_who_leaves_the_directory_is_out_at_once() {
    let mut gateway = Deployment::start(CONFIGURATION).await;
    let mut ann = Browser::sign_in(&gateway, ANN).await;
    let token = ann.mint().await.token;
    let id = create(&gateway, "Ann@Example.com").await;
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK, "the directory knows her, too, now");
    let answer = patch(&gateway, &id, json!([{"op": "Replace", "path": "active", "value": "False"}])).await;
    assert_eq!((answer.status, &answer.body["active"]), (StatusCode::OK, &json!(false)), "{}", answer.text);
    for _ in 0..2 {
        assert_eq!(echo(&gateway, &token).await.anthropic_error(), ("authentication_error", "token revoked"));
        assert_eq!(ann.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(sign_in(&gateway, ANN).await, StatusCode::FORBIDDEN);
        gateway.kill_and_restart().await;
    }
    let answer = patch(&gateway, &id, json!([{"op": "replace", "value": {"active": true}}])).await;
    assert_eq!(answer.body["active"], true, "{}", answer.text);
    assert_eq!(sign_in(&gateway, ANN).await, StatusCode::FOUND);
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::UNAUTHORIZED, "revoked for good");
}

#[tokio::test]
async fn somebody_who_joins_is_the_one_who_signs_in() {
    let gateway = Deployment::start(CONFIGURATION).await;
    let id = create(&gateway, "new@example.com").await;
    let mut admin = Browser::sign_in(&gateway, "admin@example.com").await;
    let mut new = Browser::sign_in(&gateway, "new@example.com").await;
    assert_eq!(new.get("/api/me").await.body["user"]["id"], json!(id));
    assert_eq!(ask(&gateway, Method::DELETE, &format!("/Users/{id}"), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(new.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(ask(&gateway, method, &format!("/Users/{id}"), None).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(found(&gateway, "userName eq \"new@example.com\"").await["totalResults"], 0);
    assert_eq!(sign_in(&gateway, "new@example.com").await, StatusCode::FORBIDDEN);
    let restored = admin.post("/api/admin/users/restore", &json!({"user_email": "new@example.com"})).await;
    assert_eq!(restored.status, StatusCode::OK, "{}", restored.text);
    assert_eq!(sign_in(&gateway, "new@example.com").await, StatusCode::FOUND);
    assert_eq!(create(&gateway, "new@example.com").await, id, "the directory takes them in again");
}

#[tokio::test]
async fn groups_of_the_directory_replace_those_of_the_sign_in() {
    let roles = "[roles]\nadmin_groups = [\"gateway-admins\"]\n";
    let gateway = Deployment::start(&format!("{CONFIGURATION}{roles}")).await;
    let mut ann = Browser::sign_in(&gateway, ANN).await;
    let id = create(&gateway, ANN).await;
    assert_eq!(ann.get("/api/admin/users").await.status, StatusCode::FORBIDDEN);
    let groups = json!([{"op": "add", "path": "groups", "value": [{"value": "1", "display": "gateway-admins"}]}]);
    assert_eq!(patch(&gateway, &id, groups).await.status, StatusCode::OK);
    assert_eq!(ann.get("/api/admin/users").await.status, StatusCode::OK, "at once");
    assert_eq!(ann.get("/api/me").await.body["groups"], json!(["gateway-admins"]));
    let mut again = Browser::sign_in(&gateway, ANN).await;
    assert_eq!(again.get("/api/me").await.body["groups"], json!(["gateway-admins"]), "the sign-in says nothing of it");
    let none = json!([{"op": "replace", "path": "groups", "value": []}]);
    assert_eq!(patch(&gateway, &id, none).await.status, StatusCode::OK);
    assert_eq!(ann.get("/api/admin/users").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn finds_and_pages_and_refuses_in_scims_words() {
    let gateway = Deployment::start(CONFIGURATION).await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(create(&gateway, &format!("user{number}@example.com")).await);
    }
    assert_eq!(found(&gateway, "userName eq \"USER2@example.com\"").await["Resources"][0]["id"], json!(ids[1]));
    assert_eq!(found(&gateway, "externalId eq \"e-user3@example.com\"").await["Resources"][0]["id"], json!(ids[2]));
    assert_eq!(found(&gateway, "externalId eq \"E-USER3@example.com\"").await["totalResults"], 0);
    let mut paged = Vec::new();
    for start in 1..=3 {
        let page = ask(&gateway, Method::GET, &format!("/Users?startIndex={start}&count=1"), None).await.body;
        assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(3), &json!(1)));
        paged.push(page["Resources"][0]["id"].as_str().expect("a text").to_owned());
    }
    assert_eq!(paged, ids);
    let same = json!({"schemas": [USER], "userName": "USER1@EXAMPLE.COM"});
    let nameless = json!({"schemas": [USER], "displayName": "x"});
    for (method, path, body, status, kind) in [
        (Method::POST, "/Users".to_owned(), Some(same.clone()), 409, "uniqueness"),
        (Method::PUT, format!("/Users/{}", ids[1]), Some(same), 409, "uniqueness"),
        (Method::POST, "/Users".to_owned(), Some(nameless), 400, "invalidValue"),
        (Method::POST, "/Users".to_owned(), Some(json!({})), 400, "invalidSyntax"),
        (Method::GET, "/Users?filter=displayName%20co%20%22a%22".to_owned(), None, 400, "tooMany"),
        (Method::GET, "/Users?filter=userName%20eq".to_owned(), None, 400, "invalidFilter"),
    ] {
        let answer = ask(&gateway, method, &path, body).await;
        assert_eq!((answer.status.as_u16(), &answer.body["scimType"]), (status, &json!(kind)), "{}", answer.text);
        assert_eq!(answer.body["schemas"], json!([ERROR]));
        assert_eq!(answer.header("content-type"), "application/scim+json");
    }
    let wrong = Client::new().get(format!("{}/scim/v2/Users", gateway.origin())).bearer_auth("x".repeat(40));
    let wrong = Answer::of(wrong.send().await.expect("the gateway answers")).await;
    assert_eq!((wrong.status, &wrong.body["schemas"]), (StatusCode::UNAUTHORIZED, &json!([ERROR])));
}

#[tokio::test]
async fn there_is_no_directory_without_a_token_for_it() {
    let gateway = Deployment::start("").await;
    let answer = ask(&gateway, Method::GET, "/Users", None).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn passes_the_checks_of_a_public_scim_client() {
    let gateway = Deployment::start(CONFIGURATION).await;
    let script = place("LLM_GATEWAY_ROOT").expect("scripts/test says where that is").join("tests/python/scim_check.py");
    let packages = place("LLM_GATEWAY_PYTHON").expect("scripts/test says where that is");
    let mut command = tokio::process::Command::new("python3");
    command.arg(Path::new(&script)).arg(format!("{}/scim/v2", gateway.origin())).arg(TOKEN);
    command.env_clear().env("PYTHONPATH", packages).env("PATH", "/usr/local/bin:/usr/bin:/bin").kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").expect("python is there");
    let [out, error] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{out}{error}");
}
