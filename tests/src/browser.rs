use std::collections::BTreeMap;

use reqwest::header::{LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{Answer, Deployment};

/// Nanodollars in a dollar.
const PER_DOLLAR: i64 = 1_000_000_000;

/// Most redirects and forms between the start of a sign-in and its end.
const MAX_STEPS: usize = 10;

/// A browser with cookies of its own, which follows no redirects by itself.
#[derive(Debug, Clone)]
pub struct Browser {
    client: Client,
    origin: String,
    cookies: BTreeMap<String, String>,
}

/// A token that was just minted.
#[derive(Debug, Clone)]
pub struct Minted {
    /// What opens the gateway.
    pub token: String,
    /// Its public id.
    pub id: String,
}

/// What somebody spent in all, and what their running calls hold, in nanodollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    /// Spent.
    pub spent: i64,
    /// Held.
    pub held: i64,
}

impl Money {
    fn of(answer: &Answer) -> Self {
        let total = &answer.body["spend"]["total"];
        Self { spent: nanodollars(&total["spent"]), held: nanodollars(&total["held"]) }
    }
}

impl Browser {
    /// Opens a browser that has been nowhere.
    ///
    /// # Panics
    ///
    /// If there can be no HTTP client.
    #[must_use]
    pub fn open(deployment: &Deployment) -> Self {
        // A connection of its own for each request: where there are several processes, another one answers the next.
        let client = Client::builder()
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .expect("a client needs nothing");
        Self { client, origin: deployment.origin().to_owned(), cookies: BTreeMap::new() }
    }

    /// Opens a browser and signs somebody in.
    ///
    /// # Panics
    ///
    /// If that does not work.
    pub async fn sign_in(deployment: &Deployment, email: &str) -> Self {
        let mut browser = Self::open(deployment);
        let callback = browser.authenticate(email, "/token-manager").await;
        let answer = browser.visit(&callback).await;
        assert_eq!(answer.status(), StatusCode::FOUND, "the callback");
        browser
    }

    /// Goes to the identity provider and fills in its form, if it shows one; returns where it sends the browser.
    ///
    /// # Panics
    ///
    /// If the gateway or the provider answers something else than a redirect or a form.
    pub async fn authenticate(&mut self, email: &str, return_to: &str) -> String {
        let start: String = form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
        let mut answer = self.visit(&format!("{}/oauth2/start?rd={start}", self.origin)).await;
        assert_eq!(answer.status(), StatusCode::FOUND, "the start of a sign-in");
        for _ in 0..MAX_STEPS {
            if answer.status() == StatusCode::OK {
                answer = self.submit(answer, &[("email", email)]).await;
                continue;
            }
            let next = location(&answer);
            if next.starts_with(&format!("{}/oauth2/callback", self.origin)) {
                return next;
            }
            answer = self.visit(&next).await;
        }
        unreachable!("the identity provider sends browsers round in circles")
    }

    /// Sends a page's form with its hidden fields and these.
    ///
    /// # Panics
    ///
    /// If the page has no form.
    pub async fn submit(&mut self, page: Response, fields: &[(&str, &str)]) -> Response {
        let address = page.url().clone();
        let page = page.text().await.expect("a page");
        let form = page.split("<form").nth(1).unwrap_or_else(|| unreachable!("no form: {page}"));
        let action = attribute(form.split('>').next().unwrap_or_default(), "action");
        let action = address.join(&action).expect("a form's action is an address");
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let fields = hidden_fields(&page).into_iter().chain(fields);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.with_cookies(self.client.post(action)).body(body).header("sec-fetch-site", "same-origin");
        self.send(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    /// Goes to a page.
    ///
    /// # Panics
    ///
    /// If nobody answers.
    pub async fn visit(&mut self, url: &str) -> Response {
        let request = self.client.get(url).header("accept", "text/html").header("sec-fetch-mode", "navigate");
        self.send(self.with_cookies(request)).await
    }

    /// Asks our own API for something, as a page of ours does.
    pub async fn get(&mut self, path: &str) -> Answer {
        let request = self.request(Method::GET, path);
        Answer::of(self.send(request).await).await
    }

    /// Changes something through our own API, as a page of ours does.
    pub async fn post(&mut self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).json(body);
        Answer::of(self.send(request).await).await
    }

    /// Replaces something through our own API, as a page of ours does.
    pub async fn put(&mut self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::PUT, path).json(body);
        Answer::of(self.send(request).await).await
    }

