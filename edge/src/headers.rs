//! Headers, as Fetch has them: a character for each byte of a value.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use worker::js_sys::Array;
use worker::wasm_bindgen::JsValue;
use worker::web_sys::Headers;

/// Returns headers as the runtime takes them.
///
/// # Errors
///
/// What the runtime says.
pub(crate) fn headers_of(map: &HeaderMap) -> Result<Headers, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in map {
        let value: String = value.as_bytes().iter().copied().map(char::from).collect();
        headers.append(name.as_str(), &value)?;
    }
    Ok(headers)
}

/// Reads headers as the runtime gives them.
///
/// # Errors
///
/// What the runtime says.
pub(crate) fn read_headers(headers: &Headers) -> Result<HeaderMap, JsValue> {
    let mut map = HeaderMap::new();
    for entry in headers.entries() {
        let pair: Array = entry?.into();
        let (Some(name), Some(value)) = (pair.get(0).as_string(), pair.get(1).as_string()) else { continue };
        let bytes: Vec<u8> = value.chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect();
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(bytes)) {
            map.append(name, value);
        }
    }
    Ok(map)
}
