//! Codes on their way from the form to the gateway.

use std::collections::HashMap;

use gateway_core::identity::Email;
use gateway_core::time::Timestamp;

/// Most codes that wait. One person signs in at a time; a script that loops must not fill the memory.
const MAX_CODES: usize = 1000;

/// How long a code waits, in seconds: the browser takes it to the gateway at once.
const LIFETIME: i64 = 60;

/// What a code is worth. The client and the place it goes back to are not here, because there is one of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) email: Email,
    pub(super) nonce: Option<String>,
    pub(super) challenge: String,
    pub(super) at: Timestamp,
}

/// The codes that wait.
#[derive(Default)]
pub(super) struct Codes {
    grants: HashMap<String, Grant>,
}

impl Codes {
    /// Keeps a code for a minute; says whether there was room.
    pub(super) fn keep(&mut self, code: String, grant: Grant) -> bool {
        let now = grant.at;
        self.grants.retain(|_, held| is_good(held, now));
        let room = self.grants.len() < MAX_CODES;
        if room {
            self.grants.insert(code, grant);
        }
        room
    }

    /// Returns what the code is worth, once.
    pub(super) fn redeem(&mut self, code: &str, now: Timestamp) -> Option<Grant> {
        self.grants.remove(code).filter(|grant| is_good(grant, now))
    }
}

fn is_good(grant: &Grant, now: Timestamp) -> bool {
    now < grant.at.plus(LIFETIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(at: i64) -> Grant {
        let email = Email::parse("ann@example.com").unwrap();
        Grant { email, nonce: None, challenge: String::new(), at: Timestamp(at) }
    }

    #[test]
    fn redeems_a_code_once_and_within_a_minute() {
        let mut codes = Codes::default();
        for code in ["a", "b"] {
            assert!(codes.keep(code.to_owned(), grant(0)));
        }
        assert_eq!(codes.redeem("a", Timestamp(59)), Some(grant(0)));
        assert_eq!(codes.redeem("a", Timestamp(59)), None);
        assert_eq!(codes.redeem("b", Timestamp(60)), None);
    }

    #[test]
    fn keeps_no_more_than_it_has_room_for() {
        let mut codes = Codes::default();
        assert!((0..MAX_CODES).all(|index| codes.keep(index.to_string(), grant(0))));
        assert!(!codes.keep("more".to_owned(), grant(59)));
        assert!(codes.keep("later".to_owned(), grant(60)));
        assert_eq!(codes.grants.len(), 1);
    }
}
