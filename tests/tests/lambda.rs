//! What is the functions' own: whom they believe, what invokes them, and what is lost on the way.

use gateway_tests::dynamodb::Fault;
use gateway_tests::{Answer, Assertion, Browser, Deployment, Minted, echo};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// A path that only a front may ask for.
const KEYS: &str = "/internal/keys";

async fn send(gateway: &mut Deployment, method: Method, target: &str, assertion: &str, body: &'static str) -> Answer {
    let url = format!("{}{target}", gateway.functions().lambda().url());
    let request = Client::new().request(method, url).bearer_auth(assertion).body(body);
    Answer::of(request.send().await.expect("the function answers")).await
}

async fn get(gateway: &mut Deployment, target: &str, assertion: &str) -> Answer {
    send(gateway, Method::GET, target, assertion, "").await
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
    assert_eq!(answer.body["detail"], "The assertion is missing or not valid.");
}

/// Changes a good assertion for [`KEYS`], and says what it is good for then.
async fn refuses(change: impl FnOnce(&mut Assertion)) {
    let mut gateway = Deployment::serverless("").await;
    let mut assertion = gateway.assertion(KEYS);
    change(&mut assertion);
    assert_refused(&get(&mut gateway, KEYS, &assertion.sign()).await);
    let good = gateway.assertion(KEYS).sign();
    assert_eq!(get(&mut gateway, KEYS, &good).await.status, StatusCode::OK);
}

#[tokio::test]
async fn tells_nothing_to_anybody_but_a_front() {
    let mut gateway = Deployment::serverless("").await;
    for path in ["/", "/healthz", "/readyz", "/nowhere", "/internal/keys", "/api/me", "/api/token/list", "/v1/models"] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            assert_refused(&send(&mut gateway, method, path, "x.y.z", "").await);
        }
    }
    let url = format!("{}{KEYS}", gateway.functions().lambda().url());
    assert_refused(&Answer::of(Client::new().get(url).send().await.unwrap()).await);
}

#[tokio::test]
async fn refuses_a_replayed_assertion() {
    let mut gateway = Deployment::serverless("").await;
    let assertion = gateway.assertion(KEYS).sign();
    assert_eq!(get(&mut gateway, KEYS, &assertion).await.status, StatusCode::OK);
    assert_refused(&get(&mut gateway, KEYS, &assertion).await);
}

#[tokio::test]
async fn refuses_an_altered_assertion() {
    let mut gateway = Deployment::serverless("").await;
    let (good, other) = (gateway.assertion(KEYS).sign(), gateway.assertion(KEYS).sign());
    let (message, _) = good.rsplit_once('.').unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    assert_refused(&get(&mut gateway, KEYS, &format!("{message}.{signature}")).await);
    assert_eq!(get(&mut gateway, KEYS, &good).await.status, StatusCode::OK);
}

#[tokio::test]
async fn refuses_an_expired_assertion() {
    refuses(|assertion| {
        for time in ["iat", "exp"] {
            assertion.claims[time] = json!(assertion.claims[time].as_i64().unwrap() - 61);
        }
    })
    .await;
}

#[tokio::test]
async fn refuses_a_foreign_assertion() {
    refuses(|assertion| {
        *assertion = Assertion::get(
            KEYS,
            assertion.claims["iss"].as_str().unwrap(),
            "Zm9yZWlnbi1mb3JlaWduLWZvcmVpZ24tZm9yZWlnbi0",
            "Zm9yZWlnbi1mb3JlaWduLWZvcmVpZ24tZm9yZWlnbi0",
        );
    })
    .await;
}

#[tokio::test]
async fn refuses_an_assertion_for_another_path() {
    refuses(|assertion| assertion.claims["request"]["htu"] = json!("/internal/ready")).await;
}

#[tokio::test]
async fn refuses_an_assertion_for_another_query() {
    refuses(|assertion| assertion.claims["request"]["htu"] = json!("/internal/keys?a=1")).await;
}

#[tokio::test]
async fn refuses_an_assertion_for_another_body() {
    refuses(|assertion| {
        // The SHA-256 of "{}".
        assertion.claims["request"]["body"] = json!("RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o");
    })
    .await;
}

