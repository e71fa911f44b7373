//! How a refusal travels: handlers return a [`Problem`], and the outermost layer, which knows the request, tells it.

use axum::body::Body;
use axum::response::{IntoResponse, Response};

use super::Problem;

impl IntoResponse for Problem {
    /// Makes an empty answer that carries the problem to the layer that tells it.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.kind().status();
        response.extensions_mut().insert(self);
        response
    }
}
