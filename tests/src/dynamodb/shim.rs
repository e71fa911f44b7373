use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the server wants to see, and does not check.
const CREDENTIAL: &str = "AWS4-HMAC-SHA256 Credential=obviously/20260101/us-east-1/dynamodb/aws4_request, \
                          SignedHeaders=host, Signature=fake";

/// What a request may be met with. Real tables do all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is too much to do; nothing happens.
    Throttled,
    /// Somebody else is in the middle of a transaction with the item, or one of them; nothing happens.
    Conflict,
    /// The service has an error; nothing happens.
    Failed,
    /// The connection breaks before anything happens.
    Lost,
    /// It happens, and then the connection breaks.
    Applied,
    /// A batch is not read to its end: nothing of it, for that matter.
    Unprocessed,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Throttled, Self::Conflict, Self::Failed, Self::Lost, Self::Applied, Self::Unprocessed];

    /// Says whether that operation can be met with it.
    fn concerns(self, operation: &str) -> bool {
        match self {
            Self::Unprocessed => operation == "BatchGetItem",
            Self::Conflict => ["TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem"].contains(&operation),
            _ => true,
        }
    }
}

/// A way to a `DynamoDB` server on which faults wait for requests. It ends with the runtime that started it.
#[derive(Debug)]
pub struct DynamoShim {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: String,
    client: reqwest::Client,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Faults for the next requests with that operation, or any.
    waiting: VecDeque<(Option<&'static str>, Fault)>,
    /// Faults that the first sending of each request is met with in turn, and what was sent already.
    rotation: Option<(Vec<Fault>, usize, HashSet<Bytes>)>,
    /// How many more requests with that operation pass, before all are met with a fault.
    then: Option<(u64, &'static str, Fault)>,
    /// Whether the indexes have heard of nothing yet.
    lags: bool,
    /// What everything is met with.
    every: Option<Fault>,
    counts: BTreeMap<String, u64>,
}

impl DynamoShim {
    /// Starts a way to a server.
    ///
    /// # Errors
    ///
    /// Whatever the operating system says when no port is free.
    pub async fn start(server: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Shared { server: server.to_owned(), client: reqwest::Client::new(), state: Mutex::default() };
        let shared = Arc::new(shared);
        tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { url, shared })
    }

    /// Returns its address, as `AWS_ENDPOINT_URL_DYNAMODB` takes it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Meets the next request with a fault: the next one with that operation, if one is named.
    pub fn meet(&self, operation: Option<&'static str>, fault: Fault) {
        self.shared.state().waiting.push_back((operation, fault));
    }

    /// Meets each request with a fault when it is sent for the first time: one of those that can happen to it, in turn.
    pub fn meet_each_once(&self, faults: &[Fault]) {
        self.shared.state().rotation = Some((faults.to_vec(), 0, HashSet::new()));
    }

    /// Lets so many requests with that operation pass, and meets all others with a fault.
    pub fn meet_after(&self, passing: u64, operation: &'static str, fault: Fault) {
        self.shared.state().then = Some((passing, operation, fault));
    }

    /// Lets everything pass from now on.
    pub fn meet_nothing(&self) {
        let mut state = self.shared.state();
        *state = State { counts: std::mem::take(&mut state.counts), ..State::default() };
    }

    /// Meets everything with a fault from now on, or nothing any more.
    pub fn meet_all(&self, fault: Option<Fault>) {
        self.shared.state().every = fault;
    }

    /// Has the indexes hear of nothing, or of everything again.
    pub fn lag(&self, lags: bool) {
        self.shared.state().lags = lags;
    }

    /// Asks the server something, past every fault: `target` is the API's version and the operation.
    ///
    /// # Panics
    ///
    /// If it refuses.
    pub async fn ask(&self, target: &str, question: &Value) -> Value {
        let request = self.shared.client.post(&self.shared.server).header("x-amz-target", target);
        let request = request.header(CONTENT_TYPE, "application/x-amz-json-1.0").header("authorization", CREDENTIAL);
        let answer = request.body(question.to_string()).send().await.expect("the server answers");
        assert!(answer.status().is_success(), "{target}: {}", answer.text().await.unwrap_or_default());
        answer.json().await.expect("it speaks JSON")
    }

    /// Returns how many requests came since the last time, by operation.
    #[must_use]
    pub fn take_counts(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.shared.state().counts)
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| answer(Arc::clone(&shared), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// The connection was cut.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
struct Cut;

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit_once('.').map_or("", |(_, operation)| operation).to_owned();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let fault = shared.state().fault(&operation, &body);
    match fault {
        Some(Fault::Throttled) if operation == "TransactWriteItems" => {
            return Ok(cancellation(&asked, "ThrottlingError"));
        }
        Some(Fault::Throttled) => return Ok(refusal("ProvisionedThroughputExceededException", json!({}))),
        Some(Fault::Conflict) if operation == "TransactWriteItems" => {
            return Ok(cancellation(&asked, "TransactionConflict"));
        }
        Some(Fault::Conflict) => return Ok(refusal("TransactionConflictException", json!({}))),
        Some(Fault::Failed) => {
            return Ok(response(StatusCode::INTERNAL_SERVER_ERROR, &json!({"__type": "InternalServerError"})));
        }
        Some(Fault::Lost) => return Err(Cut),
        Some(Fault::Unprocessed) => {
            let tables = asked["RequestItems"].as_object().into_iter().flatten();
            let nothing: Value = tables.map(|(table, _)| (table.clone(), json!([]))).collect();
            let body = json!({"Responses": nothing, "UnprocessedKeys": asked["RequestItems"]});
            return Ok(response(StatusCode::OK, &body));
        }
        Some(Fault::Applied) => {
            shared.forward(&head, body).await?;
            return Err(Cut);
        }
        None => {}
    }
    if operation == "Query" && asked.get("IndexName").is_some() && shared.state().lags {
        return Ok(response(StatusCode::OK, &json!({"Items": [], "Count": 0, "ScannedCount": 0})));
    }
    shared.forward(&head, body).await
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn forward(&self, head: &hyper::http::request::Parts, body: Bytes) -> Result<Response<Full<Bytes>>, Cut> {
        let request = self.client.post(&self.server).headers(head.headers.clone()).body(body);
        let answer = request.send().await.map_err(|_| Cut)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|_| Cut)?;
        let response = Response::builder().status(status).header(CONTENT_TYPE, "application/x-amz-json-1.0");
        Ok(response.body(Full::from(body)).expect("these headers can be sent"))
    }
}

impl State {
    fn fault(&mut self, operation: &str, body: &Bytes) -> Option<Fault> {
        *self.counts.entry(operation.to_owned()).or_default() += 1;
        if let Some(fault) = self.every {
            return Some(fault);
        }
        let is_meant = |(named, fault): &(Option<&str>, Fault)| {
            named.is_none_or(|named| named == operation) && fault.concerns(operation)
        };
        if let Some(position) = self.waiting.iter().position(is_meant) {
            return self.waiting.remove(position).map(|(_, fault)| fault);
        }
        if let Some((passing, _, fault)) = self.then.as_mut().filter(|(_, named, _)| *named == operation) {
            if *passing == 0 {
                return Some(*fault);
            }
            *passing -= 1;
        }
        let (faults, turn, sent) = self.rotation.as_mut()?;
        if !sent.insert(body.clone()) {
            return None;
        }
        let possible = (0..faults.len()).map(|step| faults[(*turn + step) % faults.len()]);
        let fault = possible.into_iter().find(|fault| fault.concerns(operation))?;
        *turn += 1;
        Some(fault)
    }
}

/// Says that the last part of a transaction could not be made, and for that none of it.
fn cancellation(asked: &Value, code: &str) -> Response<Full<Bytes>> {
    let parts = asked["TransactItems"].as_array().map_or(0, Vec::len);
    let mut reasons = vec![json!({"Code": "None"}); parts];
    if let Some(last) = reasons.last_mut() {
        *last = json!({"Code": code, "Message": "met with a fault"});
    }
    refusal("TransactionCanceledException", json!({ "CancellationReasons": reasons }))
}

fn refusal(kind: &str, mut more: Value) -> Response<Full<Bytes>> {
    more["__type"] = json!(format!("com.amazonaws.dynamodb.v20120810#{kind}"));
    more["message"] = json!("met with a fault");
    response(StatusCode::BAD_REQUEST, &more)
}

fn response(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/x-amz-json-1.0");
    response.body(Full::from(body.to_string())).expect("these headers can be sent")
}
