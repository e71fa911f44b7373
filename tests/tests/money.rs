//! Ways in which gateways lose track of money, each as a test that it does not happen here.
//!
//! Tokens cost 1,000 nanodollars in and 5,000 out; read from the cache 100, written for five minutes 2,000, for an hour 3,000.

use gateway_tests::provider::{Behaviour, Gate};
use gateway_tests::{Answer, Browser, Deployment, Fronted, ask, echo, message};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

/// "ping" is one token in and one out.
const PING: i64 = 6000;

/// Who may set budgets, and needs somebody else to try them.
const ADMINISTERED: &str = "[roles]\nadmins = [\"admin@example.com\"]\n";

/// 100 in, 10 and 20 written, 1,000 read, 7 out.
fn cached() -> Value {
    json!({
        "input_tokens": 100,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "cache_read_input_tokens": 1000,
        "output_tokens": 7,
    })
}

/// 100 × 1,000 + 10 × 2,000 + 20 × 3,000 + 1,000 × 100 + 7 × 5,000.
const CACHED: i64 = 100_000 + 20_000 + 60_000 + 100_000 + 35_000;

fn question(model: &str, stream: bool) -> Value {
    json!({"model": model, "max_tokens": 100, "stream": stream, "messages": [{"role": "user", "content": "ping"}]})
}

/// Calls, and returns what that cost.
async fn cost(scene: &mut Fronted, behaviour: Behaviour, path: &str, body: &Value) -> i64 {
    let before = scene.ann.settled().await;
    scene.provider.next(behaviour);
    let answer = scene.ask(path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    scene.ann.settled().await - before
}

#[tokio::test]
async fn never_counts_a_streamed_call_as_zero() {
    let mut scene = Fronted::start("").await;
    // 1,130 in, of them 1,000 from the cache, 7 out: 130 × 1,000 + 1,000 × 100 + 7 × 5,000.
    let expected = 130_000 + 100_000 + 35_000;
    let chat = json!({"prompt_tokens": 1130, "prompt_tokens_details": {"cached_tokens": 1000}, "completion_tokens": 7});
    let response = json!({"input_tokens": 1130, "input_tokens_details": {"cached_tokens": 1000}, "output_tokens": 7});
    for stream in [false, true] {
        let told = Behaviour::text("pong").usage(&chat);
        // The client does not ask for usage; the gateway does.
        let spent = cost(&mut scene, told, "/v1/chat/completions", &question("plain-gpt", stream)).await;
        assert_eq!(spent, expected, "chat, stream: {stream}");
        let body = json!({"model": "plain-gpt", "input": "ping", "stream": stream});
        let told = Behaviour::text("pong").usage(&response);
        assert_eq!(cost(&mut scene, told, "/v1/responses", &body).await, expected, "responses, stream: {stream}");
        let told = Behaviour::text("pong").usage(&cached());
        let spent = cost(&mut scene, told, "/v1/messages", &question("plain", stream)).await;
        assert_eq!(spent, CACHED, "messages, stream: {stream}");
        // A stream that says nothing at all of its usage: a token for each four bytes that came, and what went in.
        let silent = Behaviour::text("pong").no_usage();
        assert!(cost(&mut scene, silent, "/v1/messages", &question("plain", stream)).await > 5000, "stream: {stream}");
    }
}

#[tokio::test]
async fn never_charges_cache_tokens_at_the_input_price() {
    let mut scene = Fronted::start("").await;
    let usage = json!({"input_tokens": 3, "cache_read_input_tokens": 100_000, "output_tokens": 1});
    for stream in [false, true] {
        // 3 × 1,000 + 100,000 × 100 + 5,000; at the input price it were 100,008,000.
        let told = Behaviour::text("pong").usage(&usage);
        assert_eq!(cost(&mut scene, told, "/v1/messages", &question("plain", stream)).await, 10_008_000);
    }
}

#[tokio::test]
async fn never_charges_a_write_for_an_hour_at_the_price_of_five_minutes() {
    let mut scene = Fronted::start("").await;
    let usage = json!({
        "input_tokens": 1,
        "cache_creation_input_tokens": 1000,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1000},
        "output_tokens": 1,
    });
    for stream in [false, true] {
        // 1,000 + 1,000 × 3,000 + 5,000; at the price of five minutes it were 2,006,000.
        let told = Behaviour::text("pong").usage(&usage);
        assert_eq!(cost(&mut scene, told, "/v1/messages", &question("plain", stream)).await, 3_006_000);
    }
}

