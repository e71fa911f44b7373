//! What is left out of what was said, before it leaves the gateway.

use std::borrow::Cow;

use regex::{Captures, Regex};
use serde_json::Value;

use crate::config::{BuiltInRule, ConfigError, Content};

/// Secrets by the forms that they are known by: tokens and keys of well-known services, private keys, credentials in addresses and
/// headers, and values of variables that are named as such. What groups find stays.
const SECRETS: [&str; 7] = [
    // Tokens of this gateway and others (RFC 7519).
    r"()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    // Model providers and payment services, and then the code forges, chats and clouds.
    r"()\b(?:sk-[A-Za-z0-9_-]{16,}|[prs]k_(?:live|test)_[A-Za-z0-9]{16,})",
    r"()\b(?:gh[oprsu]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{16,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{30,}|(?:AKIA|ASIA)[A-Z0-9]{16}\b)",
    r"()-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
    r"(?i)(\b(?:bearer|basic)\s+)[a-z0-9._~+/-]{16,}=*",
    r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(@)",
    r#"(\b[A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_KEY|ACCESS_KEY|PRIVATE_KEY)[A-Z0-9_]*\s*[:=]\s*["']?)[^\s"']{4,}"#,
];

const EMAILS: &str = r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}";

/// Thirteen to nineteen digits (ISO/IEC 7812), in groups or not; those whose check digit is right are numbers of cards.
const CARD_NUMBERS: &str = r"\b[0-9](?:[ -]?[0-9]){12,18}\b";

/// The rules that hold.
#[derive(Debug)]
pub(crate) struct Redaction(Vec<Rule>);

#[derive(Debug)]
enum Rule {
    /// What the pattern finds gives way to a text, which may name its groups.
    Replace(Regex, String),
    /// The same, where what it finds is the number of a card.
    CardNumbers(Regex),
}

impl Redaction {
    /// Makes the rules of a configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the pattern that cannot be used.
    pub(crate) fn of(content: &Content) -> Result<Self, ConfigError> {
        let mut rules = Vec::new();
        for built_in in &content.built_in {
            match built_in {
                BuiltInRule::Secrets => {
                    for pattern in SECRETS {
                        rules.push(Rule::Replace(regex("content.built_in", pattern)?, "$1[secret]$2".to_owned()));
                    }
                }
                BuiltInRule::Emails => {
                    rules.push(Rule::Replace(regex("content.built_in", EMAILS)?, "[email]".to_owned()));
                }
                BuiltInRule::CardNumbers => rules.push(Rule::CardNumbers(regex("content.built_in", CARD_NUMBERS)?)),
            }
        }
        for (index, rule) in content.redact.iter().enumerate() {
            let key = format!("content.redact[{index}].pattern");
            let pattern = regex(&key, &rule.pattern)?;
            if pattern.is_match("") {
                return Err(ConfigError::key(key, "finds nothing: it must not match an empty text"));
            }
            rules.push(Rule::Replace(pattern, rule.replacement.clone()));
        }
        Ok(Self(rules))
    }

    /// Returns a value in which every text, names included, is as the rules leave it.
    pub(super) fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text).into_owned()),
            Value::Array(values) => values.into_iter().map(|value| self.value(value)).collect(),
            Value::Object(members) => {
                members.into_iter().map(|(name, value)| (self.text(&name).into_owned(), self.value(value))).collect()
            }
            // A number of a card need not be a text.
            Value::Number(number) => match self.text(&number.to_string()) {
                Cow::Owned(redacted) => Value::String(redacted),
                Cow::Borrowed(_) => Value::Number(number),
            },
            Value::Bool(_) | Value::Null => value,
        }
    }

    fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for rule in &self.0 {
            if let Cow::Owned(redacted) = rule.apply(&text) {
                text = Cow::Owned(redacted);
            }
        }
        text
    }
}

impl Rule {
    fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self {
            Self::Replace(pattern, replacement) => pattern.replace_all(text, replacement.as_str()),
            Self::CardNumbers(pattern) => {
                let redacted = pattern.replace_all(text, |found: &Captures<'_>| {
                    let found = &found[0];
                    if has_check_digit(found) { "[card number]".to_owned() } else { found.to_owned() }
                });
                // Numbers that are none of a card are put back: that is no change.
                if redacted == text { Cow::Borrowed(text) } else { redacted }
            }
        }
    }
}

