//! Amounts of US dollars.

use serde::{Deserialize, Serialize};

/// Nanodollars in a dollar.
const PER_DOLLAR: i64 = 1_000_000_000;

/// An amount in nanodollars (1e-9 USD): enough for a single token of the cheapest model, and for nine billion dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanodollars(pub i64);

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an amount in dollars with at most 9 decimals")]
pub struct InvalidAmount;

impl Nanodollars {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Returns the sum, or the largest amount there is.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Returns the difference, or the smallest amount there is.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Parses a decimal literal of dollars, an exponent included, without going through floating point.
    ///
    /// # Errors
    ///
    /// [`InvalidAmount`] for anything but a non-negative JSON number that has at most 9 decimals and fits.
    pub fn parse_dollars(literal: &str) -> Result<Self, InvalidAmount> {
        let (mantissa, exponent) = match literal.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| InvalidAmount)?),
            None => (literal, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) {
            return Err(InvalidAmount);
        }
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Ok(Self::ZERO);
        }
        let significant = digits.trim_end_matches('0');
        let dropped = digits.len() - significant.len();
        let shift = i64::from(exponent) - as_i64(fraction.len()) + as_i64(dropped) + 9;
        let shift = u32::try_from(shift).map_err(|_| InvalidAmount)?;
        let value: i64 = significant.parse().map_err(|_| InvalidAmount)?;
        let scale = 10_i64.checked_pow(shift).ok_or(InvalidAmount)?;
        value.checked_mul(scale).map(Self).ok_or(InvalidAmount)
    }
}

fn as_i64(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX / 4)
}

impl std::fmt::Display for Nanodollars {
    /// Writes dollars with two to nine decimals: `10.00`, `0.000125`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let per_dollar = PER_DOLLAR.unsigned_abs();
        let (whole, fraction) = (self.0.unsigned_abs() / per_dollar, self.0.unsigned_abs() % per_dollar);
        let digits = format!("{fraction:09}");
        let kept = digits.trim_end_matches('0').len().max(2);
        write!(f, "{sign}{whole}.{}", &digits[..kept])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_literals_exactly() {
        for (literal, nanodollars) in [
            ("10.00", 10_000_000_000),
            ("0.000000001", 1),
            ("0.1", 100_000_000),
            ("1e-9", 1),
            ("1.5E3", 1_500_000_000_000),
            ("0", 0),
            ("0e99", 0),
            ("0.3000000000000", 300_000_000),
            ("9223372036.854775807", i64::MAX),
        ] {
            assert_eq!(Nanodollars::parse_dollars(literal), Ok(Nanodollars(nanodollars)), "{literal}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_hold_exactly() {
        for literal in
            ["", "-1", "+1", "1e-10", "0.0000000001", "9223372036.854775808", "1e10", "nan", ".5", "1.", "1e", "1_0"]
        {
            assert_eq!(Nanodollars::parse_dollars(literal), Err(InvalidAmount), "{literal}");
        }
    }

    #[test]
    fn prints_what_it_parses() {
        for literal in ["10.00", "0.000000001", "0.10", "1500.00", "9223372036.854775807"] {
            assert_eq!(Nanodollars::parse_dollars(literal).unwrap().to_string(), literal);
        }
        assert_eq!(Nanodollars(-1_500_000_000).to_string(), "-1.50");
    }
}
