//! Bodies on their way to the runtime, piece by piece, each when the one before it was taken.

use std::cell::Cell;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::future::{Either, select};
use futures_util::pin_mut;
use gateway_core::ports::{Clock as _, in_time};
use http_body_util::BodyExt as _;
use worker::js_sys::Uint8Array;
use worker::wasm_bindgen;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen_futures::{JsFuture, spawn_local};
use worker::web_sys::{ReadableStream, TransformStream, WritableStreamDefaultWriter};
use worker::worker_sys::FixedLengthStream;

use crate::host::WorkerClock;

/// How long a reader may take nothing before it is given up: a stream that nobody reads keeps its lease open.
const PATIENCE: Duration = Duration::from_mins(2);

/// The longest piece, in bytes: what is on its way exists twice, here and in the runtime.
const PIECE: usize = 64 * 1024;

#[wasm_bindgen]
extern "C" {
    /// A pipe that holds nothing: what is written waits until it is read.
    #[wasm_bindgen(extends = TransformStream)]
    type IdentityTransformStream;

    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<IdentityTransformStream, JsValue>;
}

/// The end of a pipe that is written to. Clones are the same end.
#[derive(Clone)]
pub(crate) struct Pipe(WritableStreamDefaultWriter);

impl Pipe {
    /// Makes a pipe and the end that the runtime reads; one that keeps to its length, in bytes, if that is known.
    ///
    /// # Errors
    ///
    /// What the runtime says.
    pub(crate) fn open(length: Option<u32>) -> Result<(Self, ReadableStream), JsValue> {
        let pipe: TransformStream = match length {
            Some(length) => FixedLengthStream::new(length)?.into(),
            None => IdentityTransformStream::new()?.into(),
        };
        Ok((Self(pipe.writable().get_writer()?), pipe.readable()))
    }

    /// Passes a body on as it comes; returns when all of it was taken, or will never be. One that broke off, or that nobody
    /// takes, breaks off for the reader, too.
    pub(crate) async fn carry(&self, mut body: Body) {
        let progress = Cell::new(0);
        let is_whole = {
            let (pumped, stalled) = (self.pump(&mut body, &progress), stalled(&progress));
            pin_mut!(pumped, stalled);
            matches!(select(pumped, stalled).await, Either::Left((true, _)))
        };
        // Before the end is told: whoever has it all has nothing left to hold.
        drop(body);
        if is_whole {
            // The last of it may still be on its way, and a reader who leaves before that had all that there was.
            let _ = in_time(&WorkerClock, PATIENCE, JsFuture::from(self.0.close())).await;
        } else {
            self.abort();
        }
    }

    /// Breaks off.
    pub(crate) fn abort(&self) {
        let aborted = JsFuture::from(self.0.abort_with_reason(&JsValue::from_str("the body broke off")));
        // That nobody reads any more is no news.
        spawn_local(async move { drop(aborted.await) });
    }

    /// Says whether all of a body was taken.
    async fn pump(&self, body: &mut Body, progress: &Cell<u64>) -> bool {
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            let Ok(mut data) = frame.into_data() else { continue };
            while !data.is_empty() {
                let piece = data.split_to(data.len().min(PIECE));
                if !self.write(&piece, progress).await {
                    return false;
                }
            }
        }
        true
    }

    /// Says whether a piece was taken.
    async fn write(&self, piece: &Bytes, progress: &Cell<u64>) -> bool {
        let written = self.0.write_with_chunk(&Uint8Array::from(piece.as_ref()));
        progress.set(progress.get() + 1);
        let is_taken = JsFuture::from(written).await.is_ok();
        progress.set(progress.get() + 1);
        is_taken
    }
}

/// Returns once the same piece has waited for too long. The count is odd while one waits.
async fn stalled(progress: &Cell<u64>) {
    loop {
        let before = progress.get();
        WorkerClock.sleep(PATIENCE).await;
        if before % 2 == 1 && progress.get() == before {
            tracing::warn!("a reader that takes nothing is given up");
            return;
        }
    }
}
