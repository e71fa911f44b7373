//! Who may call what: every route, by everybody, in every way.

use std::collections::BTreeMap;

use gateway_tests::{Answer, Browser, Deployment};
use reqwest::{Client, Method, StatusCode};
use serde_json::json;

/// What the directory shows.
const DIRECTORY: &str = "obviously-fake-scim-token-of-40-characters";

const CONFIGURATION: &str = "[scim]\ntoken = \"obviously-fake-scim-token-of-40-characters\"\n\
                             [roles]\nsuper_admins = [\"super@example.com\"]\n\
                             admins = [\"admin@example.com\", \"suspended@example.com\", \"removed@example.com\"]\n";

/// Routes that end what the others need: they come last, by a session of their own.
const ENDING: [(&str, &str); 3] =
    [("POST", "/oauth2/sign_out"), ("POST", "/api/me/sign-out-everywhere"), ("POST", "/api/token/revoke-all")];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Person {
    Nobody,
    User,
    /// An administrator who was suspended.
    Suspended,
    /// An administrator who was removed.
    Removed,
    Admin,
    SuperAdmin,
}

/// How somebody shows who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Cookie,
    /// A token with every scope that they may have.
    FullToken,
    /// A token with a scope that the route does not ask for.
    OtherToken,
}

/// What somebody has.
struct Credentials {
    browser: Browser,
    /// Tokens by their scope, and one with all.
    tokens: BTreeMap<&'static str, String>,
}

struct Route {
    method: String,
    path: String,
    gate: String,
}

impl Person {
    const ALL: [Self; 6] = [Self::Nobody, Self::User, Self::Suspended, Self::Removed, Self::Admin, Self::SuperAdmin];

    const fn address(self) -> &'static str {
        match self {
            Self::Nobody => "",
            Self::User => "user@example.com",
            Self::Suspended => "suspended@example.com",
            Self::Removed => "removed@example.com",
            Self::Admin => "admin@example.com",
            Self::SuperAdmin => "super@example.com",
        }
    }

    const fn is_active(self) -> bool {
        matches!(self, Self::User | Self::Admin | Self::SuperAdmin)
    }
}

/// Reads what the program says of its routes.
fn routes(gateway: &Deployment) -> Vec<Route> {
    let printed = gateway.program().arg("routes").output().expect("the program runs");
    let printed = String::from_utf8(printed.stdout).expect("it prints text");
    let routes: Vec<Route> = printed
        .lines()
        .map(|line| {
            let parts: Vec<String> = line.split('\t').map(str::to_owned).collect();
            let [method, path, gate] = parts.try_into().expect("three parts");
            Route { method, path, gate }
        })
        .collect();
    assert!(routes.len() > 50, "there are many");
    routes
}

