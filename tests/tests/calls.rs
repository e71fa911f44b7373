//! Model calls: what they cost, what is refused, and in which words.

use gateway_tests::{Answer, Browser, Deployment, ask, message};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

async fn token_of(gateway: &Deployment) -> (Browser, String) {
    let mut ann = Browser::sign_in(gateway, "ann@example.com").await;
    let token = ann.mint().await.token;
    (ann, token)
}

fn post(gateway: &Deployment, path: &str) -> RequestBuilder {
    Client::new().post(format!("{}{path}", gateway.origin()))
}

async fn send(request: RequestBuilder) -> Answer {
    Answer::of(request.send().await.expect("the deployment answers")).await
}

fn completion(stream: bool) -> Value {
    json!({"model": "echo", "stream": stream, "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hello you"}]},
    ]})
}

#[tokio::test]
async fn costs_the_same_streamed_or_not_in_either_form() {
    let gateway = Deployment::start("").await;
    let (mut ann, token) = token_of(&gateway).await;
    // "Hello you" has 9 bytes: 3 tokens in at 1,000 nanodollars, 3 out at 5,000. "Be brief." has 9 bytes: 3 more in.
    let (message_cost, completion_cost) = (3 * 1000 + 3 * 5000, 6 * 1000 + 3 * 5000);
    let mut expected = 0;
    for stream in [false, true] {
        let answer = ask(&gateway, &token, &message("Hello you", 100, stream)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text.contains("\"output_tokens\":3"), "{}", answer.text);
        expected += message_cost;
        assert_eq!(ann.settled().await, expected, "stream: {stream}");
        let answer = send(post(&gateway, "/v1/chat/completions").bearer_auth(&token).json(&completion(stream))).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text.contains("\"prompt_tokens\":6"), "{}", answer.text);
        expected += completion_cost;
        assert_eq!(ann.settled().await, expected, "stream: {stream}");
    }
}

