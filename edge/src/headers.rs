//! Headers, as the runtime has them: it decodes and encodes their values as UTF-8. Other bytes it has lost already.

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
        headers.append(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))?;
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
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value.into_bytes())) {
            map.append(name, value);
        }
    }
    Ok(map)
}
