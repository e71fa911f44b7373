//! How a front in another place proves to the control plane what it asks, and on whose behalf: a signed assertion for each
//! request (a JWT as RFC 7523 §3 has it, bound to the request as `DPoP` proofs are, RFC 9449 §4.2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Actor;
use crate::time::Timestamp;
use crate::token::{PublicKeys, Signer, jws};

/// The `typ` header of every assertion: no token of ours is one, and none is a token.
const TYPE: &str = "control-assertion+jwt";

/// How long an assertion is good, in seconds.
const LIFETIME: i64 = 60;

/// How far the front's clock may be ahead of ours, in seconds.
const MAX_CLOCK_SKEW: i64 = 5;

/// The payload, exactly these members.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
    jti: String,
    request: Bound,
    actor: Actor,
}

/// What an assertion is bound to.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bound {
    /// The method.
    htm: String,
    /// The path and query.
    htu: String,
    /// The `Content-Type`; empty if there is none.
    ctype: String,
    /// The SHA-256 of the body, in base64url.
    body: String,
}

/// What a good assertion says. It has still to be seen for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asserted {
    /// On whose behalf the request is.
    pub actor: Actor,
    /// The path and query that the front asks for. What is between may have spelt the path in another way.
    pub target: PathAndQuery,
    /// The assertion's own id, good for once.
    pub id: String,
    /// The first second at which it is no longer good.
    pub expiry: Timestamp,
}

/// Asserts that the front of the gateway at `origin` makes this request on behalf of `actor`. `id` is random.
///
/// `None` if the key cannot sign.
#[must_use]
pub fn assert_request(
    actor: &Actor,
    request: &Request<Bytes>,
    origin: &str,
    id: [u8; 16],
    now: Timestamp,
    signer: &Signer,
) -> Option<String> {
    let claims = Claims {
        iss: origin.to_owned(),
        aud: audience(origin),
        iat: now.0,
        exp: now.plus(LIFETIME).0,
        jti: URL_SAFE_NO_PAD.encode(id),
        request: Bound::to(request)?,
        actor: actor.clone(),
    };
    jws::sign(TYPE, &claims, signer)
}

/// Reads what an assertion says about this request; `None` unless a front of the gateway at `origin` made it for exactly
/// this one, within the last minute.
#[must_use]
pub fn check_assertion(
    text: &str,
    request: &Request<Bytes>,
    origin: &str,
    now: Timestamp,
    keys: &PublicKeys,
) -> Option<Asserted> {
    let claims: Claims = jws::open(text, TYPE, keys).ok()?;
    let is_ours = claims.iss == origin && claims.aud == audience(origin);
    let lifetime = claims.exp.checked_sub(claims.iat)?;
    let is_timely =
        claims.iat <= now.plus(MAX_CLOCK_SKEW).0 && now.0 < claims.exp && (1..=LIFETIME).contains(&lifetime);
    let is_bound = claims.request.covers(&Bound::to(request)?);
    let is_good = is_ours && is_timely && is_bound && is_id(&claims.jti);
    let target = claims.request.htu.parse().ok()?;
    is_good.then_some(Asserted { actor: claims.actor, target, id: claims.jti, expiry: Timestamp(claims.exp) })
}

impl Bound {
    /// Reads it off a request. `None` if the type is no text.
    fn to(request: &Request<Bytes>) -> Option<Self> {
        let ctype = match request.headers().get(CONTENT_TYPE) {
            Some(value) => value.to_str().ok()?.to_owned(),
            None => String::new(),
        };
        Some(Self {
            htm: request.method().to_string(),
            htu: request.uri().path_and_query()?.to_string(),
            ctype,
            body: URL_SAFE_NO_PAD.encode(Sha256::digest(request.body())),
        })
    }

    /// Says whether a request is the one that was asserted. What is between, such as a function's URL, may decode a path or
    /// encode it anew, and drop the mark of a query that is empty; everything else has to be the same.
    fn covers(&self, received: &Self) -> bool {
        let split = |target: &'_ str| -> (Vec<u8>, String) {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            (percent_decode_str(path).collect(), query.to_owned())
        };
        self.htm == received.htm
            && self.ctype == received.ctype
            && self.body == received.body
            && split(&self.htu) == split(&received.htu)
    }
}

/// The control plane of the gateway at that origin. Tokens have the origin itself.
fn audience(origin: &str) -> String {
    format!("{origin}/internal")
}

