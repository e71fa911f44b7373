//! What the runtime gives: time, chance, and the Worker's variables.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use gateway_core::ports::{Clock, Random};
use gateway_core::time::Millis;
use worker::js_sys::{Object, Reflect};
use worker::send::SendFuture;
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::{Date, Delay, Env};

/// The runtime's clock. It stands still while code runs, and goes on with I/O.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorkerClock;

impl Clock for WorkerClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock port's implementation")]
    fn now(&self) -> Millis {
        Millis(i64::try_from(Date::now().as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        SendFuture::new(Delay::from(duration))
    }
}

/// The runtime's source of randomness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorkerRandom;

impl Random for WorkerRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the Random port's implementation")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom_02::getrandom(bytes).expect("the runtime has a source of randomness, and nothing is safe without");
    }
}

/// Reads the Worker's variables and secrets: every binding that is a text.
pub(crate) fn bindings(env: &Env) -> BTreeMap<String, String> {
    let read = |name: JsValue| {
        let value = Reflect::get(env, &name).ok()?.as_string()?;
        Some((name.as_string()?, value))
    };
    Object::keys(env.unchecked_ref::<Object>()).iter().filter_map(read).collect()
}
