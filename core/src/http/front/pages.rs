//! The pages and their files: compiled in, sent with a strict content security policy.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, X_FRAME_OPTIONS,
};
use http::{HeaderMap, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use super::session::{Visitor, visitor};
use super::{Front, enter};
use crate::http::{Kind, Problem};
use crate::ports::Platform;
use crate::signin::return_path;

/// What our pages may do: run our own files, talk to us, and nothing else. No inline script or style, no frames, and no
/// text that becomes markup (CSP Level 3; Trusted Types). What a form may be sent to follows.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'; \
                      form-action 'self'";

macro_rules! ui {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/ui/", $name))
    };
}

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The pages' files by name, each with its type.
const ASSETS: [(&str, &str, &str); 12] = [
    ("api.js", JAVASCRIPT, ui!("api.js")),
    ("app.css", CSS, ui!("app.css")),
    ("confirm.js", JAVASCRIPT, ui!("confirm.js")),
    ("copy.js", JAVASCRIPT, ui!("copy.js")),
    ("dom.js", JAVASCRIPT, ui!("dom.js")),
    ("favicon.svg", SVG, ui!("favicon.svg")),
    ("format.js", JAVASCRIPT, ui!("format.js")),
    ("tabs.js", JAVASCRIPT, ui!("tabs.js")),
    ("token-create.js", JAVASCRIPT, ui!("token-create.js")),
    ("token-list.js", JAVASCRIPT, ui!("token-list.js")),
    ("token-manager.css", CSS, ui!("token-manager.css")),
    ("token-manager.js", JAVASCRIPT, ui!("token-manager.js")),
];

/// `GET /`: the token page for those who are signed in, the sign-in page for everybody else.
pub(super) async fn home<P: Platform>(
    State(front): State<Front<P>>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    match visitor(&front, &headers).await? {
        Visitor::SignedIn(_) => Ok(enter::redirect("/token-manager")),
        Visitor::Nobody => Ok(sign_in_page("/token-manager")),
    }
}

/// `GET /oauth2/sign_in?rd=`: the sign-in page.
pub(super) async fn sign_in<P: Platform>(State(front): State<Front<P>>, RawQuery(query): RawQuery) -> Response<Body> {
    let wanted = requested_path(query.as_deref());
    sign_in_page(&return_path(front.public_url().url(), wanted.as_deref()))
}

/// Returns the `rd` parameter of a query string, unchecked.
pub(super) fn requested_path(query: Option<&str>) -> Option<String> {
    let query = query.unwrap_or_default().as_bytes();
    url::form_urlencoded::parse(query).find(|(name, _)| name == "rd").map(|(_, value)| value.into_owned())
}

fn sign_in_page(return_path: &str) -> Response<Body> {
    let coded: String = url::form_urlencoded::byte_serialize(return_path.as_bytes()).collect();
    page(StatusCode::OK, ui!("sign-in.html").replace("{{rd}}", &escape(&coded)))
}

/// `GET /token-manager`.
pub(super) async fn token_manager<P: Platform>(State(front): State<Front<P>>) -> Response<Body> {
    with_sign_out(&front, ui!("token-manager.html")).await
}

/// `GET /oauth2/sign_out`: a page that posts, so that no link signs anybody out.
pub(super) async fn sign_out<P: Platform>(State(front): State<Front<P>>) -> Response<Body> {
    with_sign_out(&front, ui!("sign-out.html")).await
}

/// Makes a page with a form that signs out. Browsers hold the redirect that follows to the same policy as the form, so
/// the identity provider's place for signing out has to be in it.
async fn with_sign_out<P: Platform>(front: &Front<P>, html: &str) -> Response<Body> {
    let mut response = page(StatusCode::OK, html.to_owned());
    let elsewhere = front.relying_party().sign_out_url(front.platform()).await;
    let policy = elsewhere.map(|url| format!("{POLICY} {}", url.origin().ascii_serialization()));
    if let Some(policy) = policy.and_then(|policy| HeaderValue::try_from(policy).ok()) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Tells a problem to a person.
pub(super) fn problem(problem: &Problem, request_id: &str) -> Response<Body> {
    let html = ui!("error.html")
        .replace("{{title}}", &escape(problem.title()))
        .replace("{{detail}}", &escape(problem.detail()))
        .replace("{{request_id}}", &escape(request_id));
    let mut response = page(problem.kind().status(), html);
    problem.decorate(&mut response, "text/html; charset=utf-8");
    response
}

fn page(status: StatusCode, html: String) -> Response<Body> {
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

/// `GET /assets/{name}`: a file of the pages, asked for again only when it has changed.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response<Body>, Problem> {
    let found = ASSETS.iter().find(|(known, ..)| *known == name);
    let (_, content_type, text) = found.ok_or_else(|| Problem::new(Kind::NotFound, "There is no such file."))?;
    let etag = etag(text)?;
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known == etag);
    let mut response = Response::new(if is_known { Body::empty() } else { Body::from(*text) });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(ETAG, etag);
    Ok(response)
}

fn etag(text: &str) -> Result<HeaderValue, Problem> {
    let digest = Sha256::digest(text);
    let number = u64::from_be_bytes(std::array::from_fn(|index| digest[index]));
    HeaderValue::from_str(&format!("\"{number:016x}\""))
        .map_err(|_| Problem::new(Kind::Internal, "The file cannot be named."))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_text_stays_text() {
        assert_eq!(
            escape(r#"<img src=x onerror="a('&')">"#),
            "&lt;img src=x onerror=&quot;a(&#39;&amp;&#39;)&quot;&gt;"
        );
    }

    #[test]
    fn pages_have_no_inline_script_or_style() {
        for html in [ui!("sign-in.html"), ui!("token-manager.html"), ui!("sign-out.html"), ui!("error.html")] {
            assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains(" onclick="));
            assert_eq!(html.matches("<script").count(), html.matches("<script type=\"module\" src=\"/assets/").count());
        }
    }

    #[test]
    fn serves_every_file_that_pages_and_modules_name() {
        let texts = ASSETS.map(|(_, _, text)| text);
        let pages = [ui!("sign-in.html"), ui!("token-manager.html"), ui!("sign-out.html"), ui!("error.html")];
        let named = pages.iter().flat_map(|html| html.split("\"/assets/").skip(1));
        let imported = texts.iter().flat_map(|text| text.split("from \"./").skip(1));
        for rest in named.chain(imported) {
            let name = rest.split('"').next().unwrap();
            assert!(ASSETS.iter().any(|(known, ..)| *known == name), "{name}");
        }
    }
}
