//! From refusal to answer: the one table of statuses, titles and error types, in every dialect.

use axum::body::Body;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, Response, StatusCode};
use serde_json::json;

use super::budget_notice;
use crate::money::BudgetState;
use crate::upstream::Format;

/// Tells the official SDKs and Claude Code not to try again.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// What went wrong, as a client can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No credential, or a bad one.
    Unauthenticated,
    /// The person is suspended.
    Suspended,
    /// The credential is good, but not for this.
    Forbidden,
    /// The request is malformed.
    Invalid,
    /// There is no such thing.
    NotFound,
    /// There is no such token.
    TokenNotFound,
    /// There is no such session.
    SessionNotFound,
    /// There is no such model.
    ModelNotFound,
    /// The path is there, the method is not.
    MethodNotAllowed,
    /// The host name is not ours.
    Misdirected,
    /// Somebody else changed it in the meantime.
    Conflict,
    /// The body is too large.
    TooLarge,
    /// The body's type or coding is not supported.
    UnsupportedMediaType,
    /// The budget is used up.
    BudgetExhausted,
    /// The budget's room is held by running calls.
    BudgetReserved,
    /// It was asked for too often.
    RateLimited,
    /// The model has no price, and a budget applies.
    Unpriced,
    /// A store did not answer.
    Unavailable,
    /// The provider cannot be reached, or refuses our credential.
    BadGateway,
    /// The provider took too long.
    GatewayTimeout,
    /// A defect of ours.
    Internal,
}

/// One row of the table: status, slug and title of our own API, Anthropic's type, OpenAI's type and code.
struct Row {
    status: u16,
    slug: &'static str,
    title: &'static str,
    anthropic: &'static str,
    openai: (&'static str, &'static str),
}

const fn row(
    status: u16,
    slug: &'static str,
    title: &'static str,
    anthropic: &'static str,
    openai: (&'static str, &'static str),
) -> Row {
    Row { status, slug, title, anthropic, openai }
}

impl Kind {
    const fn row(self) -> Row {
        const INVALID: &str = "invalid_request_error";
        const MISSING: &str = "not_found_error";
        match self {
            Self::Unauthenticated => row(
                401,
                "unauthenticated",
                "Authentication required",
                "authentication_error",
                (INVALID, "invalid_api_key"),
            ),
            Self::Suspended => {
                row(403, "suspended", "Account suspended", "permission_error", (INVALID, "account_suspended"))
            }
            Self::Forbidden => row(403, "forbidden", "Not allowed", "permission_error", (INVALID, "permission_denied")),
            Self::Invalid => row(400, "invalid_request", "Invalid request", INVALID, (INVALID, "invalid_request")),
            Self::NotFound => row(404, "not_found", "Not found", MISSING, (INVALID, "not_found")),
            Self::TokenNotFound => row(404, "token_not_found", "Token not found", MISSING, (INVALID, "not_found")),
            Self::SessionNotFound => {
                row(404, "session_not_found", "Session not found", MISSING, (INVALID, "not_found"))
            }
            Self::ModelNotFound => {
                row(404, "model_not_found", "Model not found", MISSING, (INVALID, "model_not_found"))
            }
            Self::MethodNotAllowed => {
                row(405, "method_not_allowed", "Method not allowed", MISSING, (INVALID, "method_not_allowed"))
            }
            Self::Misdirected => {
                row(421, "misdirected_request", "Misdirected request", INVALID, (INVALID, "misdirected"))
            }
            Self::Conflict => row(409, "conflict", "Conflict", INVALID, (INVALID, "conflict")),
            Self::TooLarge => row(413, "too_large", "Request too large", "request_too_large", (INVALID, "too_large")),
            Self::UnsupportedMediaType => row(
                415,
                "unsupported_media_type",
                "Unsupported media type",
                INVALID,
                (INVALID, "unsupported_media_type"),
            ),
            Self::BudgetExhausted => row(
                429,
                "budget_exhausted",
                "Budget used up",
                "billing_error",
                ("insufficient_quota", "insufficient_quota"),
            ),
            Self::BudgetReserved => row(
                429,
                "budget_reserved",
                "Budget held by running calls",
                "rate_limit_error",
                ("rate_limit_exceeded", "rate_limit_exceeded"),
            ),
            Self::RateLimited => row(
                429,
                "rate_limited",
                "Too many requests",
                "rate_limit_error",
                ("rate_limit_exceeded", "rate_limit_exceeded"),
            ),
            Self::Unpriced => row(400, "unpriced_model", "Model without a price", INVALID, (INVALID, "unpriced_model")),
            Self::Unavailable => {
                row(503, "unavailable", "Service unavailable", "api_error", ("server_error", "unavailable"))
            }
            Self::BadGateway => {
                row(502, "bad_gateway", "Provider unavailable", "api_error", ("server_error", "bad_gateway"))
            }
            Self::GatewayTimeout => {
                row(504, "gateway_timeout", "Provider timed out", "api_error", ("server_error", "gateway_timeout"))
            }
            Self::Internal => row(500, "internal", "Internal error", "api_error", ("server_error", "internal")),
        }
    }

    /// Returns the error code of OAuth (RFC 6749 §4.1.2.1, §5.2).
    const fn oauth(self) -> &'static str {
        match self.row().status {
            500 => "server_error",
            503 => "temporarily_unavailable",
            _ => "invalid_request",
        }
    }

    /// Returns the name of the kind: what our own API's `type` ends with, and texts are found by.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        self.row().slug
    }

    /// Returns the status code.
    #[must_use]
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// A refusal, before it is known in which dialect it will be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    detail: String,
    retry_after: Option<i64>,
    /// Why, where its kind says less.
    reason: Option<&'static str>,
    /// The budget that is used up.
    budget: Option<Box<BudgetState>>,
}

