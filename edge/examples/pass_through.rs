//! A Worker that passes every request on to one address and its answer back, and does nothing else: what a Worker in Rust
//! costs before it does anything. `scripts/bench` compares the gateway with it.

use worker::{Context, Env, Fetch, Request, RequestInit, Response, Result, event};

/// Sends the request to where the variable `UPSTREAM` says, at the same path.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let target = format!("{}{}", env.var("UPSTREAM")?.to_string(), request.path());
    let mut init = RequestInit::new();
    init.with_method(request.method()).with_headers(request.headers().clone());
    init.with_body(request.inner().body().map(Into::into));
    Fetch::Request(Request::new_with_init(&target, &init)?).send().await
}
