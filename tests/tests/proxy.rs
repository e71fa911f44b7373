//! What stands between a client and a provider: bytes both ways, leaving, breaking off, and what it all costs.

use futures_util::StreamExt as _;
use gateway_tests::provider::{Behaviour, Gate, KEY, MockProvider};
use gateway_tests::{Browser, Deployment, Fronted};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

fn message(model: &str, stream: bool) -> Value {
    json!({"model": model, "max_tokens": 1000, "stream": stream, "messages": [{"role": "user", "content": "ping"}]})
}

fn completion(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "ping"}]})
}

#[tokio::test]
async fn brings_many_megabytes_to_the_provider_byte_for_byte() {
    let scene = Fronted::start("").await;
    let padding = "x ".repeat((10 * 1024 * 1024).min(scene.gateway.largest_body() / 2 - 1024));
    let body = format!(
        "\n{{ \"metadata\":{{\"a\":[],\"b\":123456789012345678901234567890,\"c\":1.0,\"d\":-0.0,\"e\":1e-7,\"f\":{{}},\
         \"same\":1,\"same\":2,\"\\u0061\":\"\\ud83d\\ude00\"}},\t\"model\":\"plain\",\"max_tokens\":1,\
         \"messages\":[{{\"role\":\"user\",\"content\":\"{padding}\"}}]}} "
    );
    let answer = scene.post("/v1/messages?beta=true").body(body.clone()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let received = scene.provider.requests().remove(0);
    assert_eq!(received.target, "/v1/messages?beta=true");
    assert!(received.body == body.as_bytes(), "{} of {} bytes arrived", received.body.len(), body.len());
}

#[tokio::test]
async fn passes_ten_thousand_events_unchanged_each_before_the_next_is_sent() {
    let scene = Fronted::start("").await;
    // wrangler's own proxy takes milliseconds for an event.
    let count = if scene.gateway.is_under_wrangler() { 1000 } else { 10_000 };
    for (path, body) in
        [("/v1/messages", message("plain", true)), ("/v1/chat/completions", completion("plain-gpt", true))]
    {
        let gates: Vec<(usize, Gate)> = [1, 2, 3, count / 2, count - 1].map(|after| (after, Gate::closed())).into();
        let told = || Behaviour::text("word ").events(count);
        let stalled = gates.iter().fold(told(), |behaviour, (after, gate)| behaviour.stall_after(*after, gate));

        let mut asking = body.clone();
        asking["stream_options"] = json!({"include_usage": true});
        scene.provider.next(told());
        let direct = Client::new().post(format!("{}{path}", scene.provider.url())).bearer_auth(KEY);
        let direct = direct.header("x-api-key", KEY).json(&asking).send().await.unwrap().bytes().await.unwrap();
        assert!(direct.len() > 50 * count, "{} bytes", direct.len());

        scene.provider.next(stalled);
        let mut stream = scene.call(path, &asking).await.bytes_stream();
        let mut passed = Vec::new();
        let mut events = 0;
        for (after, gate) in gates {
            gate.reached().await;
            // The provider says nothing more, so what it said has to come by itself.
            while events < after {
                let piece = stream.next().await.unwrap().unwrap();
                // A blank line may lie across two pieces.
                let seam = passed.len().saturating_sub(1);
                passed.extend_from_slice(&piece);
                events += passed[seam..].windows(2).filter(|pair| pair == b"\n\n").count();
            }
            gate.open();
        }
        while let Some(piece) = stream.next().await {
            passed.extend_from_slice(&piece.unwrap());
        }
        assert!(passed == direct, "{path}: {} of {} bytes", passed.len(), direct.len());
    }
}

#[tokio::test]
async fn needs_no_more_memory_for_long_streams() {
    const MIB: u64 = 1024 * 1024;
    let scene = Fronted::start("").await;
    // It is not the processes of that deployment that the streams go through; `edge.rs` looks into the Worker.
    if scene.gateway.is_edge() {
        return;
    }
    let read = async |events: usize| {
        scene.provider.next(Behaviour::text(&"word ".repeat(20)).events(events));
        let mut stream = scene.call("/v1/messages", &message("plain", true)).await.bytes_stream();
        while let Some(piece) = stream.next().await {
            assert!(piece.is_ok());
        }
        scene.gateway.peak_memory()
    };
    let short = read(100).await;
    let long = read(10_000).await;
    assert!(long <= short + 5 * MIB, "{short} bytes after 100 events, {long} after 10,000");
}

#[tokio::test]
async fn aborts_the_call_of_a_client_that_leaves() {
    let mut scene = Fronted::start("").await;
    // wrangler's own proxy passes it on now and then only; `edge.rs` asks the runtime itself.
    if scene.gateway.is_edge() {
        return;
    }
    let gate = Gate::closed();
    scene.provider.next(Behaviour::text("word ").events(100).stall_after(3, &gate));
    let mut stream = scene.call("/v1/messages", &message("plain", true)).await.bytes_stream();
    assert!(stream.next().await.unwrap().is_ok());
    gate.reached().await;
    drop(stream);
    scene.provider.aborted(1).await;
    let seen = scene.ann.settled().await;
    assert!(seen > 0, "what was seen is paid for");

    // Before the first byte, the input has been read all the same.
    let gate = Gate::closed();
    scene.provider.next(Behaviour::default().hold(&gate));
    let body = message("plain", false);
    let call = scene.post("/v1/messages").json(&body).send();
    tokio::select! {
        _ = call => unreachable!("the provider says nothing"),
        _ = scene.provider.received(2) => {}
    }
    scene.provider.aborted(2).await;
    let more = scene.ann.settled().await - seen;
    assert!((10_000..50_000).contains(&more), "{more} nanodollars for about 30 tokens");
}

#[tokio::test]
async fn tells_the_client_in_its_own_words_that_a_stream_broke_off() {
    let mut scene = Fronted::start("").await;
    for (path, body, told) in [
        ("/v1/messages", message("claude-mock-events-9-cut-4", true), "event: error\ndata: {\"error\":{"),
        ("/v1/chat/completions", completion("gpt-mock-events-9-cut-4", true), "data: {\"error\":{"),
    ] {
        let before = scene.ann.settled().await;
        let answer = scene.ask(path, &body).await;
        let last = answer.text.trim_end().rsplit("\n\n").next().unwrap();
        assert!(last.starts_with(told) && last.contains("broke off"), "{}", answer.text);
        assert!(scene.ann.settled().await > before, "{path}: what was seen is paid for");
    }
}

#[tokio::test]
async fn costs_the_same_streamed_and_not() {
    let mut scene = Fronted::start("").await;
    let usage = json!({"input_tokens": 1000, "cache_creation_input_tokens": 300, "cache_read_input_tokens": 5000,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}, "output_tokens": 70});
    // 1000 × 1,000 + 100 × 2,000 + 200 × 3,000 + 5000 × 100 + 70 × 5,000 nanodollars.
    let anthropic = 1_000_000 + 200_000 + 600_000 + 500_000 + 350_000;
    let chat = json!({"prompt_tokens": 1000, "completion_tokens": 70, "prompt_tokens_details": {"cached_tokens": 400}});
    let responses = json!({"input_tokens": 1000, "output_tokens": 70, "input_tokens_details": {"cached_tokens": 400}});
    // 600 × 1,000 + 400 × 100 + 70 × 5,000.
    let openai = 600_000 + 40_000 + 350_000;
    for (path, body, usage, cost) in [
        ("/v1/messages", message("plain", false), usage, anthropic),
        ("/v1/chat/completions", completion("plain-gpt", false), chat, openai),
        ("/v1/responses", json!({"model": "plain-gpt", "input": "ping"}), responses, openai),
    ] {
        for stream in [false, true] {
            let before = scene.ann.settled().await;
            let mut body = body.clone();
            body["stream"] = stream.into();
            scene.provider.next(Behaviour::default().usage(&usage));
            let answer = scene.ask(path, &body).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            assert_eq!(scene.ann.settled().await - before, cost, "{path}, streamed: {stream}\n{}", answer.text);
        }
    }
}

