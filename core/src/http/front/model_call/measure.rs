//! From an answer to what it costs.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};

use super::lease::Ending;
use crate::http::front::Front;
use crate::money::{CallSize, Cost, Nanodollars, Price, ServiceTier, TokenUsage};
use crate::ports::Platform;
use crate::upstream::{Ended, Format, Meter};

/// How a call is charged.
#[derive(Debug, Clone)]
pub(super) enum Measure {
    /// By its tokens.
    Tokens(Tokens),
    /// By the call, if it is answered with success.
    Flat(Nanodollars),
}

/// What is needed to turn tokens into a cost.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pub(super) format: Format,
    /// The model's name in the configuration.
    pub(super) model: String,
    pub(super) size: CallSize,
    pub(super) price: Option<Arc<Price>>,
    /// How many bytes are kept of what is said, each way; if it is kept at all.
    pub(super) kept: Option<usize>,
}

/// Says whether an answer is a stream of events.
pub(super) fn is_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    content_type.to_ascii_lowercase().starts_with(b"text/event-stream")
}

/// Says whether the body behind these headers, of a call or of an answer, is encoded.
pub(super) fn is_encoded(headers: &HeaderMap) -> bool {
    let is_plain = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
    !headers.get_all(CONTENT_ENCODING).iter().all(is_plain)
}

impl Measure {
    /// Makes the meter of an answer with these headers, if it has to be read.
    pub(super) fn meter(&self, headers: &HeaderMap) -> Option<Meter> {
        let Self::Tokens(Tokens { format, kept, .. }) = self else { return None };
        if is_encoded(headers) {
            return Some(Meter::opaque(*format));
        }
        let meter = Meter::new(*format, is_stream(headers));
        Some(if let Some(bytes) = kept { meter.keeping(*bytes) } else { meter })
    }

    /// Returns how many bytes are kept of what is said, each way; if it is kept at all.
    pub(super) const fn kept(&self) -> Option<usize> {
        match self {
            Self::Tokens(tokens) => tokens.kept,
            Self::Flat(_) => None,
        }
    }

    /// Returns what a call costs that was answered with success.
    pub(super) fn charge<P: Platform>(&self, front: &Front<P>, meter: Option<Meter>, ended: Ended) -> Ending {
        match (self, meter) {
            (Self::Tokens(tokens), Some(meter)) => tokens.charge(front, meter, ended),
            (Self::Tokens(tokens), None) => tokens.unanswered(front),
            (Self::Flat(cost), _) => Ending { cost: *cost, ..Ending::default() },
        }
    }

    /// Returns what a call costs whose client left before the provider answered: it has read the input.
    pub(super) fn unanswered<P: Platform>(&self, front: &Front<P>) -> Ending {
        match self {
            Self::Tokens(tokens) => tokens.unanswered(front),
            Self::Flat(cost) => Ending { cost: *cost, estimated: true, ..Ending::default() },
        }
    }
}

impl Tokens {
    fn charge<P: Platform>(&self, front: &Front<P>, meter: Meter, ended: Ended) -> Ending {
        let reading = meter.finish(ended);
        let mut usage = reading.usage;
        let failed_at_once = reading.failed && usage == TokenUsage::default();
        if !reading.estimated {
            front.estimator().learn(&self.model, &self.size, &usage);
        } else if !reading.has_input && !failed_at_once {
            usage.input = front.estimator().input(&self.model, &self.size);
        }
        Ending {
            estimated: reading.estimated,
            model_served: reading.model,
            kept_as: reading.kept_as,
            answered: reading.answered,
            error: reading.failed.then_some(crate::admission::ErrorType::Cut),
            ..self.ending(usage, reading.tier, &reading.uses, reading.has_extras)
        }
    }

    fn unanswered<P: Platform>(&self, front: &Front<P>) -> Ending {
        let input = front.estimator().input(&self.model, &self.size);
        Ending {
            estimated: true,
            ..self.ending(TokenUsage { input, ..TokenUsage::default() }, None, &BTreeMap::new(), false)
        }
    }

    fn ending(
        &self,
        usage: TokenUsage,
        tier: Option<ServiceTier>,
        uses: &BTreeMap<String, u64>,
        has_extras: bool,
    ) -> Ending {
        let unpriced = Cost { amount: Nanodollars::ZERO, is_complete: false };
        let cost = self.price.as_ref().map(|price| price.cost(&usage, tier).and(price.cost_of_uses(uses)));
        let Cost { amount, is_complete } = cost.unwrap_or(unpriced);
        Ending { usage, cost: amount, priced: is_complete && !has_extras, ..Ending::default() }
    }
}
