//! The one form in which we sign: a compact JWS (RFC 7515 §7.1) with Ed25519, read strictly.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::key::is_key_id;
use super::{PublicKeys, Signer, VerifyError};

/// Longest text the parser will look at, in bytes.
///
/// Checked before anything is decoded, so a hostile header costs one comparison. Tokens are about 500 bytes; the rest is
/// room for a long public address, more scopes, and what an assertion tells of a caller.
pub const MAX_TOKEN: usize = 4 * 1024;

/// The `alg` header (RFC 8037 §3.1) of whatever we sign. The key decides it; the header only has to agree.
const ALGORITHM: &str = "EdDSA";

/// The JOSE header, exactly these members: `crit`, `b64`, `enc`, `zip`, `jku`, `jwk`, `x5u`, `x5c` and anything else make
/// the text unreadable.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// Signs claims as a JWT of the type `typ`, which keeps it from being taken for one of another kind (RFC 8725 §3.11).
///
/// `None` if the key cannot sign.
pub(crate) fn sign(typ: &str, claims: &impl Serialize, signer: &Signer) -> Option<String> {
    let header = Header { alg: ALGORITHM.to_owned(), typ: typ.to_owned(), kid: signer.kid().to_owned() };
    let encode = |json: Vec<u8>| URL_SAFE_NO_PAD.encode(json);
    let message = [encode(serde_json::to_vec(&header).ok()?), encode(serde_json::to_vec(claims).ok()?)].join(".");
    let signature = signer.sign(&message)?;
    Some(format!("{message}.{signature}"))
}

/// Reads the claims of a JWT of the type `typ` that one of the keys has signed. When they are good, the caller says.
///
/// # Errors
///
/// [`VerifyError::UnknownKey`] if it names none of the keys, [`VerifyError::Invalid`] unless it is exactly as [`sign`] makes
/// it.
pub(crate) fn open<T: DeserializeOwned>(text: &str, typ: &str, keys: &PublicKeys) -> Result<T, VerifyError> {
    let parts = Parts::of(text, typ).ok_or(VerifyError::Invalid)?;
    let key = keys.key(&parts.kid).ok_or(VerifyError::UnknownKey)?;
    let is_signed = key.verifies(parts.message, parts.signature);
    is_signed.then(|| json(parts.payload)).flatten().ok_or(VerifyError::Invalid)
}

/// What a JWT is made of; nothing of it is believed yet.
struct Parts<'a> {
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
    kid: String,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str, typ: &str) -> Option<Self> {
        if text.len() > MAX_TOKEN || text.bytes().filter(|byte| *byte == b'.').count() != 2 {
            return None;
        }
        let (message, signature) = text.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        URL_SAFE_NO_PAD.decode(signature).ok()?;
        let Header { alg, typ: named, kid } = json(header)?;
        let is_ours = named == typ && alg == ALGORITHM && is_key_id(&kid);
        is_ours.then_some(Self { message, payload, signature, kid })
    }
}

fn json<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
