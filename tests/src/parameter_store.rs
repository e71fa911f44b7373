use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

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

/// The key that encrypts where none is named.
const OWN_KEY: &str = "alias/aws/ssm";

/// Stands for AWS's parameter store, of which there is no local one: it keeps texts by name. It ends with the runtime that
/// started it.
#[derive(Debug)]
pub struct ParameterStore {
    url: String,
    parameters: Parameters,
}

/// Parameters by name.
type Parameters = Arc<Mutex<BTreeMap<String, Parameter>>>;

/// A value, its version, and the key that it is encrypted with.
type Parameter = (String, u64, String);

/// How many of the parameters under a path are told at once.
const AT_ONCE: usize = 10;

impl ParameterStore {
    /// Starts an empty one.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it listens"));
        let parameters = Arc::default();
        tokio::spawn(serve(listener, Arc::clone(&parameters)));
        Self { url, parameters }
    }

    /// Returns its address, as `AWS_ENDPOINT_URL_SSM` takes it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts a parameter in.
    pub fn put(&self, name: &str, value: &str) {
        self.lock().insert(name.to_owned(), (value.to_owned(), 1, OWN_KEY.to_owned()));
    }

    /// Returns what a parameter holds.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.lock().get(name).map(|(value, ..)| value.clone())
    }

    /// Returns the key that a parameter is encrypted with.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<String> {
        self.lock().get(name).map(|(.., key)| key.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Parameter>> {
        self.parameters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, parameters: Parameters) {
    while let Ok((stream, _)) = listener.accept().await {
        let parameters = Arc::clone(&parameters);
        let service = service_fn(move |request| answer(Arc::clone(&parameters), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Returns what is told of a parameter to who reads it.
fn described(name: &str, (value, version, _): &Parameter) -> Value {
    json!({"Name": name, "Type": "SecureString", "Value": value, "Version": version})
}

async fn answer(parameters: Parameters, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = request.headers().get("x-amz-target").cloned();
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut parameters = parameters.lock().unwrap_or_else(PoisonError::into_inner);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (status, told) = match target.as_ref().map(hyper::header::HeaderValue::as_bytes) {
        Some(b"AmazonSSM.GetParameters") if asked["WithDecryption"] == true => {
            let names: Vec<String> = asked["Names"].as_array().into_iter().flatten().map(text).collect();
            let (known, unknown): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| parameters.contains_key(name));
            let known: Vec<Value> = known.iter().map(|name| described(name, &parameters[name])).collect();
            (StatusCode::OK, json!({"Parameters": known, "InvalidParameters": unknown}))
        }
        Some(b"AmazonSSM.GetParametersByPath") if asked["WithDecryption"] == true && asked["Recursive"] == true => {
            let path = text(&asked["Path"]) + "/";
            let from = text(&asked["NextToken"]);
            let mut under = parameters.range(from..).filter(|(name, _)| name.starts_with(&path));
            let told: Vec<Value> =
                under.by_ref().take(AT_ONCE).map(|(name, parameter)| described(name, parameter)).collect();
            let next = under.next().map(|(name, _)| name);
            (StatusCode::OK, json!({"Parameters": told, "NextToken": next}))
        }
        Some(b"AmazonSSM.PutParameter") if asked["Type"] == "SecureString" && asked["Overwrite"] == true => {
            let version = parameters.get(&text(&asked["Name"])).map_or(0, |(_, version, _)| *version) + 1;
            let key = asked["KeyId"].as_str().unwrap_or(OWN_KEY).to_owned();
            parameters.insert(text(&asked["Name"]), (text(&asked["Value"]), version, key));
            (StatusCode::OK, json!({"Version": version, "Tier": "Standard"}))
        }
        Some(b"AmazonSSM.DescribeParameters") if asked["ParameterFilters"][0]["Key"] == "Name" => {
            let name = text(&asked["ParameterFilters"][0]["Values"][0]);
            let described: Vec<Value> =
                parameters.get(&name).map(|(.., key)| json!({"Name": name, "KeyId": key})).into_iter().collect();
            (StatusCode::OK, json!({ "Parameters": described }))
        }
        _ => (StatusCode::BAD_REQUEST, json!({"__type": "ValidationException", "message": "this is not expected"})),
    };
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/x-amz-json-1.1");
    Ok(response.body(Full::from(told.to_string())).expect("these headers can be sent"))
}
