//! What an identity provider can do wrong, or somebody who stands in for one: nobody is signed in by it.

use std::collections::HashMap;

use gateway_tests::{Answer, Browser, Deployment, HostileProvider, Reply, location, merged, now, refused};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

/// The ID token is not believed.
const BAD: StatusCode = StatusCode::BAD_GATEWAY;
/// The provider is of no use just now.
const DOWN: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// A gateway, its provider, and somebody who is on the way from one to the other.
struct Scene {
    provider: HostileProvider,
    gateway: Deployment,
    browser: Browser,
}

impl Scene {
    async fn new() -> Self {
        let provider = HostileProvider::start().await;
        let signin = format!(
            "[signin]\nissuer = \"{}\"\nclient_id = \"gateway\"\nallowed_domains = [\"example.com\", \"company.com\"]\n",
            provider.issuer()
        );
        let gateway = Deployment::start(&signin).await;
        let browser = Browser::open(&gateway);
        Self { provider, gateway, browser }
    }

    async fn start(&mut self) -> Response {
        self.browser.visit(&format!("{}/oauth2/start", self.gateway.origin())).await
    }

    /// Starts a sign-in, lets the provider make an ID token from honest claims, and comes back with a code.
    async fn sign_in(&mut self, id_token: impl FnOnce(&HostileProvider, Value) -> String) -> Response {
        let (state, nonce) = self.begin().await;
        self.provider.grant(&id_token(&self.provider, self.provider.claims(&nonce)));
        self.come_back(&state).await
    }

    async fn begin(&mut self) -> (String, String) {
        let there = Url::parse(&location(&self.start().await)).expect("a redirect leads to an address");
        let asked: HashMap<_, _> = there.query_pairs().into_owned().collect();
        (asked["state"].clone(), asked["nonce"].clone())
    }

    async fn come_back(&mut self, state: &str) -> Response {
        self.browser.visit(&format!("{}/oauth2/callback?code=c&state={state}", self.gateway.origin())).await
    }

