//! The identity provider's public keys (RFC 7517).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Most keys in a set. Providers publish two to five; each costs memory and a search.
const MAX_KEYS: usize = 64;

/// Sizes of RSA moduli that are used, in bits. Less can be factored; more is beyond what the library verifies.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// Why a key set is not used at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Not the JSON it should be.
    #[error("the key set is malformed")]
    Malformed,
    /// More keys than anything honest.
    #[error("the key set has more than {MAX_KEYS} keys")]
    TooMany,
    /// Two keys answer to one id, so that nobody knows which was meant.
    #[error("the key set has two keys of one id")]
    Ambiguous,
}

/// The keys that may verify ID tokens. Those for something else, weak or broken are left out.
#[derive(Clone)]
pub(super) struct KeySet {
    keys: Vec<Key>,
}

/// A public key, and what it may verify.
#[derive(Clone)]
pub(super) struct Key {
    id: Option<String>,
    algorithm: Option<String>,
    public: DecodingKey,
}

/// What a search for a key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoKey {
    /// There is none of that id: the provider may have a new one by now.
    Unknown,
    /// There is one, but it is not for this algorithm; or no id was given and there is not exactly one key.
    Unsuitable,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl KeySet {
    /// Parses a set, and leaves out the keys that cannot verify an ID token (RFC 7517 §5).
    pub(super) fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        let document: Document = serde_json::from_slice(json).map_err(|_| KeySetError::Malformed)?;
        if document.keys.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let jwks = document.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys: Vec<Key> = jwks.filter_map(Jwk::usable).collect();
        let ambiguous = keys
            .iter()
            .enumerate()
            .any(|(index, key)| key.id.is_some() && keys[..index].iter().any(|other| other.id == key.id));
        if ambiguous { Err(KeySetError::Ambiguous) } else { Ok(Self { keys }) }
    }

    /// Returns the key of that id, for that algorithm. A token without an id is verified by the only key there is.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&Key, NoKey> {
        let key = match (id, &self.keys[..]) {
            (None, [only]) => only,
            (None, []) => return Err(NoKey::Unknown),
            (None, _) => return Err(NoKey::Unsuitable),
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)).ok_or(NoKey::Unknown)?,
        };
        if key.is_for(algorithm) { Ok(key) } else { Err(NoKey::Unsuitable) }
    }
}

impl Key {
    fn is_for(&self, algorithm: Algorithm) -> bool {
        let named = self.algorithm.as_deref().is_none_or(|name| super::metadata::accepted(name) == Some(algorithm));
        named && self.public.family() == algorithm.family()
    }

    /// Says whether `signature`, in base64url, is this key's under `message`.
    pub(super) fn verifies(&self, message: &str, signature: &str, algorithm: Algorithm) -> bool {
        self.is_for(algorithm)
            && jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.public, algorithm).unwrap_or(false)
    }
}

