//! The way of an answer back to the runtime.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::future::{Either, select};
use futures_util::pin_mut;
use gateway_core::http::{Dialect, Kind, Problem};
use gateway_core::ports::Clock as _;
use http::header::{CONTENT_LENGTH, HeaderMap};
use http::response::Parts;
use http::{Response, Uri};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use worker::js_sys::{Function, Promise, Uint8Array};
use worker::wasm_bindgen;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{self, ResponseInit, TransformStream, WritableStreamDefaultWriter};
use worker::worker_sys::FixedLengthStream;

use crate::headers::headers_of;
use crate::host::WorkerClock;

/// The status that says that nobody waits for the answer (nginx's 499): nobody ever reads it.
const CLIENT_CLOSED: u16 = 499;

/// How long a client may read nothing before it is given up. A stream that nobody reads keeps its lease open.
const PATIENCE: Duration = Duration::from_mins(2);

#[wasm_bindgen]
extern "C" {
    /// A pipe that holds nothing: what is written waits until it is read.
    #[wasm_bindgen(extends = TransformStream)]
    type IdentityTransformStream;

    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<IdentityTransformStream, JsValue>;
}

/// The one reply to a request, and how far it has got.
pub(crate) struct Reply {
    dialect: Dialect,
    stage: RefCell<Stage>,
}

enum Stage {
    /// The runtime waits: it takes the answer's head and its body.
    Waiting(Function),
    /// The head is out, and the body is on its way.
    Sending(WritableStreamDefaultWriter),
    /// Nothing more is to be sent.
    Over,
}

impl Reply {
    /// Makes the reply to a request, and what tells it to the runtime.
    pub(crate) fn to(request: &web_sys::Request) -> (Rc<Self>, Promise) {
        let uri: Option<Uri> = request.url().parse().ok();
        let path = uri.as_ref().map_or("/", Uri::path);
        let dialect = Dialect::of(path, &HeaderMap::new());
        let mut stage = Stage::Over;
        let answer = Promise::new(&mut |resolve, _| stage = Stage::Waiting(resolve));
        (Rc::new(Self { dialect, stage: RefCell::new(stage) }), answer)
    }

    /// Sends an answer; returns when all of it is with the client, or will never be.
    pub(crate) async fn send(&self, answer: Response<Body>) {
        let (head, body) = answer.into_parts();
        if body.size_hint().exact().is_some() {
            // It is all there, so it goes out as a whole, with its length.
            match body.collect().await {
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
            Stage::Sending(writer) => abort(&writer),
            Stage::Over => {}
        }
    }

    /// Answers that we have a defect; an answer that is on its way breaks off.
    pub(crate) fn fail(&self) {
        let stage = self.stage.try_borrow_mut().map(|mut stage| std::mem::replace(&mut *stage, Stage::Over));
        match stage {
            Ok(Stage::Waiting(resolve)) => {
                let problem = Problem::new(Kind::Internal, "The gateway has made a mistake. Its log has more.");
                let (head, body) = problem.respond(self.dialect, "").into_parts();
                let body = futures_util::FutureExt::now_or_never(body.collect());
                let body = body.and_then(Result::ok).map(http_body_util::Collected::to_bytes).unwrap_or_default();
                tell(&resolve, whole(&head, &body));
            }
            Ok(Stage::Sending(writer)) => abort(&writer),
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

    async fn send_stream(&self, head: &Parts, mut body: Body) -> Result<(), JsValue> {
        let pipe = pipe(&head.headers)?;
        let writer = pipe.writable().get_writer()?;
        let response =
            web_sys::Response::new_with_opt_readable_stream_and_init(Some(&pipe.readable()), &init_of(head)?)?;
        let Stage::Waiting(resolve) = self.stage.replace(Stage::Sending(writer.clone())) else {
            abort(&writer);
            return Ok(());
        };
        tell(&resolve, Ok(response));

        let progress = Cell::new(0_u64);
        let pumped = pump(&mut body, &writer, &progress);
        let stalled = stalled(&progress);
        pin_mut!(pumped, stalled);
        let is_whole = matches!(select(pumped, stalled).await, Either::Left((true, _)));
        self.stage.replace(Stage::Over);
        if is_whole {
            // The last of it may still be on its way; who leaves before that has all that there is to settle.
            let _ = JsFuture::from(writer.close()).await;
        } else {
            abort(&writer);
        }
        Ok(())
    }
}

/// Passes a body on as it comes. Says whether that was all of it.
async fn pump(body: &mut Body, writer: &WritableStreamDefaultWriter, progress: &Cell<u64>) -> bool {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        let Some(data) = frame.data_ref() else { continue };
        let written = writer.write_with_chunk(&Uint8Array::from(data.as_ref()));
        progress.set(progress.get() | 1);
        // The client has left, or never reads again.
        if JsFuture::from(written).await.is_err() {
            return false;
        }
        progress.set((progress.get() | 1).wrapping_add(1));
    }
    true
}

/// Returns once the same write has waited for too long. The count is odd while one waits.
async fn stalled(progress: &Cell<u64>) {
    loop {
        let before = progress.get();
        WorkerClock.sleep(PATIENCE).await;
        if before % 2 == 1 && progress.get() == before {
            tracing::warn!("a client that reads nothing is given up");
            return;
        }
    }
}

/// Makes the pipe that a body goes through: one that keeps its length, if that is known.
fn pipe(headers: &HeaderMap) -> Result<TransformStream, JsValue> {
    let length: Option<u32> = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    Ok(match length {
        Some(length) => FixedLengthStream::new(length)?.into(),
        None => IdentityTransformStream::new()?.into(),
    })
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

/// Breaks a body off, so that the client does not take it for whole.
fn abort(writer: &WritableStreamDefaultWriter) {
    let reason = JsValue::from_str("the answer broke off");
    // Whoever reads is told; that nobody does is no news.
    let aborted = JsFuture::from(writer.abort_with_reason(&reason));
    worker::wasm_bindgen_futures::spawn_local(async move { drop(aborted.await) });
}