    /// Takes something away through our own API, as a page of ours does.
    pub async fn delete(&mut self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::DELETE, path).json(body);
        Answer::of(self.send(request).await).await
    }

    /// Starts a request of a page of ours; the caller adds what else it has.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare_request(method, path).header("sec-fetch-site", "same-origin")
    }

    /// Forgets the identity provider's cookies, so that it asks again who is there.
    pub fn leave_provider(&mut self) {
        self.cookies.retain(|name, _| name.starts_with("llm_gateway_"));
    }

    /// Starts a request that has this browser's cookies and says nothing of where it comes from.
    pub fn bare_request(&self, method: Method, path: &str) -> RequestBuilder {
        self.with_cookies(self.client.request(method, format!("{}{path}", self.origin)))
    }

    /// Returns the value of the session cookie.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn ticket(&self) -> &str {
        &self.cookies["llm_gateway_session"]
    }

    /// Returns what this browser says in the header `Cookie`.
    #[must_use]
    pub fn cookie_header(&self) -> String {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    /// Sets a cookie, as if the browser had got it.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Mints a token.
    ///
    /// # Panics
    ///
    /// If that is refused.
    pub async fn mint(&mut self) -> Minted {
        let answer = self.post("/api/token/generate", &json!({"token_name": "laptop"})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        let text = |name: &str| answer.body[name].as_str().expect("a text").to_owned();
        Minted { token: text("token"), id: text("token_id") }
    }

    /// Revokes a token.
    ///
    /// # Panics
    ///
    /// If that is refused.
    pub async fn revoke(&mut self, id: &str) {
        let answer = self.post("/api/token/revoke", &json!({"token_id": id})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }

    /// Returns what this person spent and holds.
    ///
    /// # Panics
    ///
    /// If the gateway does not say.
    pub async fn money(&mut self) -> Money {
        let answer = self.get("/api/usage/me").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        Money::of(&answer)
    }

    /// Waits until no call of this person holds anything, and returns what they spent.
    ///
    /// A call is settled when its answer has ended, in the background: a moment later.
    ///
    /// # Panics
    ///
    /// If something is still held after half a minute.
    pub async fn settled(&mut self) -> i64 {
        let waiting = async {
            loop {
                // A store that was just stalled may still be busy with what waited.
                let answer = self.get("/api/usage/me").await;
                if answer.status == StatusCode::OK && Money::of(&answer).held == 0 {
                    return Money::of(&answer).spent;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await;
        waited.expect("nothing stays held")
    }

    async fn send(&mut self, request: RequestBuilder) -> Response {
        let response = request.send().await.expect("the deployment answers");
        for header in response.headers().get_all(SET_COOKIE) {
            let cookie = header.to_str().expect("cookies are ASCII");
            let (name, rest) = cookie.split_once('=').expect("a cookie has a name");
            let value = rest.split(';').next().unwrap_or_default();
            if cookie.contains("Max-Age=0") || cookie.contains("expires=Thu, 01 Jan 1970") {
                self.cookies.remove(name);
            } else {
                self.set_cookie(name, value);
            }
        }
        response
    }

    fn with_cookies(&self, request: RequestBuilder) -> RequestBuilder {
        if self.cookies.is_empty() { request } else { request.header("cookie", self.cookie_header()) }
    }
}

/// Returns where a redirect leads.
///
/// # Panics
///
/// If it is none.
#[must_use]
pub fn location(answer: &Response) -> String {
    let location = answer.headers().get(LOCATION).unwrap_or_else(|| unreachable!("no redirect: {}", answer.status()));
    let location = location.to_str().expect("addresses are ASCII");
    answer.url().join(location).expect("a redirect leads to an address").into()
}

fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let inputs = page.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
    let hidden = inputs.filter(|input| input.contains("type=\"hidden\""));
    hidden.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect()
}

fn attribute(tag: &str, name: &str) -> String {
    let value = tag.split_once(&format!("{name}=\"")).map_or("", |(_, rest)| rest.split('"').next().unwrap_or(""));
    value.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn nanodollars(amount: &Value) -> i64 {
    let (whole, fraction) = amount.as_str().expect("amounts are texts").split_once('.').expect("with decimals");
    let digits = format!("{fraction:0<9}");
    whole.parse::<i64>().expect("digits") * PER_DOLLAR + digits.parse::<i64>().expect("digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hidden_fields() {
        let page = r#"<form><input type="hidden" name="a" value="1&amp;2"><input name="email" value="x"></form>"#;
        assert_eq!(hidden_fields(page), [("a".to_owned(), "1&2".to_owned())]);
    }

    #[test]
    fn reads_amounts_to_the_nanodollar() {
        assert_eq!(nanodollars(&json!("10.00")), 10_000_000_000);
        assert_eq!(nanodollars(&json!("0.000000001")), 1);
    }
}
