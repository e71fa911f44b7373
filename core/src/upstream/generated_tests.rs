//! Answers as a generator makes them: streamed or not, however the stream is cut into chunks, the usage is the same.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Ended, Format, Meter, Reading};
use crate::money::TokenUsage;

/// What an answer says, whatever its form.
#[derive(Debug, Clone)]
struct Answer {
    texts: Vec<String>,
    usage: TokenUsage,
    /// Which line end its events have.
    line_end: &'static str,
}

fn answers() -> impl Strategy<Value = Answer> {
    let count = 0..5_000_000_000_u64;
    let usage = (count.clone(), count.clone(), count.clone(), count.clone(), count).prop_map(
        |(input, cache_write_5m, cache_write_1h, cache_read, output)| TokenUsage {
            input,
            cache_write_5m,
            cache_write_1h,
            cache_read,
            output,
        },
    );
    let texts = proptest::collection::vec("[a-z\\n\"\\\\äß漢😀]{0,12}", 0..4);
    (texts, usage, prop_oneof![Just("\n"), Just("\r\n"), Just("\r")]).prop_map(|(texts, usage, line_end)| Answer {
        texts,
        usage,
        line_end,
    })
}

impl Answer {
    /// What can be told in that form: OpenAI's writes to the cache are of one kind.
    fn of(&self, format: Format) -> Self {
        let mut answer = self.clone();
        if !format.is_anthropic() {
            answer.usage.cache_write_1h = 0;
        }
        answer
    }

    fn usage(&self, format: Format) -> Value {
        let TokenUsage { input, cache_write_5m, cache_write_1h, cache_read, output } = self.usage;
        match format {
            Format::Messages | Format::CountTokens => json!({
                "input_tokens": input,
                "cache_creation_input_tokens": cache_write_5m + cache_write_1h,
                "cache_creation": {"ephemeral_5m_input_tokens": cache_write_5m, "ephemeral_1h_input_tokens": cache_write_1h},
                "cache_read_input_tokens": cache_read,
                "output_tokens": output,
            }),
            Format::ChatCompletions | Format::Embeddings => json!({
                "prompt_tokens": input + cache_read + cache_write_5m,
                "prompt_tokens_details": {"cached_tokens": cache_read, "cache_write_tokens": cache_write_5m},
                "completion_tokens": output,
            }),
            Format::Responses => json!({
                "input_tokens": input + cache_read + cache_write_5m,
                "input_tokens_details": {"cached_tokens": cache_read, "cache_write_tokens": cache_write_5m},
                "output_tokens": output,
            }),
        }
    }

    fn document(&self, format: Format) -> String {
        json!({"model": "m-1", "content": self.texts, "usage": self.usage(format)}).to_string()
    }

    fn events(&self, format: Format) -> Vec<String> {
        let mut usage = self.usage(format);
        let data: Vec<Value> = match format {
            Format::Messages | Format::CountTokens => {
                let last = json!({"type": "message_delta", "delta": {}, "usage": {
                    "output_tokens": usage["output_tokens"].take(),
                    "cache_creation_input_tokens": usage["cache_creation_input_tokens"],
                }});
                let start = json!({"type": "message_start", "message": {"model": "m-1", "usage": usage}});
                let text = |text| json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}});
                let end = [last, json!({"type": "message_stop"})];
                std::iter::once(start).chain(self.texts.iter().map(text)).chain(end).collect()
            }
            Format::ChatCompletions | Format::Embeddings => {
                let text = |text| json!({"model": "m-1", "choices": [{"delta": {"content": text}}], "usage": null});
                let last = json!({"model": "m-1", "choices": [], "usage": usage});
                self.texts.iter().map(text).chain([last]).collect()
            }
            Format::Responses => {
                let text = |text| json!({"type": "response.output_text.delta", "delta": text});
                let last = json!({"type": "response.completed", "response": {"model": "m-1", "usage": usage}});
                self.texts.iter().map(text).chain([last]).collect()
            }
        };
        data.iter().map(|data| format!("data: {data}{end}{end}", end = self.line_end)).collect()
    }

    fn text_bytes(&self) -> u64 {
        self.texts.iter().map(|text| text.len() as u64).sum()
    }
}

fn read(format: Format, is_stream: bool, parts: &[&[u8]], ended: Ended) -> Reading {
    let mut meter = Meter::new(format, is_stream);
    for part in parts {
        meter.feed(part);
    }
    meter.finish(ended)
}

const FORMATS: [Format; 3] = [Format::Messages, Format::ChatCompletions, Format::Responses];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn reads_the_same_streamed_and_not_wherever_the_stream_is_split(answer in answers()) {
        for format in FORMATS {
            let answer = answer.of(format);
            let document = answer.document(format);
            let unstreamed = read(format, false, &[document.as_bytes()], Ended::Complete);
            prop_assert_eq!((unstreamed.usage, unstreamed.estimated), (answer.usage, false));
            let stream = answer.events(format).concat();
            let bytes = stream.as_bytes();
            for split in 0..=bytes.len() {
                let streamed = read(format, true, &[&bytes[..split], &bytes[split..]], Ended::Complete);
                prop_assert_eq!(&streamed, &unstreamed, "{:?} split at {}", format, split);
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&read(format, true, &single, Ended::Complete), &unstreamed);
        }
    }

    #[test]
    fn marks_what_was_cut_after_any_event_and_bounds_the_estimate(answer in answers()) {
        for format in FORMATS {
            let answer = answer.of(format);
            let events = answer.events(format);
            for cut in 0..events.len() {
                let seen = events[..cut].concat();
                let reading = read(format, true, &[seen.as_bytes()], Ended::Cut);
                prop_assert!(reading.estimated, "{:?} cut after {}", format, cut);
                let most = answer.usage.output.max(answer.text_bytes().div_ceil(4));
                prop_assert!(reading.usage.output <= most, "{:?} cut after {}", format, cut);
                let is_told = reading.has_input;
                prop_assert_eq!(reading.usage.input, if is_told { answer.usage.input } else { 0 });
            }
        }
    }
}
