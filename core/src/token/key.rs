//! Signing keys: who holds which, and what is published of them (RFC 7517, RFC 8037).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What stands before the seed in an Ed25519 private key (RFC 8410 §7, PKCS #8 version 1).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Bytes of an Ed25519 seed, and of a public key.
const KEY_LENGTH: usize = 32;

/// How long after its retirement another process may still sign with a key, in seconds: it re-reads the keys every
/// minute, and an hour forgives a stuck one.
const RETIREMENT_LAG: i64 = 3600;

/// All keys of one gateway: one that signs, one published ahead, and older ones that still verify.
///
/// This is what the key file holds.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeySet {
    keys: Vec<StoredKey>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    kid: String,
    #[serde(serialize_with = "expose")]
    seed: SecretString,
    created: Timestamp,
    stage: Stage,
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// Published, so that everyone knows it before it signs.
    Next,
    /// Signs.
    Signing,
    /// Verifies what it signed until then.
    Retired { at: Timestamp },
}

/// Why keys cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A text is no key set.
    #[error("not a key set")]
    Malformed,
    /// A key id does not follow the pattern, or stands twice.
    #[error("a key id is malformed or used twice")]
    KeyId,
    /// A key is not 32 bytes in base64url, or could be guessed.
    #[error("a key is malformed or weak")]
    Weak,
    /// There is not exactly one key that signs and one that is next.
    #[error("there must be exactly one signing key and one next key")]
    Stages,
}

impl KeySet {
    /// Makes a key set from the random seeds of a key that signs and of the next one.
    #[must_use]
    pub fn new(now: Timestamp, signing: [u8; KEY_LENGTH], next: [u8; KEY_LENGTH]) -> Self {
        Self { keys: vec![StoredKey::new(signing, now, Stage::Signing), StoredKey::new(next, now, Stage::Next)] }
    }

    /// Reads a key set from the key file's JSON.
    ///
    /// # Errors
    ///
    /// [`KeyError`] says what is wrong, without the text.
    pub fn parse(json: &str) -> Result<Self, KeyError> {
        let set: Self = serde_json::from_str(json).map_err(|_| KeyError::Malformed)?;
        for (index, key) in set.keys.iter().enumerate() {
            if !is_key_id(&key.kid) || set.keys[..index].iter().any(|other| other.kid == key.kid) {
                return Err(KeyError::KeyId);
            }
            key.seed_bytes()?;
        }
        let count = |stage| set.keys.iter().filter(|key| key.stage == stage).count();
        if count(Stage::Signing) == 1 && count(Stage::Next) == 1 { Ok(set) } else { Err(KeyError::Stages) }
    }

    /// Writes the key file's JSON, secrets included.
    ///
    /// # Panics
    ///
    /// Never: a key set has only texts and numbers.
    #[must_use]
    pub fn to_json(&self) -> SecretString {
        serde_json::to_string_pretty(self).expect("texts and numbers always serialise").into()
    }

    /// Makes the next key sign, retires the one that did, publishes a new next one, and drops those whose last token has
    /// expired, given the longest lifetime of a token in seconds.
    #[must_use]
    pub fn rotate(mut self, now: Timestamp, max_lifetime: u32, next: [u8; KEY_LENGTH]) -> Self {
        for key in &mut self.keys {
            key.stage = match key.stage {
                Stage::Signing => Stage::Retired { at: now },
                Stage::Next => Stage::Signing,
                retired @ Stage::Retired { .. } => retired,
            };
        }
        self.keys.push(StoredKey::new(next, now, Stage::Next));
        self.keys.retain(|key| match key.stage {
            Stage::Retired { at } => now < at.plus(i64::from(max_lifetime) + RETIREMENT_LAG),
            Stage::Signing | Stage::Next => true,
        });
        self
    }

    /// Returns the key that signs.
    ///
    /// # Errors
    ///
    /// [`KeyError::Stages`] if there is none.
    pub fn signer(&self) -> Result<Signer, KeyError> {
        let key = self.keys.iter().find(|key| key.stage == Stage::Signing).ok_or(KeyError::Stages)?;
        Ok(Signer { kid: key.kid.clone(), key: key.encoding_key()? })
    }

    /// Returns a secret for another purpose than signing from each key, that of the one that signs first: who has the keys has
    /// the same.
    pub(crate) fn secrets(&self, purpose: &str) -> Vec<[u8; KEY_LENGTH]> {
        use sha2::Digest as _;
        let secret = |key: &StoredKey| {
            let hasher = sha2::Sha256::new_with_prefix(purpose).chain_update([0]);
            hasher.chain_update(key.seed.expose_secret()).finalize().into()
        };
        let (signing, others): (Vec<_>, Vec<_>) = self.keys.iter().partition(|key| key.stage == Stage::Signing);
        signing.into_iter().chain(others).map(secret).collect()
    }

    /// Returns the public halves of all keys.
    ///
    /// # Errors
    ///
    /// [`KeyError::Weak`] if a seed is no key.
    pub fn public(&self) -> Result<PublicKeys, KeyError> {
        let keys = self.keys.iter().map(StoredKey::public).collect::<Result<_, _>>()?;
        Ok(PublicKeys { keys })
    }
}

impl StoredKey {
    fn new(seed: [u8; KEY_LENGTH], created: Timestamp, stage: Stage) -> Self {
        let mut key = Self { kid: String::new(), seed: URL_SAFE_NO_PAD.encode(seed).into(), created, stage };
        key.kid = key.public().map_or_else(|_| String::new(), |public| thumbprint(&public.x));
        key
    }

