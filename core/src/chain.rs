//! Errors in log lines.

use std::error::Error;
use std::fmt;

/// An error with its causes, as a log line tells it: `redis is unavailable: OOM command not allowed`.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(pub &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(source) = cause {
            write!(formatter, ": {source}")?;
            cause = source.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Unavailable;

    #[test]
    fn tells_every_cause() {
        let error = Unavailable::new("redis", Unavailable::new("the network", "it rains"));
        assert_eq!(Chain(&error).to_string(), "redis is unavailable: the network is unavailable: it rains");
    }
}
