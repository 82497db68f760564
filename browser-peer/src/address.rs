//! What a page can tell of a URL before it connects.

use distributed_scope_core::peer::{ConnectError, Endpoint};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Url;

/// Checks the URL, and says whether what is sent there can be read on the way by nobody: it is encrypted, or does not leave this
/// machine.
pub(crate) fn is_private(endpoint: &Endpoint) -> Result<bool, ConnectError> {
    let url = Url::new(endpoint.url()).map_err(|error| wrong(endpoint, text(&error)))?;
    let is_encrypted = match url.protocol().as_str() {
        "wss:" => true,
        "ws:" => false,
        other => return Err(wrong(endpoint, format!("its scheme is `{}`", other.trim_end_matches(':')))),
    };
    if !url.username().is_empty() || !url.password().is_empty() {
        let reason = "it has a password in it, and URLs end up in logs; show a token with `Endpoint::new(url).bearer(token)`";
        return Err(wrong(endpoint, reason.to_owned()));
    }
    Ok(is_encrypted || is_this_machine(&url.hostname()))
}

/// Whether a host is this machine by its name, which the browser has brought into its one form.
fn is_this_machine(host: &str) -> bool {
    // A name whose last letter is a digit is an IPv4 address; no other may end so.
    let is_ipv4 = host.bytes().last().is_some_and(|last| last.is_ascii_digit());
    matches!(host, "localhost" | "[::1]") || (is_ipv4 && host.starts_with("127."))
}

pub(crate) fn wrong(endpoint: &Endpoint, reason: String) -> ConnectError {
    ConnectError::Url { url: endpoint.to_string(), reason }
}

/// What a JavaScript error says.
pub(crate) fn text(error: &JsValue) -> String {
    let message = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    // A `DOMException` is no `Error` for `instanceof` of old browsers, and has a message all the same.
    message.or_else(|| js_sys::Reflect::get(error, &"message".into()).ok()?.as_string()).unwrap_or_default()
}
