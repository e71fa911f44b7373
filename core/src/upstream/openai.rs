//! Usage in OpenAI's chat completions: the prompt's count includes what was cached; streams tell it in a last chunk.

use serde::Deserialize;

use super::meter::Tally;

#[derive(Deserialize)]
struct Completion {
    model: Option<String>,
    usage: Option<Usage>,
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    reasoning_content: Option<String>,
    #[serde(default)]
    tool_calls: Vec<ToolCall>,
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
    for delta in chunk.choices.into_iter().filter_map(|choice| choice.delta) {
        let arguments = delta.tool_calls.into_iter().filter_map(|call| call.function?.arguments);
        let texts = arguments.chain(delta.content).chain(delta.reasoning_content);
        tally.text_bytes += texts.map(|text| text.len() as u64).sum::<u64>();
    }
    tally.model = chunk.model.or_else(|| tally.model.take());
    tally.failed |= chunk.error.is_some();
    read_usage(chunk.usage, tally);
}

/// Reads an unstreamed answer.
pub(super) fn read_document(bytes: &[u8], tally: &mut Tally) {
    match serde_json::from_slice::<Completion>(bytes) {
        Ok(completion) => {
            tally.model = completion.model;
            tally.failed = completion.error.is_some();
            read_usage(completion.usage, tally);
        }
        Err(_) => tally.text_bytes = bytes.len() as u64,
    }
}

fn read_usage(usage: Option<Usage>, tally: &mut Tally) {
    let Some(usage) = usage else { return };
    let prompt = usage.prompt_tokens.unwrap_or(0);
    let cached = usage.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0).min(prompt);
    tally.usage.input = prompt - cached;
    tally.usage.cache_read = cached;
    tally.usage.output = usage.completion_tokens.unwrap_or(0);
    tally.is_final = true;
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
            estimated: false,
            failed: false,
        }
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
