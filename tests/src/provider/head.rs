use std::fmt::Write as _;

use super::asked::Api;

/// What Anthropic's answers have beside what is said of the body. `request-id` is added.
const ANTHROPIC: &str = "\
date: Mon, 01 Jan 2024 00:00:00 GMT\r
anthropic-ratelimit-requests-limit: 4000\r
anthropic-ratelimit-requests-remaining: 3999\r
anthropic-ratelimit-requests-reset: 2024-01-01T00:00:01Z\r
anthropic-ratelimit-input-tokens-limit: 2000000\r
anthropic-ratelimit-input-tokens-remaining: 1999000\r
anthropic-ratelimit-input-tokens-reset: 2024-01-01T00:00:00Z\r
anthropic-ratelimit-output-tokens-limit: 400000\r
anthropic-ratelimit-output-tokens-remaining: 400000\r
anthropic-ratelimit-output-tokens-reset: 2024-01-01T00:00:00Z\r
anthropic-ratelimit-unified-status: allowed\r
anthropic-organization-id: 00000000-0000-4000-8000-00000000a11c\r
strict-transport-security: max-age=31536000; includeSubDomains; preload\r
via: 1.1 google\r
cf-cache-status: DYNAMIC\r
x-robots-tag: none\r
server: cloudflare\r
cf-ray: 0000000000000000-FRA\r
set-cookie: _cfuvid=mock; HttpOnly; SameSite=None; Secure; Path=/; Domain=api.anthropic.com\r
";

/// What OpenAI's answers have beside what is said of the body. `x-request-id` is added.
const OPENAI: &str = "\
date: Mon, 01 Jan 2024 00:00:00 GMT\r
access-control-expose-headers: X-Request-ID\r
openai-organization: mock-organization\r
openai-project: proj_mock\r
openai-processing-ms: 42\r
openai-version: 2020-10-01\r
x-ratelimit-limit-requests: 10000\r
x-ratelimit-limit-tokens: 2000000\r
x-ratelimit-remaining-requests: 9999\r
x-ratelimit-remaining-tokens: 1999990\r
x-ratelimit-reset-requests: 6ms\r
x-ratelimit-reset-tokens: 0s\r
strict-transport-security: max-age=31536000; includeSubDomains; preload\r
cf-cache-status: DYNAMIC\r
set-cookie: __cf_bm=mock; path=/; domain=.api.openai.com; HttpOnly; Secure; SameSite=None\r
set-cookie: _cfuvid=mock; path=/; domain=.api.openai.com; HttpOnly; Secure; SameSite=None\r
x-content-type-options: nosniff\r
server: cloudflare\r
cf-ray: 0000000000000000-FRA\r
alt-svc: h3=\":443\"; ma=86400\r
";

/// Returns an answer's head, but for its end and what says how long the body is. `number` counts requests.
pub(super) fn head(api: Api, status: u16, content_type: &str, number: u64) -> String {
    let (fixed, id) = match api {
        Api::Anthropic => (ANTHROPIC, "request-id"),
        Api::OpenAi => (OPENAI, "x-request-id"),
    };
    let mut head = String::with_capacity(fixed.len() + 256);
    let reason = reason(status);
    let written = write!(
        head,
        "HTTP/1.1 {status} {reason}\r\ncontent-type: {content_type}\r\n{fixed}{id}: {}\r\n",
        request_id(number)
    );
    written.expect("a text takes any text");
    head
}

/// Returns the id of a request.
pub(super) fn request_id(number: u64) -> String {
    format!("req_mock{number:08}")
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        413 => "Payload Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Another",
    }
}
