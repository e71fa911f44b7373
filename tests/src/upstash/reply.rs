use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What Redis answers to a command (RESP2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Status(Vec<u8>),
    Error(Vec<u8>),
    Integer(i64),
    Bulk(Vec<u8>),
    Nil,
    Array(Vec<Reply>),
}

/// How the strings of a result are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As text; what is no UTF-8 is replaced.
    Text,
    /// As base64, all but the status `OK`.
    Base64,
}

impl Reply {
    /// Returns the result or the error that the protocol has for this reply.
    pub(super) fn outcome(self, encoding: Encoding) -> Value {
        match self {
            Self::Error(message) => json!({"error": String::from_utf8_lossy(&message)}),
            Self::Status(text) if text == b"OK" => json!({"result": "OK"}),
            other => json!({"result": other.value(encoding)}),
        }
    }

    fn value(self, encoding: Encoding) -> Value {
        match self {
            // The client decodes every string of an array, an `OK` too.
            Self::Status(text) | Self::Error(text) | Self::Bulk(text) => match encoding {
                Encoding::Text => String::from_utf8_lossy(&text).into(),
                Encoding::Base64 => STANDARD.encode(text).into(),
            },
            Self::Integer(number) => number.into(),
            Self::Nil => Value::Null,
            Self::Array(replies) => replies.into_iter().map(|reply| reply.value(encoding)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(bytes: &[u8]) -> Reply {
        Reply::Bulk(bytes.to_vec())
    }

    #[test]
    fn writes_every_kind_of_reply() {
        let nested = Reply::Array(vec![Reply::Array(vec![Reply::Nil, Reply::Integer(i64::MIN)]), bulk(b"\xffa")]);
        assert_eq!(
            nested.clone().outcome(Encoding::Text).to_string(),
            "{\"result\":[[null,-9223372036854775808],\"\u{fffd}a\"]}"
        );
        assert_eq!(nested.outcome(Encoding::Base64), json!({"result": [[null, i64::MIN], "/2E="]}));
        assert_eq!(Reply::Nil.outcome(Encoding::Base64), json!({"result": null}));
    }

    #[test]
    fn encodes_neither_the_status_ok_nor_an_error() {
        assert_eq!(Reply::Status(b"OK".to_vec()).outcome(Encoding::Base64), json!({"result": "OK"}));
        assert_eq!(Reply::Status(b"PONG".to_vec()).outcome(Encoding::Base64), json!({"result": "UE9ORw=="}));
        assert_eq!(bulk(b"OK").outcome(Encoding::Base64), json!({"result": "T0s="}));
        assert_eq!(Reply::Error(b"ERR no".to_vec()).outcome(Encoding::Base64), json!({"error": "ERR no"}));
    }
}