#[tokio::test]
async fn answers_502_for_a_provider_that_is_none() {
    let mut scene = Fronted::start("").await;
    for behaviour in [
        Behaviour::raw(b""),
        Behaviour::raw(b"SSH-2.0-OpenSSH\r\n"),
        Behaviour::redirect(307, "https://evil.example/"),
        Behaviour::refusal(401, "authentication_error", "invalid x-api-key"),
        Behaviour::refusal(403, "permission_error", "not yours"),
    ] {
        scene.provider.next(behaviour.clone());
        let answer = scene.ask("/v1/messages", &message("plain", false)).await;
        assert_eq!(
            (answer.status, answer.anthropic_error().0),
            (StatusCode::BAD_GATEWAY, "api_error"),
            "{behaviour:?}"
        );
        assert!(!answer.text.contains("x-api-key") && answer.header("location").is_empty(), "{}", answer.text);
    }
    assert_eq!(scene.ann.settled().await, 0);
}

#[tokio::test]
async fn relays_what_the_provider_refuses_word_for_word() {
    let mut scene = Fronted::start("").await;
    let text = "prompt is too long: 210000 tokens > 200000 maximum";
    scene.provider.next(Behaviour::refusal(400, "invalid_request_error", text).header("retry-after", "7"));
    let answer = scene.ask("/v1/messages", &message("plain", true)).await;
    assert_eq!((answer.status, answer.anthropic_error()), (StatusCode::BAD_REQUEST, ("invalid_request_error", text)));
    assert_eq!(answer.header("retry-after"), "7");
    assert_eq!(scene.ann.settled().await, 0);
}

