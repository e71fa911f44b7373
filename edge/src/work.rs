//! The work of one request: its answer, and whatever runs beside it and after it.
//!
//! An isolate serves many requests at once, and what belongs to one of them (its promises, its lifetime) is of no use to
//! another. Whoever starts work in the background has no request in their hands, so the one that is being worked for is
//! noted whenever something of it runs.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::future::{FusedFuture as _, LocalBoxFuture};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use gateway_core::ports::Background;
use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::future_to_promise;

use crate::answer::Reply;
use crate::client::Client;

type Task = LocalBoxFuture<'static, ()>;

thread_local! {
    /// Whom the code that runs just now works for.
    static CURRENT: RefCell<Option<Rc<Request>>> = const { RefCell::new(None) };
}

/// What code can reach of the request that it works for.
struct Request {
    tasks: UnboundedSender<Task>,
    reply: Rc<Reply>,
}

/// Runs work beside the request that is being worked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestBackground;

impl Background for RequestBackground {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let sent = CURRENT.with_borrow(|current| {
            let request = current.as_ref()?;
            request.tasks.unbounded_send(task.boxed_local()).ok()
        });
        if sent.is_none() {
            tracing::error!("work was started for no request; it is lost");
        }
    }
}

/// Returns the reply of the request that is being worked for, if nobody is changing that just now.
pub(crate) fn current_reply() -> Option<Rc<Reply>> {
    CURRENT.with(|current| Some(Rc::clone(&current.try_borrow().ok()?.as_ref()?.reply)))
}

/// Says, between two pieces of work, whether the last one came to no end: it was stopped where it was.
pub(crate) fn is_stuck() -> bool {
    CURRENT.with(|current| current.try_borrow().map_or(true, |current| current.is_some()))
}

/// Everything that one request has started. It is over when all of it is; if the client leaves, the answer ends where it is,
/// and the rest goes on.
pub(crate) struct Work {
    request: Rc<Request>,
    /// Makes the answer and sends it. Gone once that is done.
    main: Option<Task>,
    left: futures_util::future::Fuse<Task>,
    started: UnboundedReceiver<Task>,
    running: FuturesUnordered<Task>,
}

impl Work {
    /// Begins with `main`, which gives the reply.
    pub(crate) fn of(reply: Rc<Reply>, main: impl Future<Output = ()> + 'static, client: Client) -> Self {
        let (tasks, started) = unbounded();
        Self {
            request: Rc::new(Request { tasks, reply }),
            main: Some(main.boxed_local()),
            left: client.left().boxed_local().fuse(),
            started,
            running: FuturesUnordered::new(),
        }
    }

    /// Returns what is kept when all is done. What it runs runs by itself.
    pub(crate) fn promise(self) -> Promise {
        future_to_promise(self.map(|()| Ok(JsValue::UNDEFINED)))
    }

    fn advance(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(main) = &mut self.main
            && main.as_mut().poll(context).is_ready()
        {
            self.main = None;
        }
        // Asked after the answer: who leaves when they have all of it has not left early.
        if self.main.is_some() && !self.left.is_terminated() && self.left.poll_unpin(context).is_ready() {
            self.main = None;
            self.request.reply.abandon();
        }
        loop {
            // Asked until there is nothing, so that it wakes this when there is more.
            while let Poll::Ready(Some(task)) = self.started.poll_next_unpin(context) {
                self.running.push(task);
            }
            if self.running.poll_next_unpin(context) != Poll::Ready(Some(())) {
                break;
            }
        }
        if self.main.is_none() && self.running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Future for Work {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let outer = CURRENT.replace(Some(Rc::clone(&self.request)));
        let polled = self.advance(context);
        CURRENT.set(outer);
        polled
    }
}