#[tokio::test]
async fn streams_events_that_clients_read() {
    let gateway = Deployment::start("").await;
    let (_, token) = token_of(&gateway).await;
    let answer = ask(&gateway, &token, &message("one two", 100, true)).await;
    assert_eq!(answer.header("content-type"), "text/event-stream; charset=utf-8");
    let kinds: Vec<_> = answer.text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let delta = "content_block_delta";
    assert_eq!(
        kinds,
        ["message_start", "content_block_start", delta, delta, "content_block_stop", "message_delta", "message_stop"]
    );
    let cut = ask(&gateway, &token, &message("one two", 1, false)).await;
    assert_eq!((&cut.body["stop_reason"], &cut.body["content"][0]["text"]), (&json!("max_tokens"), &json!("one ")));
    let chat = send(post(&gateway, "/v1/chat/completions").bearer_auth(&token).json(&completion(true))).await;
    assert!(chat.text.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn takes_the_token_from_either_header_but_not_two() {
    let gateway = Deployment::start("").await;
    let (_, token) = token_of(&gateway).await;
    let body = message("ping", 9, false);
    let status = async |headers: &[(&str, &str)]| {
        let request =
            headers.iter().fold(post(&gateway, "/v1/messages"), |request, (name, value)| request.header(*name, *value));
        send(request.json(&body)).await.status
    };
    let bearer = format!("bearer {token}");
    assert_eq!(status(&[("authorization", &bearer)]).await, StatusCode::OK);
    assert_eq!(status(&[("x-api-key", &token)]).await, StatusCode::OK);
    assert_eq!(status(&[("authorization", &bearer), ("x-api-key", &token)]).await, StatusCode::OK);
    assert_eq!(status(&[("authorization", &bearer), ("x-api-key", "other")]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&[("authorization", "Basic YTpi")]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&[]).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn never_takes_identity_from_a_header_or_a_cookie() {
    let gateway = Deployment::start("").await;
    let (ann, _) = token_of(&gateway).await;
    for name in
        ["x-forwarded-email", "X_Forwarded_Email", "x-auth-request-email", "x-litellm-customer-id", "x-forwarded-user"]
    {
        let request = Client::new().get(format!("{}/api/me", gateway.origin())).header(name, "admin@example.com");
        assert_eq!(send(request).await.status, StatusCode::UNAUTHORIZED, "{name}");
        let request = post(&gateway, "/v1/messages").header(name, "admin@example.com").json(&message("ping", 9, false));
        assert_eq!(send(request).await.status, StatusCode::UNAUTHORIZED, "{name}");
    }
    let cookie_only = ann.request(reqwest::Method::POST, "/v1/messages").json(&message("ping", 9, false));
    assert_eq!(send(cookie_only).await.status, StatusCode::UNAUTHORIZED);
    for path in ["/token-manager", "/api/me", "/api/token/list"] {
        let request = ann.request(reqwest::Method::GET, path).bearer_auth("garbage").header("accept", "text/html");
        let answer = send(request).await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{path}: a token that is no good is not replaced by a cookie"
        );
    }
}

#[tokio::test]
async fn opens_no_route_by_another_spelling() {
    let gateway = Deployment::start("").await;
    for path in [
        "//v1/messages",
        "/v1/messages%23",
        "/v1/messages%3Fx=/healthz",
        "/public/%2e%2e/internal/ready",
        "/v1%2Fmessages",
        "/internal/ready",
        "/internal/sign-in",
        "/v1/messages/",
    ] {
        let stream = tokio::net::TcpStream::connect(
            gateway.origin().trim_start_matches("http://").replace("localhost", "127.0.0.1"),
        )
        .await
        .unwrap();
        let host = gateway.origin().trim_start_matches("http://").to_owned();
        let answer = raw(
            stream,
            &format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        )
        .await;
        assert!(
            ["400", "404", "405"].iter().any(|status| answer.starts_with(&format!("HTTP/1.1 {status}"))),
            "{path}: {answer}"
        );
    }
}

#[tokio::test]
async fn answers_to_its_own_name_only() {
    let gateway = Deployment::start("").await;
    let host = gateway.origin().trim_start_matches("http://").to_owned();
    let port = host.rsplit(':').next().unwrap().to_owned();
    let status = async |host: &str| {
        let stream = tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
        raw(stream, &format!("GET /api/me HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")).await[9..12]
            .to_owned()
    };
    assert_eq!(status(&host).await, "401");
    assert_eq!(status(&format!("127.0.0.1:{port}")).await, "401");
    for foreign in ["evil.example", &format!("evil.example:{port}"), "localhost"] {
        assert_eq!(status(foreign).await, "421", "{foreign}");
    }
}

/// What is measured is nobody's to read unless that is configured, and at a Worker never.
#[tokio::test]
async fn has_nothing_to_read_where_nobody_may() {
    let gateway = Deployment::start("").await;
    let request = Client::new().get(format!("{}/metrics", gateway.origin()));
    for request in [request.try_clone().unwrap(), request.bearer_auth("obviously-fake-token-of-prometheus")] {
        let answer = send(request).await;
        assert_eq!((answer.status, answer.header("x-content-type-options")), (StatusCode::NOT_FOUND, "nosniff"));
    }
}

async fn raw(mut stream: tokio::net::TcpStream, request: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    stream.write_all(request.as_bytes()).await.expect("the deployment listens");
    // As far as its head: not every server closes at once a connection that nobody needs any more.
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read_buf(&mut answer).await.expect("the deployment answers");
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8(answer).expect("heads are ASCII")
}

#[tokio::test]
async fn tells_errors_in_the_clients_words() {
    let gateway = Deployment::start("[limits]\nbody = 2000\n").await;
    let (mut ann, token) = token_of(&gateway).await;
    let messages = async |body: String| {
        send(post(&gateway, "/v1/messages").bearer_auth(&token).header("content-type", "application/json").body(body))
            .await
    };
    let deep = format!("{{\"model\":\"echo\",\"x\":{}{}}}", "[".repeat(900), "]".repeat(900));
    for (body, status, kind, named) in [
        ("{".to_owned(), 400, "invalid_request_error", "JSON"),
        (r#"{"messages":[]}"#.to_owned(), 400, "invalid_request_error", "model"),
        (r#"{"model":"echo","model":"other"}"#.to_owned(), 400, "invalid_request_error", "model"),
        (r#"{"model":"echo","MAX_TOKENS":1}"#.to_owned(), 400, "invalid_request_error", "max_tokens"),
        (r#"{"model":"echo","background":true}"#.to_owned(), 400, "invalid_request_error", "background"),
        (deep, 400, "invalid_request_error", "JSON"),
        (r#"{"model":"echo"}"#.to_owned(), 400, "invalid_request_error", "messages"),
        (r#"{"model":"gpt-none","messages":[]}"#.to_owned(), 404, "not_found_error", "gpt-none"),
        (format!("{{\"model\":\"echo\",\"x\":\"{}\"}}", "x".repeat(2000)), 413, "request_too_large", "2000"),
    ] {
        let answer = messages(body).await;
        let (found, text) = answer.anthropic_error();
        assert_eq!((answer.status.as_u16(), found), (status, kind), "{}", answer.text);
        assert!(text.contains(named), "{text}");
        assert_eq!(answer.body["request_id"], answer.header("x-request-id"));
    }
    let packed = post(&gateway, "/v1/messages").bearer_auth(&token).header("content-encoding", "gzip").body("x");
    assert_eq!(send(packed).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let openai = send(post(&gateway, "/v1/chat/completions").bearer_auth("x").json(&completion(false))).await;
    assert_eq!((openai.status, &openai.body["error"]["code"]), (StatusCode::UNAUTHORIZED, &json!("invalid_api_key")));
    let other = send(post(&gateway, "/v1/files").bearer_auth(&token)).await;
    assert_eq!((other.status, &other.body["error"]["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    assert_eq!(ann.settled().await, 0, "none of it cost anything");
}

#[tokio::test]
async fn takes_bodies_of_many_megabytes_as_they_are() {
    let gateway = Deployment::start("").await;
    let (mut ann, token) = token_of(&gateway).await;
    // Members that a parser might lose or round: an empty list, a number beyond 64 bits, one with a fraction of zero.
    let words = (4 * 1024 * 1024).min(gateway.largest_body() / 2 - 1024);
    let padding = "x ".repeat(words);
    let body = format!(
        "{{\"metadata\":{{\"a\":[],\"b\":123456789012345678901234567890,\"c\":1.0}},\"model\":\"echo\",\"max_tokens\":1,\
         \"messages\":[{{\"role\":\"user\",\"content\":\"{padding}\"}}]}}"
    );
    let request = post(&gateway, "/v1/messages").bearer_auth(&token).header("content-type", "application/json");
    let answer = send(request.body(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    // A token for each two words in, and one out: 8 MiB are 2,097,152 tokens.
    assert_eq!(ann.settled().await, i64::try_from(words).unwrap() / 2 * 1000 + 5000);
}

#[tokio::test]
async fn goes_on_after_requests_that_are_attacks() {
    let gateway = Deployment::start("").await;
    let (_, token) = token_of(&gateway).await;
    let huge = "x".repeat(1024 * 1024);
    // Refused while it is still being sent: the connection may break before the answer is read.
    let _ = post(&gateway, "/v1/messages").header("x-huge", &huge).send().await;
    for name in ["authorization", "x-api-key", "cookie"] {
        let request = post(&gateway, "/v1/messages").header(name, "x".repeat(20_000)).json(&message("ping", 9, false));
        assert_eq!(send(request).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(ask(&gateway, &token, &message("ping", 9, false)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn lets_a_token_do_what_its_scopes_say() {
    let gateway = Deployment::start("").await;
    let (mut ann, llm) = token_of(&gateway).await;
    let body = json!({"token_name": "usage", "scopes": ["usage:read"]});
    let usage = ann.post("/api/token/generate", &body).await.body["token"].as_str().unwrap().to_owned();
    let answer = ask(&gateway, &usage, &message("ping", 9, false)).await;
    assert_eq!((answer.status, answer.anthropic_error().0), (StatusCode::FORBIDDEN, "permission_error"));
    let read = async |token: &str| {
        send(Client::new().get(format!("{}/api/usage/me", gateway.origin())).bearer_auth(token)).await
    };
    assert_eq!(read(&usage).await.status, StatusCode::OK);
    assert_eq!(read(&llm).await.status, StatusCode::FORBIDDEN);
    let mint = post(&gateway, "/api/token/generate").bearer_auth(&usage).json(&json!({"token_name": "x"}));
    assert_eq!(send(mint).await.status, StatusCode::UNAUTHORIZED, "tokens mint no tokens");
}
