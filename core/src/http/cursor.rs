//! Paging cursors as clients see them: opaque, and good only if we made them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::ports::Cursor;

/// Bytes of the authentication code: 128 bits, beyond guessing.
const CODE_LENGTH: usize = 16;

/// Seals cursors for one list of one person, so that they are good for nothing else.
pub(super) struct CursorSeal {
    seals: Hmac<Sha256>,
    /// What it opens: its own, and those that were sealed with other secrets.
    opens: Vec<Hmac<Sha256>>,
}

impl CursorSeal {
    /// Makes the seal from secrets of the gateway, the one that seals first, and what the list is.
    pub(super) fn new(secrets: &[impl AsRef<[u8]>], list: &str, owner: &str) -> Option<Self> {
        let mac = |secret: &[u8]| {
            let mut mac = Hmac::new_from_slice(secret).ok()?;
            for part in ["cursor", list, owner] {
                mac.update(&part.len().to_be_bytes());
                mac.update(part.as_bytes());
            }
            Some(mac)
        };
        let opens: Vec<_> = secrets.iter().map(|secret| mac(secret.as_ref())).collect::<Option<_>>()?;
        Some(Self { seals: opens.first()?.clone(), opens })
    }

    /// Returns the text that a client gets.
    pub(super) fn seal(&self, cursor: &Cursor) -> String {
        let code = self.seals.clone().chain_update(&cursor.0).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode([&code[..CODE_LENGTH], cursor.0.as_bytes()].concat())
    }

    /// Returns the cursor, if the text is one of ours for this list.
    pub(super) fn open(&self, text: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (code, cursor) = bytes.split_at_checked(CODE_LENGTH)?;
        let is_ours = |mac: &Hmac<Sha256>| mac.clone().chain_update(cursor).verify_truncated_left(code).is_ok();
        self.opens.iter().any(is_ours).then_some(())?;
        String::from_utf8(cursor.to_vec()).ok().map(Cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(list: &str, owner: &str) -> CursorSeal {
        CursorSeal::new(&[b"obviously-fake-secret"], list, owner).unwrap()
    }

    #[test]
    fn opens_what_it_sealed() {
        let cursor = Cursor("1700000000:01J".to_owned());
        assert_eq!(seal("tokens", "ann").open(&seal("tokens", "ann").seal(&cursor)), Some(cursor));
    }

    #[test]
    fn refuses_forged_and_foreign_cursors() {
        let cursor = Cursor("1700000000:01J".to_owned());
        let text = seal("tokens", "ann").seal(&cursor);
        assert_eq!(seal("tokens", "bob").open(&text), None);
        assert_eq!(seal("audit", "ann").open(&text), None);
        let forged = URL_SAFE_NO_PAD.encode([&[0; 16][..], cursor.0.as_bytes()].concat());
        for text in [forged.as_str(), &text[..20], "", "1700000000", "%"] {
            assert_eq!(seal("tokens", "ann").open(text), None, "{text}");
        }
    }

    #[test]
    fn opens_what_was_sealed_before_the_keys_were_rotated() {
        let seal = |secrets: &[&str]| CursorSeal::new(secrets, "tokens", "ann").unwrap();
        let (before, after) = (seal(&["one", "two"]), seal(&["two", "three", "one"]));
        let cursor = Cursor("place".to_owned());
        assert_eq!(after.open(&before.seal(&cursor)), Some(cursor.clone()));
        assert_eq!(before.open(&after.seal(&cursor)), Some(cursor.clone()), "who has not heard of it yet");
        assert_eq!(seal(&["four"]).open(&before.seal(&cursor)), None);
    }
}
