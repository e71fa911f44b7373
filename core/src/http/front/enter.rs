//! The outermost layer: what every request passes on its way in, and every answer on its way out. An answer that tells a
//! [`Problem`] has it among its extensions.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{HOST, HeaderName, HeaderValue, LOCATION};
use http::{HeaderMap, Method, StatusCode, Uri};

use super::Front;
use super::pages::{self, View};
use crate::config::HostMatch;
use crate::http::{Dialect, Kind, Problem, RequestContext};
use crate::ports::{Clock as _, Platform};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Names the request, checks that it is for us, and tells problems in the dialect that its client reads.
pub(super) async fn enter<P: Platform>(State(front): State<Front<P>>, mut request: Request, next: Next) -> Response {
    let platform = front.platform();
    let trusted = &front.config().server.trusted_proxies;
    let now = platform.clock().now();
    let context = RequestContext::new(request.headers(), request.extensions(), trusted, now, platform.random());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let is_navigation = is_navigation(&method, request.headers());
    let view = is_navigation.then(|| View::of(request.headers()));
    let dialect = Dialect::of(&path, request.headers());
    let mut response = match check(&front, &request, is_navigation) {
        Ok(()) => {
            request.extensions_mut().insert(context.clone());
            next.run(request).await
        }
        Err(answer) => *answer,
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let headers = std::mem::take(response.headers_mut());
        let page = view.filter(|_| dialect == Dialect::Api);
        let page = page.and_then(|view| pages::problem(&problem, &context.id, &view));
        response = page.unwrap_or_else(|| problem.respond(dialect, &context.id));
        response.headers_mut().extend(headers);
        // For hosts that measure.
        response.extensions_mut().insert(problem);
    }
    finish(&mut response, &context.id);
    let elapsed_ms = platform.clock().now().since(context.at);
    let status = response.status().as_u16();
    tracing::info!(request = context.id, %method, path, status, elapsed_ms, address = context.address, "request");
    response
}

/// Checks path and host before anything is routed.
fn check<P: Platform>(front: &Front<P>, request: &Request, is_navigation: bool) -> Result<(), Box<Response>> {
    let refuse = |problem: Problem| Err(Box::new(axum::response::IntoResponse::into_response(problem)));
    if !is_plain(request.uri().path()) {
        return refuse(Problem::new(Kind::Invalid, "The path has dot segments, encoded slashes or empty segments."));
    }
    // Load balancers ask by address whether we live, and learn nothing else.
    if matches!(request.uri().path(), "/healthz" | "/health" | "/readyz") {
        return Ok(());
    }
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(http::uri::Authority::as_str)).unwrap_or_default();
    match front.public_url().recognise(host) {
        HostMatch::Alias if is_navigation => Err(Box::new(move_to_public_url(front, request.uri()))),
        HostMatch::Canonical | HostMatch::Alias => Ok(()),
        HostMatch::Foreign => refuse(Problem::new(
            Kind::Misdirected,
            format!("This gateway is {}; it does not answer to other names.", front.public_url()),
        )),
    }
}

/// Says whether a path has one reading only: the same for the router, for gates and for providers.
fn is_plain(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    path.starts_with('/')
        && !path.contains("//")
        && !path.contains('\\')
        && !["%2f", "%5c", "%2e", "%00", "%23", "%3f", "%25"].iter().any(|coded| lower.contains(coded))
        && !path.split('/').any(|segment| segment == "." || segment == "..")
}

/// Says whether a browser is going to a page, so that the answer is for eyes.
fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    let accepts_html =
        || headers.get(http::header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/html"));
    let navigates = headers.get(FETCH_MODE).map_or_else(accepts_html, |mode| mode == "navigate");
    navigates && (*method == Method::GET || *method == Method::POST)
}

fn move_to_public_url<P: Platform>(front: &Front<P>, uri: &Uri) -> Response {
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    redirect(&front.public_url().join(path))
}

/// Makes a redirect that is followed with GET.
pub(super) fn redirect(location: &str) -> Response {
    let mut response = Response::new(Body::empty());
    let Ok(location) = HeaderValue::from_str(location) else {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    };
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Makes the answer to a request that no front has seen, because its host has none, or cannot read it, or has made a mistake.
/// The id is empty if the request has none.
#[must_use]
pub fn unserved(problem: &Problem, dialect: Dialect, id: &str) -> Response {
    let mut response = problem.respond(dialect, id);
    finish(&mut response, id);
    response
}

fn finish(response: &mut Response, id: &str) {
    let headers = response.headers_mut();
    if let Some(id) = HeaderValue::from_str(id).ok().filter(|id| !id.is_empty()) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(http::header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_paths_with_two_readings() {
        for path in [
            "/public/../admin",
            "/a/./b",
            "//evil.example",
            "/a%2Fb",
            "/a%2e%2e/b",
            "/a%5cb",
            "/a\\b",
            "/healthz%23",
            "/v1/messages%3Fx=/healthz",
            "*",
        ] {
            assert!(!is_plain(path), "{path}");
        }
        for path in ["/", "/v1/messages", "/assets/app.css", "/.well-known/jwks.json"] {
            assert!(is_plain(path), "{path}");
        }
    }
}
