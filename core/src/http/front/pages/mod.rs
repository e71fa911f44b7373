//! The pages: templates that are compiled in, sent with a strict content security policy.

mod assets;
#[cfg(test)]
mod tests;
mod view;
mod words;

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, VARY, X_FRAME_OPTIONS};
use http::{HeaderMap, Response, StatusCode};

use super::session::{Me, Visitor, visitor};
use super::{Front, enter};
use crate::http::{Kind, Problem};
use crate::ports::Platform;
use crate::signin::return_path;

pub(super) use assets::asset;
pub(super) use view::View;

/// What the build script makes of a file in `core/ui`.
macro_rules! ui {
    ($name:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/ui/", $name))
    };
}
use ui;

/// What our pages may do: run our own files, talk to us, and nothing else. No inline script or style, no frames, and no
/// text that becomes markup (CSP Level 3; Trusted Types). What a form may be sent to follows.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'; \
                      form-action 'self'";

/// A day, in seconds.
const DAY: u32 = 86400;

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignInPage {
    view: View,
    /// Where to go afterwards, percent-encoded.
    rd: String,
}

#[derive(Template)]
#[template(path = "sign-out.html")]
struct SignOutPage {
    view: View,
}

#[derive(Template)]
#[template(path = "token-manager.html")]
struct TokenPage {
    view: View,
    /// The lifetimes to choose from, in seconds, each with what it is called.
    lifetimes: Vec<(u32, String)>,
    default_lifetime: u32,
    max_lifetime: u32,
    /// Whether an exporter is told what is said.
    tells_content: bool,
}

#[derive(Template)]
#[template(path = "usage.html")]
struct UsagePage {
    view: View,
    /// Today's date on the gateway's calendar.
    today: String,
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard {
    view: View,
    /// What its list asks for first, if that is known.
    list: Option<&'static str>,
    /// Today's date on the gateway's calendar.
    today: String,
}

#[derive(Template)]
#[template(path = "admin-manager.html")]
struct AdministratorPage {
    view: View,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    view: &'a View,
    title: &'a str,
    advice: &'a str,
    detail: &'a str,
    retry_after: Option<i64>,
    request_id: &'a str,
}

/// `GET /`: the token page for those who are signed in, the sign-in page for everybody else.
pub(super) async fn home<P: Platform>(
    State(front): State<Front<P>>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    match visitor(&front, &headers).await? {
        Visitor::SignedIn(_) => Ok(enter::redirect("/token-manager")),
        Visitor::Nobody => sign_in_page(&headers, "/token-manager"),
    }
}

/// `GET /oauth2/sign_in?rd=`: the sign-in page.
pub(super) async fn sign_in<P: Platform>(
    State(front): State<Front<P>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let wanted = requested_path(query.as_deref());
    sign_in_page(&headers, &return_path(front.public_url().url(), wanted.as_deref()))
}

/// Returns the `rd` parameter of a query string, unchecked.
pub(super) fn requested_path(query: Option<&str>) -> Option<String> {
    let query = query.unwrap_or_default().as_bytes();
    url::form_urlencoded::parse(query).find(|(name, _)| name == "rd").map(|(_, value)| value.into_owned())
}

fn sign_in_page(headers: &HeaderMap, return_path: &str) -> Result<Response<Body>, Problem> {
    let rd = url::form_urlencoded::byte_serialize(return_path.as_bytes()).collect();
    page(StatusCode::OK, &SignInPage { view: View::of(headers), rd })
}

/// `GET /token-manager`: a person's own tokens and sessions.
pub(super) async fn token_manager<P: Platform>(
    State(front): State<Front<P>>,
    Extension(me): Extension<Me>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let view = View::of(&headers).seen_by(me);
    let tokens = &front.config().tokens;
    let (default_lifetime, max_lifetime) = (tokens.default_lifetime.0, tokens.max_lifetime.0);
    let lifetimes = lifetimes(&view, default_lifetime, max_lifetime);
    let tells_content = front.config().content_room().is_some();
    with_sign_out(&front, &TokenPage { view, lifetimes, default_lifetime, max_lifetime, tells_content }).await
}

/// Returns the usual lifetimes up to the longest one, and the one that tokens have by default.
fn lifetimes(view: &View, default: u32, longest: u32) -> Vec<(u32, String)> {
    let usual = [
        (3600, "create.hour"),
        (DAY, "create.day"),
        (7 * DAY, "create.week"),
        (30 * DAY, "create.month"),
        (90 * DAY, "create.quarter"),
    ];
    let mut offered: Vec<(u32, String)> = usual.map(|(seconds, key)| (seconds, view.t(key).to_owned())).into();
    if !usual.iter().any(|(seconds, _)| *seconds == default) {
        offered.push((default, format!("{} {}", default.div_ceil(DAY), view.t("create.days"))));
    }
    offered.retain(|(seconds, _)| *seconds <= longest);
    offered.sort_unstable();
    offered
}

/// `GET /usage`: what a person has used.
pub(super) async fn usage<P: Platform>(
    State(front): State<Front<P>>,
    Extension(me): Extension<Me>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let view = View::of(&headers).seen_by(me);
    with_sign_out(&front, &UsagePage { view, today: today(&front) }).await
}

fn today<P: Platform>(front: &Front<P>) -> String {
    front.calendar(front.now()).day().to_owned()
}

/// `GET /token-session-manager`: everybody's tokens, sessions and usage, for administrators.
pub(super) async fn dashboard<P: Platform>(
    State(front): State<Front<P>>,
    Extension(me): Extension<Me>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let list = first_list(query.as_deref().unwrap_or_default());
    let view = View::of(&headers).seen_by(me);
    with_sign_out(&front, &Dashboard { view, list, today: today(&front) }).await
}

/// Returns what the list that the dashboard's address shows asks for, where it asks for nothing in particular.
fn first_list(query: &str) -> Option<&'static str> {
    let (mut tab, mut status) = ("people".into(), None);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "tab" => tab = value,
            "status" => status = Some(value),
            _ if value.is_empty() => {}
            _ => return None,
        }
    }
    match (tab.as_ref(), status.as_deref()) {
        ("people", None | Some("seen")) => Some("/api/admin/sessions/active-users?limit=50"),
        ("people", Some("")) => Some("/api/admin/users?limit=50"),
        ("sessions", None) => Some("/api/admin/sessions?limit=50"),
        ("tokens", None | Some("")) => Some("/api/admin/tokens?limit=50"),
        ("audit", None) => Some("/api/admin/audit?limit=50"),
        _ => None,
    }
}

