//! Usage in OpenAI's chat completions and embeddings: the prompt's count includes what was read from the cache and what was written to
//! it; streams tell it in a last chunk.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::meter::Tally;

#[derive(Deserialize)]
struct Completion {
    model: Option<String>,
    usage: Option<Usage>,
    choices: Option<Vec<Choice>>,
    service_tier: Option<String>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<Details>,
    completion_tokens_details: Option<Details>,
    /// `DeepSeek`'s count of what was cached.
    prompt_cache_hit_tokens: Option<u64>,
    /// How many sources xAI's search has read for the answer.
    num_sources_used: Option<u64>,
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "they are the API's")]
struct Details {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    audio_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Deserialize)]
struct ToolCall {
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    arguments: Option<String>,
}

/// Reads the data of one event. What it does not know, it passes over.
pub(super) fn read_event(data: &[u8], tally: &mut Tally) {
    let Ok(chunk) = serde_json::from_slice::<Completion>(data) else { return };
    for delta in chunk.choices.iter().flatten().filter_map(|choice| choice.delta.as_ref()) {
        let calls = delta.tool_calls.iter().flatten();
        let arguments = calls.filter_map(|call| call.function.as_ref()?.arguments.as_ref());
        let texts = arguments.chain(&delta.content).chain(&delta.refusal).chain(&delta.reasoning_content);
        tally.text_bytes += texts.map(|text| text.len() as u64).sum::<u64>();
    }
    read(chunk, tally);
}

/// Reads an unstreamed answer.
pub(super) fn read_document(bytes: &[u8], tally: &mut Tally) -> serde_json::Result<()> {
    read(serde_json::from_slice(bytes)?, tally);
    Ok(())
}

fn read(completion: Completion, tally: &mut Tally) {
    tally.model = completion.model.or_else(|| tally.model.take());
    tally.failed |= completion.error.is_some();
    tally.note_tier(completion.service_tier.as_deref());
    let Some(usage) = completion.usage else { return };
    let prompt = usage.prompt_tokens.unwrap_or(0);
    let cached = usage.prompt_tokens_details.as_ref().and_then(|details| details.cached_tokens);
    let cached = cached.or(usage.prompt_cache_hit_tokens).unwrap_or(0).min(prompt);
    let written = usage.prompt_tokens_details.as_ref().and_then(|details| details.cache_write_tokens);
    let written = written.unwrap_or(0).min(prompt - cached);
    tally.usage.input = prompt - cached - written;
    tally.usage.cache_read = cached;
    tally.usage.cache_write_5m = written;
    tally.usage.output = usage.completion_tokens.unwrap_or(0).max(generated(&usage));
    if let Some(sources) = usage.num_sources_used {
        tally.uses.insert("num_sources_used".to_owned(), sources);
    }
    let details = [&usage.prompt_tokens_details, &usage.completion_tokens_details];
    tally.has_extras |= details.into_iter().flatten().any(|details| details.audio_tokens.unwrap_or(0) > 0);
    tally.has_input |= usage.prompt_tokens.is_some();
    tally.is_final = usage.prompt_tokens.is_some() && (usage.completion_tokens.or(usage.total_tokens)).is_some();
}