    /// Checks that an answer to a callback signs nobody in, takes the flow's cookie away, and that the log says why.
    async fn assert_refused(&mut self, answer: Response, status: StatusCode, why: &str) -> Answer {
        let answer = refused(answer, status).await;
        let cleared = |cookie: &str| cookie.starts_with("llm_gateway_flow_") && cookie.contains("Max-Age=0");
        assert!(answer.cookies().any(cleared), "the flow is over");
        assert!(status.is_client_error() || !answer.text.contains(why), "the reason is the operator's");
        self.gateway.prints(why).await;
        assert_eq!(self.browser.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
        answer
    }
}

async fn refuses_token(id_token: impl FnOnce(&HostileProvider, Value) -> String, status: StatusCode, why: &str) {
    let mut scene = Scene::new().await;
    let answer = scene.sign_in(id_token).await;
    scene.assert_refused(answer, status, why).await;
}

async fn refuses_claims(changes: Value, status: StatusCode, why: &str) {
    refuses_token(|provider, claims| provider.sign(&json!({}), &merged(claims, &changes)), status, why).await;
}

async fn refuses_header(changes: Value, why: &str) {
    refuses_token(|provider, claims| provider.sign(&changes, &claims), BAD, why).await;
}

/// Checks that a sign-in is not even started with this discovery document.
async fn refuses_discovery(reply: impl FnOnce(&HostileProvider) -> Reply, why: &str) {
    let mut scene = Scene::new().await;
    scene.provider.reply(DISCOVERY, reply(&scene.provider));
    let answer = refused(scene.start().await, DOWN).await;
    assert_eq!(answer.header("retry-after"), "1");
    scene.gateway.prints(why).await;
}

/// Checks that an honest ID token is not believed with these keys.
async fn refuses_keys(reply: impl FnOnce(&HostileProvider) -> Reply, why: &str) {
    let mut scene = Scene::new().await;
    scene.provider.reply("/jwks", reply(&scene.provider));
    let answer = scene.sign_in(|provider, claims| provider.sign(&json!({}), &claims)).await;
    scene.assert_refused(answer, DOWN, why).await;
    assert_eq!(scene.provider.asked("/jwks"), 1, "nobody asks twice");
}

/// Checks that nobody is signed in by this answer to a code; returns the provider.
async fn refuses_token_answer(reply: impl FnOnce(&HostileProvider, String) -> Reply, why: &str) -> HostileProvider {
    let mut scene = Scene::new().await;
    let (state, nonce) = scene.begin().await;
    let id_token = scene.provider.sign(&json!({}), &scene.provider.claims(&nonce));
    let answer = json!({"access_token": "opaque", "token_type": "Bearer", "id_token": id_token}).to_string();
    scene.provider.reply("/token", reply(&scene.provider, answer));
    let answer = scene.come_back(&state).await;
    let answer = scene.assert_refused(answer, DOWN, why).await;
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(scene.provider.asked("/token"), 1, "a code is sent once");
    scene.provider
}

#[tokio::test]
async fn believes_it_while_it_is_honest() {
    let mut scene = Scene::new().await;
    let answer = scene.sign_in(|provider, claims| provider.sign(&json!({}), &claims)).await;
    assert_eq!(answer.status(), StatusCode::FOUND);
    assert_eq!(scene.browser.get("/api/me").await.body["user"]["email"], "ann@example.com");
}

#[tokio::test]
async fn refuses_the_nonce_of_another_sign_in() {
    refuses_claims(json!({"nonce": "A".repeat(43)}), BAD, "the id token is for another sign-in").await;
}

#[tokio::test]
async fn refuses_a_token_without_a_nonce() {
    refuses_claims(json!({"nonce": null}), BAD, "the id token is malformed").await;
}

#[tokio::test]
async fn refuses_a_foreign_issuer() {
    refuses_claims(json!({"iss": "https://evil.example"}), BAD, "the id token is from another issuer").await;
}

#[tokio::test]
async fn refuses_a_list_of_issuers() {
    refuses_token(
        |provider, claims| provider.sign(&json!({}), &merged(claims, &json!({"iss": [provider.issuer()]}))),
        BAD,
        "the id token is malformed",
    )
    .await;
}

#[tokio::test]
async fn refuses_a_foreign_audience() {
    refuses_claims(json!({"aud": "another-client"}), BAD, "the id token is for another client").await;
}

#[tokio::test]
async fn refuses_several_audiences_without_an_authorized_party() {
    refuses_claims(json!({"aud": ["gateway", "another-client"]}), BAD, "the id token is for another client").await;
}

#[tokio::test]
async fn refuses_a_foreign_authorized_party() {
    let claims = json!({"aud": ["gateway", "another-client"], "azp": "another-client"});
    refuses_claims(claims, BAD, "the id token is for another client").await;
}

#[tokio::test]
async fn refuses_a_token_that_nobody_signed() {
    refuses_token(|_, claims| HostileProvider::unsigned(&claims), BAD, "the id token's algorithm is not accepted")
        .await;
}

#[tokio::test]
async fn refuses_the_public_key_as_a_shared_secret() {
    let spellings: [fn(&Value) -> String; 2] = [|key| key["x"].as_str().unwrap().to_owned(), Value::to_string];
    for spelling in spellings {
        refuses_token(
            |provider, claims| HostileProvider::authenticated(spelling(&provider.public_key()).as_bytes(), &claims),
            BAD,
            "the id token's algorithm is not accepted",
        )
        .await;
    }
}

#[tokio::test]
async fn refuses_an_algorithm_that_is_not_the_keys() {
    refuses_header(json!({"alg": "RS256"}), "the id token's key is not among the identity provider's").await;
}

#[tokio::test]
async fn refuses_a_key_that_the_token_brings_along() {
    let other = HostileProvider::start().await;
    refuses_token(
        |_, claims| other.sign(&json!({"jwk": other.public_key()}), &claims),
        BAD,
        "the id token's signature is wrong",
    )
    .await;
}

#[tokio::test]
async fn refuses_an_unknown_key() {
    refuses_header(json!({"kid": "../k1"}), "the id token's key is not among the identity provider's").await;
}

#[tokio::test]
async fn refuses_another_kind_of_token() {
    refuses_header(json!({"typ": "at+jwt"}), "the id token is malformed").await;
}

#[tokio::test]
async fn refuses_extensions_that_must_be_understood() {
    refuses_header(json!({"crit": ["b64"], "b64": false}), "extensions that are not supported").await;
}

#[tokio::test]
async fn refuses_an_expired_token() {
    let past = json!({"iat": now() - 3600, "exp": now() - 61});
    refuses_claims(past, BAD, "the id token is not valid now").await;
}

#[tokio::test]
async fn refuses_a_token_from_the_future() {
    let future = json!({"iat": now() + 300, "exp": now() + 600});
    refuses_claims(future, BAD, "the id token is not valid now").await;
}

#[tokio::test]
async fn refuses_a_token_for_later() {
    refuses_claims(json!({"nbf": now() + 300}), BAD, "the id token is not valid now").await;
}

#[tokio::test]
async fn refuses_times_that_are_no_whole_seconds() {
    refuses_claims(json!({"exp": 1e300}), BAD, "the id token is malformed").await;
}

#[tokio::test]
async fn refuses_a_token_without_a_subject() {
    refuses_claims(json!({"sub": ""}), BAD, "the id token has no usable subject").await;
}

#[tokio::test]
async fn refuses_a_token_of_another_access_token() {
    refuses_claims(json!({"at_hash": "A".repeat(43)}), BAD, "does not belong to the access token").await;
}

#[tokio::test]
async fn refuses_an_unverified_address() {
    let why = "has not verified the e-mail address";
    refuses_claims(json!({"email_verified": false}), StatusCode::FORBIDDEN, why).await;
    refuses_claims(json!({"email_verified": null}), StatusCode::FORBIDDEN, why).await;
    refuses_claims(json!({"email_verified": "true"}), StatusCode::FORBIDDEN, why).await;
}

#[tokio::test]
async fn refuses_an_address_with_two_domains() {
    let address = json!({"email": "a@evil.com@company.com"});
    refuses_claims(address, StatusCode::FORBIDDEN, "tells no usable e-mail address").await;
}

#[tokio::test]
async fn refuses_a_domain_that_only_ends_alike() {
    let address = json!({"email": "ann@badexample.com"});
    refuses_claims(address, StatusCode::FORBIDDEN, "this person may not sign in here").await;
}

#[tokio::test]
async fn refuses_groups_that_are_none() {
    refuses_claims(json!({"groups": {"staff": true}}), BAD, "the id token is malformed").await;
}

#[tokio::test]
async fn refuses_the_discovery_document_of_another_issuer() {
    let foreign = |provider: &HostileProvider| merged(provider.document(), &json!({"issuer": "https://evil.example"}));
    refuses_discovery(|provider| Reply::Json(foreign(provider).to_string()), "names another issuer").await;
}

#[tokio::test]
async fn refuses_a_discovery_document_from_elsewhere() {
    refuses_discovery(|_| Reply::Redirect("/elsewhere".to_owned()), "answered with status 307").await;
}

#[tokio::test]
async fn refuses_a_discovery_document_that_is_huge() {
    let huge = |provider: &HostileProvider| format!("{}{}", provider.document(), " ".repeat(300 * 1024));
    refuses_discovery(|provider| Reply::Json(huge(provider)), "is longer than 262144 bytes").await;
}

#[tokio::test]
async fn refuses_endpoints_that_anybody_could_be() {
    let plain = |provider: &HostileProvider| {
        merged(provider.document(), &json!({"token_endpoint": "http://id.example/token"})).to_string()
    };
    refuses_discovery(|provider| Reply::Json(plain(provider)), "token_endpoint is not a trusted url").await;
}

#[tokio::test]
async fn refuses_a_provider_without_a_sound_algorithm() {
    let unsound = json!({"id_token_signing_alg_values_supported": ["HS256", "none"]});
    refuses_discovery(
        |provider| Reply::Json(merged(provider.document(), &unsound).to_string()),
        "signs id tokens with none of",
    )
    .await;
}

#[tokio::test]
async fn gives_up_on_a_discovery_that_never_ends() {
    refuses_discovery(|_| Reply::Silence, "took longer than 5 s").await;
}

#[tokio::test]
async fn refuses_more_keys_than_anything_honest() {
    let keys = |provider: &HostileProvider| {
        let others = (1..65).map(|index| merged(provider.public_key(), &json!({"kid": format!("other-{index}")})));
        let keys: Vec<_> = [provider.public_key()].into_iter().chain(others).collect();
        json!({"keys": keys}).to_string()
    };
    refuses_keys(|provider| Reply::Json(keys(provider)), "more than 64 keys").await;
}

#[tokio::test]
async fn refuses_a_key_set_that_is_huge() {
    let keys = |provider: &HostileProvider| json!({"keys": [provider.public_key()]}).to_string();
    refuses_keys(|provider| Reply::Json(keys(provider) + &" ".repeat(300 * 1024)), "is longer than 262144 bytes").await;
}

#[tokio::test]
async fn refuses_two_keys_of_one_id() {
    let other = HostileProvider::start().await.public_key();
    refuses_keys(
        |provider| Reply::Json(json!({"keys": [provider.public_key(), other]}).to_string()),
        "has two keys of one id",
    )
    .await;
}

#[tokio::test]
async fn refuses_a_key_set_from_elsewhere() {
    refuses_keys(|_| Reply::Redirect("/elsewhere".to_owned()), "answered with status 307").await;
}

#[tokio::test]
async fn follows_no_redirect_with_a_code() {
    let provider = refuses_token_answer(
        |provider, answer| {
            provider.reply("/elsewhere", Reply::Json(answer));
            Reply::Redirect(format!("{}/elsewhere", provider.issuer()))
        },
        "token answer is malformed",
    )
    .await;
    assert_eq!(provider.asked("/elsewhere"), 0, "code and secret go nowhere else");
}

#[tokio::test]
async fn gives_up_on_an_exchange_that_never_ends() {
    refuses_token_answer(|_, _| Reply::Silence, "took longer than 5 s").await;
}

#[tokio::test]
async fn refuses_ten_megabytes_of_tokens() {
    let huge = |answer: String| answer + &" ".repeat(10 * 1024 * 1024);
    refuses_token_answer(|_, answer| Reply::Json(huge(answer)), "is longer than 65536 bytes").await;
}

#[tokio::test]
async fn refuses_an_exchange_without_an_id_token() {
    let answer = json!({"access_token": "opaque", "token_type": "Bearer"}).to_string();
    refuses_token_answer(|_, _| Reply::Json(answer), "token answer is malformed").await;
}

#[tokio::test]
async fn keeps_its_pages_up_while_the_provider_hangs() {
    let mut scene = Scene::new().await;
    scene.sign_in(|provider, claims| provider.sign(&json!({}), &claims)).await;
    scene.provider.reply(DISCOVERY, Reply::Silence);
    scene.gateway.kill_and_restart().await;
    let before = scene.provider.asked(DISCOVERY);
    for _ in 0..5 {
        let page = scene.browser.visit(&format!("{}/token-manager", scene.gateway.origin())).await;
        assert_eq!(page.status(), StatusCode::OK);
    }
    let waited = scene.gateway.fronts();
    assert_eq!(scene.provider.asked(DISCOVERY), before + waited, "one page of each has waited, the others have not");
    let page = scene.browser.visit(&format!("{}/oauth2/sign_out", scene.gateway.origin())).await;
    assert_eq!(location(&scene.browser.submit(page, &[]).await), format!("{}/", scene.gateway.origin()));
}