/// What an answer corrects later holds: the last value of each field.
#[tokio::test]
async fn charges_what_a_stream_says_last() {
    let mut scene = Fronted::start("").await;
    let start = json!({"input_tokens": 5, "cache_read_input_tokens": 9, "output_tokens": 1});
    let later =
        [json!({"output_tokens": 3}), json!({"input_tokens": 8, "cache_read_input_tokens": 6, "output_tokens": 4})];
    let told = Behaviour::text("pong").usages(&later).usage_at_start(&start);
    // 8 × 1,000 + 6 × 100 + 4 × 5,000.
    assert_eq!(cost(&mut scene, told, "/v1/messages", &question("plain", true)).await, 28_600);
}

/// Long input costs more, and what is read from the cache makes it long; tiers and the provider's tools have prices of their own.
#[tokio::test]
async fn charges_long_input_tiers_and_tools_at_their_own_prices() {
    let priced = "[models.long]\nprovider = \"anthropic\"\n[models.long.price]\ninput = \"1.00\"\noutput = \"5.00\"\ncache_read = \"0.10\"\n\
                  [[models.long.price.above]]\ninput_tokens = 1000\ninput = \"2.00\"\noutput = \"7.50\"\ncache_read = \"0.20\"\n\
                  [models.long.price.tiers.batch]\ninput = \"0.50\"\noutput = \"2.50\"\ncache_read = \"0.05\"\n\
                  [models.long.price.uses]\nweb_search_requests = \"0.01\"\n";
    let mut scene = Fronted::start(priced).await;
    let ask = async |scene: &mut Fronted, usage: Value| {
        cost(scene, Behaviour::text("pong").usage(&usage), "/v1/messages", &question("long", true)).await
    };
    // 100 × 1,000 + 900 × 100 + 1 × 5,000: 1,000 are not above 1,000.
    let usage = json!({"input_tokens": 100, "cache_read_input_tokens": 900, "output_tokens": 1});
    assert_eq!(ask(&mut scene, usage).await, 195_000);
    // 101 × 2,000 + 900 × 200 + 1 × 7,500.
    let usage = json!({"input_tokens": 101, "cache_read_input_tokens": 900, "output_tokens": 1});
    assert_eq!(ask(&mut scene, usage).await, 389_500);
    // 10 × 500 + 2 × 2,500.
    let usage = json!({"input_tokens": 10, "output_tokens": 2, "service_tier": "batch"});
    assert_eq!(ask(&mut scene, usage).await, 10_000);
    // 10 × 1,000 + 2 × 5,000 + 3 searches at a cent.
    let usage = json!({"input_tokens": 10, "output_tokens": 2, "server_tool_use": {"web_search_requests": 3}});
    assert_eq!(ask(&mut scene, usage).await, 30_020_000);
}

/// Begins a stream of 9 events of 4 bytes, leaves in the middle, and returns what that cost in the end.
async fn leave(scene: &mut Fronted) -> i64 {
    let gate = Gate::closed();
    let usage = json!({"input_tokens": 100, "output_tokens": 9});
    scene.provider.next(Behaviour::text("pong").events(9).usage(&usage).stall_after(4, &gate));
    let mut response = scene.call("/v1/messages", &question("plain", true)).await;
    let mut seen = String::new();
    while !seen.contains("pong") {
        let chunk = response.chunk().await.expect("it goes on").expect("it has not ended");
        seen.push_str(&String::from_utf8_lossy(&chunk));
    }
    drop(response);
    gate.open();
    scene.ann.settled().await
}

#[tokio::test]
async fn never_leaves_a_disconnect_unbilled() {
    let mut scene = Fronted::start("").await;
    let spent = leave(&mut scene).await;
    // All of the input, and of the output what came: one token of four bytes at least, nine at most.
    assert!((100_000 + 5000..=100_000 + 9 * 5000).contains(&spent), "{spent}");
}

