//! Telling our own pages from everybody else's, for changes that a cookie authorises.

use http::header::{HeaderName, ORIGIN};
use http::{HeaderMap, Method};

use crate::config::PublicUrl;

/// Fetch Metadata (W3C) §2.2.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Says whether a request may change something by cookie: it reads only, or it comes from a page of ours.
///
/// Browsers say so in `Sec-Fetch-Site`; where one sends none, `Origin` has to be the public address. A request with
/// neither is refused.
#[must_use]
pub fn is_own_page(method: &Method, headers: &HeaderMap, public_url: &PublicUrl) -> bool {
    if matches!(*method, Method::GET | Method::HEAD) {
        return true;
    }
    match (headers.get(SEC_FETCH_SITE), headers.get(ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin.as_bytes() == public_url.origin().as_bytes(),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        is_own_page(&Method::POST, &headers, &PublicUrl::parse("https://gw.example.com").unwrap())
    }

    #[test]
    fn lets_our_own_pages_change_things() {
        assert!(allows(&[("sec-fetch-site", "same-origin")]));
        assert!(allows(&[("origin", "https://gw.example.com")]));
    }

    #[test]
    fn refuses_everybody_else() {
        for pairs in [
            &[][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://gw.example.com")],
            &[("origin", "null")],
            &[("origin", "https://gw.example.com.evil.example")],
            &[("origin", "http://gw.example.com")],
        ] {
            assert!(!allows(pairs), "{pairs:?}");
        }
    }
}
