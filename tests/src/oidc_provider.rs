use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Deployment, NotReady, Process, free_port, place};

/// How long the provider may take from its start to its first answer: a second, and the rest for a machine that compiles
/// something else meanwhile.
const START: Duration = Duration::from_mins(1);

/// How often another port is tried. Node takes half a second to listen, and a connection of another test may have been
/// given the port meanwhile.
const MAX_PORTS: usize = 3;

/// The secret of the client `gateway`: with characters that have to be escaped on the way (RFC 6749 §2.3.1).
const SECRET: &str = "client_secret = \"s3cret/+\"\n";

/// A certified OpenID provider, with accounts and clients of its own (`tests/node/oidc_provider.mjs`).
#[derive(Debug)]
pub struct OidcProvider {
    process: Option<Process>,
    issuer: String,
    port: u16,
}

impl OidcProvider {
    /// Starts a provider that knows no gateway yet.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn start() -> Self {
        for _ in 1..MAX_PORTS {
            if let Ok(provider) = Self::listen(free_port().expect("a port is free")).await {
                return provider;
            }
        }
        Self::listen(free_port().expect("a port is free")).await.expect("the provider starts")
    }

    /// Starts a provider and a gateway that signs people in with it, as a client with a secret; `signin` says who may,
    /// and what else that section has.
    ///
    /// # Panics
    ///
    /// If one of them does not start.
    pub async fn with_gateway(signin: &str) -> (Self, Deployment) {
        let provider = Self::start().await;
        let gateway = Deployment::start(&provider.signin("gateway", &format!("{SECRET}{signin}"))).await;
        provider.welcome(&gateway).await;
        (provider, gateway)
    }

    /// Returns a gateway's configuration for this provider and one of its clients.
    #[must_use]
    pub fn signin(&self, client: &str, more: &str) -> String {
        format!("[signin]\nissuer = \"{}\"\nclient_id = \"{client}\"\n{more}\n", self.issuer)
    }

    /// Returns the issuer identifier.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Lets its clients' browsers come back to a gateway.
    pub async fn welcome(&self, gateway: &Deployment) {
        self.change("gateway", &json!({"origin": gateway.origin()})).await;
    }

    /// Says something else of an account in its next ID tokens.
    pub async fn describe(&self, account: &str, claims: &Value) {
        self.change("claims", &json!({"account": account, "claims": claims})).await;
    }

    /// Signs with a new key from now on, and publishes no other.
    pub async fn rotate_keys(&self) {
        self.change("rotate-keys", &json!({})).await;
    }

    /// Takes it down, without a warning. It forgets everything.
    pub fn stop(&mut self) {
        drop(self.process.take());
    }

    /// Starts it anew, at the same address, with new keys.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn restart(&mut self, gateway: &Deployment) {
        self.process = Self::listen(self.port).await.expect("the provider starts").process;
        self.welcome(gateway).await;
    }

    async fn listen(port: u16) -> Result<Self, NotReady> {
        let issuer = format!("http://localhost:{port}");
        let script = place("LLM_GATEWAY_ROOT").expect("scripts/test says where that is");
        let prefix = place("LLM_GATEWAY_NODE").expect("scripts/test says where that is");
        let script = script.join("tests/node/oidc_provider.mjs");
        let mut process =
            Process::start(Command::new("node").arg(script).arg(port.to_string()).arg(prefix)).expect("node is there");
        process.answers(&format!("{issuer}/.well-known/openid-configuration"), START).await?;
        Ok(Self { process: Some(process), issuer, port })
    }

    async fn change(&self, what: &str, change: &Value) {
        let request = reqwest::Client::new().post(format!("{}/test/{what}", self.issuer)).json(change);
        let answer = request.send().await.expect("the provider answers");
        assert!(answer.status().is_success(), "{what}: {}", answer.status());
    }
}
