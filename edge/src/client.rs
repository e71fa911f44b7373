//! The one who sent a request, and whether they are still there.

use futures_channel::oneshot;
use worker::wasm_bindgen::JsCast as _;
use worker::wasm_bindgen::prelude::Closure;
use worker::web_sys::{AbortSignal, Request};

/// A client, as far as the runtime tells (compatibility flag `enable_request_signal`).
pub(crate) struct Client(AbortSignal);

impl Client {
    /// Takes the client of a request that the runtime has made.
    pub(crate) fn of(request: &Request) -> Self {
        Self(request.signal())
    }

    /// Returns once the client has left. For clients who stay it never does.
    pub(crate) async fn left(self) {
        let Self(signal) = self;
        if signal.aborted() {
            return;
        }
        let (tell, told) = oneshot::channel();
        let mut tell = Some(tell);
        let listener = Closure::<dyn FnMut()>::new(move || {
            if let Some(tell) = tell.take() {
                // Nobody is told any more when everything is over.
                let _ = tell.send(());
            }
        });
        signal.set_onabort(Some(listener.as_ref().unchecked_ref()));
        let _silenced = Silenced(signal, listener);
        // The closure lives as long as this waits, so the channel cannot close first.
        let _ = told.await;
    }
}

/// Stops listening when it is dropped: afterwards there is nothing to call.
struct Silenced(
    AbortSignal,
    #[expect(dead_code, reason = "kept for as long as it may be called")] Closure<dyn FnMut()>,
);

impl Drop for Silenced {
    fn drop(&mut self) {
        self.0.set_onabort(None);
    }
}
