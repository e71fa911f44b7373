//! Where a browser goes after signing in.

use url::{Position, Url};

/// Longest path that is kept, in bytes, as typed and as written: room for a page's filters, no room for a payload.
const MAX_PATH: usize = 2048;

/// Where people go who asked for nothing, or for something odd.
const HOME: &str = "/";

/// Escapes that mean something else once decoded: separators, dots, and control characters, which all start with `%0`
/// or `%1`.
const TRICKS: [&str; 7] = ["%0", "%1", "%2e", "%2f", "%5c", "%7f", "%25"];

/// Returns the path on `origin` that `asked` names, or `/` if it names anything else or is not plain.
///
/// What comes out is what a browser would read, not what was typed: the WHATWG URL parser drops tabs and newlines, takes
/// backslashes for slashes and `https:evil` for a path, and each of these has been an open redirect somewhere.
#[must_use]
pub fn return_path(origin: &Url, asked: Option<&str>) -> String {
    asked.and_then(|asked| plain_path(origin, asked)).unwrap_or_else(|| HOME.to_owned())
}

fn plain_path(origin: &Url, asked: &str) -> Option<String> {
    let typed_path = asked.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let odd = asked.len() > MAX_PATH
        || !asked.starts_with('/')
        || asked.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\')
        || typed_path.contains("//")
        || typed_path.contains('@')
        || TRICKS.iter().any(|trick| typed_path.contains(trick));
    if odd {
        return None;
    }
    let url = origin.join(asked).ok()?;
    let own = url.origin() == origin.origin() && url.username().is_empty() && url.password().is_none();
    // The sign-in's own pages would send the browser round in circles, or sign it out.
    if !own || url.path().starts_with("//") || url.path().starts_with("/oauth2/") {
        return None;
    }
    // Escaping makes it longer, and a sign-in that starts over asks for what came out.
    Some(url[Position::BeforePath..Position::AfterQuery].to_owned()).filter(|path| path.len() <= MAX_PATH)
}

#[cfg(test)]
#[path = "return_path_tests.rs"]
mod tests;
