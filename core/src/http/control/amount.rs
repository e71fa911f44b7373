//! Amounts of dollars in JSON: exact both ways, because nothing goes through floating point.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::money::Nanodollars;

/// Dollars, as a number or a text: `10.5`, `1e-2`, `"10.50"`. Written as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amount(pub(super) Nanodollars);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let literal = Box::<RawValue>::deserialize(deserializer)?;
        let text = serde_json::from_str::<String>(literal.get()).unwrap_or_else(|_| literal.get().to_owned());
        Nanodollars::parse_dollars(&text).map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let literal = RawValue::from_string(self.0.to_string()).map_err(serde::ser::Error::custom)?;
        literal.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_literals_exactly_and_refuses_the_rest() {
        for (literal, nanodollars) in
            [("10.5", 10_500_000_000), ("\"10.50\"", 10_500_000_000), ("1e-9", 1), ("0.1", 100_000_000), ("0", 0)]
        {
            assert_eq!(serde_json::from_str::<Amount>(literal).unwrap().0, Nanodollars(nanodollars), "{literal}");
        }
        for literal in ["-1", "0.0000000001", "null", "true", "\"\"", "[1]", "{}", "1e99"] {
            assert!(serde_json::from_str::<Amount>(literal).is_err(), "{literal}");
        }
        assert!(serde_json::from_str::<Option<Amount>>("null").unwrap().is_none());
    }

    #[test]
    fn writes_a_number_that_has_every_nanodollar() {
        let amount = Amount(Nanodollars(9_007_199_254_740_993));
        assert_eq!(serde_json::to_string(&amount).unwrap(), "9007199.254740993");
    }
}
