//! The authorization endpoint (RFC 6749 §4.1.1): one form, one field.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use gateway_core::identity::Email;
use gateway_core::ports::{Clock, Random};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{StatusCode, Uri};
use url::Url;

use super::codes::Grant;
use super::{CLIENT_ID, DevProvider, Shared, find, parameters, redirect, secret};

const PAGE: &str = include_str!("page.html");

/// Nothing but the gateway's own style sheet and a form to ourselves.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Longest value that the form carries, in bytes; what the gateway sends has about 50.
const MAX_VALUE: usize = 512;

/// What the gateway asks for, checked.
struct Asked {
    state: Option<String>,
    nonce: Option<String>,
    challenge: String,
}

/// Why there is no form.
enum Refused {
    /// Nobody knows where to send the browser: it is told, and stays.
    Here(&'static str),
    /// The gateway is told, with an error code (RFC 6749 §4.1.2.1).
    There(&'static str, Option<String>),
}

/// Shows the form, which carries the request along.
pub(super) async fn show<C: Clock, R: Random>(State(provider): Shared<C, R>, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default().as_bytes();
    match provider.asked(query) {
        Ok((_, parameters)) => page(StatusCode::OK, "", &parameters),
        Err(refused) => provider.refuse(refused),
    }
}

/// Takes the form, and sends the browser back with a code.
pub(super) async fn submit<C: Clock, R: Random>(State(provider): Shared<C, R>, body: Bytes) -> Response {
    let (asked, parameters) = match provider.asked(&body) {
        Ok(asked) => asked,
        Err(refused) => return provider.refuse(refused),
    };
    let Ok(email) = Email::parse(find(&parameters, "email").unwrap_or_default().trim()) else {
        return page(StatusCode::BAD_REQUEST, "<p role=\"alert\">That is no e-mail address.</p>", &parameters);
    };
    let code = secret(&provider.random);
    let at = provider.clock.now().seconds();
    let grant = Grant { email, nonce: asked.nonce, challenge: asked.challenge, at };
    if provider.codes().keep(code.clone(), grant) {
        provider.send_back(&[("code", &code)], asked.state.as_deref())
    } else {
        provider.refuse(Refused::There("temporarily_unavailable", asked.state))
    }
}

impl<C: Clock, R: Random> DevProvider<C, R> {
    /// Checks a request. Where to go back to comes first: until that is certain, nothing is sent anywhere.
    fn asked(&self, text: &[u8]) -> Result<(Asked, Vec<(String, String)>), Refused> {
        let parameters = parameters(text).ok_or(Refused::Here("a parameter is there twice"))?;
        let get = |name| find(&parameters, name);
        if get("client_id") != Some(CLIENT_ID) {
            return Err(Refused::Here("client_id is not this gateway's"));
        }
        if get("redirect_uri") != Some(&self.callback()) {
            return Err(Refused::Here("redirect_uri is not this gateway's"));
        }
        if parameters.iter().any(|(_, value)| value.len() > MAX_VALUE) {
            return Err(Refused::Here("a parameter is too long"));
        }
        let state = get("state").map(str::to_owned);
        let there = |error| Refused::There(error, state.clone());
        if get("response_type") != Some("code") {
            return Err(there("unsupported_response_type"));
        }
        if !get("scope").unwrap_or_default().split(' ').any(|scope| scope == "openid") {
            return Err(there("invalid_scope"));
        }
        let challenge = get("code_challenge").filter(|challenge| challenge.len() == 43);
        let Some(challenge) = challenge.filter(|_| get("code_challenge_method") == Some("S256")) else {
            return Err(there("invalid_request"));
        };
        if get("prompt") == Some("none") {
            return Err(there("login_required"));
        }
        let asked = Asked { nonce: get("nonce").map(str::to_owned), challenge: challenge.to_owned(), state };
        Ok((asked, parameters))
    }

    fn refuse(&self, refused: Refused) -> Response {
        match refused {
            Refused::Here(reason) => (StatusCode::BAD_REQUEST, reason).into_response(),
            Refused::There(error, state) => self.send_back(&[("error", error)], state.as_deref()),
        }
    }

    fn send_back(&self, answer: &[(&str, &str)], state: Option<&str>) -> Response {
        let state = state.map(|state| ("state", state));
        let issuer = self.issuer();
        let query = answer.iter().copied().chain(state).chain([("iss", issuer.as_str())]);
        match Url::parse_with_params(&self.callback(), query) {
            Ok(url) => redirect(url.as_str()),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// Writes the page. `notice` is our own markup; the parameters are anybody's text.
fn page(status: StatusCode, notice: &str, parameters: &[(String, String)]) -> Response {
    let mut fields = String::new();
    for (name, value) in parameters.iter().filter(|(name, _)| name != "email") {
        // Writing to a string cannot fail.
        let _ = writeln!(fields, r#"<input type="hidden" name="{}" value="{}">"#, escape(name), escape(value));
    }
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    // The parameters go in last, so that no braces of theirs are filled in.
    let body = PAGE.replace("{notice}", notice).replace("{fields}", fields.trim_end());
    (status, headers, body).into_response()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
