//! Usage in Anthropic's answers: `message_start` tells input and cache, each `message_delta` is cumulative and may correct
//! all of it; the last value of each field wins.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::meter::Tally;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    message: Option<Message>,
    usage: Option<Usage>,
    delta: Option<Delta>,
}

#[derive(Deserialize)]
struct Message {
    model: Option<String>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Usage {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    /// How often each of the provider's own tools ran.
    server_tool_use: Option<BTreeMap<String, serde_json::Value>>,
    service_tier: Option<String>,
    /// `fast` has prices of its own.
    speed: Option<String>,
    /// So has a call that stays in one country.
    inference_geo: Option<String>,
}

#[derive(Deserialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Option<u64>,
    ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Delta {
    text: Option<String>,
    thinking: Option<String>,
    partial_json: Option<String>,
}

/// Reads the data of one event. What it does not know, it passes over.
pub(super) fn read_event(data: &[u8], tally: &mut Tally) {
    let Ok(event) = serde_json::from_slice::<Event>(data) else { return };
    if let Some(message) = event.message {
        tally.model = message.model.or_else(|| tally.model.take());
        read_usage(message.usage, tally);
    }
    // What a stream says of its output at the start is not all of it.
    tally.has_output |= event.usage.as_ref().is_some_and(|usage| usage.output_tokens.is_some());
    read_usage(event.usage, tally);
    if let Some(delta) = event.delta {
        let texts = [delta.text, delta.thinking, delta.partial_json];
        tally.text_bytes += texts.iter().flatten().map(|text| text.len() as u64).sum::<u64>();
    }
    match event.kind.as_str() {
        "message_stop" => tally.is_final = tally.has_input && tally.has_output,
        "error" => tally.failed = true,
        _ => {}
    }
}

/// Reads an unstreamed answer.
pub(super) fn read_document(bytes: &[u8], tally: &mut Tally) -> serde_json::Result<()> {
    let message: Message = serde_json::from_slice(bytes)?;
    tally.model = message.model;
    tally.has_output = message.usage.as_ref().is_some_and(|usage| usage.output_tokens.is_some());
    read_usage(message.usage, tally);
    tally.is_final = tally.has_input && tally.has_output;
    Ok(())
}

fn read_usage(usage: Option<Usage>, tally: &mut Tally) {
    let Some(usage) = usage else { return };
    let total = &mut tally.usage;
    let set = |field: &mut u64, value: Option<u64>| *field = value.unwrap_or(*field);
    set(&mut total.input, usage.input_tokens);
    set(&mut total.cache_read, usage.cache_read_input_tokens);
    set(&mut total.output, usage.output_tokens);
    match (usage.cache_creation, usage.cache_creation_input_tokens) {
        (Some(parts), _) => {
            set(&mut total.cache_write_5m, parts.ephemeral_5m_input_tokens);
            set(&mut total.cache_write_1h, parts.ephemeral_1h_input_tokens);
        }
        // The sum of both kinds: what was said before about the hour's share still holds.
        (None, Some(sum)) => total.cache_write_5m = sum.saturating_sub(total.cache_write_1h),
        (None, None) => {}
    }
    tally.has_input |= usage.input_tokens.is_some();
    for (name, times) in usage.server_tool_use.into_iter().flatten() {
        match times.as_u64() {
            Some(times) => _ = tally.uses.insert(name, times),
            None => tally.has_extras = true,
        }
    }
    tally.note_tier(usage.service_tier.as_deref());
    tally.has_extras |= usage.speed.is_some_and(|speed| speed != "standard");
    tally.has_extras |= usage.inference_geo.is_some_and(|place| !matches!(place.as_str(), "global" | "not_available"));
}

#[cfg(test)]
mod tests {
    use crate::money::TokenUsage;
    use crate::upstream::{Ended, Format, Meter, Reading};

