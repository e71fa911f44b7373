//! Cookies: read strictly, written with every attribute.

use std::borrow::Cow;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use url::Url;

/// The cookie that holds the session's ticket, before its prefix.
pub const SESSION_COOKIE: &str = "llm_gateway_session";

/// How cookies are named and marked, decided by the public URL alone.
///
/// Over https the name starts with `__Host-`: browsers then insist on `Secure`, on `Path=/` and on no `Domain`, so neither
/// a subdomain nor plain http can plant one (RFC 6265bis §4.1.3.2). Plain http cannot set such a cookie, and
/// carries a plain name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CookiePolicy {
    secure: bool,
}

impl CookiePolicy {
    /// Returns the policy for a gateway that browsers reach under `public_url`.
    #[must_use]
    pub fn of(public_url: &Url) -> Self {
        Self { secure: public_url.scheme() == "https" }
    }

    /// Returns the full name of a cookie.
    #[must_use]
    pub fn name<'a>(&self, base: &'a str) -> Cow<'a, str> {
        if self.secure { Cow::Owned(format!("__Host-{base}")) } else { Cow::Borrowed(base) }
    }

    /// Returns the `Set-Cookie` value that makes a browser keep `value`, for `max_age` seconds or until it closes.
    ///
    /// `None` if the name or the value cannot stand in a header; what the gateway makes itself always can.
    #[must_use]
    pub fn set(&self, base: &str, value: &str, max_age: Option<u32>) -> Option<HeaderValue> {
        if !is_name(base.as_bytes()) || !is_value(value.as_bytes()) {
            return None;
        }
        let name = self.name(base);
        let secure = if self.secure { "; Secure" } else { "" };
        let age = max_age.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
        HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")).ok()
    }

    /// Returns the `Set-Cookie` value that makes a browser forget the cookie. The attributes are those it was set with:
    /// a browser ignores the deletion of a `__Host-` cookie without them.
    #[must_use]
    pub fn delete(&self, base: &str) -> Option<HeaderValue> {
        self.set(base, "", Some(0))
    }
}

/// The cookies of a request.
#[derive(Default)]
pub struct Cookies<'a> {
    pairs: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Cookies<'a> {
    /// Reads every `Cookie` header: HTTP/2 may split one into several (RFC 9113 §8.2.3).
    #[must_use]
    pub fn of(headers: &'a HeaderMap) -> Self {
        let pairs = headers
            .get_all(COOKIE)
            .into_iter()
            .flat_map(|header| header.as_bytes().split(|&byte| byte == b';'))
            .filter_map(|pair| {
                let pair = pair.trim_ascii();
                let at = pair.iter().position(|&byte| byte == b'=')?;
                Some((&pair[..at], &pair[at + 1..]))
            })
            .filter(|(name, _)| is_name(name))
            .collect();
        Self { pairs }
    }

    /// Returns the value of the cookie with exactly this full name.
    ///
    /// `None` if there is none, if there are two (one of them is somebody else's, and nothing tells which), or if the
    /// value has characters that no cookie of ours has.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'a str> {
        let mut values = self.pairs.iter().filter(|(held, _)| *held == name.as_bytes()).map(|(_, value)| *value);
        let value = values.next()?;
        if values.next().is_some() || !is_value(value) {
            return None;
        }
        std::str::from_utf8(value).ok()
    }

    /// Returns the names of the cookies in the order they came, which browsers make the order of their age.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.pairs.iter().filter_map(|(name, _)| std::str::from_utf8(name).ok())
    }
}

/// Says whether the bytes are a token (RFC 9110 §5.6.2), as a cookie's name has to be.
fn is_name(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Says whether the bytes are cookie octets (RFC 6265 §4.1.1).
fn is_value(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(public_url: &str) -> CookiePolicy {
        CookiePolicy::of(&Url::parse(public_url).unwrap())
    }

    fn headers(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (COOKIE, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn sets_every_attribute_over_https() {
        assert_eq!(
            policy("https://gateway.example").set("a", "b", Some(600)).unwrap(),
            "__Host-a=b; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600"
        );
    }

    #[test]
    fn names_cookies_plainly_over_http() {
        assert_eq!(policy("http://localhost:8080").set("a", "b", None).unwrap(), "a=b; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn deletes_with_the_attributes_it_sets() {
        assert_eq!(
            policy("https://gateway.example").delete("a").unwrap(),
            "__Host-a=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
        );
    }

    #[test]
    fn refuses_to_write_what_would_end_the_value() {
        for value in ["b; Domain=evil.example", "b\r\nx: y", "b\"", "bä"] {
            assert_eq!(policy("http://localhost").set("a", value, None), None, "{value}");
        }
    }

    #[test]
    fn reads_one_cookie_of_several_headers() {
        let headers = headers(&["a=1; b=2", "c=3=4"]);
        let cookies = Cookies::of(&headers);
        assert_eq!((cookies.value("a"), cookies.value("b"), cookies.value("c")), (Some("1"), Some("2"), Some("3=4")));
        assert_eq!(cookies.names().collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn takes_two_cookies_of_one_name_as_none() {
        for values in [&["a=1; a=1"][..], &["a=1", "a=2"], &["a=1; b=2; a="]] {
            let headers = headers(values);
            assert_eq!(Cookies::of(&headers).value("a"), None, "{values:?}");
        }
    }

    #[test]
    fn reads_no_value_that_it_would_not_write() {
        let headers = headers(&["a=\"1\"; b; =c; d=1 2"]);
        let cookies = Cookies::of(&headers);
        assert!(["a", "b", "", "d", "A"].iter().all(|name| cookies.value(name).is_none()));
    }
}
