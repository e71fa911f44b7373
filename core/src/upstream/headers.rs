//! Which headers pass, both ways.

use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, CONNECTION, HeaderName, HeaderValue};

/// Headers about one connection (RFC 9110 §7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "expect",
];

/// Headers that never reach a provider: credentials, cookies, and whatever says who somebody is.
const PRIVATE: [&str; 9] = [
    "authorization",
    "x-api-key",
    "api-key",
    "cookie",
    "forwarded",
    "x-real-ip",
    "host",
    "content-length",
    "accept-encoding",
];

/// Beginnings of names that never reach a provider.
const PRIVATE_PREFIXES: [&str; 5] = ["proxy-", "x-forwarded-", "x-auth-request-", "x-litellm-", "cf-"];

/// Headers that never reach a client: what a provider says to us alone.
const FOR_US: [&str; 5] =
    ["set-cookie", "alt-svc", "openai-organization", "openai-project", "anthropic-organization-id"];

/// Beginnings of names that never reach a client: the provider's limits are ours, not the person's.
const FOR_US_PREFIXES: [&str; 1] = ["anthropic-ratelimit-"];

/// Returns the headers of a call as the provider gets them, before its credential is set.
///
/// Names are compared without regard to case, with `_` and `.` taken for `-`: some servers read them as the same.
#[must_use]
pub fn outbound(headers: &HeaderMap) -> HeaderMap {
    let mut passed = filter(headers, |name| is_listed(name, &PRIVATE, &PRIVATE_PREFIXES));
    passed.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    passed
}

/// Returns the headers of a provider's answer as the client gets them.
#[must_use]
pub fn inbound(headers: &HeaderMap) -> HeaderMap {
    filter(headers, |name| is_listed(name, &FOR_US, &FOR_US_PREFIXES))
}

fn filter(headers: &HeaderMap, is_stripped: impl Fn(&str) -> bool) -> HeaderMap {
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<String> = named.flat_map(|value| value.split(',')).map(|name| fold(name.trim())).collect();
    let is_passed = |name: &HeaderName| {
        let name = fold(name.as_str());
        !HOP_BY_HOP.contains(&name.as_str()) && !named.contains(&name) && !is_stripped(&name)
    };
    headers.iter().filter(|(name, _)| is_passed(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn is_listed(name: &str, names: &[&str], prefixes: &[&str]) -> bool {
    names.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

fn fold(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let parse = |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        pairs.iter().map(parse).collect()
    }

    #[test]
    fn strips_identity_and_attribution_in_every_spelling() {
        for name in [
            "authorization",
            "x-api-key",
            "X_Api_Key",
            "cookie",
            "proxy-authorization",
            "forwarded",
            "x-forwarded-email",
            "X_Forwarded_Email",
            "x.forwarded.for",
            "x-Forwarded_User",
            "x-real-ip",
            "x_real.ip",
            "x-auth-request-email",
            "x-litellm-customer-id",
            "X_LiteLLM_End_User_Id",
            "cf-connecting-ip",
            "cf_access.jwt",
        ] {
            let passed = outbound(&headers(&[(name, "x"), ("anthropic-beta", "b")]));
            assert_eq!(passed.len(), 2, "{name} passed: {passed:?}");
        }
    }

    #[test]
    fn passes_what_clients_and_providers_agree_on() {
        let sent = headers(&[
            ("content-type", "application/json"),
            ("anthropic-version", "2023-06-01"),
            ("anthropic-beta", "unheard-of"),
            ("x-stainless-lang", "js"),
            ("x-app", "cli"),
            ("user-agent", "claude-cli"),
        ]);
        let passed = outbound(&sent);
        assert!(sent.iter().all(|(name, value)| passed.get(name) == Some(value)));
        assert_eq!(passed["accept-encoding"], "identity");
    }

    #[test]
    fn strips_what_belongs_to_one_connection() {
        let sent =
            headers(&[("connection", "close, X-Custom"), ("x-custom", "1"), ("te", "trailers"), ("upgrade", "h2c")]);
        assert_eq!(outbound(&sent).len(), 1);
        assert_eq!(inbound(&sent).len(), 0);
    }

    #[test]
    fn keeps_the_providers_own_affairs_from_clients() {
        let answered = headers(&[
            ("set-cookie", "a=b"),
            ("openai-organization", "acme"),
            ("anthropic-ratelimit-requests-remaining", "7"),
            ("alt-svc", "h3"),
            ("request-id", "req_provider"),
            ("content-type", "text/event-stream"),
        ]);
        let passed = inbound(&answered);
        assert_eq!(passed.len(), 2);
        assert!(passed.contains_key("request-id"));
    }
}
