//! What happens when this program panics: the one who is being served is told, and everybody else goes on.
//!
//! A panic does not unwind here; it ends in a trap, which stops the task that was running and nothing else. What that task
//! held it holds for ever, so the instance should get no more requests (`worker.js`).

use std::cell::Cell;
use std::panic::{PanicHookInfo, set_hook};

use crate::work::current_reply;

thread_local! {
    static IS_THERE: Cell<bool> = const { Cell::new(false) };
    /// Whether somebody is being told of one just now: a second one then is about the telling.
    static IS_TOLD: Cell<bool> = const { Cell::new(false) };
}

/// Watches for panics from now on.
pub(crate) fn watch() {
    set_hook(Box::new(note));
}

/// Says whether there was one.
pub(crate) fn is_there() -> bool {
    IS_THERE.get()
}

fn note(info: &PanicHookInfo<'_>) {
    IS_THERE.set(true);
    worker::console_error!("{info}; this instance of the gateway takes no more requests");
    if !IS_TOLD.replace(true)
        && let Some(reply) = current_reply()
    {
        reply.fail();
        IS_TOLD.set(false);
    }
}