impl Problem {
    /// Makes a problem that says `detail`: one sentence for a person, without secrets.
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let retry_after = match kind {
            Kind::Unavailable => Some(1),
            Kind::BudgetReserved => Some(2),
            _ => None,
        };
        Self { kind, detail: detail.into(), retry_after, reason: None, budget: None }
    }

    /// Says that a store did not answer. The cause belongs in the log.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(Kind::Unavailable, "The gateway cannot reach its store. Try again in a moment.")
    }

    /// Adds the seconds after which trying again may help (RFC 9110 §10.2.3).
    #[must_use]
    pub const fn retry_after(mut self, seconds: i64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Adds why, in a word for those who run the gateway. Clients are not told.
    #[must_use]
    pub const fn because(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Returns why, in a word: what was added, or its kind's name.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self.reason {
            Some(reason) => reason,
            None => self.kind.slug(),
        }
    }

    /// Adds the budget that is used up.
    #[must_use]
    pub fn about(mut self, budget: BudgetState) -> Self {
        self.budget = Some(Box::new(budget));
        self
    }

    /// Returns the seconds after which trying again may help, if that is known.
    #[must_use]
    pub const fn seconds_to_wait(&self) -> Option<i64> {
        self.retry_after
    }

    /// Returns what went wrong.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the sentence for a person.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns the title of its kind.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        self.kind.row().title
    }

    /// Makes the answer.
    #[must_use]
    pub fn respond(&self, dialect: Dialect, request_id: &str) -> Response<Body> {
        let row = self.kind.row();
        let (content_type, body) = match dialect {
            Dialect::Api => (
                "application/problem+json",
                json!({
                    "type": format!("about:blank#{}", row.slug),
                    "title": row.title,
                    "status": row.status,
                    "detail": self.detail,
                    "error": row.title,
                    "request_id": request_id,
                }),
            ),
            Dialect::Anthropic => (
                "application/json",
                json!({
                    "type": "error",
                    "error": {"type": row.anthropic, "message": self.detail},
                    "request_id": request_id,
                }),
            ),
            Dialect::OAuth => {
                ("application/json", json!({"error": self.kind.oauth(), "error_description": self.detail}))
            }
            Dialect::Scim => (
                "application/scim+json",
                json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                    "status": row.status.to_string(),
                    "detail": self.detail,
                }),
            ),
            Dialect::OpenAi => (
                "application/json",
                json!({"error": {
                    "message": self.detail,
                    "type": row.openai.0,
                    "param": null,
                    "code": row.openai.1,
                }}),
            ),
        };
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.kind.status();
        self.decorate(&mut response, content_type);
        if let (Dialect::Anthropic, Some(state)) = (dialect, &self.budget) {
            budget_notice::tell_exhausted(response.headers_mut(), state);
        }
        response
    }

    /// Makes the event that ends a stream of that form which broke off.
    #[must_use]
    pub fn event(&self, format: Format) -> Bytes {
        let row = self.kind.row();
        let text = match format {
            Format::Messages | Format::CountTokens => {
                let data = json!({"type": "error", "error": {"type": row.anthropic, "message": self.detail}});
                format!("event: error\ndata: {data}\n\n")
            }
            Format::Responses => {
                let data = json!({"type": "error", "code": row.openai.1, "message": self.detail, "param": null});
                format!("event: error\ndata: {data}\n\n")
            }
            Format::ChatCompletions | Format::Embeddings => {
                let (kind, code) = row.openai;
                let data = json!({"error": {"message": self.detail, "type": kind, "param": null, "code": code}});
                format!("data: {data}\n\n")
            }
        };
        text.into()
    }

    /// Sets the headers that go with the problem, whatever its body looks like: how to authenticate (RFC 6750 §3), when to
    /// come back, and whether to.
    pub fn decorate(&self, response: &mut Response<Body>, content_type: &'static str) {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self.kind == Kind::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"llm-gateway\""));
        }
        if matches!(self.kind, Kind::Unauthenticated | Kind::Suspended | Kind::BudgetExhausted) {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
    }
}

/// The envelope in which an error is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Our own API: problem details (RFC 9457), with `error` repeating the title for clients of the old API.
    Api,
    /// Anthropic's.
    Anthropic,
    /// OpenAI's.
    OpenAi,
    /// OAuth's (RFC 6749 §5.2), for what identity providers call.
    OAuth,
    /// SCIM's (RFC 7644 §3.12).
    Scim,
}

impl Dialect {
    /// Returns the dialect that clients of a path expect; of the list of models, which both have, by their headers.
    #[must_use]
    pub fn of(path: &str, headers: &HeaderMap) -> Self {
        let is_anthropics_list = || path == "/v1/models" && headers.contains_key("anthropic-version");
        if path == "/v1/messages" || path.starts_with("/v1/messages/") || is_anthropics_list() {
            Self::Anthropic
        } else if path == "/v1" || path.starts_with("/v1/") {
            Self::OpenAi
        } else if path == "/oauth2/backchannel-logout" {
            Self::OAuth
        } else if path.starts_with("/scim/") {
            Self::Scim
        } else {
            Self::Api
        }
    }
}
