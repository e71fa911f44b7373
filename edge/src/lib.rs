//! The gateway's front door as a Cloudflare Worker.
//!
//! In scope: handing what the Workers runtime offers to the core, and serving the core's router. Out of scope: any
//! decision; those are the core's. `worker.js` beside this folder is what the runtime starts: it makes an instance of this
//! program, and another one once that has panicked.

mod answer;
mod asked;
mod client;
mod defect;
mod gateway;
mod headers;
mod host;
mod http_client;
mod logging;
mod pipe;
mod platform;
mod work;

use std::rc::Rc;

use worker::js_sys::Promise;
use worker::wasm_bindgen;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::Context;
use worker::{Env, web_sys};

use crate::answer::Reply;
use crate::client::Client;
use crate::work::Work;

/// Prepares an instance.
#[wasm_bindgen(start)]
fn start() {
    defect::watch();
}

/// Says whether anything in this instance was stopped in the middle, by a panic or another trap. Requests that run go on; new ones
/// should get another instance, because a lock may be held here for ever.
#[wasm_bindgen]
#[must_use]
pub fn is_broken() -> bool {
    defect::is_there()
}

/// Answers one request with the core's router.
///
/// All that the request starts is one piece of work that the runtime is told to wait for: it goes on after the answer, and
/// after the client has left.
#[wasm_bindgen]
pub fn fetch(request: web_sys::Request, env: &Env, context: &Context) -> Promise {
    let client = Client::of(&request);
    let (reply, answer) = Reply::to(&request);
    let env = env.clone();
    let main = {
        let reply = Rc::clone(&reply);
        async move { reply.send(gateway::answer(request, &env, reply.dialect()).await).await }
    };
    if let Err(error) = context.wait_until(&Work::of(reply, main, client).promise()) {
        worker::console_error!("the runtime does not wait for what a request started: {error:?}");
    }
    answer
}