#[tokio::test]
async fn knows_a_query_and_a_path_as_the_front_has_spelt_them() {
    let mut gateway = Deployment::serverless("").await;
    for target in ["/internal/keys?a=%2F%20&b=%C3%A9+%25", "/internal/%6Beys"] {
        let assertion = gateway.assertion(target).sign();
        assert_ne!(get(&mut gateway, target, &assertion).await.status, StatusCode::UNAUTHORIZED, "{target}");
    }
}

/// Somebody with a token that works, on functions whose upkeep nobody invokes.
async fn scene() -> (Deployment, Browser, Minted) {
    let mut gateway = Deployment::serverless("").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let minted = ann.mint().await;
    gateway.functions().rest().await;
    assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::OK);
    (gateway, ann, minted)
}

/// Revokes a token while the hot state does not hear of it: the assertion is marked as seen, and what comes then is lost.
async fn revoke_unheard(gateway: &Deployment, ann: &mut Browser, minted: &Minted) -> Answer {
    gateway.control_bridge().lose_after(1);
    let answer = ann.post("/api/token/revoke", &json!({"token_id": minted.id})).await;
    gateway.control_bridge().lose_nothing();
    answer
}

fn assert_pending(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "never 200 without effect");
    assert!(answer.text.contains("saved and is being applied"), "{}", answer.text);
}

async fn assert_revoked(gateway: &Deployment, minted: &Minted) {
    let answer = echo(gateway, &minted.token).await;
    assert_eq!(answer.anthropic_error(), ("authentication_error", "token revoked"), "{}", answer.text);
}

#[tokio::test]
async fn says_that_a_revocation_is_saved_and_applies_it_when_it_is_asked_again() {
    let (gateway, mut ann, minted) = scene().await;
    assert_pending(&revoke_unheard(&gateway, &mut ann, &minted).await);
    assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::OK, "nobody was told that it is in effect");
    ann.revoke(&minted.id).await;
    assert_revoked(&gateway, &minted).await;
}

#[tokio::test]
async fn the_upkeep_applies_what_was_lost() {
    let (mut gateway, mut ann, minted) = scene().await;
    assert_pending(&revoke_unheard(&gateway, &mut ann, &minted).await);
    gateway.functions().lambda().invoke("upkeep", &json!({})).await.unwrap();
    assert_revoked(&gateway, &minted).await;
}

#[tokio::test]
async fn a_crash_between_record_and_hot_state_loses_no_revocation() {
    let (mut gateway, mut ann, minted) = scene().await;
    gateway.control_bridge().lose_after(1);
    let waiting = gateway.control_bridge().requests() + 2;
    let mut other = ann.clone();
    let revocation = json!({"token_id": minted.id});
    let asked = tokio::spawn(async move { other.post("/api/token/revoke", &revocation).await });
    // The record is written; the hot state is being told.
    gateway.control_bridge().received(waiting).await;
    gateway.functions().stop();
    gateway.control_bridge().lose_nothing();
    assert_eq!(asked.await.unwrap().status, StatusCode::SERVICE_UNAVAILABLE);
    gateway.functions().restart().await;
    assert_eq!(ann.get("/api/token/list").await.body["tokens"][0]["status"], "revoked");
    gateway.functions().lambda().invoke("upkeep", &json!({})).await.unwrap();
    assert_revoked(&gateway, &minted).await;
}

/// A record that nobody can apply, in the middle of others; all of it twice, and in the wrong order.
#[tokio::test]
async fn the_stream_applies_what_was_lost_in_any_order_and_passes_over_what_it_cannot_read() {
    let (mut gateway, mut ann, minted) = scene().await;
    assert_pending(&revoke_unheard(&gateway, &mut ann, &minted).await);
    let poisoned = json!({"eventName": "INSERT", "dynamodb":
        {"SequenceNumber": "7", "Keys": {"pk": {"S": "TOKEN#nonsense"}, "sk": {"S": "OUTBOX"}}}});
    let mut changes = vec![poisoned];
    let told = gateway.functions().changes().await;
    assert!(told.len() >= 3, "signed in, minted, revoked: {told:?}");
    changes.extend(told);
    for _ in 0..2 {
        let heard = gateway.functions().lambda().invoke("stream", &json!({"Records": changes})).await.unwrap();
        assert_eq!(heard, json!({"batchItemFailures": []}), "nobody is held up by what nobody can apply");
        assert!(gateway.log().contains("a change is about nothing that is known"));
        assert_revoked(&gateway, &minted).await;
        changes.reverse();
    }
    let nothing = gateway.functions().lambda().invoke("stream", &json!({"Records": []})).await.unwrap();
    assert_eq!(nothing, json!({"batchItemFailures": []}));
}

