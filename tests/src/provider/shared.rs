use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::asked::{Api, Asked, Endpoint};
use super::behaviour::{Kind, Manner};
use super::head::head;
use super::record::{Record, lock};
use super::reply::{Body, Reply, natural, refusal, scripted};
use super::{Behaviour, Received};

/// What all connections know.
#[derive(Debug)]
pub(super) struct Shared {
    script: Mutex<Script>,
    record: Record,
    count: AtomicU64,
    /// Answers in one piece to what asks for nothing special: they are the same each time.
    rendered: Mutex<HashMap<Question, Arc<[u8]>>>,
}

/// What an answer to nothing special depends on: what is asked of which model, and how often.
type Question = (Endpoint, String, usize);

/// What the test said.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) key: String,
    pub(super) next: VecDeque<Behaviour>,
    pub(super) models: HashMap<String, Behaviour>,
}

impl Shared {
    pub(super) fn new(key: String, record: bool) -> Self {
        Self {
            script: Mutex::new(Script { key, next: VecDeque::new(), models: HashMap::new() }),
            record: Record::new(record),
            count: AtomicU64::new(0),
            rendered: Mutex::default(),
        }
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        lock(&self.script)
    }

    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// Decides how to answer a request.
    pub(super) fn reply(&self, request: &Received) -> Reply {
        self.record.receive(request);
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let api = Api::of(request);
        if !self.admits(api, request) {
            return match api {
                Api::Anthropic => refusal(api, 401, "authentication_error", "invalid x-api-key", number),
                Api::OpenAi => refusal(api, 401, "invalid_api_key", "Incorrect API key provided.", number),
            };
        }
        let Some(endpoint) = Endpoint::of(request) else {
            return self.elsewhere(api, number);
        };
        let asked = match Asked::read(endpoint, &request.body) {
            Ok(asked) => asked,
            Err(message) => return refusal(api, 400, "invalid_request_error", message, number),
        };
        match self.told(&asked) {
            Some(behaviour) => scripted(api, &asked, behaviour, number),
            None if asked.stream || asked.tool.is_some() => scripted(api, &asked, usual(&asked), number),
            None => self.rendered(api, &asked, number),
        }
    }

    /// Answers at a path that neither API is known for here: with the bytes that a test said, if it did.
    fn elsewhere(&self, api: Api, number: u64) -> Reply {
        match self.script().next.pop_front().map(|behaviour| behaviour.kind) {
            Some(Kind::Verbatim { status, body }) => Reply::Http {
                head: head(api, status, "application/json", number),
                body: Body::Whole(body.into()),
                manner: Manner::default(),
            },
            _ => refusal(api, 404, "not_found_error", "not found", number),
        }
    }

    /// Tells whether the key is there. Anthropic takes it in either header, as its clients have it in either.
    fn admits(&self, api: Api, request: &Received) -> bool {
        let script = self.script();
        let key = Some(script.key.as_bytes());
        let bearer = request.header("authorization").and_then(|value| value.strip_prefix(b"Bearer "));
        bearer == key || api == Api::Anthropic && request.header("x-api-key") == key
    }

    fn told(&self, asked: &Asked) -> Option<Behaviour> {
        let mut script = self.script();
        if let Some(behaviour) = script.next.pop_front() {
            return Some(behaviour);
        }
        if let Some(behaviour) = script.models.get(&asked.model) {
            return Some(behaviour.clone());
        }
        let mut behaviour = Behaviour::of_model(&asked.model)?;
        behaviour.content.tool.clone_from(&asked.tool);
        Some(behaviour)
    }

    fn rendered(&self, api: Api, asked: &Asked, number: u64) -> Reply {
        let head = head(api, 200, "application/json", number);
        let key = (asked.endpoint, asked.model.clone(), asked.choices);
        // The list of models has two shapes and no model.
        if asked.endpoint == Endpoint::Models {
            let body = Body::json(natural(api, asked, &Behaviour::default()));
            return Reply::Http { head, body, manner: Manner::default() };
        }
        let mut rendered = lock(&self.rendered);
        let body =
            rendered.entry(key).or_insert_with(|| natural(api, asked, &Behaviour::default()).into_bytes().into());
        Reply::Http { head, body: Body::Whole(Arc::clone(body)), manner: Manner::default() }
    }
}

/// Returns how a request is answered that nobody was told of: with the tool that it asks for.
fn usual(asked: &Asked) -> Behaviour {
    let mut behaviour = Behaviour::default();
    behaviour.content.tool.clone_from(&asked.tool);
    behaviour
}