impl Route {
    /// Returns a path that can be asked for, and leads to nobody.
    fn target(&self) -> String {
        let parameters = [
            ("{name}", "app.css"),
            ("{token_id}", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            ("{session_key}", "AAAAAAAAAAAAAAAAAAAAAA"),
            ("{email}", "nobody@example.org"),
            ("{id}", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        ];
        parameters.iter().fold(self.path.clone(), |path, (name, value)| path.replace(name, value))
    }

    fn is_ending(&self) -> bool {
        ENDING.contains(&(self.method.as_str(), self.path.as_str()))
    }

    /// Returns the scope of which a token has to be.
    fn scope(&self) -> Option<&str> {
        match self.gate.as_str() {
            "administrator" | "super administrator" => Some("admin"),
            gate => gate.rsplit_once("token ").map(|(_, scope)| scope),
        }
    }

    fn takes_cookies(&self) -> bool {
        !self.gate.starts_with("token ")
    }

    fn is_for(&self, person: Person) -> bool {
        match self.gate.trim_start_matches("page for ") {
            "administrator" => person >= Person::Admin,
            "super administrator" => person == Person::SuperAdmin,
            _ => person.is_active(),
        }
    }

    /// Returns the only status that is right, or none if the caller is let in: what becomes of the request then is not about
    /// who asks.
    fn expected(&self, person: Person, way: Way) -> Option<StatusCode> {
        match self.gate.as_str() {
            "open" => return None,
            "front" => return Some(StatusCode::NOT_FOUND),
            "directory" => return Some(StatusCode::UNAUTHORIZED),
            _ => {}
        }
        let has_session = way == Way::Cookie && person.is_active() && self.takes_cookies();
        let has_token = way != Way::Cookie && person != Person::Nobody && self.scope().is_some();
        if !has_session && !has_token {
            let is_sent_to_sign_in = self.gate.starts_with("page") && (way == Way::Cookie || person == Person::Nobody);
            return Some(if is_sent_to_sign_in { StatusCode::FOUND } else { StatusCode::UNAUTHORIZED });
        }
        match person {
            Person::Removed => Some(StatusCode::UNAUTHORIZED),
            Person::Suspended => Some(StatusCode::FORBIDDEN),
            _ if way == Way::OtherToken || !self.is_for(person) => Some(StatusCode::FORBIDDEN),
            _ => None,
        }
    }

    async fn ask(&self, gateway: &Deployment, credentials: &Credentials, way: Way) -> Answer {
        let method = Method::from_bytes(self.method.as_bytes()).expect("it is a method");
        let scope = self.scope().unwrap_or("llm");
        let token = match way {
            Way::Cookie => None,
            Way::FullToken => credentials.tokens.get("all"),
            Way::OtherToken => credentials.tokens.get(if scope == "llm" { "usage:read" } else { "llm" }),
        };
        let request = match token {
            Some(token) => {
                let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
                client.request(method.clone(), format!("{}{}", gateway.origin(), self.target())).bearer_auth(token)
            }
            None => credentials.browser.request(method.clone(), &self.target()),
        };
        // What models are asked is read before it is known who asks.
        let body = if self.path.starts_with("/v1/") {
            json!({"model": "echo", "max_tokens": 16, "messages": [{"role": "user", "content": "ping"}], "input": "ping"})
        } else {
            json!({})
        };
        let request = if method == Method::GET { request } else { request.json(&body) };
        Answer::of(request.send().await.expect("the gateway answers")).await
    }
}

async fn mint(browser: &mut Browser, scopes: &[&str]) -> Option<String> {
    let answer = browser.post("/api/token/generate", &json!({"token_name": "matrix", "scopes": scopes})).await;
    answer.body["token"].as_str().map(str::to_owned)
}

/// Signs somebody in, and mints tokens for them.
async fn credentials(gateway: &Deployment, person: Person) -> Credentials {
    if person == Person::Nobody {
        return Credentials { browser: Browser::open(gateway), tokens: BTreeMap::new() };
    }
    let mut browser = Browser::sign_in(gateway, person.address()).await;
    let mut tokens = BTreeMap::new();
    for scope in ["llm", "usage:read"] {
        tokens.insert(scope, mint(&mut browser, &[scope]).await.expect("everybody may have it"));
    }
    let all = match mint(&mut browser, &["llm", "usage:read", "admin"]).await {
        Some(all) => all,
        None => mint(&mut browser, &["llm", "usage:read"]).await.expect("everybody may have it"),
    };
    tokens.insert("all", all);
    Credentials { browser, tokens }
}

async fn everybody(gateway: &Deployment) -> BTreeMap<Person, Credentials> {
    let mut people = BTreeMap::new();
    for person in Person::ALL {
        people.insert(person, credentials(gateway, person).await);
    }
    let boss = &mut people.get_mut(&Person::SuperAdmin).expect("they signed in").browser;
    let suspended = boss.post("/api/admin/users/ban", &json!({"user_email": Person::Suspended.address()})).await;
    assert_eq!(suspended.status, StatusCode::OK, "{}", suspended.text);
    let left = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": Person::Removed.address(), "active": false});
    let removed = Client::new().post(format!("{}/scim/v2/Users", gateway.origin())).bearer_auth(DIRECTORY).json(&left);
    assert_eq!(removed.send().await.expect("the gateway answers").status(), StatusCode::CREATED);
    people
}

fn assert_expected(route: &Route, person: Person, way: Way, answer: &Answer) {
    let about = format!("{} {} ({}) by {person:?} with {way:?}", route.method, route.path, route.gate);
    match route.expected(person, way) {
        Some(expected) => assert_eq!(answer.status, expected, "{about}: {}", answer.text),
        None => assert!(
            !matches!(answer.status.as_u16(), 401 | 403 | 404 | 405 | 500..)
                || (answer.status == 404 && (route.path.contains('{') || route.path.starts_with("/api/token/info"))),
            "{about}: {} {}",
            answer.status,
            answer.text
        ),
    }
}

#[tokio::test]
async fn lets_everybody_do_what_their_role_says_and_nothing_else() {
    let gateway = Deployment::start(CONFIGURATION).await;
    let routes = routes(&gateway);
    let people = everybody(&gateway).await;
    let (ending, others): (Vec<&Route>, Vec<&Route>) = routes.iter().partition(|route| route.is_ending());
    assert_eq!(ending.len(), ENDING.len());
    for route in others {
        for (person, credentials) in &people {
            for way in [Way::Cookie, Way::FullToken, Way::OtherToken] {
                let answer = route.ask(&gateway, credentials, way).await;
                assert_expected(route, *person, way, &answer);
            }
        }
    }
    for route in ending {
        for (person, credentials) in &people {
            for way in [Way::FullToken, Way::OtherToken, Way::Cookie] {
                let fresh;
                let credentials = if way == Way::Cookie && person.is_active() {
                    let browser = Browser::sign_in(&gateway, person.address()).await;
                    fresh = Credentials { browser, tokens: BTreeMap::new() };
                    &fresh
                } else {
                    credentials
                };
                let answer = route.ask(&gateway, credentials, way).await;
                assert_expected(route, *person, way, &answer);
            }
        }
    }
}
