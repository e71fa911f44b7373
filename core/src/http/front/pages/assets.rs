//! The files of the pages, compiled in.

use axum::body::Body;
use axum::extract::Path;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{HeaderMap, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use super::words::{Language, Words};
use super::{POLICY, compressible};
use crate::http::{Kind, Problem};

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($kind:ident $name:literal,)*) => { &[$(($name, $kind, super::ui!($name)),)*] };
}

/// The files by name, each with its type.
pub(super) const FILES: &[(&str, &str, &str)] = files![
    JAVASCRIPT "admin-manager.js",
    JAVASCRIPT "api.js",
    CSS "app.css",
    JAVASCRIPT "audit-list.js",
    JAVASCRIPT "budget-list.js",
    JAVASCRIPT "budgets.js",
    JAVASCRIPT "charts.js",
    JAVASCRIPT "confirm.js",
    JAVASCRIPT "copy.js",
    CSS "dashboard.css",
    JAVASCRIPT "dashboard.js",
    JAVASCRIPT "dom.js",
    SVG "favicon.svg",
    JAVASCRIPT "format.js",
    JAVASCRIPT "grid.js",
    JAVASCRIPT "live.js",
    JAVASCRIPT "own-sessions.js",
    JAVASCRIPT "page.js",
    JAVASCRIPT "people-list.js",
    JAVASCRIPT "session-list.js",
    JAVASCRIPT "suspend.js",
    JAVASCRIPT "tabs.js",
    JAVASCRIPT "token-create.js",
    JAVASCRIPT "token-list.js",
    CSS "token-manager.css",
    JAVASCRIPT "token-manager.js",
    JAVASCRIPT "token-search.js",
    JAVASCRIPT "usage-list.js",
    JAVASCRIPT "usage-view.js",
    CSS "usage.css",
    JAVASCRIPT "usage.js",
    JAVASCRIPT "words.js",
    CSS "work.css",
];

/// Returns a file's type and text.
pub(super) fn file(name: &str) -> Option<(&'static str, &'static str)> {
    if let Some(language) = name.strip_prefix("words-").and_then(|rest| rest.strip_suffix(".js")) {
        let language = Language::tagged(language).filter(|known| known.tag() == language)?;
        return Some((JAVASCRIPT, Words::of(language).module()));
    }
    FILES.iter().find(|(known, ..)| *known == name).map(|(_, kind, text)| (*kind, *text))
}

/// `GET /assets/{name}`: a file of the pages, asked for again only when it has changed.
pub(in crate::http::front) async fn asset(
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let (content_type, text) = file(&name).ok_or_else(|| Problem::new(Kind::NotFound, "There is no such file."))?;
    let etag = etag(text)?;
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known == etag);
    let mut response = Response::new(if is_known { Body::empty() } else { Body::from(text) });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(ETAG, etag);
    Ok(compressible(response))
}

fn etag(text: &str) -> Result<HeaderValue, Problem> {
    let digest = Sha256::digest(text);
    let number = u64::from_be_bytes(std::array::from_fn(|index| digest[index]));
    HeaderValue::from_str(&format!("W/\"{number:016x}\""))
        .map_err(|_| Problem::new(Kind::Internal, "The file cannot be named."))
}