    const STREAM: &str = concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m-1\",\"usage\":{\"input_tokens\":25,",
        "\"cache_creation_input_tokens\":9,\"cache_creation\":{\"ephemeral_5m_input_tokens\":4,\"ephemeral_1h_input_tokens\":5},",
        "\"cache_read_input_tokens\":7,\"output_tokens\":1}}}\n\n",
        "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello wörld\"}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":11}}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"input_tokens\":26,\"output_tokens\":15}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );

    fn read(parts: &[&[u8]], ended: Ended) -> Reading {
        let mut meter = Meter::new(Format::Messages, true);
        for part in parts {
            meter.feed(part);
        }
        meter.finish(ended)
    }

    fn whole() -> Reading {
        Reading {
            usage: TokenUsage { input: 26, cache_write_5m: 4, cache_write_1h: 5, cache_read: 7, output: 15 },
            model: Some("m-1".to_owned()),
            kept_as: Vec::new(),
            estimated: false,
            has_input: true,
            failed: false,
            tier: None,
            uses: std::collections::BTreeMap::new(),
            has_extras: false,
            answered: crate::upstream::Answered::default(),
        }
    }

    fn document(usage: &str) -> Reading {
        let mut meter = Meter::new(Format::Messages, false);
        meter.feed(format!("{{\"model\":\"m-1\",\"usage\":{usage}}}").as_bytes());
        meter.finish(Ended::Complete)
    }

    #[test]
    fn counts_an_hours_cache_once_when_the_sum_is_repeated() {
        let repeated = STREAM.replace(
            "\"usage\":{\"output_tokens\":11}",
            "\"usage\":{\"cache_creation_input_tokens\":9,\"output_tokens\":11}",
        );
        assert_eq!(read(&[repeated.as_bytes()], Ended::Complete), whole());
    }

    #[test]
    fn notices_what_tokens_do_not_cover() {
        for usage in [
            r#"{"output_tokens":1,"server_tool_use":{"web_search_requests":"many"}}"#,
            r#"{"output_tokens":1,"service_tier":"unheard_of"}"#,
            r#"{"output_tokens":1,"speed":"fast"}"#,
            r#"{"output_tokens":1,"inference_geo":"us"}"#,
        ] {
            assert!(document(usage).has_extras, "{usage}");
        }
        for usage in [
            r#"{"output_tokens":1,"server_tool_use":{"web_search_requests":0},"service_tier":"standard","inference_geo":"global"}"#,
            r#"{"output_tokens":1,"server_tool_use":null,"service_tier":null}"#,
        ] {
            assert!(!document(usage).has_extras, "{usage}");
        }
    }

    #[test]
    fn counts_the_uses_of_its_tools_and_takes_the_last_count() {
        let stream = STREAM
            .replace("\"output_tokens\":11}", "\"output_tokens\":11,\"server_tool_use\":{\"web_search_requests\":1}}")
            .replace("\"output_tokens\":15}", "\"output_tokens\":15,\"server_tool_use\":{\"web_search_requests\":3}}");
        let reading = read(&[stream.as_bytes()], Ended::Complete);
        assert_eq!(reading.uses.get("web_search_requests"), Some(&3));
        assert!(!reading.has_extras);
    }

    #[test]
    fn notices_the_tier_that_it_was_served_in() {
        use crate::money::ServiceTier;
        let tier = |name: &str| document(&format!("{{\"output_tokens\":1,\"service_tier\":\"{name}\"}}")).tier;
        assert_eq!(
            [tier("batch"), tier("priority"), tier("standard")],
            [Some(ServiceTier::Batch), Some(ServiceTier::Priority), None]
        );
    }

    #[test]
    fn takes_writes_of_no_stated_kind_for_five_minutes() {
        let usage = document(r#"{"input_tokens":1,"cache_creation_input_tokens":9,"output_tokens":2}"#).usage;
        assert_eq!((usage.cache_write_5m, usage.cache_write_1h), (9, 0));
    }

    #[test]
    fn takes_the_last_value_of_each_field_wherever_the_stream_is_cut_into_chunks() {
        let bytes = STREAM.as_bytes();
        for cut in 0..=bytes.len() {
            assert_eq!(read(&[&bytes[..cut], &bytes[cut..]], Ended::Complete), whole(), "cut at {cut}");
        }
    }

    #[test]
    fn reads_the_same_of_an_unstreamed_answer() {
        let mut meter = Meter::new(Format::Messages, false);
        meter.feed(br#"{"model":"m-1","content":[],"usage":{"input_tokens":26,"cache_creation":{"ephemeral_5m_input_tokens":4,"#);
        meter.feed(
            br#""ephemeral_1h_input_tokens":5},"cache_read_input_tokens":7,"output_tokens":15,"unheard_of":{}}}"#,
        );
        assert_eq!(meter.finish(Ended::Complete), whole());
    }

    #[test]
    fn estimates_the_output_of_a_stream_that_broke_off() {
        let cut = STREAM.find("event: message_delta").unwrap();
        let reading = read(&[&STREAM.as_bytes()[..cut]], Ended::Cut);
        // "Hello wörld" has 12 bytes, "{}" 2: 14 bytes are 4 started tokens.
        assert_eq!((reading.usage.input, reading.usage.output, reading.estimated), (25, 4, true));
    }

    #[test]
    fn estimates_a_stream_that_ended_without_saying_so() {
        let cut = STREAM.find("event: message_stop").unwrap();
        let reading = read(&[&STREAM.as_bytes()[..cut]], Ended::Complete);
        assert_eq!((reading.usage.output, reading.estimated), (15, true));
    }

    #[test]
    fn estimates_what_a_stream_that_ended_well_did_not_say() {
        let without = |usage: &str| STREAM.replace(usage, "{}");
        let start = "{\"input_tokens\":25,\"cache_creation_input_tokens\":9,\"cache_creation\":{\"ephemeral_5m_input_tokens\":4,\
                     \"ephemeral_1h_input_tokens\":5},\"cache_read_input_tokens\":7,\"output_tokens\":1}";
        let silent = without(start)
            .replace("{\"output_tokens\":11}", "{}")
            .replace("{\"input_tokens\":26,\"output_tokens\":15}", "{}");
        let reading = read(&[silent.as_bytes()], Ended::Complete);
        assert_eq!((reading.usage.output, reading.estimated, reading.has_input), (4, true, false));
        // The one token that the start tells of is not all of the output.
        let unended =
            STREAM.replace("{\"output_tokens\":11}", "{}").replace("{\"input_tokens\":26,\"output_tokens\":15}", "{}");
        let reading = read(&[unended.as_bytes()], Ended::Complete);
        assert_eq!((reading.usage.input, reading.usage.output, reading.estimated), (25, 4, true));
        assert!(document("{\"output_tokens\":3}").estimated, "an input of nothing is not believed");
    }

    #[test]
    fn notices_errors_in_the_stream() {
        let error = b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n";
        assert!(read(&[error], Ended::Complete).failed);
    }
}