#[tokio::test]
async fn never_bills_a_disconnect_twice() {
    let mut scene = Fronted::start("").await;
    let spent = leave(&mut scene).await;
    let usage = json!({"input_tokens": 1, "output_tokens": 1});
    let told = Behaviour::text("pong").usage(&usage);
    assert_eq!(cost(&mut scene, told, "/v1/messages", &question("plain", false)).await, PING);
    assert_eq!(scene.ann.settled().await, spent + PING);
}

/// Sets a budget, as an administrator does.
async fn set(admin: &mut Browser, scope: &str, window: &str, amount: &str) -> Answer {
    admin.put("/api/admin/budgets", &json!({"scope": scope, "window": window, "amount": amount})).await
}

#[tokio::test]
async fn never_leaves_an_edit_of_a_budget_unseen_until_a_restart() {
    let gateway = Deployment::start(ADMINISTERED).await;
    let mut admin = Browser::sign_in(&gateway, "admin@example.com").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let token = ann.mint().await;
    assert_eq!(echo(&gateway, &token.token).await.status, StatusCode::OK);
    assert_eq!(ann.settled().await, PING);
    let token_scope = format!("token:{}", token.id);
    for scope in ["user:ann@example.com", "default_user", "org", &token_scope] {
        for window in ["daily", "weekly", "monthly", "total"] {
            // What was spent before there was a budget counts.
            let answer = set(&mut admin, scope, window, "0.000006").await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            let budget = &answer.body["budget"];
            assert_eq!((&budget["limit"], &budget["source"]), (&json!("0.000006"), &json!("api")), "{budget}");
            for _ in 0..gateway.fronts() {
                assert_eq!(
                    echo(&gateway, &token.token).await.status,
                    StatusCode::TOO_MANY_REQUESTS,
                    "{scope} {window}"
                );
            }
            assert_eq!(set(&mut admin, scope, window, "1e3").await.status, StatusCode::OK);
            for _ in 0..gateway.fronts() {
                assert!(
                    ask(&gateway, &token.token, &message("", 1, false)).await.status.is_success(),
                    "{scope} {window}"
                );
            }
            let body = json!({"scope": scope, "window": window});
            assert_eq!(admin.delete("/api/admin/budgets", &body).await.status, StatusCode::OK);
            assert_eq!(admin.delete("/api/admin/budgets", &body).await.status, StatusCode::NOT_FOUND);
        }
    }
    assert_eq!(admin.get("/api/admin/budgets").await.body, json!({"budgets": [], "next_cursor": null}));
}

