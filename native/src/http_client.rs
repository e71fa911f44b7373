//! Requests to other servers: hyper, pooled, with TLS roots of its own.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use gateway_core::ports::{Body, Http, HttpError};
use http::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use tokio::time::error::Elapsed;
use tower::Service;

/// Longest time for a connection to come about: name, TCP and TLS. Who has not answered by then is down.
const CONNECT: Duration = Duration::from_secs(10);

/// How long an unused connection is kept. Shorter than what load balancers allow, who close at 60 s and later, so that a
/// request seldom meets a connection that is being closed.
const IDLE: Duration = Duration::from_secs(50);

/// An HTTP client that keeps connections. HTTP/1.1 and, where the server offers it over TLS, HTTP/2. It follows no
/// redirects, and streams both ways.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client<Impatient, Body>,
}

impl HttpClient {
    /// Makes a client with the public web's root certificates.
    ///
    /// # Errors
    ///
    /// A TLS library that cannot do what every TLS library can.
    pub fn new() -> Result<Self, rustls::Error> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // The backend is named, because the default depends on what else is linked in.
        let tls = HttpsConnectorBuilder::new().with_provider_and_webpki_roots(Arc::new(ring::default_provider()))?;
        let connector = tls.https_or_http().enable_http1().enable_http2().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .build(Impatient(connector));
        Ok(Self { client })
    }
}

impl Http for HttpClient {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, HttpError> {
        match self.client.request(request).await {
            Ok(response) => Ok(response.map(Body::new)),
            Err(error) if timed_out(&error) => Err(HttpError::Timeout),
            Err(error) => Err(HttpError::Unreachable(error.into())),
        }
    }
}

type Connector = HttpsConnector<HttpConnector>;

/// Connects, or gives up: the connector itself limits none of its steps.
#[derive(Debug, Clone)]
struct Impatient(Connector);

impl Service<Uri> for Impatient {
    type Response = <Connector as Service<Uri>>::Response;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move { tokio::time::timeout(CONNECT, connecting).await? })
    }
}

fn timed_out(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<Elapsed>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::{get, post};
    use bytes::Bytes;
    use futures_util::StreamExt as _;
    use http_body_util::BodyExt as _;
    use hyper::server::conn::http1;
    use hyper_util::rt::TokioIo;
    use hyper_util::service::TowerToHyperService;
    use tokio::net::TcpListener;

    use super::*;

    /// Serves on a free port until the test's runtime ends; returns the origin.
    async fn serve(router: Router) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(router.clone());
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        origin
    }

    fn client() -> HttpClient {
        HttpClient::new().unwrap()
    }

    #[tokio::test]
    async fn follows_no_redirect() {
        let redirect = || async { (http::StatusCode::FOUND, [("location", "/elsewhere")]) };
        let origin = serve(Router::new().route("/", get(redirect))).await;
        let response = client().send(Request::get(format!("{origin}/")).body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["location"]),
            (302, &"/elsewhere".parse().unwrap())
        );
    }

    #[tokio::test]
    async fn streams_both_ways() {
        // The server answers each chunk as it comes; a client that gathered either body would wait for ever.
        let echo = |body: Body| async move { Body::from_stream(body.into_data_stream()) };
        let origin = serve(Router::new().route("/", post(echo))).await;
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let chunks =
            futures_util::stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        let request = Request::post(format!("{origin}/")).body(Body::from_stream(chunks)).unwrap();
        let mut response = client().send(request).await.unwrap().into_body();
        for chunk in ["one", "two"] {
            sender.send(Ok::<_, std::io::Error>(Bytes::from(chunk))).await.unwrap();
            assert_eq!(response.frame().await.unwrap().unwrap().into_data().unwrap(), chunk);
        }
        drop(sender);
        assert!(response.into_data_stream().next().await.is_none());
    }

    #[tokio::test]
    async fn says_that_nobody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let result = client().send(Request::get(origin).body(Body::empty()).unwrap()).await;
        assert!(matches!(result, Err(HttpError::Unreachable(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_on_a_server_that_takes_the_connection_and_says_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // TLS has to answer something; this server never does.
        let origin = format!("https://{}/", listener.local_addr().unwrap());
        let result = client().send(Request::get(origin).body(Body::empty()).unwrap()).await;
        assert!(matches!(result, Err(HttpError::Timeout)));
    }
}
