use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::command::{Command, Malformed};
use super::redis::{Redis, Unavailable};
use super::reply::{Encoding, Reply};
use crate::provider::at_least;

/// Longest body that is read, in bytes. Upstash has such a limit too, by plan; no test comes near this one.
const MAX_BODY: usize = 10 * 1024 * 1024;

/// How the bridge runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The server, as `redis://host:port`.
    pub redis: String,
    /// The server's password, if it asks for one.
    pub password: Option<String>,
    /// The token that callers must have.
    pub token: String,
    /// How much later than it could it answers.
    pub delay: Duration,
    /// How long the server may take to answer a request.
    pub deadline: Duration,
}

/// Upstash's REST protocol over a plain Redis server. It ends with the runtime that started it.
#[derive(Debug)]
pub struct UpstashBridge {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    redis: Redis,
    authorization: String,
    delay: Duration,
    requests: watch::Sender<u64>,
    /// Whether answers are held back.
    held: watch::Sender<bool>,
    /// How many more requests happen; none is all of them.
    happens: watch::Sender<Option<u64>>,
}

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("Unauthorized")]
    Unauthorized,
    #[error("ERR method not allowed")]
    Method,
    #[error("ERR max request size exceeded")]
    Body,
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("{0}")]
    Command(String),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error("ERR it was lost")]
    Lost,
}

impl UpstashBridge {
    /// Starts a bridge. The Redis server need not be there yet.
    ///
    /// # Errors
    ///
    /// Whatever the operating system says when it cannot listen there, or that `redis` is no address of a server.
    pub async fn start(options: Options) -> io::Result<Self> {
        let redis = Redis::new(&options.redis, options.password, options.deadline)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "redis is no address of a Redis server"))?;
        let listener = TcpListener::bind(options.listen).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let authorization = format!("Bearer {}", options.token);
        let (requests, held, happens) = (watch::Sender::new(0), watch::Sender::new(false), watch::Sender::new(None));
        let shared = Arc::new(Shared { redis, authorization, delay: options.delay, requests, held, happens });
        tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { url, shared })
    }

    /// Returns the address that clients need.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Holds answers back from now on, or lets all of them go. What is asked happens at once.
    pub fn hold(&self, held: bool) {
        self.shared.held.send_replace(held);
    }

    /// Loses requests from now on, but for the next few: they neither happen nor are answered until none is lost any more.
    pub fn lose_after(&self, few: u64) {
        self.shared.happens.send_replace(Some(few));
    }

    /// Loses no more requests. Those that were lost are answered with 503 now.
    pub fn lose_nothing(&self) {
        self.shared.happens.send_replace(None);
    }

    /// Returns how many requests have come so far, whatever came of them.
    #[must_use]
    pub fn requests(&self) -> u64 {
        *self.shared.requests.borrow()
    }

    /// Waits until so many requests have come.
    ///
    /// # Panics
    ///
    /// If they do not come.
    pub async fn received(&self, count: u64) {
        at_least(&self.shared.requests, count, "requests come").await;
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // It concerns the connection that was not made; what would help may be a task of this thread.
            tokio::task::yield_now().await;
            continue;
        };
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| answer(Arc::clone(&shared), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/test/count" {
        let count = json!({"requests": *shared.requests.borrow()});
        return Ok(response(StatusCode::OK, &count));
    }
    shared.requests.send_modify(|requests| *requests += 1);
    let outcome = if shared.happens() {
        shared.outcome(request).await
    } else {
        let _ = shared.happens.subscribe().wait_for(Option::is_none).await;
        Err(Refusal::Lost)
    };
    if !shared.delay.is_zero() {
        tokio::time::sleep(shared.delay).await;
    }
    // Whoever answers holds the sender: it cannot be closed.
    let _ = shared.held.subscribe().wait_for(|held| !held).await;
    Ok(match outcome {
        Ok(body) => response(StatusCode::OK, &body),
        Err(refusal) => response(refusal.status(), &json!({"error": refusal.to_string()})),
    })
}

fn response(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    if status == StatusCode::METHOD_NOT_ALLOWED {
        builder = builder.header(ALLOW, "GET, HEAD, POST, PUT");
    }
    builder.body(Full::from(body.to_string())).expect("these headers can be sent")
}

impl Shared {
    /// Says whether the request that has just come is to happen.
    fn happens(&self) -> bool {
        let mut happens = true;
        self.happens.send_modify(|left| match left {
            None => {}
            Some(0) => happens = false,
            Some(left) => *left -= 1,
        });
        happens
    }

    async fn outcome(&self, request: Request<Incoming>) -> Result<Value, Refusal> {
        let (head, body) = request.into_parts();
        if head.headers.get(AUTHORIZATION).is_none_or(|sent| sent != self.authorization.as_str()) {
            return Err(Refusal::Unauthorized);
        }
        if ![Method::GET, Method::HEAD, Method::POST, Method::PUT].contains(&head.method) {
            return Err(Refusal::Method);
        }
        let is_base64 = head.headers.get("upstash-encoding").is_some_and(|encoding| encoding == "base64");
        let encoding = if is_base64 { Encoding::Base64 } else { Encoding::Text };
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(|_| Refusal::Body)?.to_bytes();
        match head.uri.path() {
            "/" => self.command(&Command::from_json(&body)?, encoding).await,
            "/pipeline" => self.pipeline(&Command::list_from_json(&body)?, encoding).await,
            "/multi-exec" => self.transaction(&Command::list_from_json(&body)?, encoding).await,
            path => self.command(&Command::from_path(path, head.uri.query(), &body)?, encoding).await,
        }
    }

    async fn command(&self, command: &Command, encoding: Encoding) -> Result<Value, Refusal> {
        if let Some(refusal) = command.refusal() {
            return Err(Refusal::Command(refusal));
        }
        match self.redis.ask(&[command]).await?.pop() {
            Some(Reply::Error(message)) => Err(Refusal::command(&message)),
            reply => Ok(reply.unwrap_or(Reply::Nil).outcome(encoding)),
        }
    }

    async fn pipeline(&self, commands: &[Command], encoding: Encoding) -> Result<Value, Refusal> {
        let available: Vec<_> = commands.iter().filter(|command| command.refusal().is_none()).collect();
        let mut replies = self.redis.ask(&available).await?.into_iter();
        let outcome = |command: &Command| match command.refusal() {
            Some(refusal) => Some(json!({"error": refusal})),
            None => replies.next().map(|reply| reply.outcome(encoding)),
        };
        Ok(commands.iter().filter_map(outcome).collect())
    }

    async fn transaction(&self, commands: &[Command], encoding: Encoding) -> Result<Value, Refusal> {
        if let Some(refusal) = commands.iter().find_map(Command::refusal) {
            return Err(Refusal::Command(refusal));
        }
        let [multi, exec] = ["MULTI", "EXEC"].map(|name| Command(vec![name.into()]));
        let all: Vec<_> = [&multi].into_iter().chain(commands).chain([&exec]).collect();
        match self.redis.ask(&all).await?.pop() {
            Some(Reply::Array(replies)) => Ok(replies.into_iter().map(|reply| reply.outcome(encoding)).collect()),
            Some(Reply::Error(message)) => Err(Refusal::command(&message)),
            _ => Err(Refusal::Command("EXECABORT the transaction was not executed".to_owned())),
        }
    }
}

impl Refusal {
    fn command(message: &[u8]) -> Self {
        Self::Command(String::from_utf8_lossy(message).into_owned())
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Body | Self::Malformed(_) | Self::Command(_) => StatusCode::BAD_REQUEST,
            Self::Unavailable(_) | Self::Lost => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}
