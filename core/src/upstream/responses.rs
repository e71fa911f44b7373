//! Usage in OpenAI's responses: the input's count includes what was read from the cache and written to it; streams tell it with their last event.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::meter::Tally;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    response: Option<Response>,
    /// A piece of text, reasoning or tool input; an object in events that are of another kind.
    delta: Option<serde_json::Value>,
    /// A piece of the output.
    item: Option<Item>,
}

#[derive(Deserialize)]
struct Response {
    id: Option<String>,
    conversation: Option<Conversation>,
    model: Option<String>,
    usage: Option<Usage>,
    service_tier: Option<String>,
    output: Option<Vec<Item>>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// The items of the output that are uses of the provider's own tools, each billed beside the tokens.
const BILLED: [&str; 4] = ["web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"];

#[derive(Deserialize)]
struct Conversation {
    id: String,
}

#[derive(Deserialize)]
struct Usage {
    input_tokens: Option<u64>,
    input_tokens_details: Option<Details>,
    output_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

/// Reads the data of one event. What it does not know, it passes over.
pub(super) fn read_event(data: &[u8], tally: &mut Tally) {
    let Ok(event) = serde_json::from_slice::<Event>(data) else { return };
    if let Some(serde_json::Value::String(text)) = &event.delta {
        tally.text_bytes += text.len() as u64;
    }
    if event.kind == "response.output_item.done" {
        count_uses(event.item.as_slice(), tally);
    }
    if let Some(response) = event.response {
        read(response, tally);
    }
    tally.failed |= matches!(event.kind.as_str(), "error" | "response.failed");
}

/// Reads an unstreamed answer.
pub(super) fn read_document(bytes: &[u8], tally: &mut Tally) -> serde_json::Result<()> {
    read(serde_json::from_slice(bytes)?, tally);
    Ok(())
}

fn read(response: Response, tally: &mut Tally) {
    let conversation = response.conversation.map(|conversation| conversation.id);
    for id in response.id.into_iter().chain(conversation) {
        if !tally.kept_as.contains(&id) {
            tally.kept_as.push(id);
        }
    }
    tally.model = response.model.or_else(|| tally.model.take());
    tally.failed |= response.error.is_some();
    // Before the end it is what was asked for, which may be `auto`; at the end, what was served.
    tally.note_tier(response.service_tier.as_deref());
    let Some(usage) = response.usage else { return };
    let input = usage.input_tokens.unwrap_or(0);
    let details = usage.input_tokens_details.as_ref();
    let cached = details.and_then(|details| details.cached_tokens).unwrap_or(0).min(input);
    let written = details.and_then(|details| details.cache_write_tokens).unwrap_or(0).min(input - cached);
    tally.usage.input = input - cached - written;
    tally.usage.cache_read = cached;
    tally.usage.cache_write_5m = written;
    tally.usage.output = usage.output_tokens.unwrap_or(0);
    tally.has_input |= usage.input_tokens.is_some();
    if let Some(output) = response.output {
        // All of it: what came piece by piece is in here again.
        tally.uses.clear();
        count_uses(&output, tally);
    }
    tally.is_final = usage.input_tokens.is_some() && usage.output_tokens.is_some();
}

fn count_uses(items: &[Item], tally: &mut Tally) {
    for kind in items.iter().filter_map(|item| item.kind.as_deref()).filter(|kind| BILLED.contains(kind)) {
        *tally.uses.entry(kind.to_owned()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use crate::money::TokenUsage;
    use crate::upstream::{Ended, Format, Meter, Reading};

    const STREAM: &str = concat!(
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"model\":\"m-1\",\"usage\":null,",
        "\"service_tier\":\"auto\",\"error\":null}}\n\n",
        "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"Hello\"}\n\n",
        "event: response.function_call_arguments.delta\ndata: {\"type\":\"response.function_call_arguments.delta\",\"delta\":\"{}\"}\n\n",
        "event: response.unheard_of\ndata: {\"type\":\"response.unheard_of\",\"delta\":{\"a\":1}}\n\n",
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"model\":\"m-1\",\"service_tier\":\"default\",\"usage\":",
        "{\"input_tokens\":30,\"input_tokens_details\":{\"cached_tokens\":10},\"output_tokens\":12,\"output_tokens_details\":",
        "{\"reasoning_tokens\":4}}}}\n\n",
    );

    fn read(parts: &[&[u8]], is_stream: bool, ended: Ended) -> Reading {
        let mut meter = Meter::new(Format::Responses, is_stream);
        for part in parts {
            meter.feed(part);
        }
        meter.finish(ended)
    }

    fn whole() -> Reading {
        Reading {
            usage: TokenUsage { input: 20, cache_read: 10, output: 12, ..TokenUsage::default() },
            model: Some("m-1".to_owned()),
            kept_as: vec!["resp_1".to_owned()],
            estimated: false,
            has_input: true,
            failed: false,
            tier: None,
            uses: std::collections::BTreeMap::new(),
            has_extras: false,
            answered: crate::upstream::Answered::default(),
        }
    }

    #[test]
    fn counts_the_uses_of_its_tools_once_in_a_stream_that_ends_and_in_one_that_does_not() {
        let done = |kind: &str| {
            format!("data: {{\"type\":\"response.output_item.done\",\"item\":{{\"type\":\"{kind}\"}}}}\n\n")
        };
        let pieces =
            [done("web_search_call"), done("function_call"), done("web_search_call"), done("message")].concat();
        let end = STREAM.replace(
            "\"model\":\"m-1\",\"service_tier\"",
            "\"output\":[{\"type\":\"web_search_call\"},{\"type\":\"web_search_call\"},{}],\"model\":\"m-1\",\"service_tier\"",
        );
        let uses = |parts: &[&[u8]], ended| read(parts, true, ended).uses.into_iter().collect::<Vec<_>>();
        let searched = [("web_search_call".to_owned(), 2)];
        assert_eq!(uses(&[pieces.as_bytes()], Ended::Cut), searched);
        assert_eq!(uses(&[pieces.as_bytes(), end.as_bytes()], Ended::Complete), searched);
        assert_eq!(uses(&[end.as_bytes()], Ended::Complete), searched);
    }

    #[test]
    fn reads_the_last_event_wherever_the_stream_is_cut_into_chunks() {
        let bytes = STREAM.as_bytes();
        for cut in 0..=bytes.len() {
            assert_eq!(read(&[&bytes[..cut], &bytes[cut..]], true, Ended::Complete), whole(), "cut at {cut}");
        }
    }

    #[test]
    fn reads_the_same_of_an_unstreamed_answer() {
        let document = br#"{"id":"resp_1","model":"m-1","error":null,"usage":{"input_tokens":30,"input_tokens_details":{"cached_tokens":10},"output_tokens":12}}"#;
        assert_eq!(read(&[document], false, Ended::Complete), whole());
    }

    #[test]
    fn estimates_the_output_of_a_stream_that_broke_off() {
        let cut = STREAM.find("event: response.completed").unwrap();
        let reading = read(&[&STREAM.as_bytes()[..cut]], true, Ended::Cut);
        // "Hello" and "{}" are 7 bytes: 2 started tokens.
        assert_eq!((reading.usage.output, reading.estimated, reading.has_input), (2, true, false));
    }

    #[test]
    fn notices_failures() {
        for event in [
            "data: {\"type\":\"error\",\"code\":\"server_error\"}\n\n",
            "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"x\"},\"usage\":null}}\n\n",
        ] {
            assert!(read(&[event.as_bytes()], true, Ended::Complete).failed, "{event}");
        }
        assert!(read(&[br#"{"error":{"code":"x"}}"#], false, Ended::Complete).failed);
    }
}
