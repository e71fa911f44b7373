//! What people and administrators see of what was used and spent.
//!
//! "ping" is one token in and one out: 6,000 nanodollars of the model `echo`, twice that of `dear`.

use std::time::Duration;

use gateway_tests::{Answer, Browser, Deployment, Minted, ask, message};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

const DIRECTORY: &str = "obviously-fake-scim-token-of-40-characters";

const CONFIGURATION: &str = "[roles]\nadmins = [\"admin@example.com\"]\n\
     [scim]\ntoken = \"obviously-fake-scim-token-of-40-characters\"\n\
     [providers.echo]\nkind = \"echo\"\n\
     [models.echo]\nprovider = \"echo\"\nprice = {input = \"1.00\", output = \"5.00\"}\n\
     [models.dear]\nprovider = \"echo\"\nprice = {input = \"2.00\", output = \"10.00\"}\n";

/// A gateway at which Ann, who is in two groups, made three calls with two tokens, and Bob made one.
struct Scene {
    _gateway: Deployment,
    admin: Browser,
    ann: Browser,
    bob: Browser,
    /// Ann's tokens.
    tokens: [Minted; 2],
}

async fn provision(gateway: &Deployment, email: &str, groups: &[&str]) {
    let groups: Vec<Value> = groups.iter().map(|name| json!({"value": name})).collect();
    let person = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": email,
        "active": true,
        "emails": [{"value": email, "primary": true}],
        "groups": groups,
    });
    let request = Client::new().post(format!("{}/scim/v2/Users", gateway.origin())).json(&person);
    let created = request.bearer_auth(DIRECTORY).send().await.expect("the gateway answers");
    assert_eq!(created.status(), StatusCode::CREATED);
}