#[tokio::test]
async fn never_ignores_a_budget_on_an_unknown_field() {
    let gateway = Deployment::start(ADMINISTERED).await;
    let mut admin = Browser::sign_in(&gateway, "admin@example.com").await;
    let good = json!({"scope": "org", "window": "daily", "amount": "1.00"});
    for (name, value, told) in [
        ("max_budget", json!(5), "max_budget"),
        ("amount", json!("1.0000000001"), "9 decimals"),
        ("amount", json!(-1), "9 decimals"),
        ("amount", json!(null), "9 decimals"),
        ("window", json!("yearly"), "yearly"),
        ("scope", json!("team:a"), "default_user"),
        ("scope", json!("user:nobody"), "user:ADDRESS"),
    ] {
        let mut body = good.clone();
        body[name] = value;
        let answer = admin.put("/api/admin/budgets", &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.body["detail"].as_str().unwrap().contains(told), "{}", answer.text);
    }
    for path in ["/customer/new", "/customer/update"] {
        for (name, value) in [
            ("max_budgets", json!(5)),
            ("tpm_limit", json!(5)),
            ("budget_id", json!("free")),
            ("budget_duration", json!("1h")),
            ("max_budget", json!("5 dollars")),
        ] {
            let mut body = json!({"user_id": "admin@example.com", "max_budget": 1});
            body[name] = value;
            let answer = admin.post(path, &body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {body}: {}", answer.text);
        }
    }
    assert_eq!(admin.get("/api/admin/budgets").await.body["budgets"], json!([]));
    let nobodys = set(&mut admin, "token:01JAAAAAAAAAAAAAAAAAAAAAAA", "daily", "1").await;
    assert_eq!(nobodys.status, StatusCode::NOT_FOUND);
}

/// What is told on the wire to Claude Code, of its user's fullest budget.
#[tokio::test]
async fn tells_claude_code_how_full_the_budget_is() {
    let gateway = Deployment::start(ADMINISTERED).await;
    let mut admin = Browser::sign_in(&gateway, "admin@example.com").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let token = ann.mint().await.token;
    let unified = |answer: &Answer| {
        let named = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            let name = name.as_str().strip_prefix("anthropic-ratelimit-unified-")?;
            Some((name.to_owned(), value.to_str().unwrap().to_owned()))
        };
        answer.headers.iter().filter_map(named).collect::<std::collections::BTreeMap<_, _>>()
    };
    let usage = async |token: &str| {
        let request = Client::new().get(format!("{}/api/oauth/usage", gateway.origin())).bearer_auth(token);
        Answer::of(request.send().await.unwrap()).await.body
    };
    let answer = echo(&gateway, &token).await;
    assert!(unified(&answer).is_empty(), "nobody has a budget");
    assert_eq!((ann.settled().await, &usage(&token).await["limits"]), (PING, &json!([])));

    // 6,000, 12,000, 18,000 of limits that make them three fifths, four fifths, and a little more than 95 %.
    for (amount, utilization, threshold) in
        [("0.00001", "0.60", None), ("0.000015", "0.80", Some("0.75")), ("0.0000188", "0.95", Some("0.95"))]
    {
        assert_eq!(set(&mut admin, "user:ann@example.com", "monthly", amount).await.status, StatusCode::OK);
        let answer = echo(&gateway, &token).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let told = unified(&answer);
        let status = if threshold.is_some() { "allowed_warning" } else { "allowed" };
        let get = |name: &str| told.get(name).map(String::as_str);
        assert_eq!((get("status"), get("overage-status")), (Some(status), Some(status)), "{told:?}");
        assert_eq!((get("overage-utilization"), get("representative-claim")), (Some(utilization), Some("overage")));
        assert_eq!(get("overage-surpassed-threshold"), threshold);
        assert_eq!(get("reset"), get("overage-reset"));
        let reset: i64 = get("reset").unwrap().parse().unwrap();
        ann.settled().await;
        let budgets = ann.get("/api/usage/me").await.body["budgets"].clone();
        assert_eq!(budgets[0]["reset"], json!(reset));
    }
    let told = usage(&token).await;
    // 24,000 of 18,800 nanodollars are no cent.
    assert_eq!((&told["extra_usage"]["used_credits"], &told["extra_usage"]["utilization"]), (&json!(0), &json!(100)));
    assert_eq!((&told["limits"][0]["group"], &told["limits"][0]["severity"]), (&json!("monthly"), &json!("critical")));

    let answer = echo(&gateway, &token).await;
    assert_eq!((answer.status, answer.anthropic_error().0), (StatusCode::TOO_MANY_REQUESTS, "billing_error"));
    assert!(answer.anthropic_error().1.starts_with("Used up: your monthly budget"), "{}", answer.text);
    let told = unified(&answer);
    let get = |name: &str| told.get(name).map(String::as_str);
    assert_eq!((get("status"), get("overage-period")), (Some("rejected"), Some("monthly")), "{told:?}");
    assert_eq!((get("overage-disabled-reason"), get("overage-scope")), (Some("org_spend_cap_reached"), None));
    assert_eq!((get("representative-claim"), get("overage-status")), (None, None));
    assert_eq!(answer.header("x-should-retry"), "false");
}