/// Says whether the last digit is the one that follows from the others (ISO/IEC 7812-1, annex B).
fn has_check_digit(number: &str) -> bool {
    let digits = number.chars().rev().filter_map(|character| character.to_digit(10));
    let weighed = digits.enumerate().map(|(place, digit)| match place % 2 {
        0 => digit,
        _ => digit * 2 / 10 + digit * 2 % 10,
    });
    weighed.sum::<u32>() % 10 == 0
}

fn regex(key: &str, pattern: &str) -> Result<Regex, ConfigError> {
    Regex::new(pattern).map_err(|error| ConfigError::key(key, error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::RedactionRule;

    fn redacted(text: &str) -> String {
        Redaction::of(&Content::default()).unwrap().text(text).into_owned()
    }

    #[test]
    fn leaves_secrets_out_and_what_is_beside_them_in() {
        let jwt = format!("eyJ{}.eyJ{}.{}", "a".repeat(20), "b".repeat(20), "c".repeat(20));
        for (text, expected) in [
            (format!("use {jwt}, please"), "use [secret], please"),
            (format!("sk-ant-api03-{}", "x1".repeat(20)), "[secret]"),
            (format!("rk_live_{}!", "x".repeat(24)), "[secret]!"),
            (format!("a ghp_{} b", "x".repeat(36)), "a [secret] b"),
            ("AKIAABCDEFGHIJKLMNOP".to_owned(), "[secret]"),
            ("a\n-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nb".to_owned(), "a\n[secret]\nb"),
            ("-----BEGIN PRIVATE KEY-----\nMII, and then it is cut".to_owned(), "[secret]"),
            ("Authorization: Bearer 0123456789abcdef".to_owned(), "Authorization: Bearer [secret]"),
            ("postgres://gw:hunter2@db.example.com/gw".to_owned(), "postgres://gw:[secret]@db.example.com/gw"),
            ("DB_PASSWORD='hunter2' ls".to_owned(), "DB_PASSWORD='[secret]' ls"),
            ("export OPENAI_API_KEY=abcd1234".to_owned(), "export OPENAI_API_KEY=[secret]"),
        ] {
            assert_eq!(redacted(&text), expected);
        }
    }

    #[test]
    fn leaves_people_and_cards_out() {
        for (text, expected) in [
            ("write to ann.o'neil+x@mail.example.co.uk.", "write to [email]."),
            ("4111 1111 1111 1111 and 4111-1111-1111-1111", "[card number] and [card number]"),
            ("378282246310005", "[card number]"),
        ] {
            assert_eq!(redacted(text), expected);
        }
    }

    #[test]
    fn leaves_the_rest_as_it_is() {
        for text in [
            "4111 1111 1111 1112 is no card, nor is 20261128120000",
            "let token: String = basic(1); // sk-short, a@b, http://localhost:8080/a@b",
            "task-0123456789abcdefgh",
        ] {
            assert_eq!(redacted(text), text);
        }
    }

    #[test]
    fn looks_into_everything() {
        let rules = Redaction::of(&Content::default()).unwrap();
        let value = json!({"a@b.example": [{"x": "a@b.example"}, 4_111_111_111_111_111_u64, 12, true, null]});
        assert_eq!(rules.value(value), json!({"[email]": [{"x": "[email]"}, "[card number]", 12, true, null]}));
    }

    #[test]
    fn follows_the_operators_rules_and_theirs_alone_if_they_say_so() {
        let rule = |pattern: &str, replacement: &str| RedactionRule {
            pattern: pattern.to_owned(),
            replacement: replacement.to_owned(),
        };
        let redact = vec![rule(r"(EMP)-\d{4}", "$1-[number]"), rule("(?i)project aurora", "[redacted]")];
        let content = Content { built_in: Vec::new(), redact, ..Content::default() };
        let redacted = Redaction::of(&content).unwrap().text("EMP-1234 a@b.example Project Aurora").into_owned();
        assert_eq!(redacted, "EMP-[number] a@b.example [redacted]");
    }
}