#[tokio::test]
async fn the_stream_has_everything_told_again_while_the_hot_state_is_down() {
    let (mut gateway, mut ann, minted) = scene().await;
    assert_pending(&revoke_unheard(&gateway, &mut ann, &minted).await);
    let changes = gateway.functions().changes().await;
    gateway.control_bridge().lose_after(0);
    let heard = gateway.functions().lambda().invoke("stream", &json!({"Records": changes})).await.unwrap();
    let first = &changes[0]["dynamodb"]["SequenceNumber"];
    assert_eq!(heard, json!({"batchItemFailures": [{"itemIdentifier": first}]}), "all from there on");
    gateway.control_bridge().lose_nothing();
    let heard = gateway.functions().lambda().invoke("stream", &json!({"Records": changes})).await.unwrap();
    assert_eq!(heard, json!({"batchItemFailures": []}));
    assert_revoked(&gateway, &minted).await;
}

#[tokio::test]
async fn goes_on_while_the_table_is_down_and_says_that_it_cannot_change_anything() {
    let (mut gateway, mut ann, minted) = scene().await;
    for fault in [Fault::Lost, Fault::Throttled, Fault::Failed] {
        gateway.functions().table().meet_all(Some(fault));
        let answer = ann.post("/api/token/revoke", &json!({"token_id": minted.id})).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{fault:?}: {}", answer.text);
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::OK, "calls need no records");
    }
    gateway.functions().table().meet_all(None);
    ann.revoke(&minted.id).await;
    assert_revoked(&gateway, &minted).await;
}

#[tokio::test]
async fn writes_beside_others() {
    let (mut gateway, mut ann, minted) = scene().await;
    gateway.functions().table().meet(Some("TransactWriteItems"), Fault::Conflict);
    gateway.functions().table().meet(Some("TransactWriteItems"), Fault::Throttled);
    ann.revoke(&minted.id).await;
    assert_revoked(&gateway, &minted).await;
}

#[tokio::test]
async fn the_upkeep_says_what_it_could_not_do() {
    let (mut gateway, ..) = scene().await;
    gateway.functions().table().meet_all(Some(Fault::Failed));
    let failure = gateway.functions().lambda().invoke("upkeep", &json!({})).await.unwrap_err();
    assert!(failure["errorMessage"].as_str().unwrap().contains("not everything could be done"), "{failure}");
    gateway.functions().table().meet_all(None);
}

/// The front has keys of ten minutes ago, and meets a token of a key that it has never heard of.
#[tokio::test]
async fn the_front_follows_keys_that_are_rotated_without_a_deployment() {
    let (mut gateway, mut ann, old) = scene().await;
    let key = |token: &str| token.split('.').next().unwrap().to_owned();
    let mut former = vec![key(&old.token)];
    for _ in 0..2 {
        gateway.functions().rotate_keys().await;
        gateway.functions().restart().await;
        let minted = ann.mint().await;
        assert!(!former.contains(&key(&minted.token)), "another key signs");
        assert_eq!(echo(&gateway, &minted.token).await.status, StatusCode::OK);
        assert_eq!(echo(&gateway, &old.token).await.status, StatusCode::OK, "older tokens stay good");
        former.push(key(&minted.token));
    }
}

#[tokio::test]
async fn charges_what_was_spent_to_the_records() {
    let (mut gateway, mut ann, _) = scene().await;
    assert!(ann.settled().await > 0);
    gateway.functions().lambda().invoke("upkeep", &json!({})).await.unwrap();
    let events = gateway.functions().items("USAGE#").await;
    assert_eq!(events.len(), 1, "{events:?}");
    let sums: Vec<Value> = gateway.functions().items("SPENT#total").await;
    assert_eq!(sums.len(), 3, "the person's, the token's, everybody's");
    assert!(sums.iter().all(|sum| sum["amount"]["N"] == sums[0]["amount"]["N"]));
}
