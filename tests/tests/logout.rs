//! What the identity provider says is over (OpenID Connect Back-Channel Logout 1.0).

use std::collections::HashMap;

use gateway_tests::{Answer, Browser, Deployment, HostileProvider, OidcProvider, echo, location, merged, now};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use url::Url;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A gateway, its provider, and somebody who is signed in.
struct Scene {
    provider: HostileProvider,
    gateway: Deployment,
    ann: Browser,
    token: String,
}

impl Scene {
    async fn new() -> Self {
        let provider = HostileProvider::start().await;
        let signin = format!(
            "[signin]\nissuer = \"{}\"\nclient_id = \"gateway\"\nallowed_domains = [\"example.com\"]\n",
            provider.issuer()
        );
        let gateway = Deployment::start(&signin).await;
        let mut ann = sign_in(&provider, &gateway, "s-1").await;
        let token = ann.mint().await.token;
        Self { provider, gateway, ann, token }
    }

    /// Returns the claims of an honest logout token with that id.
    fn claims(&self, id: &str) -> Value {
        json!({"iss": self.provider.issuer(), "aud": "gateway", "iat": now(), "exp": now() + 120, "jti": id,
            "sub": "ann", "events": {EVENT: {}}})
    }

    fn sign(&self, claims: &Value) -> String {
        self.provider.sign(&json!({"typ": "logout+jwt"}), claims)
    }

    async fn send(&self, token: &str) -> Answer {
        let request = Client::new().post(format!("{}/oauth2/backchannel-logout", self.gateway.origin()));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let body = format!("logout_token={token}");
        Answer::of(request.body(body).send().await.expect("the gateway answers")).await
    }

    async fn assert_refused(&mut self, token: &str, why: &str) {
        let answer = self.send(token).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_request")),
            "{why}"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(self.ann.get("/api/me").await.status, StatusCode::OK, "{why}: the session goes on");
    }
}

/// Signs ann in, in a session at the provider of that id.
async fn sign_in(provider: &HostileProvider, gateway: &Deployment, session: &str) -> Browser {
    let mut browser = Browser::open(gateway);
    let there = location(&browser.visit(&format!("{}/oauth2/start", gateway.origin())).await);
    let asked: HashMap<_, _> = Url::parse(&there).expect("an address").query_pairs().into_owned().collect();
    let claims = merged(provider.claims(&asked["nonce"]), &json!({"sid": session}));
    provider.grant(&provider.sign(&json!({}), &claims));
    let back = format!("{}/oauth2/callback?code=c&state={}", gateway.origin(), asked["state"]);
    assert_eq!(browser.visit(&back).await.status(), StatusCode::FOUND);
    browser
}

#[tokio::test]
async fn refuses_logout_tokens_that_are_none() {
    let mut scene = Scene::new().await;
    let honest = scene.claims("one");
    let with = |changes: Value| merged(honest.clone(), &changes);
    let jwks = scene.provider.public_key().to_string();
    let forged = [
        (HostileProvider::unsigned(&honest), "alg: none"),
        (HostileProvider::authenticated(jwks.as_bytes(), &honest), "wrong alg"),
        (scene.sign(&with(json!({"events": null}))), "no events"),
        (scene.sign(&with(json!({"events": {}}))), "another event"),
        (scene.sign(&with(json!({"nonce": "n"}))), "with nonce"),
        (scene.sign(&with(json!({"iss": "https://evil.example"}))), "wrong iss"),
        (scene.sign(&with(json!({"aud": "other"}))), "wrong aud"),
        (scene.sign(&with(json!({"exp": now() - 61, "iat": now() - 120}))), "expired"),
        (scene.sign(&with(json!({"sub": null}))), "about nobody"),
        (scene.provider.sign(&json!({}), &scene.provider.claims("n")), "an id token"),
        (HostileProvider::start().await.sign(&json!({}), &honest), "another key"),
    ];
    for (token, why) in forged {
        scene.assert_refused(&token, why).await;
    }
    for body in ["", "logout_token=", "logout_token=a&logout_token=b", "token=a"] {
        let request = Client::new().post(format!("{}/oauth2/backchannel-logout", scene.gateway.origin()));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        assert_eq!(request.send().await.expect("it answers").status(), StatusCode::BAD_REQUEST, "{body}");
    }
}

#[tokio::test]
async fn ends_a_persons_sessions_once_and_leaves_their_tokens() {
    let mut scene = Scene::new().await;
    let mut elsewhere = sign_in(&scene.provider, &scene.gateway, "s-2").await;
    let token = scene.sign(&scene.claims("one"));
    let answer = scene.send(&token).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(scene.ann.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(elsewhere.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(echo(&scene.gateway, &scene.token).await.status, StatusCode::OK);

    scene.ann = sign_in(&scene.provider, &scene.gateway, "s-3").await;
    scene.assert_refused(&token, "replayed").await;
    let stranger = scene.sign(&merged(scene.claims("two"), &json!({"sub": "stranger"})));
    assert_eq!(scene.send(&stranger).await.status, StatusCode::OK, "nobody is told who is not known");
    assert_eq!(scene.ann.get("/api/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn ends_the_sessions_of_one_session_at_the_provider() {
    let mut scene = Scene::new().await;
    let mut elsewhere = sign_in(&scene.provider, &scene.gateway, "s-2").await;
    let one = json!({"sub": null, "sid": "s-2"});
    assert_eq!(scene.send(&scene.sign(&merged(scene.claims("one"), &one))).await.status, StatusCode::OK);
    assert_eq!(elsewhere.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(scene.ann.get("/api/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_certified_provider_signs_people_out_here() {
    let (provider, gateway) = OidcProvider::with_gateway("allowed_domains = [\"example.com\"]").await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let mut former = ann.clone();
    let confirm = ann.visit(&format!("{}/session/end", provider.issuer())).await;
    ann.submit(confirm, &[("logout", "yes")]).await;
    assert_eq!(former.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn answers_503_while_the_records_fail_and_takes_the_same_token_later() {
    let mut scene = Scene::new().await;
    let token = scene.sign(&scene.claims("one"));
    let down = scene.gateway.without_records();
    let answer = scene.send(&token).await;
    let expected = (StatusCode::SERVICE_UNAVAILABLE, &json!("temporarily_unavailable"));
    assert_eq!((answer.status, &answer.body["error"]), expected, "{}", answer.text);
    drop(down);
    assert_eq!(scene.send(&token).await.status, StatusCode::OK);
    assert_eq!(scene.ann.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
}
