//! Where a browser goes after signing in.

use url::Url;

/// Longest path that is kept, in bytes: room for a page's filters, no room for a payload.
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
    Some(match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(asked: &str) -> String {
        return_path(&Url::parse("https://gateway.example").unwrap(), Some(asked))
    }

    #[test]
    fn keeps_paths_on_this_origin() {
        for path in ["/", "/usage", "/usage?from=1&to=2", "/a/b?next=%2Fc", "/a%20b", "/usage?q=a@b//c"] {
            assert_eq!(from(path), path);
        }
        assert_eq!(from("/usage#top"), "/usage");
    }

    #[test]
    fn sends_home_who_asked_for_nothing() {
        assert_eq!(return_path(&Url::parse("https://gateway.example").unwrap(), None), "/");
    }

    #[test]
    fn sends_home_whatever_leads_elsewhere_or_might() {
        let long = format!("/{}", "a".repeat(MAX_PATH));
        for asked in [
            "",
            "usage",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https:evil.example",
            "https://evil.example/",
            "https://gateway.example@evil.example/",
            "javascript:alert(1)",
            "/%09/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/a\r\nSet-Cookie: a=b",
            "/a\0",
            "/a\u{85}b",
            "/a\u{2028}b",
            "/..//evil.example",
            "/.//evil.example",
            "/%2e%2e//evil.example",
            "/%2E%2E/admin",
            "/%2f/evil.example",
            "/%5cevil.example",
            "/%0d%0aSet-Cookie:a=b",
            "/%2509/evil.example",
            "/@evil.example",
            "@evil.example",
            " /usage",
            "/oauth2/start",
            "/a/../oauth2/sign_out",
            &long,
        ] {
            assert_eq!(from(asked), "/", "{asked:?}");
        }
    }

    #[test]
    fn keeps_dot_segments_within_the_origin() {
        assert_eq!(from("/../../usage"), "/usage");
    }
}
