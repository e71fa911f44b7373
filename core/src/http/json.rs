//! JSON in and out of our own API.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Kind, Problem};

/// A member of a body that may be left out, be `null`, or say something.
#[derive(Debug, Clone, Default)]
pub(super) enum Member<T> {
    /// It is left out.
    #[default]
    Missing,
    /// It is `null`.
    Null,
    /// It says this.
    Is(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Member<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Is))
    }
}

/// The JSON body of a request. One that is not good is refused: by the unknown or wrong member, or the media type if it is not JSON.
pub(super) struct Sent<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content_type =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(Kind::UnsupportedMediaType, "The body must be application/json."));
        }
        // Whoever serves the control plane has read it, up to its limit.
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|_| Problem::new(Kind::Invalid, "The body cannot be read."))?;
        let refused = |error| Problem::new(Kind::Invalid, format!("The body is not good: {error}."));
        serde_json::from_slice(&body).map(Self).map_err(refused)
    }
}

/// Makes a JSON answer that nobody keeps.
pub(super) fn answer(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let Ok(json) = serde_json::to_vec(value) else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    };
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
