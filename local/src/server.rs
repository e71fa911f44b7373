//! The HTTP server: axum's router over hyper, and a shutdown that lets streams finish.

use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use gateway_core::http::{Compressible, PeerAddress};
use http::HeaderValue;
use http::header::ACCEPT_ENCODING;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::{Layer as _, ServiceExt as _};
use tower_http::compression::CompressionLayer;

use crate::stall::Stalling;

/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Largest head of a request, in bytes. Ours are about 2 KiB; the rest is room for clients that send many headers.
const MAX_HEAD: usize = 64 * 1024;

/// How long running answers may go on after the signal to stop.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// How long to wait after a connection could not be accepted, so that a lack of file descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `router` until `stop` is done, then lets running answers finish for as long as `grace`. When it returns, every
/// answer has ended or was dropped, so that whoever watches it has heard.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>, grace: Duration) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "events may be delayed by the network stack");
                    }
                    connections.spawn(connect(stream, peer, router.clone(), &graceful));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            // Those that have ended are forgotten.
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    tracing::info!(seconds = grace.as_secs(), "stopping; running answers may finish");
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("answers that were still running are cut");
    }
    connections.shutdown().await;
}

/// Returns the future that serves one connection.
fn connect<T>(
    stream: T,
    peer: SocketAddr,
    router: Router,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<T>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(PeerAddress(peer.ip().to_canonical()));
        let router = router.clone();
        let accepted = request.headers().get(ACCEPT_ENCODING).cloned();
        async move {
            let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            Ok::<_, Infallible>(if response.extensions().get::<Compressible>().is_some() {
                compressed(response, accepted).await
            } else {
                response
            })
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(Stalling::new(stream)), service);
    let connection = graceful.watch(connection);
    async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, %peer, "a connection broke");
        }
    }
}

/// Compresses an answer for a browser that accepts that (RFC 9110 §12.5.3).
async fn compressed(response: Response, accepted: Option<HeaderValue>) -> Response {
    let mut request = http::Request::new(());
    request.headers_mut().extend(accepted.map(|accepted| (ACCEPT_ENCODING, accepted)));
    let mut answer = Some(response);
    let answers = tower::service_fn(move |_| ready(Ok::<_, Infallible>(answer.take().unwrap_or_default())));
    let response = CompressionLayer::new().layer(answers).oneshot(request).await;
    response.unwrap_or_else(|never| match never {}).map(Body::new)
}

/// Waits for the signal to stop: SIGTERM, or SIGINT from a terminal.
pub(crate) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(error) => {
                tracing::warn!(%error, "SIGTERM will not be heard");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::routing::get;
    use bytes::Bytes;
    use futures_util::StreamExt as _;
    use futures_util::stream::{pending, repeat};
    use gateway_core::ports::Background as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::net::TcpStream;
    use tokio::time::Instant;

    use super::*;
    use crate::background::TokioBackground;
    use crate::stall::STALL;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

    /// Counts in the background when it is dropped, as a lease is settled.
    struct Guard(TokioBackground, Arc<AtomicUsize>);

    impl Drop for Guard {
        fn drop(&mut self) {
            let settled = Arc::clone(&self.1);
            self.0.spawn(async move {
                settled.fetch_add(1, Ordering::SeqCst);
            });
        }
    }

    /// Makes a router whose answers begin with `count` pieces of 1 KiB, never end, and are counted once they are dropped.
    fn endless(count: usize, background: &TokioBackground, settled: &Arc<AtomicUsize>) -> Router {
        let (background, settled) = (background.clone(), Arc::clone(settled));
        let answer = move || {
            let guard = Guard(background.clone(), Arc::clone(&settled));
            let pieces = repeat(Ok::<_, Infallible>(Bytes::from_static(&[b'a'; 1024]))).take(count).chain(pending());
            let guarded = pieces.map(move |piece| {
                let _held = &guard;
                piece
            });
            std::future::ready(Body::from_stream(guarded))
        };
        Router::new().route("/", get(answer))
    }

    #[tokio::test]
    async fn drops_answers_that_outlast_the_grace_before_it_returns() {
        let (background, settled) = (TokioBackground::default(), Arc::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let serving = tokio::spawn(serve(listener, endless(1, &background, &settled), stopped, Duration::ZERO));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(REQUEST).await.unwrap();
        let mut begun = [0; 1024];
        client.read_exact(&mut begun).await.unwrap();
        stop.send(()).unwrap();
        serving.await.unwrap();
        assert_eq!(background.finish(Duration::from_mins(1)).await, 0);
        assert_eq!(settled.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn gives_a_client_up_that_has_stopped_reading() {
        let (background, settled) = (TokioBackground::default(), Arc::default());
        let (near, mut far) = duplex(1024);
        let router = endless(usize::MAX, &background, &settled);
        let peer = ([127, 0, 0, 1], 1).into();
        let graceful = GracefulShutdown::new();
        let connection = tokio::spawn(connect(near, peer, router, &graceful));
        far.write_all(REQUEST).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "the clock is paused")]
        let began = Instant::now();
        connection.await.unwrap();
        assert_eq!(began.elapsed(), STALL);
        assert_eq!(background.finish(Duration::from_mins(1)).await, 0);
        assert_eq!(settled.load(Ordering::SeqCst), 1);
    }
}
