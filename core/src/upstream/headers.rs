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

/// Headers that never reach a provider: credentials, cookies, and whatever says who somebody is or whom to bill.
const PRIVATE: [&str; 14] = [
    "authorization",
    "x-api-key",
    "api-key",
    "cookie",
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "openai-organization",
    "openai-project",
    "host",
    "content-length",
    "accept-encoding",
];

/// Beginnings of names that never reach a provider.
const PRIVATE_PREFIXES: [&str; 5] = ["proxy-", "x-forwarded-", "x-auth-request-", "x-litellm-", "cf-"];

/// Headers that never reach a client: what a provider says to us alone, and what would speak for our origin.
const FOR_US: [&str; 9] = [
    "set-cookie",
    "alt-svc",
    "openai-organization",
    "openai-project",
    "anthropic-organization-id",
    "strict-transport-security",
    "clear-site-data",
    "report-to",
    "nel",
];

/// Beginnings of names that never reach a client: the provider's limits and a proxy's accounts are ours, not the person's,
/// and no page of another origin may read our answers.
const FOR_US_PREFIXES: [&str; 7] = [
    "anthropic-ratelimit-",
    "x-ratelimit-",
    "x-litellm-",
    "llm-provider-",
    "access-control-",
    "content-security-policy",
    "cf-",
];

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a provider's `x-request-id` is called in our answers, where that name is our own request's.
const PROVIDER_REQUEST_ID: HeaderName = HeaderName::from_static("x-provider-request-id");

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
    let mut passed = filter(headers, |name| is_listed(name, &FOR_US, &FOR_US_PREFIXES));
    if let Some(id) = passed.remove(REQUEST_ID) {
        passed.insert(PROVIDER_REQUEST_ID, id);
    }
    passed
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

    type Pass = fn(&HeaderMap) -> HeaderMap;

    /// Six spellings of a name, as clients and proxies write them and some servers read them.
    fn spellings(name: &str) -> [String; 6] {
        let title = |separator: &str| {
            let words = name.split('-').map(|word| word[..1].to_ascii_uppercase() + &word[1..]);
            words.collect::<Vec<_>>().join(separator)
        };
        let mixed = name.char_indices().map(|(at, c)| if at % 2 == 0 { c.to_ascii_uppercase() } else { c }).collect();
        [name.to_owned(), name.to_ascii_uppercase(), title("-"), title("_"), name.replace('-', "."), mixed]
    }

    #[test]
    fn strips_what_is_private_in_every_spelling_both_ways() {
        let examples =
            |prefixes: &[&str], rest: &str| prefixes.iter().map(|prefix| format!("{prefix}{rest}")).collect();
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let table: [(Pass, Vec<String>); 6] = [
            (outbound, named(&PRIVATE)),
            (outbound, examples(&PRIVATE_PREFIXES, "email")),
            (outbound, named(&HOP_BY_HOP)),
            (inbound, named(&FOR_US)),
            (inbound, examples(&FOR_US_PREFIXES, "x")),
            (inbound, named(&HOP_BY_HOP)),
        ];
        for (pass, names) in table {
            for spelling in names.iter().flat_map(|name| spellings(name)) {
                let passed = pass(&headers(&[(&spelling, "hunter2"), ("content-type", "a/b")]));
                assert!(!passed.values().any(|value| value == "hunter2"), "{spelling} passed: {passed:?}");
                assert_eq!(passed["content-type"], "a/b", "beside {spelling}");
            }
        }
    }

    #[test]
    fn strips_what_is_named_by_the_rules_of_security() {
        for name in [
            "authorization",
            "x-api-key",
            "cookie",
            "proxy-authorization",
            "forwarded",
            "x-forwarded-email",
            "x-forwarded-for",
            "x-real-ip",
            "x-auth-request-email",
            "x-litellm-customer-id",
            "x-litellm-end-user-id",
            "cf-connecting-ip",
            "connection",
            "transfer-encoding",
        ] {
            assert_eq!(outbound(&headers(&[(name, "x")])).len(), 1, "{name}");
        }
    }

    #[test]
    fn gives_the_providers_request_id_a_name_of_its_own() {
        let passed = inbound(&headers(&[("x-request-id", "req_theirs"), ("request-id", "req_2")]));
        assert_eq!(
            (&passed["x-provider-request-id"], &passed["request-id"]),
            (&"req_theirs".parse().unwrap(), &"req_2".parse().unwrap())
        );
        assert!(!passed.contains_key("x-request-id"));
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