#[tokio::test]
async fn lets_no_private_header_through_either_way() {
    let scene = Fronted::start("").await;
    let names = [
        "cookie",
        "forwarded",
        "x-forwarded-email",
        "X_Forwarded_Email",
        "x.forwarded.for",
        "x-real-ip",
        "X_Auth_Request_Email",
        "x-litellm-end-user-id",
        "X_LiteLLM_Customer.Id",
        "cf-access-jwt-assertion",
        "proxy-authorization",
        "openai-organization",
    ];
    let mut request = scene.post("/v1/messages").header("x-stainless-lang", "js").header("anthropic-beta", "b-1");
    for name in names {
        request = request.header(name, "hunter2");
    }
    let told = [
        "set-cookie",
        "anthropic-ratelimit-tokens-limit",
        "access-control-allow-origin",
        "alt-svc",
        "x-litellm-key-spend",
    ];
    scene.provider.next(told.iter().fold(Behaviour::default(), |behaviour, name| behaviour.header(name, "hunter2")));
    let answer = request.json(&message("plain", false)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let back: Vec<_> =
        answer.headers().iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
    assert!(!back.iter().any(|(_, value)| value == "hunter2"), "{back:?}");
    let received = scene.provider.requests().remove(0);
    let sent: Vec<_> = received.headers.iter().map(|(name, value)| (text(name), text(value))).collect();
    assert!(!sent.iter().any(|(_, value)| value == "hunter2" || value.contains(&scene.token)), "{sent:?}");
    assert_eq!(received.values("x-api-key"), [KEY.as_bytes()]);
    assert_eq!(received.values("accept-encoding"), [b"identity"]);
    assert_eq!(
        (received.header("x-stainless-lang"), received.header("anthropic-beta")),
        (Some(&b"js"[..]), Some(&b"b-1"[..]))
    );
}

#[tokio::test]
async fn passes_headers_beyond_ascii_both_ways() {
    let scene = Fronted::start("").await;
    scene.provider.next(Behaviour::default().header("x-title", "grüße 日本"));
    let request = scene.post("/v1/messages").header("x-title", "grüße 日本").json(&message("plain", false));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["x-title"].as_bytes(), "grüße 日本".as_bytes());
    let received = scene.provider.requests().remove(0);
    assert_eq!(received.header("x-title"), Some("grüße 日本".as_bytes()));
}

#[tokio::test]
async fn gives_up_on_a_provider_that_says_nothing_or_pauses() {
    let mut scene = Fronted::start("[upstream]\nfirst_byte = \"1s\"\nidle = \"1s\"\n").await;
    let silent = Gate::closed();
    scene.provider.next(Behaviour::default().hold(&silent));
    let answer = scene.ask("/v1/messages", &message("plain", false)).await;
    assert_eq!((answer.status, answer.anthropic_error().0), (StatusCode::GATEWAY_TIMEOUT, "api_error"));
    assert_eq!(scene.ann.settled().await, 0, "a provider that fails costs nothing");
    scene.provider.aborted(1).await;

    let paused = Gate::closed();
    scene.provider.next(Behaviour::text("word ").events(9).stall_after(4, &paused));
    let answer = scene.ask("/v1/messages", &message("plain", true)).await;
    let last = answer.text.trim_end().rsplit("\n\n").next().unwrap();
    assert!(last.starts_with("event: error\n") && last.contains("took too long"), "{}", answer.text);
    assert!(scene.ann.settled().await > 0, "what was seen is paid for");
    scene.provider.aborted(2).await;
}

