//! Requests to other servers: Fetch. What nobody waits for any more is aborted.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Bytes, to_bytes};
use gateway_core::ports::{Background as _, Body, Http, HttpError};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use worker::js_sys::{Promise, Uint8Array, global};
use worker::send::SendFuture;
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{
    self, AbortController, RequestCache, RequestInit, RequestRedirect, Response as WebResponse, WorkerGlobalScope,
};

use crate::headers::{headers_of, read_headers};
use crate::pipe::Pipe;
use crate::work::RequestBackground;

/// From which length on, in bytes, a body is sent piece by piece. Most are shorter, and as a whole they take less time.
const LONG: u64 = 256 * 1024;

/// The encodings that Fetch decodes, spelled so and no other way; any other answer comes as it was sent.
const DECODED: [&str; 2] = ["gzip", "br"];

/// An HTTP client that follows no redirects and gives each answer as it comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FetchClient;

impl Http for FetchClient {
    fn send(&self, request: Request<Body>) -> impl Future<Output = Result<Response<Body>, HttpError>> + Send {
        SendFuture::new(send(request))
    }
}

/// Why Fetch gives no answer, in the runtime's words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(String);

async fn send(request: Request<Body>) -> Result<Response<Body>, HttpError> {
    let (head, body) = request.into_parts();
    let mut abort = Abort { controller: AbortController::new().ok(), upload: None };
    let (body, upload) = sent(body).await?;
    let asked = ask(&head, body.as_ref(), &abort).map_err(|error| unreachable(&error))?;
    if let Some(Upload { pipe, body }) = upload {
        abort.upload = Some(pipe.clone());
        RequestBackground.spawn(SendFuture::new(async move { pipe.carry(body).await }));
    }
    let answer = JsFuture::from(asked).await.map_err(|error| unreachable(&error))?;
    answered(&answer.unchecked_into(), abort).map_err(|error| unreachable(&error))
}

/// A body that is still to be sent.
struct Upload {
    pipe: Pipe,
    body: Body,
}

/// Makes of a body what the runtime takes: a short one as a whole, and a long one as a pipe, through which it has to be carried
/// once it is asked for, so that it does not exist twice.
async fn sent(body: Body) -> Result<(Option<JsValue>, Option<Upload>), HttpError> {
    let length = body.size_hint().exact().filter(|length| *length > LONG).and_then(|length| u32::try_from(length).ok());
    let Some(length) = length else {
        let body = to_bytes(body, usize::MAX).await.map_err(|error| HttpError::Unreachable(error.into()))?;
        return Ok(((!body.is_empty()).then(|| Uint8Array::from(body.as_ref()).into()), None));
    };
    let (pipe, readable) = Pipe::open(Some(length)).map_err(|error| unreachable(&error))?;
    Ok((Some(readable.into()), Some(Upload { pipe, body })))
}

fn ask(head: &Parts, body: Option<&JsValue>, abort: &Abort) -> Result<Promise, JsValue> {
    let init = RequestInit::new();
    init.set_method(head.method.as_str());
    init.set_redirect(RequestRedirect::Manual);
    if let Some(controller) = &abort.controller {
        init.set_signal(Some(&controller.signal()));
    }
    init.set_cache(RequestCache::NoStore);
    init.set_headers(headers_of(&head.headers)?.as_ref());
    if let Some(body) = body {
        init.set_body(body);
    }
    let request = web_sys::Request::new_with_str_and_init(&head.uri.to_string(), &init)?;
    Ok(global().unchecked_into::<WorkerGlobalScope>().fetch_with_request(&request))
}

fn answered(answer: &WebResponse, abort: Abort) -> Result<Response<Body>, JsValue> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(answer.status()).map_err(|error| JsValue::from_str(&error.to_string()))?;
    *response.headers_mut() = read_headers(&answer.headers())?;
    let Some(stream) = answer.body() else {
        abort.disarm();
        return Ok(response);
    };
    // What Fetch has decoded is not to be decoded again.
    if response.headers().get(CONTENT_ENCODING).is_some_and(|coding| DECODED.iter().any(|known| coding == known)) {
        response.headers_mut().remove(CONTENT_ENCODING);
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    *response.body_mut() = Body::new(Aborted { inner: worker::Body::new(stream), abort: Some(abort) });
    Ok(response)
}

fn unreachable(error: &JsValue) -> HttpError {
    let words = error.as_string().or_else(|| Some(String::from(error.dyn_ref::<worker::js_sys::Error>()?.message())));
    HttpError::Unreachable(Box::new(Refusal(words.unwrap_or_else(|| "fetch failed".to_owned()))))
}

/// Aborts a request when it is dropped, its upload included.
struct Abort {
    controller: Option<AbortController>,
    upload: Option<Pipe>,
}

impl Abort {
    /// The answer has come to its end: there is nothing to abort.
    fn disarm(mut self) {
        self.controller = None;
        self.upload = None;
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        if let Some(pipe) = self.upload.take() {
            pipe.abort();
        }
        if let Some(controller) = self.controller.take() {
            controller.abort();
        }
    }
}

/// An answer's body. Who drops it before its end aborts the request.
struct Aborted {
    inner: worker::Body,
    abort: Option<Abort>,
}

impl http_body::Body for Aborted {
    type Data = Bytes;
    type Error = worker::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, worker::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_))))
            && let Some(abort) = self.abort.take()
        {
            abort.disarm();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