/// `GET /admin-manager`: who is an administrator, for super administrators.
pub(super) async fn admin_manager<P: Platform>(
    State(front): State<Front<P>>,
    Extension(me): Extension<Me>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    with_sign_out(&front, &AdministratorPage { view: View::of(&headers).seen_by(me) }).await
}

/// `GET /oauth2/sign_out`: a page that posts, so that no link signs anybody out.
pub(super) async fn sign_out<P: Platform>(
    State(front): State<Front<P>>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    with_sign_out(&front, &SignOutPage { view: View::of(&headers) }).await
}

/// Makes a page with a form that signs out. Browsers hold the redirect that follows to the same policy as the form, so
/// the identity provider's place for signing out has to be in it.
async fn with_sign_out<P: Platform>(front: &Front<P>, html: &impl Template) -> Result<Response<Body>, Problem> {
    let mut response = page(StatusCode::OK, html)?;
    let elsewhere = front.relying_party().sign_out_url(front.platform()).await;
    let policy = elsewhere.map(|url| format!("{POLICY} {}", url.origin().ascii_serialization()));
    if let Some(policy) = policy.and_then(|policy| HeaderValue::try_from(policy).ok()) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// Tells a problem to a person; none if that cannot be written.
pub(super) fn problem(problem: &Problem, request_id: &str, view: &View) -> Option<Response<Body>> {
    let kind = problem.kind();
    let text = |part| view.text(&format!("problem.{}.{part}", kind.slug()));
    let html = ErrorPage {
        view,
        title: text("title").unwrap_or(problem.title()),
        advice: text("advice").unwrap_or_default(),
        detail: problem.detail(),
        retry_after: problem.seconds_to_wait(),
        request_id,
    };
    let mut response = page(kind.status(), &html).ok()?;
    problem.decorate(&mut response, "text/html; charset=utf-8");
    Some(response)
}

/// Marks an answer that hosts may compress: text of ours without a secret in it.
#[derive(Debug, Clone, Copy)]
pub struct Compressible;

fn compressible(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    response.extensions_mut().insert(Compressible);
    response
}

fn page(status: StatusCode, html: &impl Template) -> Result<Response<Body>, Problem> {
    let html = html.render().map_err(|_| Problem::new(Kind::Internal, "The page cannot be written."))?;
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    Ok(compressible(response))
}