async fn ping(gateway: &Deployment, token: &str, model: &str) {
    let mut body = message("ping", 16, false);
    body["model"] = json!(model);
    let answer = ask(gateway, token, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

/// Asks until the answer tells of so many calls: they are settled in the background, and moved into the records then.
async fn told(browser: &mut Browser, path: &str, calls: u32) -> Value {
    let asking = async {
        loop {
            let answer = browser.get(path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
            if answer.body["total"]["requests"] == json!(calls) {
                return answer.body;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking).await.expect("all calls are told of")
}

impl Scene {
    async fn start() -> Self {
        let gateway = Deployment::start(CONFIGURATION).await;
        provision(&gateway, "ann@example.com", &["research", "=berlin"]).await;
        provision(&gateway, "bob@example.com", &["research"]).await;
        let admin = Browser::sign_in(&gateway, "admin@example.com").await;
        let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
        let mut bob = Browser::sign_in(&gateway, "bob@example.com").await;
        let tokens = [ann.mint().await, ann.mint().await];
        let bobs = bob.mint().await;
        ping(&gateway, &tokens[0].token, "echo").await;
        ping(&gateway, &tokens[0].token, "dear").await;
        ping(&gateway, &tokens[1].token, "echo").await;
        ping(&gateway, &bobs.token, "dear").await;
        let mut scene = Self { _gateway: gateway, admin, ann, bob, tokens };
        told(&mut scene.admin, "/api/admin/usage", 4).await;
        scene
    }

    async fn rows(&mut self, by: &str) -> Vec<Value> {
        let answer = self.admin.get(&format!("/api/admin/usage?by={by}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!((&answer.body["total"]["cost"], &answer.body["more"]), (&json!("0.000036"), &json!(0)));
        answer.body["rows"].as_array().expect("rows").clone()
    }
}

/// Returns some members of each row.
fn members(rows: &Value, names: &[&str]) -> Value {
    let row = |row: &Value| names.iter().map(|name| row[*name].clone()).collect::<Value>();
    rows.as_array().expect("rows").iter().map(row).collect()
}

fn sum(requests: u32, tokens: u32, cost: &str) -> Value {
    json!({
        "requests": requests, "errors": 0, "estimated": 0, "unpriced": 0, "input_tokens": tokens,
        "cache_write_5m_tokens": 0, "cache_write_1h_tokens": 0, "cache_read_tokens": 0, "output_tokens": tokens,
        "cost": cost,
    })
}

fn with(mut facts: Value, sum: &Value) -> Value {
    facts.as_object_mut().expect("an object").extend(sum.as_object().expect("an object").clone());
    facts
}

#[tokio::test]
async fn shows_people_what_they_spent_themselves() {
    let mut scene = Scene::start().await;
    let own = told(&mut scene.ann, "/api/usage/me", 3).await;
    let today = own["today"].clone();
    assert_eq!((&own["to"], &own["time_zone"]), (&today, &json!("UTC")));
    assert_eq!(own["user_email"], json!("ann@example.com"));
    assert_eq!(own["total"], sum(3, 3, "0.000024"));
    assert_eq!(own["days"], json!([with(json!({"day": today}), &sum(3, 3, "0.000024"))]));
    let model = |name: &str| json!({"model": name, "provider": "echo"});
    let by_model = json!([with(model("echo"), &sum(2, 2, "0.000012")), with(model("dear"), &sum(1, 1, "0.000012"))]);
    assert_eq!(own["models"], by_model);
    let token = |minted: &Minted| json!({"token_id": minted.id, "token_name": "laptop"});
    let [first, second] = &scene.tokens;
    let by_token = json!([with(token(first), &sum(2, 2, "0.000018")), with(token(second), &sum(1, 1, "0.000006"))]);
    assert_eq!(own["tokens"], by_token);
    assert_eq!(
        members(&own["days_by_model"], &["day", "model", "cost"]),
        json!([[today, "echo", "0.000012"], [today, "dear", "0.000012"]])
    );
    assert_eq!(own["spend"]["total"]["spent"], own["total"]["cost"], "the ledger says the same");
    let bobs = told(&mut scene.bob, "/api/usage/me", 1).await;
    assert_eq!(bobs["models"], json!([with(model("dear"), &sum(1, 1, "0.000012"))]));
    let before = scene.ann.get("/api/usage/me?from=2020-01-01&to=2020-12-31").await.body;
    assert_eq!((&before["total"], &before["days"], &before["tokens"]), (&sum(0, 0, "0.00"), &json!([]), &json!([])));
}

#[tokio::test]
async fn shows_administrators_what_everybody_spent_by_anything() {
    let mut scene = Scene::start().await;
    let all = scene.admin.get("/api/admin/usage").await.body;
    let today = all["today"].clone();
    assert_eq!((&all["by"], &all["rows"]), (&json!([]), &json!([])));
    assert_eq!(all["total"]["latency"]["duration_ms"]["count"], json!(4), "{all}");
    assert_eq!(all["total"]["latency"]["first_byte_ms"]["count"], json!(4), "{all}");
    let rows = |rows: Vec<Value>, names: &[&str]| members(&rows.into(), names);
    let days = scene.rows("day").await;
    assert!(days[0]["latency"]["duration_ms"]["p99"].is_u64(), "{days:?}");
    assert_eq!(rows(days, &["day", "requests", "cost"]), json!([[today, 4, "0.000036"]]));
    let users = scene.rows("user").await;
    assert!(users[0]["user_id"].is_string() && users[0].get("latency").is_none(), "{users:?}");
    let spenders = json!([["ann@example.com", 3, "0.000024"], ["bob@example.com", 1, "0.000012"]]);
    assert_eq!(rows(users, &["user_email", "requests", "cost"]), spenders);
    let models = scene.rows("model").await;
    assert_eq!(models[0]["latency"]["duration_ms"]["count"], json!(2));
    let costs = json!([["dear", 2, "0.000024"], ["echo", 2, "0.000012"]]);
    assert_eq!(rows(models, &["model", "requests", "cost"]), costs);
    let groups = json!([["research", 4, "0.000036"], ["=berlin", 3, "0.000024"]]);
    assert_eq!(rows(scene.rows("group").await, &["group", "requests", "cost"]), groups);
    let tokens = rows(scene.rows("token").await, &["token_id", "token_name", "user_email", "cost"]);
    assert_eq!(tokens[0], json!([scene.tokens[0].id, "laptop", "ann@example.com", "0.000018"]));
    assert_eq!(tokens.as_array().unwrap().len(), 3);
    let providers = rows(scene.rows("provider,day").await, &["day", "provider", "requests"]);
    assert_eq!(providers, json!([[today, "echo", 4]]));
    let pairs = rows(scene.rows("model,user").await, &["model", "user_email", "cost"]);
    assert_eq!(pairs.as_array().unwrap().len(), 3);
    assert_eq!(pairs.as_array().unwrap().last().unwrap()[2], json!("0.000012"), "{pairs}");
    let cut = scene.admin.get("/api/admin/usage?by=user&limit=1").await.body;
    assert_eq!((members(&cut["rows"], &["user_email"]), &cut["more"]), (json!([["ann@example.com"]]), &json!(1)));
}

#[tokio::test]
async fn gives_tables_to_spreadsheets() {
    let mut scene = Scene::start().await;
    let table = scene.admin.get("/api/admin/usage.csv?by=group&from=2026-01-01&to=2026-01-31").await;
    assert_eq!(table.status, StatusCode::OK, "{}", table.text);
    assert!(table.header("content-type").starts_with("text/csv"));
    let name = "attachment; filename=\"usage-2026-01-01-2026-01-31.csv\"";
    assert_eq!(table.header("content-disposition"), name);
    assert_eq!(table.text.lines().count(), 1, "only the header: {}", table.text);
    let table = scene.admin.get("/api/admin/usage.csv?by=group").await.text;
    let lines: Vec<&str> = table.lines().collect();
    let header = "\"group\",\"requests\",\"errors\",\"estimated\",\"unpriced\",\"input_tokens\",\"cache_write_5m_tokens\",\
                  \"cache_write_1h_tokens\",\"cache_read_tokens\",\"output_tokens\",\"cost\"";
    assert_eq!(lines[0], header);
    assert_eq!(lines[1], "\"research\",\"4\",\"0\",\"0\",\"0\",\"4\",\"0\",\"0\",\"0\",\"4\",\"0.000036\"");
    assert!(lines[2].starts_with("\"'=berlin\",\"3\","), "no formula: {}", lines[2]);
    let total = scene.admin.get("/api/admin/usage.csv").await.text;
    assert_eq!(total.lines().nth(1).unwrap().split(',').next(), Some("\"4\""), "{total}");
}

#[tokio::test]
async fn refuses_what_nobody_can_add_up() {
    let gateway = Deployment::start(CONFIGURATION).await;
    let mut admin = Browser::sign_in(&gateway, "admin@example.com").await;
    for (query, reason) in [
        ("from=yesterday", "from must be a day"),
        ("to=2026-02-30", "to must be a day"),
        ("from=2026-11-23&to=2026-11-22", "must not be after"),
        ("from=2025-01-01&to=2026-02-05", "400 days"),
        ("colour=red", "colour"),
    ] {
        for path in ["/api/usage/me", "/api/admin/usage", "/api/admin/usage.csv"] {
            let answer = admin.get(&format!("{path}?{query}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}?{query}: {}", answer.text);
            assert!(answer.body["detail"].as_str().unwrap().contains(reason), "{}", answer.text);
        }
    }
    for (query, reason) in [
        ("by=colour", "colour"),
        ("by=day,day", "twice"),
        ("by=group,user", "group goes alone or with day"),
        ("limit=0", "between 1 and 1000"),
        ("limit=1001", "between 1 and 1000"),
    ] {
        let answer = admin.get(&format!("/api/admin/usage?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {}", answer.text);
        assert!(answer.body["detail"].as_str().unwrap().contains(reason), "{}", answer.text);
    }
    assert_eq!(admin.get("/api/usage/me?from=2025-01-01&to=2026-02-04").await.status, StatusCode::OK, "400 days");
    assert_eq!(admin.get("/api/usage/me?by=day").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn takes_tokens_that_may_read_usage_and_no_others() {
    let gateway = Deployment::start(CONFIGURATION).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let mut mint = async |scopes: Value| {
        let minted = ann.post("/api/token/generate", &json!({"token_name": "t", "scopes": scopes})).await;
        let text = |name: &str| minted.body[name].as_str().expect("a text").to_owned();
        Minted { token: text("token"), id: text("token_id") }
    };
    let (reads, calls) = (mint(json!(["usage:read"])).await, mint(json!(["llm"])).await);
    let get = async |token: &str, path: &str| {
        let request = Client::new().get(format!("{}{path}", gateway.origin())).bearer_auth(token);
        Answer::of(request.send().await.unwrap()).await
    };
    let own = get(&reads.token, "/api/usage/me").await;
    assert_eq!((own.status, &own.body["user_email"]), (StatusCode::OK, &json!("ann@example.com")), "{}", own.text);
    assert_eq!(get(&calls.token, "/api/usage/me").await.status, StatusCode::FORBIDDEN);
    for path in ["/api/admin/usage", "/api/admin/usage.csv"] {
        assert_eq!(get(&reads.token, path).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(ann.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    ann.revoke(&reads.id).await;
    assert_eq!(get(&reads.token, "/api/usage/me").await.status, StatusCode::UNAUTHORIZED);
}