/// Returns what is no part of the prompt: xAI and Gemini leave what a model thinks out of `completion_tokens`, not out of the sum.
fn generated(usage: &Usage) -> u64 {
    usage.total_tokens.unwrap_or(0).saturating_sub(usage.prompt_tokens.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use crate::money::TokenUsage;
    use crate::upstream::{Ended, Format, Meter, Reading};

    const STREAM: &str = concat!(
        "data: {\"model\":\"m-1\",\"choices\":[{\"delta\":{\"content\":\"Hello\"}}],\"usage\":null}\n\n",
        "data: {\"model\":\"m-1\",\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"{}\"}}]}}]}\n\n",
        "data: {\"model\":\"m-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":12,",
        "\"prompt_tokens_details\":{\"cached_tokens\":10}}}\n\n",
        "data: [DONE]\n\n",
    );

    fn whole() -> Reading {
        Reading {
            usage: TokenUsage { input: 20, cache_read: 10, output: 12, ..TokenUsage::default() },
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

    fn document(text: &str) -> Reading {
        let mut meter = Meter::new(Format::ChatCompletions, false);
        meter.feed(text.as_bytes());
        meter.finish(Ended::Complete)
    }

    #[test]
    fn reads_usage_beside_members_that_are_null() {
        let stream = STREAM.replace("\"choices\":[],", "\"choices\":null,");
        let nulls = "data: {\"choices\":[{\"delta\":{\"content\":null,\"tool_calls\":null}},{\"delta\":null}]}\n\n";
        assert_eq!(read(&[nulls.as_bytes(), stream.as_bytes()], Ended::Complete), whole());
    }

    #[test]
    fn reads_the_usage_of_embeddings() {
        let mut meter = Meter::new(Format::Embeddings, false);
        meter.feed(br#"{"object":"list","data":[{"embedding":[0.5]}],"model":"e","usage":{"prompt_tokens":8,"total_tokens":8}}"#);
        let reading = meter.finish(Ended::Complete);
        assert_eq!(reading.usage, TokenUsage { input: 8, ..TokenUsage::default() });
        assert!(!reading.estimated);
    }

    #[test]
    fn reads_what_other_providers_of_the_form_tell_in_their_own_way() {
        // xAI: 32 + 9 + 110 that it thought = 151. DeepSeek: 20 = 15 read from its cache + 5.
        let xai = document(
            r#"{"usage":{"prompt_tokens":32,"completion_tokens":9,"total_tokens":151,"num_sources_used":4,
                "completion_tokens_details":{"reasoning_tokens":110}}}"#,
        );
        assert_eq!((xai.usage.input, xai.usage.output, xai.uses.get("num_sources_used")), (32, 119, Some(&4)));
        let deepseek = document(
            r#"{"usage":{"prompt_tokens":20,"completion_tokens":7,"total_tokens":27,"prompt_cache_hit_tokens":15,
                "prompt_cache_miss_tokens":5}}"#,
        );
        assert_eq!((deepseek.usage.input, deepseek.usage.cache_read, deepseek.usage.output), (5, 15, 7));
    }

    #[test]
    fn notices_what_tokens_do_not_cover() {
        for text in [
            r#"{"usage":{"prompt_tokens":3,"completion_tokens":1,"prompt_tokens_details":{"audio_tokens":2}}}"#,
            r#"{"usage":{"prompt_tokens":3,"completion_tokens":1,"completion_tokens_details":{"audio_tokens":2}}}"#,
            r#"{"service_tier":"scale","usage":{"prompt_tokens":3,"completion_tokens":1}}"#,
        ] {
            assert!(document(text).has_extras, "{text}");
        }
        let plain = r#"{"service_tier":"default","usage":{"prompt_tokens":3,"completion_tokens":1,"prompt_tokens_details":{"audio_tokens":0}}}"#;
        assert!(!document(plain).has_extras);
    }

    fn read(parts: &[&[u8]], ended: Ended) -> Reading {
        let mut meter = Meter::new(Format::ChatCompletions, true);
        for part in parts {
            meter.feed(part);
        }
        meter.finish(ended)
    }

    #[test]
    fn reads_the_last_chunk_wherever_the_stream_is_cut_into_chunks() {
        let bytes = STREAM.as_bytes();
        for cut in 0..=bytes.len() {
            assert_eq!(read(&[&bytes[..cut], &bytes[cut..]], Ended::Complete), whole(), "cut at {cut}");
        }
    }

    #[test]
    fn reads_the_same_of_an_unstreamed_answer() {
        let mut meter = Meter::new(Format::ChatCompletions, false);
        meter.feed(br#"{"model":"m-1","choices":[{"message":{"content":"Hello"}}],"usage":{"prompt_tokens":30,"#);
        meter.feed(br#""completion_tokens":12,"prompt_tokens_details":{"cached_tokens":10}}}"#);
        assert_eq!(meter.finish(Ended::Complete), whole());
    }

    #[test]
    fn estimates_a_stream_without_usage() {
        let cut = STREAM.find("data: {\"model\":\"m-1\",\"choices\":[],").unwrap();
        let reading = read(&[&STREAM.as_bytes()[..cut]], Ended::Cut);
        // "Hello" and "{}" are 7 bytes: 2 started tokens.
        assert_eq!((reading.usage.output, reading.estimated), (2, true));
    }

    #[test]
    fn believes_no_more_cached_tokens_than_there_were() {
        let mut meter = Meter::new(Format::ChatCompletions, false);
        meter.feed(
            br#"{"usage":{"prompt_tokens":3,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":9}}}"#,
        );
        let usage = meter.finish(Ended::Complete).usage;
        assert_eq!((usage.input, usage.cache_read), (0, 3));
    }
}