impl Jwk {
    fn usable(self) -> Option<Key> {
        let for_signing = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|name| name == "verify"));
        if !for_signing {
            return None;
        }
        let public = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => rsa(self.n.as_deref()?, self.e.as_deref()?),
            ("EC", Some("P-256")) => p256(self.x.as_deref()?, self.y.as_deref()?),
            ("OKP", Some("Ed25519")) => ed25519(self.x.as_deref()?),
            _ => None,
        }?;
        Some(Key { id: self.kid, algorithm: self.alg, public })
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn rsa(modulus: &str, exponent: &str) -> Option<DecodingKey> {
    let (modulus, exponent) = (decode(modulus)?, decode(exponent)?);
    let significant = modulus.iter().position(|&byte| byte != 0).map_or(&[][..], |start| &modulus[start..]);
    let first = significant.first()?;
    let bits = significant.len() * 8 - first.leading_zeros() as usize;
    // An even exponent is no key, and one of 1 makes every text its own signature.
    let sound = exponent.len() <= 4 && exponent.last()? % 2 == 1 && exponent != [1];
    (RSA_BITS.contains(&bits) && sound).then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

fn p256(x: &str, y: &str) -> Option<DecodingKey> {
    let (x, y) = (decode(x)?, decode(y)?);
    if x.len() != 32 || y.len() != 32 {
        return None;
    }
    let point: Vec<u8> = [&[4], x.as_slice(), y.as_slice()].concat();
    works(DecodingKey::from_ec_der(&point))
}

fn ed25519(x: &str) -> Option<DecodingKey> {
    // The library takes the first 32 bytes without looking whether there are as many.
    let x = decode(x).filter(|x| x.len() == 32)?;
    works(DecodingKey::from_ed_der(&x))
}

/// Returns the key if it is a point on its curve: the library finds out as soon as it is to verify anything.
fn works(key: DecodingKey) -> Option<DecodingKey> {
    let algorithm = if key.family() == AlgorithmFamily::Ec { Algorithm::ES256 } else { Algorithm::EdDSA };
    jsonwebtoken::crypto::verify("", b"", &key, algorithm).is_ok().then_some(key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{SigningKey, rsa_jwk};
    use super::*;

    fn set(keys: &[Value]) -> Result<KeySet, KeySetError> {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    fn is_usable(key: Value) -> bool {
        set(&[key]).unwrap().keys.len() == 1
    }

    #[test]
    fn takes_the_three_kinds_of_keys() {
        for key in [SigningKey::rsa("a"), SigningKey::ec("a"), SigningKey::ed("a")] {
            assert!(is_usable(key.jwk()));
        }
    }

    #[test]
    fn leaves_out_keys_for_something_else() {
        let key = SigningKey::ed("a").jwk();
        assert!(!is_usable(with(key.clone(), "use", json!("enc"))));
        assert!(!is_usable(with(key.clone(), "key_ops", json!(["sign"]))));
        assert!(is_usable(with(key.clone(), "key_ops", json!(["sign", "verify"]))));
        assert!(!is_usable(with(key.clone(), "kty", json!("oct"))));
        assert!(!is_usable(with(key, "crv", json!("X25519"))));
    }

    #[test]
    fn leaves_out_weak_and_broken_rsa_keys() {
        let of = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![0xFF; bytes]);
        assert!(is_usable(rsa_jwk("a", &of(256), "AQAB")));
        assert!(!is_usable(rsa_jwk("a", &of(128), "AQAB")));
        assert!(!is_usable(rsa_jwk("a", &of(255), "AQAB")));
        assert!(!is_usable(rsa_jwk("a", &of(513), "AQAB")));
        assert!(!is_usable(rsa_jwk("a", &URL_SAFE_NO_PAD.encode([vec![0; 200], vec![0xFF; 56]].concat()), "AQAB")));
        assert!(!is_usable(rsa_jwk("a", &of(256), "AQ")));
        assert!(!is_usable(rsa_jwk("a", &of(256), "AA")));
        assert!(!is_usable(rsa_jwk("a", "", "AQAB")));
    }

    #[test]
    fn leaves_out_points_off_the_curve() {
        let key = SigningKey::ec("a").jwk();
        let elsewhere = URL_SAFE_NO_PAD.encode([7; 32]);
        assert!(!is_usable(with(key.clone(), "x", json!(elsewhere))));
        assert!(!is_usable(with(key, "crv", json!("P-384"))));
    }

    #[test]
    fn leaves_out_edwards_keys_of_another_length() {
        for length in [0, 1, 31, 33, 64] {
            let key = with(SigningKey::ed("a").jwk(), "x", json!(URL_SAFE_NO_PAD.encode(vec![1; length])));
            assert!(!is_usable(key), "{length}");
        }
    }

    #[test]
    fn refuses_two_keys_of_one_id() {
        let result = set(&[SigningKey::ed("a").jwk(), SigningKey::ec("a").jwk()]);
        assert_eq!(result.err(), Some(KeySetError::Ambiguous));
    }

    #[test]
    fn refuses_more_keys_than_it_would_search() {
        let key = |index| SigningKey::ed(&format!("{index}")).jwk();
        let keys: Vec<_> = (0..=MAX_KEYS).map(key).collect();
        assert_eq!(set(&keys).err(), Some(KeySetError::TooMany));
        assert_eq!(set(&keys[1..]).unwrap().keys.len(), MAX_KEYS);
    }

    #[test]
    fn finds_keys_by_id_and_algorithm() {
        let set = set(&[SigningKey::ed("a").jwk(), with(SigningKey::rsa("b").jwk(), "alg", json!("RS256"))]).unwrap();
        assert!(set.find(Some("a"), Algorithm::EdDSA).is_ok());
        assert!(set.find(Some("b"), Algorithm::RS256).is_ok());
        assert_eq!(set.find(Some("b"), Algorithm::PS256).err(), Some(NoKey::Unsuitable));
        assert_eq!(set.find(Some("a"), Algorithm::ES256).err(), Some(NoKey::Unsuitable));
        assert_eq!(set.find(Some("c"), Algorithm::ES256).err(), Some(NoKey::Unknown));
        assert_eq!(set.find(None, Algorithm::EdDSA).err(), Some(NoKey::Unsuitable));
    }

    #[test]
    fn takes_the_only_key_for_a_token_without_an_id() {
        let set = set(&[SigningKey::ed("a").jwk()]).unwrap();
        assert!(set.find(None, Algorithm::EdDSA).is_ok());
    }
}
