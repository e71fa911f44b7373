use std::time::Duration;

use super::{Behaviour, TEXT, TIMES};

impl Behaviour {
    /// Returns how a model of this name answers without being told; `None` if the name says nothing of it.
    ///
    /// Names are `mock` and what is wanted, joined by hyphens: `events-N`, `pace-MS` (milliseconds before each event),
    /// `size-N` (bytes of text), `status-N`, `cut-N` and `fail-N` (after N events), `thinking`, `gzip`, `stamped` (when
    /// each event was sent), and `tool`. So `mock-events-400-pace-50` streams for 20 seconds.
    #[must_use]
    pub fn of_model(name: &str) -> Option<Self> {
        let mut words = name.strip_prefix("mock")?.strip_prefix('-')?.split('-');
        let (mut text, mut times) = (TEXT.to_owned(), TIMES);
        let mut rest: Vec<Box<dyn FnOnce(Self) -> Self>> = Vec::new();
        while let Some(word) = words.next() {
            let mut number = || words.next().and_then(|digits| digits.parse::<usize>().ok());
            match word {
                "events" => times = number()?,
                "size" => (text, times) = ("x".repeat(number()?), 1),
                "pace" => {
                    let pause = Duration::from_millis(number()?.try_into().ok()?);
                    rest.push(Box::new(move |behaviour| behaviour.pace(pause)));
                }
                "status" => {
                    let status = number()?.try_into().ok()?;
                    rest.push(Box::new(move |_| {
                        Self::refusal(status, "api_error", "the name of the model asks for it")
                    }));
                }
                "cut" => {
                    let events = number()?;
                    rest.push(Box::new(move |behaviour| behaviour.cut_after(events)));
                }
                "fail" => {
                    let events = number()?;
                    rest.push(Box::new(move |behaviour| behaviour.fail_after(events)));
                }
                "thinking" => rest.push(Box::new(|behaviour| behaviour.thinking("hm"))),
                "gzip" => rest.push(Box::new(Self::gzip)),
                "stamped" => rest.push(Box::new(Self::stamped)),
                // The tool itself comes from the request.
                "tool" => {}
                _ => return None,
            }
        }
        Some(rest.into_iter().fold(Self::text(&text).events(times), |behaviour, change| change(behaviour)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_name_asks_for() {
        let behaviour = Behaviour::of_model("mock-events-400-pace-50-cut-7").unwrap();
        assert_eq!(behaviour.content.text, (TEXT.to_owned(), 400));
        assert_eq!(behaviour.manner.pace, Duration::from_millis(50));
        assert_eq!(behaviour.manner.cut_after, Some(7));
    }

    #[test]
    fn leaves_other_names_alone() {
        for name in ["mock", "claude-sonnet-4-5", "mock-up", "mock-events", "mock-events-many", "mockery"] {
            assert!(Behaviour::of_model(name).is_none(), "{name}");
        }
    }
}