#[tokio::test]
async fn passes_an_encoded_answer_on_and_charges_an_estimate() {
    let mut scene = Fronted::start("").await;
    scene.provider.next(Behaviour::default().gzip());
    let answer = scene.post("/v1/messages").json(&message("plain", false)).send().await.unwrap();
    let encoding = answer.headers().get("content-encoding").cloned();
    let body = answer.bytes().await.unwrap();
    if scene.gateway.is_edge() {
        // Fetch has decoded it already, so it can be read as any other.
        assert_eq!((encoding, body.first()), (None, Some(&b'{')));
    } else {
        assert_eq!(encoding.unwrap(), "gzip");
        assert!(body.starts_with(b"\x1f\x8b"));
    }
    assert!(scene.ann.settled().await > 0);
}

#[tokio::test]
async fn counts_tokens_for_nothing_and_embeds_for_the_input() {
    let mut scene = Fronted::start("").await;
    let count = scene.ask("/v1/messages/count_tokens", &message("plain", false)).await;
    assert_eq!((count.status, count.body["input_tokens"].is_u64()), (StatusCode::OK, true), "{}", count.text);
    assert_eq!(scene.ann.settled().await, 0);
    scene.provider.next(Behaviour::default().usage(&json!({"prompt_tokens": 8, "total_tokens": 8})));
    let embedded = scene.ask("/v1/embeddings", &json!({"model": "plain-gpt", "input": "ping"})).await;
    assert_eq!(embedded.status, StatusCode::OK, "{}", embedded.text);
    assert_eq!(scene.ann.settled().await, 8000);
}

#[tokio::test]
async fn passes_named_paths_through_and_nothing_else() {
    let more = "[[passthrough]]\nmethod = \"GET\"\npath = \"/v1/files/{id}/content\"\nprovider = \"openai\"\nprice = \"0.02\"\n";
    let mut scene = Fronted::start(more).await;
    let get = async |path: &str| {
        let request = Client::new().get(format!("{}{path}", scene.gateway.origin())).bearer_auth(&scene.token);
        request.send().await.unwrap().status()
    };
    scene.provider.next(Behaviour::answer(200, "what is in the file"));
    assert_eq!(get("/v1/files/file-1/content?x=1").await, StatusCode::OK);
    scene.provider.next(Behaviour::answer(404, "{}"));
    assert_eq!(get("/v1/files/file-2/content").await, StatusCode::NOT_FOUND);
    for path in ["/v1/files", "/v1/files/file-1", "/v1/files/a/b/content", "/v1/files/a%2Fb/content"] {
        assert!(get(path).await.is_client_error(), "{path}");
    }
    let targets: Vec<_> = scene.provider.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/v1/files/file-1/content?x=1", "/v1/files/file-2/content"]);
    assert_eq!(scene.ann.settled().await, 20_000_000, "for the one that was answered with success");
}

#[tokio::test]
async fn tells_a_litellm_proxy_who_calls_and_lets_nobody_command_it() {
    let provider = MockProvider::start().await;
    let configuration = format!(
        "[providers.litellm]\nkind = \"litellm\"\nbase_url = \"{}\"\napi_key = \"{KEY}\"\n[models.plain]\nprovider = \"litellm\"\n",
        provider.url()
    );
    let gateway = Deployment::start(&configuration).await;
    let mut ann = Browser::sign_in(&gateway, "ann@example.com").await;
    let token = ann.mint().await.token;
    let post = |path: &str| {
        let request = Client::new().post(format!("{}{path}", gateway.origin())).bearer_auth(&token);
        request.header("X_LiteLLM_End_User_Id", "eve@example.com")
    };
    for (path, body) in [("/v1/messages", message("plain", false)), ("/v1/chat/completions", completion("plain", true))]
    {
        assert_eq!(post(path).json(&body).send().await.unwrap().status(), StatusCode::OK, "{path}");
        let received = provider.requests().pop().unwrap();
        assert_eq!(received.values("x-litellm-end-user-id"), [b"ann@example.com"]);
        assert!(received.values("X_LiteLLM_End_User_Id").is_empty());
        let mut commanding = body.clone();
        commanding["api_base"] = "http://evil.example".into();
        assert_eq!(post(path).json(&commanding).send().await.unwrap().status(), StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(provider.requests().len(), 2);
}
