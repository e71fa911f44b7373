//! A server that notes what is posted to it.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Something that a server was told.
#[derive(Debug, Clone)]
pub struct Told {
    /// The address asked for.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's text.
    pub text: String,
}

/// Answers everything that is posted with the status that `answer` returns, until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, answer: impl Fn(Told) -> StatusCode + Send + Sync + 'static) {
    let answer = Arc::new(answer);
    while let Ok((stream, _)) = listener.accept().await {
        let answer = Arc::clone(&answer);
        let service = service_fn(move |request| take(Arc::clone(&answer), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn take(
    answer: Arc<impl Fn(Told) -> StatusCode>,
    request: Request<Incoming>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    let status = answer(Told { uri: head.uri, headers: head.headers, text });
    Ok(Response::builder().status(status).body(Empty::new()).expect("a status can be sent"))
}
