//! The way of an answer back to the runtime.

use std::cell::RefCell;
use std::rc::Rc;

use axum::body::{Body, Bytes};
use futures_util::FutureExt as _;
use gateway_core::http::{Dialect, Kind, Problem, unserved};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http::response::Parts;
use http::{Response, StatusCode, Uri};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Collected};
use worker::js_sys::{Function, Promise, Uint8Array};
use worker::wasm_bindgen::JsValue;
use worker::web_sys::{self, ResponseInit};

use crate::headers::headers_of;
use crate::pipe::Pipe;

/// The status that says that nobody waits for the answer (nginx's 499): nobody ever reads it.
const CLIENT_CLOSED: u16 = 499;

/// Tells Anthropic's clients from others; no value of it matters here.
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// Answers that have no body (RFC 9110 §15.3.5, §15.3.6, §15.4.5): the runtime takes none.
const EMPTY: [StatusCode; 3] = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED];

/// The one reply to a request, and how far it has got.
pub(crate) struct Reply {
    dialect: Dialect,
    stage: RefCell<Stage>,
}

enum Stage {
    /// The runtime waits: it takes the answer's head and its body.
    Waiting(Function),
    /// The head is out, and the body is on its way.
    Sending(Pipe),
    /// Nothing more is to be sent.
    Over,
}

impl Reply {
    /// Makes the reply to a request, and what tells it to the runtime.
    pub(crate) fn to(request: &web_sys::Request) -> (Rc<Self>, Promise) {
        let uri: Option<Uri> = request.url().parse().ok();
        let path = uri.as_ref().map_or("/", Uri::path);
        let mut headers = HeaderMap::new();
        if request.headers().has(ANTHROPIC_VERSION.as_str()).unwrap_or(false) {
            headers.insert(ANTHROPIC_VERSION, HeaderValue::from_static(""));
        }
        let dialect = Dialect::of(path, &headers);
        let mut stage = Stage::Over;
        let answer = Promise::new(&mut |resolve, _| stage = Stage::Waiting(resolve));
        (Rc::new(Self { dialect, stage: RefCell::new(stage) }), answer)
    }

    /// Returns the dialect that the one who asked reads.
    pub(crate) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Sends an answer; returns when all of it is with the client, or will never be.
    pub(crate) async fn send(&self, answer: Response<Body>) {
        let (head, body) = answer.into_parts();
        let is_empty = EMPTY.contains(&head.status);
        if is_empty || body.size_hint().exact().is_some() {
            // It is all there, so it goes out as a whole, with its length.
            match body.collect().await {
                Ok(_) if is_empty => self.send_whole(&head, &Bytes::new()),
                Ok(whole) => self.send_whole(&head, &whole.to_bytes()),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "an answer of known length broke off");
                    self.fail();
                }
            }
        } else if let Err(error) = self.send_stream(&head, body).await {
            tracing::error!(?error, "the runtime takes no stream");
            self.fail();
        }
    }

    /// Says that nobody waits for it any more.
    pub(crate) fn abandon(&self) {
        match self.stage.replace(Stage::Over) {
            Stage::Waiting(resolve) => {
                let init = ResponseInit::new();
                init.set_status(CLIENT_CLOSED);
                tell(&resolve, web_sys::Response::new_with_opt_str_and_init(None, &init));
            }
            Stage::Sending(pipe) => pipe.abort(),
            Stage::Over => {}
        }
    }

    /// Answers that we have a defect; an answer that is on its way breaks off.
    pub(crate) fn fail(&self) {
        let stage = self.stage.try_borrow_mut().map(|mut stage| std::mem::replace(&mut *stage, Stage::Over));
        match stage {
            Ok(Stage::Waiting(resolve)) => {
                let problem = Problem::new(Kind::Internal, "The gateway has made a mistake. Its log has more.");
                // Naming it takes randomness, which may be what has failed.
                let (head, body) = unserved(&problem, self.dialect, "").into_parts();
                let body = body.collect().now_or_never().and_then(Result::ok);
                let body = body.map(Collected::to_bytes).unwrap_or_default();
                tell(&resolve, whole(&head, &body));
            }
            Ok(Stage::Sending(pipe)) => pipe.abort(),
            Ok(Stage::Over) | Err(_) => {}
        }
    }

    fn send_whole(&self, head: &Parts, body: &Bytes) {
        match whole(head, body) {
            Ok(response) => {
                if let Stage::Waiting(resolve) = self.stage.replace(Stage::Over) {
                    tell(&resolve, Ok(response));
                }
            }
            Err(error) => {
                tracing::error!(?error, "the runtime takes no such answer");
                self.fail();
            }
        }
    }

    async fn send_stream(&self, head: &Parts, body: Body) -> Result<(), JsValue> {
        let length = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let (pipe, readable) = Pipe::open(length)?;
        let response = web_sys::Response::new_with_opt_readable_stream_and_init(Some(&readable), &init_of(head)?)?;
        let Stage::Waiting(resolve) = self.stage.replace(Stage::Sending(pipe.clone())) else {
            pipe.abort();
            return Ok(());
        };
        tell(&resolve, Ok(response));
        pipe.carry(body).await;
        self.stage.replace(Stage::Over);
        Ok(())
    }
}

fn whole(head: &Parts, body: &Bytes) -> Result<web_sys::Response, JsValue> {
    let init = init_of(head)?;
    if body.is_empty() {
        return web_sys::Response::new_with_opt_str_and_init(None, &init);
    }
    web_sys::Response::new_with_opt_js_u8_array_and_init(Some(&Uint8Array::from(body.as_ref())), &init)
}

fn init_of(head: &Parts) -> Result<ResponseInit, JsValue> {
    let init = ResponseInit::new();
    init.set_status(head.status.as_u16());
    init.set_headers(headers_of(&head.headers)?.as_ref());
    Ok(init)
}

/// Gives the runtime the answer that it waits for.
fn tell(resolve: &Function, response: Result<web_sys::Response, JsValue>) {
    match response {
        Ok(response) => drop(resolve.call1(&JsValue::UNDEFINED, &response)),
        Err(error) => tracing::error!(?error, "the runtime makes no answer"),
    }
}
