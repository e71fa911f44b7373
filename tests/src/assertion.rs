//! What a front signs to be believed by the control plane.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::now;

/// What stands before the seed in an Ed25519 private key (RFC 8410 §7, PKCS #8 version 1).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The SHA-256 of nothing, in base64url.
const EMPTY: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

/// An assertion that is good for one request, and can be made worse.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// Its payload.
    pub claims: Value,
    key: [u8; 32],
    id: String,
}

impl Assertion {
    /// Asserts a GET by the front itself, with the halves of its key that `llm-gateway keys front` has printed.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    pub fn get(target: &str, origin: &str, private: &str, public: &str) -> Self {
        let mut number = [0; 16];
        #[expect(clippy::disallowed_methods, reason = "an assertion is good once, also over several runs of a test")]
        getrandom::fill(&mut number).expect("the system has randomness");
        let key = URL_SAFE_NO_PAD.decode(private).expect("a key is base64url").try_into().expect("a key has 32 bytes");
        // The thumbprint of RFC 7638, cut in half.
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}"#);
        let id = URL_SAFE_NO_PAD.encode(&Sha256::digest(jwk)[..16]);
        let claims = json!({
            "iss": origin, "aud": format!("{origin}/internal"), "iat": now(), "exp": now() + 60,
            "jti": URL_SAFE_NO_PAD.encode(number),
            "request": {"htm": "GET", "htu": target, "ctype": "", "body": EMPTY},
            "actor": {"via": {"via": "front"}, "request": "req_1", "address": "192.0.2.1", "user_agent": "test"},
        });
        Self { claims, key, id }
    }

    /// Signs it.
    ///
    /// # Panics
    ///
    /// If the key cannot sign.
    #[must_use]
    pub fn sign(&self) -> String {
        let der = [PKCS8_PREFIX.as_slice(), &self.key].concat();
        let header = Header {
            typ: Some("control-assertion+jwt".to_owned()),
            kid: Some(self.id.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        jsonwebtoken::encode(&header, &self.claims, &EncodingKey::from_ed_der(&der)).expect("the key signs")
    }
}