/// Says whether a text is 128 bits in canonical base64url, so that one assertion has one id.
fn is_id(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 16)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::control::Via;
    use crate::token::KeySet;

    const ORIGIN: &str = "https://gw.example.com";
    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn keys(first: u8) -> KeySet {
        let seed = |first: u8| std::array::from_fn(|index| first.wrapping_add(u8::try_from(index).unwrap() * 7));
        KeySet::new(NOW, seed(first), seed(first.wrapping_add(1)))
    }

    fn actor() -> Actor {
        Actor {
            via: Via::Front,
            request: "req_1".to_owned(),
            address: "192.0.2.1".to_owned(),
            user_agent: String::new(),
        }
    }

    fn request(method: &str, target: &str, body: &'static str) -> Request<Bytes> {
        let request = Request::builder().method(method).uri(target).header("content-type", "application/json");
        request.body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    fn asked() -> Request<Bytes> {
        request("POST", "/internal/restore?a=1", "{}")
    }

    fn made() -> String {
        assert_request(&actor(), &asked(), ORIGIN, [7; 16], NOW, &keys(1).signer().unwrap()).unwrap()
    }

    fn check(text: &str, request: &Request<Bytes>, now: Timestamp) -> Option<Asserted> {
        check_assertion(text, request, ORIGIN, now, &keys(1).public().unwrap())
    }

    /// Signs an assertion in which one claim is another.
    fn with(member: &str, value: Value) -> String {
        let text = made();
        let payload = URL_SAFE_NO_PAD.decode(text.split('.').nth(1).unwrap()).unwrap();
        let mut claims: Value = serde_json::from_slice(&payload).unwrap();
        claims[member] = value;
        jws::sign(TYPE, &claims, &keys(1).signer().unwrap()).unwrap()
    }

    #[test]
    fn tells_who_asks() {
        let asserted = check(&made(), &asked(), NOW).unwrap();
        assert_eq!((asserted.actor, asserted.expiry), (actor(), NOW.plus(60)));
    }

    #[test]
    fn is_good_for_one_request_only() {
        for other in [
            request("PUT", "/internal/restore?a=1", "{}"),
            request("POST", "/internal/sign-in?a=1", "{}"),
            request("POST", "/internal/restore?a=2", "{}"),
            request("POST", "/internal/restore", "{}"),
            request("POST", "/internal/restore?a=1", "{ }"),
        ] {
            assert_eq!(check(&made(), &other, NOW), None, "{other:?}");
        }
        let mut other = asked();
        other.headers_mut().insert("content-type", "text/plain".parse().unwrap());
        assert_eq!(check(&made(), &other, NOW), None);
    }

    #[test]
    fn knows_its_request_when_the_path_was_spelt_in_another_way() {
        let asked = request("DELETE", "/api/admin/users/ann%40example.com?a=%40", "");
        let text = assert_request(&actor(), &asked, ORIGIN, [7; 16], NOW, &keys(1).signer().unwrap()).unwrap();
        for path in ["/api/admin/users/ann@example.com?a=%40", "/api/admin/users/%61nn%40example.com?a=%40"] {
            let asserted = check(&text, &request("DELETE", path, ""), NOW).unwrap();
            assert_eq!(asserted.target, "/api/admin/users/ann%40example.com?a=%40", "what the front asked for counts");
        }
        for path in [
            "/api/admin/users/ann@example.com?a=@",
            "/api/admin/users/bob@example.com?a=%40",
            "/api/admin/users/ann@example.com",
        ] {
            assert_eq!(check(&text, &request("DELETE", path, ""), NOW), None, "{path}");
        }
    }

    #[test]
    fn knows_its_request_without_the_mark_of_an_empty_query() {
        let asked = request("GET", "/api/admin/users?", "");
        let text = assert_request(&actor(), &asked, ORIGIN, [7; 16], NOW, &keys(1).signer().unwrap()).unwrap();
        for path in ["/api/admin/users", "/api/admin/users?"] {
            assert!(check(&text, &request("GET", path, ""), NOW).is_some(), "{path}");
        }
        assert_eq!(check(&text, &request("GET", "/api/admin/users?a", ""), NOW), None);
    }

    #[test]
    fn is_good_for_a_minute() {
        assert!(check(&made(), &asked(), NOW.plus(59)).is_some());
        assert_eq!(check(&made(), &asked(), NOW.plus(60)), None);
        assert!(check(&made(), &asked(), NOW.plus(-5)).is_some());
        assert_eq!(check(&made(), &asked(), NOW.plus(-6)), None);
        assert_eq!(check(&with("exp", json!(NOW.0 + 61)), &asked(), NOW), None);
        assert_eq!(check(&with("iat", json!(i64::MIN)), &asked(), NOW), None);
    }

    #[test]
    fn is_good_for_one_gateway_and_its_keys() {
        let (text, request) = (made(), asked());
        let keys_of = |first| keys(first).public().unwrap();
        assert_eq!(check_assertion(&text, &request, "https://other.example.com", NOW, &keys_of(1)), None);
        assert_eq!(check_assertion(&text, &request, ORIGIN, NOW, &keys_of(50)), None);
        assert_eq!(check(&with("aud", json!(ORIGIN)), &request, NOW), None);
    }

    #[test]
    fn refuses_what_is_no_assertion() {
        assert_eq!(check("", &asked(), NOW), None);
        assert_eq!(check(&with("more", json!(1)), &asked(), NOW), None);
        assert_eq!(check(&with("jti", json!("x")), &asked(), NOW), None);
        let payload = URL_SAFE_NO_PAD.decode(made().split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        let token = jws::sign("at+jwt", &claims, &keys(1).signer().unwrap()).unwrap();
        assert_eq!(check(&token, &asked(), NOW), None);
    }
}
