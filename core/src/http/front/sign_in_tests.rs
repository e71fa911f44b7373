//! Signing in after a forced sign-out, and asking who somebody is.

use std::collections::HashMap;

use axum::body::Body;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use serde_json::json;
use url::Url;

use super::testing::{NOW, TestAuthority, World};
use crate::conformance::faulty::Fault;
use crate::conformance::fixture::audit;
use crate::control::Control;
use crate::identity::{Account, Name};
use crate::ports::Users as _;
use crate::session::SESSION_COOKIE;
use crate::signin::testing::{Answer, ISSUER, SigningKey};
use crate::time::Timestamp;

fn account() -> Name {
    Name::Account(Account { issuer: ISSUER.to_owned(), subject: "ann".to_owned() })
}

/// The browser of the person with the subject "ann".
struct Ann<'w> {
    world: &'w World,
    cookies: HashMap<String, String>,
}

impl Ann<'_> {
    async fn visit(&mut self, path: &str) -> (StatusCode, HeaderMap) {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = World::request(Method::GET, path).header(COOKIE, cookies.join("; "));
        let (status, headers, _) = self.world.ask(request.body(Body::empty()).unwrap()).await;
        for cookie in headers.get_all(SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
            }
        }
        (status, headers)
    }

    /// Starts a sign-in on the way to a page; returns what the identity provider is asked.
    async fn start(&mut self) -> HashMap<String, String> {
        asked(&self.visit("/oauth2/start?rd=/usage%3Ffrom%3D1").await.1)
    }

    /// Comes back from the identity provider, which says when the person last gave their credentials.
    async fn come_back(
        &mut self,
        asked: &HashMap<String, String>,
        auth_time: Option<Timestamp>,
    ) -> (StatusCode, HeaderMap) {
        let id_token = SigningKey::ed("k1").sign(&json!({
            "iss": ISSUER, "sub": "ann", "aud": "gw", "iat": NOW, "exp": NOW.plus(300), "nonce": asked["nonce"],
            "email": "ann@example.com", "email_verified": true, "auth_time": auth_time,
        }));
        let answer = json!({"access_token": "opaque", "token_type": "Bearer", "id_token": id_token});
        self.world.identity.set("/token", Answer::Json(200, answer.to_string()));
        self.visit(&format!("/oauth2/callback?code=c&state={}", asked["state"])).await
    }

    fn has_session(&self) -> bool {
        self.cookies.contains_key(SESSION_COOKIE)
    }
}

fn asked(headers: &HeaderMap) -> HashMap<String, String> {
    let location = Url::parse(headers[LOCATION].to_str().unwrap()).unwrap();
    assert_eq!(location[..url::Position::AfterPath], format!("{ISSUER}/authorize"));
    location.query_pairs().into_owned().collect()
}

/// Makes a world in which ann was signed out by force just now.
async fn signed_out_by_force() -> (World, Control<TestAuthority>) {
    let (world, control) = World::new();
    world.identity.describe(&json!({}));
    world.identity.publish(&[SigningKey::ed("k1").jwk()]);
    let user = world.person(&control).await.user;
    let mut stored = world.records.user(user).await.unwrap().unwrap();
    stored.value.reauth_after = Some(NOW);
    world.records.replace_user(&stored.value, &stored, &audit(1, "admin", "ann")).await.unwrap();
    (world, control)
}

/// Sign-ins that do not count after the forced sign-out.
fn too_old() -> [Option<Timestamp>; 3] {
    [None, Some(Timestamp(NOW.0 - 3600)), Some(NOW)]
}

#[tokio::test]
async fn starts_over_once_after_a_forced_sign_out() {
    let (world, _control) = signed_out_by_force().await;
    for auth_time in too_old() {
        let mut ann = Ann { world: &world, cookies: HashMap::new() };
        let first = ann.start().await;
        assert!(!first.contains_key("prompt") && !first.contains_key("max_age"));
        let (status, headers) = ann.come_back(&first, auth_time).await;
        assert_eq!((status, ann.has_session(), ann.cookies.len()), (StatusCode::FOUND, false, 1), "{auth_time:?}");
        let second = asked(&headers);
        assert_eq!((second["prompt"].as_str(), second["max_age"].as_str()), ("login", "0"));
        assert_ne!(first["state"], second["state"]);

        let (status, headers) = ann.come_back(&second, Some(NOW.plus(1))).await;
        assert_eq!(status, StatusCode::FOUND, "{auth_time:?}");
        assert_eq!(headers[LOCATION], "/usage?from=1");
        assert!(ann.has_session());
        assert_eq!(ann.visit("/oauth2/auth").await.0, StatusCode::ACCEPTED);
    }
}

#[tokio::test]
async fn refuses_a_second_answer_that_is_as_old() {
    let (world, _control) = signed_out_by_force().await;
    let before = world.records.user_named(&account()).await.unwrap();
    for auth_time in too_old() {
        let mut ann = Ann { world: &world, cookies: HashMap::new() };
        let first = ann.start().await;
        let second = asked(&ann.come_back(&first, auth_time).await.1);
        let (status, headers) = ann.come_back(&second, auth_time).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{auth_time:?}");
        assert!(!headers.contains_key(LOCATION) && ann.cookies.is_empty(), "{auth_time:?}: {:?}", ann.cookies);
    }
    assert_eq!(world.records.user_named(&account()).await.unwrap(), before, "nobody has signed in");
}

#[tokio::test]
async fn asks_nobody_again_who_signed_in_since() {
    let (world, _control) = signed_out_by_force().await;
    let mut ann = Ann { world: &world, cookies: HashMap::new() };
    let asked = ann.start().await;
    let (status, headers) = ann.come_back(&asked, Some(NOW.plus(1))).await;
    assert_eq!(status, StatusCode::FOUND);
    assert_eq!(headers[LOCATION], "/usage?from=1");
    let stored = world.records.user_named(&account()).await.unwrap().unwrap();
    assert_eq!(stored.value.reauth_after, Some(NOW), "an older sign-in counts no more than before");
}

#[tokio::test]
async fn tells_other_servers_who_is_signed_in() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    let mut stored = world.records.user(ann.user).await.unwrap().unwrap();
    stored.value.groups = vec!["staff".to_owned(), "a,b\r\nX-Evil: 1".to_owned()];
    world.records.replace_user(&stored.value, &stored, &audit(1, "admin", "ann")).await.unwrap();
    let request = World::request(Method::GET, "/oauth2/auth").header(COOKIE, &ann.cookie);
    let (status, headers, _) = world.ask(request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(headers["x-auth-request-user"], ann.user.to_string());
    assert_eq!(headers["x-auth-request-email"], "ann@example.com");
    assert_eq!(headers["x-auth-request-groups"], "staff,a%2Cb%0D%0AX-Evil:%201");
    assert_eq!(headers["cache-control"], "no-store");
}

#[tokio::test]
async fn tells_nothing_of_a_person_while_the_records_fail() {
    let (world, control) = World::new();
    let ann = world.person(&control).await;
    for path in ["/oauth2/auth", "/oauth2/userinfo"] {
        world.record_faults.fail_next(Fault::Lost);
        let request = World::request(Method::GET, path).header(COOKIE, &ann.cookie);
        let (status, headers, _) = world.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(!headers.contains_key("x-auth-request-email"), "{path}");
    }
}
