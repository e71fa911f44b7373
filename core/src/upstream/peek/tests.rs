//! What is taken of a body, and what is refused.

use super::*;

fn read(body: &str) -> Result<Peek, PeekError> {
    peek(body.as_bytes(), Format::ChatCompletions)
}

#[test]
fn takes_the_limits_of_its_own_form_only() {
    let body = br#"{"model":"m","max_tokens":50,"max_completion_tokens":700,"max_output_tokens":3,"n":2}"#;
    let size = |format| {
        let size = peek(body, format).unwrap().size;
        (size.max_output, size.answers)
    };
    assert_eq!(size(Format::Messages), (Some(50), 1));
    assert_eq!(size(Format::ChatCompletions), (Some(700), 2), "a provider may read either");
    assert_eq!(size(Format::Responses), (Some(3), 1));
    assert_eq!(size(Format::Embeddings), (Some(0), 1));
}

#[test]
fn finds_where_the_model_stands() {
    for body in [r#"{"x":"model","model" :  "m\u0031"}"#, r#" {"model":"m1","x":[]}"#] {
        let peek = read(body).unwrap();
        assert!(["\"m\\u0031\"", "\"m1\""].contains(&&body[peek.model_at.clone()]), "{peek:?}");
        assert_eq!(peek.model, "m1");
    }
}

#[test]
fn refuses_stream_options_with_two_readings() {
    for options in [r#"{"include_usage":true,"include_usage":false}"#, r#"{"Include_Usage":false}"#] {
        let body = format!(r#"{{"model":"m","stream":true,"stream_options":{options}}}"#);
        assert_eq!(read(&body), Err(PeekError::Ambiguous("include_usage")));
    }
    let other = read(r#"{"model":"m","stream":true,"stream_options":7}"#);
    assert_eq!(other, Err(PeekError::Type("stream_options", "an object")));
}

#[test]
fn notices_members_that_a_proxy_would_obey() {
    for name in ["fallbacks", "api_base", "base_url", "API_KEY", "user_config", "mock\\u005fresponse"] {
        assert!(read(&format!(r#"{{"model":"m","{name}":1}}"#)).unwrap().proxy_control.is_some(), "{name}");
    }
    assert_eq!(read(r#"{"model":"m","metadata":{"api_key":1}}"#).unwrap().proxy_control, None);
}

#[test]
fn reads_what_decides() {
    let peek = read(r#"{"model":"m","stream":true,"max_tokens":7,"n":2,"x":[1e400,-0.0,[],{}]}"#);
    assert!(peek.is_err(), "1e400 is no number that a parser can hold");
    let peek =
        read(r#"{"model":"m","stream":true,"max_tokens":7,"n":2,"x":[18446744073709551616,[],{},null]}"#).unwrap();
    assert_eq!((peek.model.as_str(), peek.stream), ("m", true));
    assert_eq!((peek.size.max_output, peek.size.answers), (Some(7), 2));
}

#[test]
fn refuses_members_that_another_parser_might_read_differently() {
    for body in [
        r#"{"model":"cheap","model":"dear"}"#,
        r#"{"model":"cheap","Model":"dear"}"#,
        r#"{"model":"cheap","\u006dodel":"dear"}"#,
        r#"{"MODEL":"m"}"#,
    ] {
        assert_eq!(read(body), Err(PeekError::Ambiguous("model")), "{body}");
    }
    let twice = r#"{"model":"m","max_tokens":1,"MAX_TOKENS":9}"#;
    assert_eq!(read(twice), Err(PeekError::Ambiguous("max_tokens")));
}

#[test]
fn takes_escaped_spellings_of_the_right_name() {
    assert_eq!(read(r#"{"\u006dodel":"m"}"#).unwrap().model, "m");
}

#[test]
fn lets_nested_duplicates_pass() {
    assert!(read(r#"{"model":"m","messages":[{"model":1,"model":2}]}"#).is_ok());
}

#[test]
fn refuses_other_types_by_name() {
    for (body, name) in [
        (r#"{"model":7}"#, "model"),
        (r#"{"model":"m","stream":"yes"}"#, "stream"),
        (r#"{"model":"m","max_tokens":-1}"#, "max_tokens"),
        (r#"{"model":"m","max_tokens":1.5}"#, "max_tokens"),
        (r#"{"model":"m","max_completion_tokens":"9"}"#, "max_completion_tokens"),
        (r#"{"model":"m","n":0}"#, "n"),
        (r#"{"model":"m","n":1000000}"#, "n"),
    ] {
        assert!(matches!(read(body), Err(PeekError::Type(found, _)) if found == name), "{body}");
    }
    assert_eq!(read("{}"), Err(PeekError::Missing("model")));
}

#[test]
fn refuses_what_it_cannot_account_for() {
    assert_eq!(read(r#"{"model":"m","background":true}"#), Err(PeekError::Unsupported("background")));
    assert!(read(r#"{"model":"m","background":false,"previous_response_id":null}"#).is_ok());
}

#[test]
fn reads_what_a_call_goes_on_from() {
    for (more, ids) in [
        ("", vec![]),
        (r#","previous_response_id":"resp_1""#, vec!["resp_1"]),
        (r#","conversation":"conv_1""#, vec!["conv_1"]),
        (r#","conversation":{"id":"conv_1"},"previous_response_id":"resp_1""#, vec!["resp_1", "conv_1"]),
    ] {
        assert_eq!(read(&format!(r#"{{"model":"m"{more}}}"#)).unwrap().continues, ids, "{more}");
    }
    let other = read(r#"{"model":"m","previous_response_id":["resp_1"]}"#);
    assert_eq!(other, Err(PeekError::Type("previous_response_id", "a text")));
}

#[test]
fn reads_whether_an_answer_is_kept() {
    let is_kept = |body: &[u8], format| peek(body, format).unwrap().is_kept;
    assert!(is_kept(br#"{"model":"m"}"#, Format::Responses));
    assert!(!is_kept(br#"{"model":"m","store":false}"#, Format::Responses));
    assert!(!is_kept(br#"{"model":"m","store":true}"#, Format::ChatCompletions));
}

#[test]
fn refuses_what_is_no_object() {
    for body in ["", "[]", "null", "{", r#"{"model":"m"} x"#, r#"{"model":"m",}"#, "\u{feff}{}"] {
        assert!(matches!(read(body), Err(PeekError::Json(_))), "{body}");
    }
}

#[test]
fn refuses_deep_nesting_without_falling_over() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{{\"model\":\"m\",\"x\":{}1{}}}", open.repeat(100_000), close.repeat(100_000));
        assert!(matches!(read(&deep), Err(PeekError::Json(_))));
        let fine = format!("{{\"model\":\"m\",\"x\":{}1{}}}", open.repeat(100), close.repeat(100));
        assert!(read(&fine).is_ok());
    }
    let governed = format!("{{\"model\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(read(&governed).is_err());
}

#[test]
fn counts_blobs_apart_from_text() {
    let blob = "QUJD".repeat(1000);
    let body = format!(r#"{{"model":"m","messages":[{{"data":"{blob}"}},"{}"]}}"#, "not base64! ".repeat(200));
    let peek = read(&body).unwrap();
    assert_eq!(peek.size.blobs, 1);
    assert_eq!(peek.size.text_bytes, (body.len() - blob.len()) as u64);
}