/// The pool of a group is told as one, so that its members know that it is not theirs alone that is used up.
#[tokio::test]
async fn tells_claude_code_that_a_pool_is_used_up() {
    let directory = "[scim]\ntoken = \"obviously-fake-scim-token-of-40-characters\"\n";
    let gateway = Deployment::start(&format!("{ADMINISTERED}{directory}")).await;
    let mut admin = Browser::sign_in(&gateway, "admin@example.com").await;
    let person = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "ann@example.com",
        "active": true,
        "emails": [{"value": "ann@example.com", "primary": true}],
        "groups": [{"value": "research"}],
    });
    let request = Client::new().post(format!("{}/scim/v2/Users", gateway.origin())).json(&person);
    let created = request.bearer_auth("obviously-fake-scim-token-of-40-characters").send().await.unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let token = ann.mint().await.token;
    assert_eq!(set(&mut admin, "group:research", "weekly", "1.00").await.status, StatusCode::OK);
    let answer = echo(&gateway, &token).await;
    assert_eq!(answer.header("anthropic-ratelimit-unified-overage-utilization"), "0.00", "{}", answer.text);
    ann.settled().await;
    let listed = admin.get("/api/admin/budgets?scope=group:research").await.body["budgets"][0].clone();
    assert_eq!((&listed["spent"], &listed["held"]), (&json!("0.000006"), &json!("0.00")), "{listed}");
    assert_eq!(set(&mut admin, "group:research", "weekly", "0.000006").await.status, StatusCode::OK);
    let answer = echo(&gateway, &token).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("anthropic-ratelimit-unified-overage-scope"), "group_pool");
    assert!(answer.anthropic_error().1.contains("the group \"research\""), "{}", answer.text);
}

