use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

use crate::provider::{KEY, MockProvider};
use crate::{Answer, Browser, Deployment};

/// A gateway in front of a mock provider, and somebody with a token.
///
/// `plain` is an Anthropic model, `plain-gpt` an OpenAI one, both under their own names. After `claude-` or `gpt-` the
/// name says what the provider does, such as `claude-mock-events-9`. Tokens cost a dollar per million in, five out.
#[derive(Debug)]
pub struct Fronted {
    /// The provider.
    pub provider: MockProvider,
    /// The gateway.
    pub gateway: Deployment,
    /// Somebody.
    pub ann: Browser,
    /// Their token.
    pub token: String,
}

impl Fronted {
    /// Starts both, with this configuration beside the providers and models.
    pub async fn start(more: &str) -> Self {
        let provider = MockProvider::start().await;
        let gateway = Deployment::start(&(configuration(&provider.url()) + more)).await;
        Self::with(provider, gateway).await
    }

    /// Starts both, the gateway as several processes, with this configuration beside the providers and models.
    pub async fn compose(more: &str) -> Self {
        let provider = MockProvider::start().await;
        let gateway = Deployment::compose(&(configuration(&provider.url()) + more)).await;
        Self::with(provider, gateway).await
    }

    /// Starts both, the gateway as a Worker in the bare runtime, with this configuration beside the providers and models.
    pub async fn bare_edge(more: &str) -> Self {
        let provider = MockProvider::start().await;
        let gateway = Deployment::bare_edge(&(configuration(&provider.url()) + more)).await;
        Self::with(provider, gateway).await
    }

    /// Starts both, the gateway as a Worker that is watched, and panics at a request with the header `x-test-panic`.
    pub async fn watched_edge(more: &str) -> Self {
        let provider = MockProvider::start().await;
        let gateway = Deployment::watched_edge(&(configuration(&provider.url()) + more)).await;
        Self::with(provider, gateway).await
    }

    async fn with(provider: MockProvider, gateway: Deployment) -> Self {
        let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
        let token = ann.mint().await.token;
        Self { provider, gateway, ann, token }
    }

    /// Begins a call with the token.
    pub fn post(&self, path: &str) -> RequestBuilder {
        let request = Client::new().post(format!("{}{path}", self.gateway.origin())).bearer_auth(&self.token);
        request.header("content-type", "application/json")
    }

    /// Calls, and returns the answer as soon as its head is there.
    ///
    /// # Panics
    ///
    /// If nobody answers.
    pub async fn call(&self, path: &str, body: &Value) -> Response {
        self.post(path).json(body).send().await.expect("the gateway answers")
    }

    /// Calls, and reads the answer to its end.
    ///
    /// # Panics
    ///
    /// If it breaks off.
    pub async fn ask(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.call(path, body).await).await
    }
}

/// Returns the configuration of a gateway before a provider at this URL.
fn configuration(url: &str) -> String {
    let price = "price = { input = \"1.00\", output = \"5.00\", cache_read = \"0.10\", cache_write_5m = \"2.00\", cache_write_1h = \"3.00\" }";
    format!(
        "[providers.anthropic]\nkind = \"anthropic\"\nbase_url = \"{url}\"\napi_key = \"{KEY}\"\n\
         [providers.openai]\nkind = \"openai\"\nbase_url = \"{url}/v1\"\napi_key = \"{KEY}\"\n\
         [models.plain]\nprovider = \"anthropic\"\n{price}\n\
         [models.plain-gpt]\nprovider = \"openai\"\n{price}\n\
         [models.\"claude-*\"]\nprovider = \"anthropic\"\nupstream_name = \"*\"\n{price}\n\
         [models.\"gpt-*\"]\nprovider = \"openai\"\nupstream_name = \"*\"\n{price}\n"
    )
}
