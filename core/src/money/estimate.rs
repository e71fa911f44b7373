//! What a call may cost, before it is made. An estimate is only held; what is charged is what was used.

use std::collections::HashMap;

use super::TokenUsage;

/// Body bytes that make a token until a model's own average is known.
const BYTES_PER_TOKEN: u64 = 4;

/// Tokens that a picture or a document counts as, whatever its size in base64.
const TOKENS_PER_BLOB: u64 = 1600;

/// Output tokens that a call is expected to have until a model's own percentile is known.
const FIRST_OUTPUT: u64 = 1000;

/// How far one call moves an average: a sixteenth of the way.
const SMOOTHING: u64 = 16;

/// How many models have averages of their own: more than anybody configures.
const MAX_MODELS: usize = 1024;

/// What of a call the estimate depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallSize {
    /// Bytes of the body without long base64 texts.
    pub text_bytes: u64,
    /// Base64 texts over 1 KiB.
    pub blobs: u64,
    /// The most output tokens that the client allows for each answer.
    pub max_output: Option<u64>,
    /// How many answers it asks for.
    pub answers: u64,
}

/// Learns from calls what the next ones may cost. Each process has its own.
#[derive(Debug, Default)]
pub struct Estimator {
    models: HashMap<String, Averages>,
}

#[derive(Debug, Clone, Copy)]
struct Averages {
    /// Input tokens of a thousand body bytes.
    tokens_per_kilobyte: u64,
    /// The output that nine of ten calls stay within.
    output_90th: u64,
}

impl Default for Averages {
    fn default() -> Self {
        Self { tokens_per_kilobyte: 1000 / BYTES_PER_TOKEN, output_90th: FIRST_OUTPUT }
    }
}

impl Estimator {
    /// Returns the tokens that a call is expected to use: what they cost is held, and they count under rate limits.
    #[must_use]
    pub fn expected(&self, model: &str, size: &CallSize) -> TokenUsage {
        let expected = self.averages(model).output_90th;
        let output = size.max_output.map_or(expected, |most| most.min(expected)).saturating_mul(size.answers.max(1));
        TokenUsage { input: self.input(model, size), output, ..TokenUsage::default() }
    }

    /// Returns the input tokens that a call is expected to have.
    #[must_use]
    pub fn input(&self, model: &str, size: &CallSize) -> u64 {
        let text = size.text_bytes.saturating_mul(self.averages(model).tokens_per_kilobyte).div_ceil(1000);
        text.saturating_add(size.blobs.saturating_mul(TOKENS_PER_BLOB))
    }

    fn averages(&self, model: &str) -> Averages {
        self.models.get(model).copied().unwrap_or_default()
    }

    /// Learns what a call really used.
    pub fn learn(&mut self, model: &str, size: &CallSize, usage: &TokenUsage) {
        if !self.models.contains_key(model) && self.models.len() >= MAX_MODELS {
            return;
        }
        let averages = self.models.entry(model.to_owned()).or_default();
        let kinds = [usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h];
        let input = kinds.into_iter().fold(0_u64, u64::saturating_add);
        let text = input.saturating_sub(size.blobs.saturating_mul(TOKENS_PER_BLOB));
        if let Some(seen) = text.saturating_mul(1000).checked_div(size.text_bytes) {
            averages.tokens_per_kilobyte = towards(averages.tokens_per_kilobyte, seen.clamp(1, 2000));
        }
        averages.output_90th = percentile_step(averages.output_90th, usage.output / size.answers.max(1));
    }
}

fn towards(average: u64, seen: u64) -> u64 {
    if seen >= average {
        average + (seen - average).div_ceil(SMOOTHING)
    } else {
        average - (average - seen).div_ceil(SMOOTHING)
    }
}

/// Moves a running 90th percentile: nine small steps down balance one large step up.
fn percentile_step(percentile: u64, seen: u64) -> u64 {
    let step = (percentile / 100).max(1);
    if seen > percentile { percentile.saturating_add(9 * step) } else { percentile.saturating_sub(step).max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Nanodollars, Price, Rates};

    const PRICE: Price =
        Price::flat(Rates { input: 1_000_000, cache_write_5m: 0, cache_write_1h: 0, cache_read: 0, output: 5_000_000 });

    fn held(estimator: &Estimator, model: &str, size: &CallSize) -> Nanodollars {
        PRICE.cost(&estimator.expected(model, size), None).amount
    }

    fn size(text_bytes: u64, max_output: Option<u64>) -> CallSize {
        CallSize { text_bytes, blobs: 0, max_output, answers: 1 }
    }

    #[test]
    fn starts_from_four_bytes_a_token_and_a_thousand_tokens_out() {
        let estimator = Estimator::default();
        // 4,000 bytes are 1,000 tokens at 1,000 nanodollars; 1,000 tokens out at 5,000.
        assert_eq!(held(&estimator, "m", &size(4000, None)), Nanodollars(1_000_000 + 5_000_000));
    }

    #[test]
    fn holds_no_more_output_than_the_client_allows() {
        let estimator = Estimator::default();
        assert_eq!(held(&estimator, "m", &size(0, Some(10))), Nanodollars(50_000));
        assert_eq!(held(&estimator, "m", &size(0, Some(64_000))), Nanodollars(5_000_000));
    }

    #[test]
    fn counts_blobs_by_number_and_answers_by_count() {
        let estimator = Estimator::default();
        let size = CallSize { text_bytes: 0, blobs: 2, max_output: Some(1), answers: 3 };
        // 2 × 1,600 tokens in, 3 × 1 out.
        assert_eq!(held(&estimator, "m", &size), Nanodollars(3_200_000 + 15_000));
    }

    #[test]
    fn learns_from_absurd_numbers_without_falling_over() {
        let mut estimator = Estimator::default();
        let usage = TokenUsage { input: u64::MAX, cache_read: u64::MAX, output: u64::MAX, ..TokenUsage::default() };
        estimator.learn("m", &size(1000, None), &usage);
        // 250 tokens of a thousand bytes a sixteenth of the way to 2,000.
        assert_eq!(estimator.input("m", &size(1000, None)), 360);
    }

    #[test]
    fn learns_the_models_own_averages() {
        let mut estimator = Estimator::default();
        for _ in 0..500 {
            let usage = TokenUsage { input: 500, output: 100, ..TokenUsage::default() };
            estimator.learn("m", &size(1000, None), &usage);
        }
        let learned = held(&estimator, "m", &size(1000, None));
        // 500 tokens in for 1,000 bytes; the output settles around 100.
        let output = learned.0 - 500_000;
        assert!((400_000..=700_000).contains(&output), "{output}");
        assert_eq!(held(&estimator, "other", &size(1000, None)), Nanodollars(250_000 + 5_000_000));
    }
}
