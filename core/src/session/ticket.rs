//! What a browser holds, and what the store holds instead.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Characters of the hash that make the public id: 132 bits, beyond any collision.
const SESSION_ID_LENGTH: usize = 22;

/// The secret in the session cookie: 256 random bits. Never stored and never printed.
pub struct Ticket([u8; 32]);

/// Why a cookie's value is no ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a session ticket")]
pub struct InvalidTicket;

impl Ticket {
    /// Makes a ticket from 256 random bits.
    #[must_use]
    pub const fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// Parses the cookie's value.
    ///
    /// # Errors
    ///
    /// [`InvalidTicket`] unless it is 32 bytes in canonical unpadded base64url.
    pub fn parse(text: &str) -> Result<Self, InvalidTicket> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidTicket)?;
        bytes.try_into().map(Self).map_err(|_| InvalidTicket)
    }

    /// Returns the cookie's value.
    #[must_use]
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Returns what the store keeps.
    #[must_use]
    pub fn hash(&self) -> TicketHash {
        TicketHash(Sha256::digest(self.0).into())
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ticket(…)")
    }
}

/// SHA-256 of a ticket. Compared in constant time, although it opens nothing by itself.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketHash([u8; 32]);

impl TicketHash {
    /// Returns the public id of the session that the ticket opens.
    #[must_use]
    pub fn session(&self) -> SessionId {
        let mut id = URL_SAFE_NO_PAD.encode(self.0);
        id.truncate(SESSION_ID_LENGTH);
        SessionId(id)
    }
}

impl PartialEq for TicketHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TicketHash {}

impl std::fmt::Debug for TicketHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TicketHash(…)")
    }
}

/// Names a session in lists and for deleting; good for nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub String);

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_it_exposes() {
        let ticket = Ticket::new([9; 32]);
        assert_eq!(Ticket::parse(&ticket.expose()).unwrap().hash(), ticket.hash());
    }

    #[test]
    fn refuses_other_lengths_and_alphabets() {
        let text = Ticket::new([0xFB; 32]).expose();
        for bad in [&text[1..], &format!("{text}A"), &text.replace('-', "+"), &format!("{text}=")] {
            assert!(Ticket::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn never_prints_the_secret() {
        let ticket = Ticket::new([1; 32]);
        assert_eq!(format!("{ticket:?} {:?}", ticket.hash()), "Ticket(…) TicketHash(…)");
    }
}