    fn seed_bytes(&self) -> Result<[u8; KEY_LENGTH], KeyError> {
        let bytes = URL_SAFE_NO_PAD.decode(self.seed.expose_secret()).map_err(|_| KeyError::Weak)?;
        let seed: [u8; KEY_LENGTH] = bytes.try_into().map_err(|_| KeyError::Weak)?;
        let distinct = seed.iter().collect::<std::collections::BTreeSet<_>>().len();
        if distinct < KEY_LENGTH / 4 { Err(KeyError::Weak) } else { Ok(seed) }
    }

    fn encoding_key(&self) -> Result<EncodingKey, KeyError> {
        Ok(EncodingKey::from_ed_der(&[PKCS8_PREFIX.as_slice(), &self.seed_bytes()?].concat()))
    }

    fn public(&self) -> Result<PublicKey, KeyError> {
        use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
        let jwk = Jwk::from_encoding_key(&self.encoding_key()?, Algorithm::EdDSA).map_err(|_| KeyError::Weak)?;
        match jwk.algorithm {
            AlgorithmParameters::OctetKeyPair(pair) => PublicKey::new(self.kid.clone(), pair.x),
            _ => Err(KeyError::Weak),
        }
    }
}

fn expose<S: serde::Serializer>(seed: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(seed.expose_secret())
}

/// The private key that signs tokens.
pub struct Signer {
    kid: String,
    key: EncodingKey,
}

/// The key pair with which a front in another place proves to the control plane that it is the front.
pub struct FrontKey {
    seed: SecretString,
    x: String,
}

impl FrontKey {
    /// Makes a key pair of a random seed.
    ///
    /// # Panics
    ///
    /// Never: every seed is a private key.
    #[must_use]
    pub fn new(seed: [u8; KEY_LENGTH]) -> Self {
        let key = StoredKey::new(seed, Timestamp(0), Stage::Signing);
        let public = key.public().expect("every seed is a private key");
        Self { seed: key.seed, x: public.x }
    }

    /// Returns the private key, for the front alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.seed.expose_secret()
    }

    /// Returns the public key, for the control plane.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.x
    }
}

impl std::fmt::Debug for FrontKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FrontKey({})", self.x)
    }
}

impl Signer {
    /// Makes a signer of a private key alone: a seed of 32 bytes in base64url. Its id follows from its public half.
    ///
    /// # Errors
    ///
    /// [`KeyError::Weak`] if it is none, or could be guessed.
    pub fn of(seed: &SecretString) -> Result<Self, KeyError> {
        let key = StoredKey { kid: String::new(), seed: seed.clone(), created: Timestamp(0), stage: Stage::Signing };
        let PublicKey { x, .. } = key.public()?;
        Ok(Self { kid: thumbprint(&x), key: key.encoding_key()? })
    }

    /// Returns the signing key's id.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs a message with Ed25519; returns the signature in base64url.
    pub(super) fn sign(&self, message: &str) -> Option<String> {
        jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, Algorithm::EdDSA).ok()
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.kid)
    }
}

/// The keys that tokens are checked against. Serialises as a JWK set (RFC 7517 §5).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PublicKeys {
    keys: Vec<PublicKey>,
}

/// One public key.
#[derive(Clone)]
pub(super) struct PublicKey {
    kid: String,
    x: String,
    key: DecodingKey,
}

impl PublicKeys {
    /// Makes a set of public keys, each 32 bytes in base64url (the `x` of RFC 8037 §2). Their ids follow from them.
    ///
    /// # Errors
    ///
    /// [`KeyError::Weak`] if one is no public key, [`KeyError::KeyId`] if one stands twice.
    pub fn of(keys: &[String]) -> Result<Self, KeyError> {
        let mut set = Self::default();
        for x in keys {
            let key = PublicKey::new(thumbprint(x), x.clone())?;
            if set.key(&key.kid).is_some() {
                return Err(KeyError::KeyId);
            }
            set.keys.push(key);
        }
        Ok(set)
    }

    /// Returns the key of that id.
    pub(super) fn key(&self, kid: &str) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// Says whether both are the same keys.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.keys.len() == other.keys.len()
            && self.keys.iter().zip(&other.keys).all(|(one, two)| one.kid == two.kid && one.x == two.x)
    }
}

impl PublicKey {
    fn new(kid: String, x: String) -> Result<Self, KeyError> {
        let bytes = URL_SAFE_NO_PAD.decode(&x).map_err(|_| KeyError::Weak)?;
        if bytes.len() != KEY_LENGTH {
            return Err(KeyError::Weak);
        }
        Ok(Self { kid, x, key: DecodingKey::from_ed_der(&bytes) })
    }

    /// Says whether the key made that signature over that message.
    pub(super) fn verifies(&self, message: &str, signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.key, Algorithm::EdDSA).unwrap_or(false)
    }
}

/// Reads a JWK; what it says beside `kid` and `x` is as we write it.
impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        #[derive(Deserialize)]
        struct Jwk {
            kid: String,
            x: String,
        }
        let Jwk { kid, x } = Jwk::deserialize(deserializer)?;
        if !is_key_id(&kid) {
            return Err(D::Error::custom(KeyError::KeyId));
        }
        Self::new(kid, x).map_err(D::Error::custom)
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({})", self.kid)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut map = serializer.serialize_map(Some(6))?;
        for (name, value) in [("kty", "OKP"), ("crv", "Ed25519"), ("alg", "EdDSA"), ("use", "sig")] {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("kid", &self.kid)?;
        map.serialize_entry("x", &self.x)?;
        map.end()
    }
}

/// Returns the key's name: the JWK thumbprint (RFC 7638, RFC 8037 §2), cut to 128 bits.
fn thumbprint(x: &str) -> String {
    use sha2::Digest as _;
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(&sha2::Sha256::digest(canonical)[..16])
}

/// Says whether a text has the form of our key ids, so that nothing else is ever looked up.
pub(super) fn is_key_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
