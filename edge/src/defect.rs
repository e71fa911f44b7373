//! What happens when this program panics: the one who is being served is told, and everybody else goes on.
//!
//! A panic does not unwind here; it ends in a trap, which stops the task that was running and nothing else. What that task
//! held it holds for ever, so the instance should get no more requests (`worker.js`). Other traps, such as that of a stack
//! without room, leave the same behind, but call nobody here: their request is answered by the runtime.

use std::cell::Cell;
use std::panic::{PanicHookInfo, set_hook};

use worker::wasm_bindgen_futures::spawn_local;

use crate::work::{current_reply, is_stuck};

thread_local! {
    static HAS_PANICKED: Cell<bool> = const { Cell::new(false) };
    /// Whether somebody is being told of a panic just now: one more then is about the telling.
    static IS_TOLD: Cell<bool> = const { Cell::new(false) };
}

/// Watches for panics from now on.
pub(crate) fn watch() {
    set_hook(Box::new(note));
}

/// Says whether anything was stopped in the middle.
pub(crate) fn is_there() -> bool {
    HAS_PANICKED.get() || is_stuck()
}

fn note(info: &PanicHookInfo<'_>) {
    HAS_PANICKED.set(true);
    worker::console_error!("{info}; this instance of the gateway takes no more requests");
    if let Some(reply) = current_reply()
        && !IS_TOLD.replace(true)
    {
        reply.fail();
        IS_TOLD.set(false);
    }
    // The trap that follows also ends the turn in which other tasks were to run: this has another one come.
    spawn_local(async {});
}
