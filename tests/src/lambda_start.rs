//! How long a function takes from its start, with the runtime's side of Lambda's API played here, so that it shows when the function
//! asks for work (Lambda, "Using the Lambda runtime API for custom runtimes").

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

use crate::edge::FrontKeys;
use crate::{Assertion, Process, Serverless, Store, place};

/// What the gateway is called.
const ORIGIN: &str = "http://localhost:8080";

/// What the function is asked: it needs the hot state.
const TARGET: &str = "/internal/keys";

/// How long one start took, and what came after it.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// From the process's start until it asked for work.
    pub init: Duration,
    /// From the first request until its answer.
    pub first: Duration,
    /// From the second request until its answer.
    pub second: Duration,
}

/// Starts the control function so many times, on stores of this machine, and asks it twice each time.
///
/// # Panics
///
/// Outside `scripts/bench`, and if something does not start or is not answered well.
pub async fn measure(function: &Path, runs: usize) -> Vec<Start> {
    let store = Store::over_http().await;
    let made = Command::new(place("LLM_GATEWAY_BIN").expect("scripts/bench says where the program is"))
        .args(["keys", "front"])
        .output()
        .expect("the program runs");
    let keys = FrontKeys::read(&String::from_utf8(made.stdout).expect("it prints text"));
    let configuration =
        format!("[server]\npublic_url = \"{ORIGIN}\"\n{}[control]\nfronts = {}\n", store.configuration(), keys.public);
    let serverless = Serverless::new(0, &configuration, store.token()).await;
    let mut starts = Vec::new();
    for _ in 0..runs {
        starts.push(start(function, &serverless, &keys).await);
    }
    starts
}

async fn start(function: &Path, serverless: &Serverless, keys: &FrontKeys) -> Start {
    let (runtime, mut told) = Runtime::start().await;
    let mut command = Command::new(function);
    command.env_clear().env("LLM_GATEWAY_FUNCTION", "control").env("AWS_LAMBDA_RUNTIME_API", &runtime.address);
    command.env("AWS_LAMBDA_FUNCTION_NAME", "control").env("AWS_LAMBDA_FUNCTION_VERSION", "1");
    command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512");
    command.envs(serverless.variables().iter().map(|(name, value)| (name, value)));
    #[expect(clippy::disallowed_methods, reason = "how long it takes is what this is about")]
    let began = Instant::now();
    let _process = Process::start(&mut command).expect("the program runs");
    let Some(Told::Ready) = told.recv().await else { unreachable!("it asks for work first") };
    let init = began.elapsed();
    let first = runtime.ask(&mut told, keys).await;
    let Some(Told::Ready) = told.recv().await else { unreachable!("it asks for more") };
    let second = runtime.ask(&mut told, keys).await;
    Start { init, first, second }
}

/// What the function tells the runtime.
enum Told {
    /// It has nothing to do.
    Ready,
    /// It has an answer.
    Answer(Value),
}

/// The runtime of one function.
struct Runtime {
    address: String,
    work: mpsc::Sender<Value>,
}

impl Runtime {
    async fn start() -> (Self, mpsc::Receiver<Told>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("it listens").to_string();
        let (work, waiting) = mpsc::channel(1);
        let (tell, told) = mpsc::channel(4);
        tokio::spawn(serve(listener, Arc::new(Mutex::new(waiting)), tell));
        (Self { address, work }, told)
    }

    /// Asks something that only a front may ask; returns how long the answer took.
    async fn ask(&self, told: &mut mpsc::Receiver<Told>, keys: &FrontKeys) -> Duration {
        let public = keys.public.trim_matches(['[', ']', '"']);
        let assertion = Assertion::get(TARGET, ORIGIN, &keys.private, public).sign();
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": TARGET, "rawQueryString": "",
            "headers": {"authorization": format!("Bearer {assertion}"), "host": "localhost"},
            "requestContext": {"http": {"method": "GET", "path": TARGET, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
                "stage": "$default", "timeEpoch": 0},
            "isBase64Encoded": false,
        });
        #[expect(clippy::disallowed_methods, reason = "how long it takes is what this is about")]
        let asked = Instant::now();
        self.work.send(event).await.expect("it waits for work");
        let Some(Told::Answer(answer)) = told.recv().await else { unreachable!("it answers") };
        let took = asked.elapsed();
        assert_eq!(answer["statusCode"], 200, "{answer}");
        took
    }
}

async fn serve(listener: TcpListener, waiting: Arc<Mutex<mpsc::Receiver<Value>>>, tell: mpsc::Sender<Told>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (waiting, tell) = (Arc::clone(&waiting), tell.clone());
        let service = service_fn(move |request| answer(request, Arc::clone(&waiting), tell.clone()));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    waiting: Arc<Mutex<mpsc::Receiver<Value>>>,
    tell: mpsc::Sender<Told>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = if request.method() == Method::GET {
        // Nobody listens any more once enough is known.
        let _ = tell.send(Told::Ready).await;
        waiting.lock().await.recv().await.unwrap_or_default().to_string()
    } else {
        let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let _ = tell.send(Told::Answer(serde_json::from_slice(&body).unwrap_or_default())).await;
        String::new()
    };
    let response = Response::builder().header("lambda-runtime-aws-request-id", "1");
    let response = response.header("lambda-runtime-deadline-ms", "9999999999999");
    let response =
        response.header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:1:function:control");
    Ok(response.body(Full::from(body)).expect("these headers can be sent"))
}