/// A budget of somebody who has not signed in yet waits for them; the default one is everybody else's.
#[tokio::test]
async fn keeps_budgets_for_people_who_have_not_signed_in_yet() {
    let gateway = Deployment::start(ADMINISTERED).await;
    let mut admin = Browser::sign_in(&gateway, "admin@example.com").await;
    assert_eq!(set(&mut admin, "default_user", "monthly", "0").await.status, StatusCode::OK);
    assert_eq!(set(&mut admin, "user:bob@example.com", "monthly", "5.25").await.status, StatusCode::OK);
    let mut bob = Browser::sign_in(&gateway, "bob@example.com").await;
    let token = bob.mint().await.token;
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    let budgets = bob.get("/api/usage/me").await.body["budgets"].clone();
    assert_eq!(budgets.as_array().map(Vec::len), Some(1));
    assert_eq!((&budgets[0]["scope"], &budgets[0]["limit"]), (&json!("user:bob@example.com"), &json!("5.25")));
    let token = admin.mint().await.token;
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn changes_no_budget_of_the_configuration() {
    let budget = |scope: &str, amount: &str| {
        format!("[[budgets]]\nscope = \"{scope}\"\nwindow = \"daily\"\namount = \"{amount}\"\n")
    };
    let budgets = budget("org", "7.00") + &budget("user:ann@example.com", "3.00");
    let gateway = Deployment::start(&format!("{ADMINISTERED}{budgets}")).await;
    let mut admin = Browser::sign_in(&gateway, "admin@example.com").await;
    assert_eq!(set(&mut admin, "org", "daily", "9.00").await.status, StatusCode::CONFLICT);
    let body = json!({"scope": "org", "window": "daily"});
    assert_eq!(admin.delete("/api/admin/budgets", &body).await.status, StatusCode::CONFLICT);
    // The customer API does not pretend to, either.
    let customer = json!({"user_id": "ann@example.com", "max_budget": 1, "budget_duration": "1d"});
    let answer = admin.post("/customer/new", &customer).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    assert_eq!(set(&mut admin, "org", "weekly", "9.00").await.status, StatusCode::OK);
    let listed = admin.get("/api/admin/budgets").await.body["budgets"].clone();
    let sources: Vec<_> =
        listed.as_array().unwrap().iter().map(|budget| (&budget["limit"], &budget["source"])).collect();
    let config = json!("config");
    assert_eq!(sources, [(&json!("7.00"), &config), (&json!("3.00"), &config), (&json!("9.00"), &json!("api"))]);
}

/// Scripts that set LiteLLM's budgets go on working.
#[tokio::test]
async fn serves_litellms_customer_api() {
    let gateway = Deployment::start(ADMINISTERED).await;
    let mut admin = Browser::sign_in(&gateway, "admin@example.com").await;
    let minted = admin.post("/api/token/generate", &json!({"token_name": "script", "scopes": ["llm", "admin"]})).await;
    let script = minted.body["token"].as_str().unwrap().to_owned();
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let token = ann.mint().await.token;
    let call = async |method: reqwest::Method, path: &str, body: Option<Value>| {
        let request = Client::new().request(method, format!("{}{path}", gateway.origin())).bearer_auth(&script);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        Answer::of(request.send().await.unwrap()).await
    };
    let (get, post) = (reqwest::Method::GET, reqwest::Method::POST);
    let new = json!({"user_id": "ann@example.com", "max_budget": 0.5, "budget_duration": "30d"});
    let created = call(post.clone(), "/customer/new", Some(new.clone())).await;
    assert_eq!(created.status, StatusCode::OK, "{}", created.text);
    assert_eq!(created.body["litellm_budget_table"]["max_budget"], json!(0.5));
    assert_eq!(created.body["litellm_budget_table"]["budget_duration"], json!("1mo"));
    assert_eq!(call(post.clone(), "/customer/new", Some(new)).await.status, StatusCode::CONFLICT);
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    ann.settled().await;
    let info = call(get.clone(), "/customer/info?end_user_id=ann@example.com", None).await;
    assert!(info.text.contains("\"spend\":0.000006,"), "{}", info.text);
    let update = json!({"user_id": "ann@example.com", "max_budget": 6e-6});
    let updated = call(post.clone(), "/customer/update", Some(update)).await.body;
    assert_eq!(updated["litellm_budget_table"]["budget_duration"], json!("1mo"), "its duration stays");
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::TOO_MANY_REQUESTS);
    let update = json!({"user_id": "ann@example.com", "max_budget": null, "blocked": true});
    assert_eq!(call(post.clone(), "/customer/update", Some(update)).await.body["blocked"], json!(true));
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::FORBIDDEN);
    let update = json!({"user_id": "ann@example.com", "blocked": false});
    assert_eq!(call(post.clone(), "/customer/update", Some(update)).await.body["blocked"], json!(false));
    assert_eq!(echo(&gateway, &token).await.status, StatusCode::OK);
    let nobody = json!({"user_id": "nobody@example.com", "max_budget": 1});
    assert_eq!(call(post.clone(), "/customer/update", Some(nobody.clone())).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        call(get.clone(), "/customer/info?end_user_id=nobody@example.com", None).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(call(post, "/customer/new", Some(nobody)).await.status, StatusCode::OK, "they may sign in later");
    let list = call(get.clone(), "/customer/list", None).await.body;
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(list[0]["user_id"], json!("nobody@example.com"));

    // What a proxy tells of its customers is taken over by the same API.
    let file = gateway.data().join("customers.json");
    let budget =
        |amount: f64, duration: &str| json!({"max_budget": amount, "budget_duration": duration, "soft_budget": null});
    let customers = json!([
        {"user_id": "carol@example.com", "blocked": false, "spend": 3.5, "litellm_budget_table": budget(12.5, "7d")},
        {"user_id": "nobody@example.com", "blocked": false, "litellm_budget_table": budget(1.0, "1d")},
        {"user_id": "dave@example.com", "blocked": false, "litellm_budget_table": budget(1.0, "3h")},
        {"user_id": "a team", "blocked": false, "litellm_budget_table": budget(1.0, "1d")},
    ]);
    std::fs::write(&file, customers.to_string()).unwrap();
    let mut program = gateway.program();
    program.args(["import-customers", file.to_str().unwrap(), "--to", gateway.origin()]);
    program.env("LLM_GATEWAY_TOKEN", &script);
    let output = tokio::process::Command::from(program).output().await.unwrap();
    let [told, left] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(!output.status.success(), "one is refused");
    assert!(told.starts_with("1 people have the budget that they had; 1 had one here already"), "{told}{left}");
    for reason in ["dave@example.com\": 400", "a team\": is no e-mail address", "1 people were refused"] {
        assert!(left.contains(reason), "{reason}: {left}");
    }
    let info = call(get, "/customer/info?end_user_id=carol@example.com", None).await.body;
    assert_eq!(info["litellm_budget_table"]["max_budget"], json!(12.5), "{info}");
}
