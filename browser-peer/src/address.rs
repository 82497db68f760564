//! The checks of a URL before a page connects.

use distributed_scope_core::peer::{ConnectError, Endpoint};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Url;

use crate::policy;

/// Checks the URL. Returns true if data sent there cannot be read in transit: it is encrypted, or
/// does not leave this machine.
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
    let is_private = is_encrypted || is_this_machine(&url.hostname());
    // Browsers differ in how they reject it, and some report to the page only that the server
    // does not answer. They allow connections within this machine, or report why not: see
    // `not_opened`.
    if !is_private && page_protocol().is_some_and(|page| page == "https:") {
        return Err(ConnectError::Insecure { url: endpoint.to_string() });
    }
    Ok(is_private)
}

/// The scheme of the page or of the script of the worker, with its colon.
fn page_protocol() -> Option<String> {
    let location = js_sys::Reflect::get(&js_sys::global(), &"location".into()).ok()?;
    policy::text(&location, "protocol")
}

/// Why the browser rejected a URL that was checked before. The standard has two reasons, of which
/// only one concerns the URL.
pub(crate) fn not_opened(endpoint: &Endpoint, error: &JsValue) -> ConnectError {
    let url = endpoint.to_string();
    if policy::text(error, "name").is_some_and(|name| name == "SyntaxError") {
        return ConnectError::Url { url, reason: text(error) };
    }
    let is_encrypted = endpoint.url().get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("wss:"));
    if !is_encrypted && page_protocol().is_some_and(|page| page == "https:") {
        return ConnectError::Insecure { url };
    }
    // Firefox throws where other browsers dispatch an event.
    ConnectError::Forbidden { url, policy: String::new() }
}

/// Whether the host name denotes this machine. The browser has normalized the name.
fn is_this_machine(host: &str) -> bool {
    // A name that ends with a digit is an IPv4 address; no other name may.
    let is_ipv4 = host.bytes().last().is_some_and(|last| last.is_ascii_digit());
    matches!(host, "localhost" | "[::1]") || (is_ipv4 && host.starts_with("127."))
}

fn wrong(endpoint: &Endpoint, reason: String) -> ConnectError {
    ConnectError::Url { url: endpoint.to_string(), reason }
}

/// The message of a JavaScript error.
pub(crate) fn text(error: &JsValue) -> String {
    let message = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    // A `DOMException` is not an `Error` for `instanceof` of old browsers, but has a message.
    message.or_else(|| policy::text(error, "message")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    use super::*;

    wasm_bindgen_test_configure!(run_in_browser);

    fn is_private_at(url: &str) -> Result<bool, String> {
        is_private(&Endpoint::new(url)).map_err(|error| error.to_string())
    }

    #[wasm_bindgen_test]
    fn what_is_encrypted_or_stays_on_this_machine_is_private() {
        for url in [
            "wss://example.org/scope",
            "ws://localhost:1/",
            "ws://127.1.2.3:1/",
            "ws://[::1]/",
            "ws://0x7f.1/",
        ] {
            assert_eq!(is_private_at(url), Ok(true), "{url}");
        }
    }

    #[wasm_bindgen_test]
    fn what_only_looks_like_this_machine_is_not_private() {
        for url in [
            "ws://example.org/scope",
            "ws://127.0.0.1.example.org/",
            "ws://localhost.example.org/",
            "ws://128.0.0.1/",
        ] {
            assert_eq!(is_private_at(url), Ok(false), "{url}");
        }
    }

    /// Only a syntax error is caused by the URL. Firefox throws another error for a policy
    /// violation.
    #[wasm_bindgen_test]
    fn forbidden_socket_does_not_blame_the_url() {
        let thrown = |name: &str| {
            let error = js_sys::Error::new("not allowed");
            error.set_name(name);
            not_opened(&Endpoint::new("wss://example.org/scope"), &error).to_string()
        };
        for name in ["SecurityError", "NS_ERROR_CONTENT_BLOCKED"] {
            assert!(thrown(name).contains("Content-Security-Policy"), "{}", thrown(name));
        }
        assert!(thrown("SyntaxError").contains("not allowed"), "{}", thrown("SyntaxError"));
    }

    #[wasm_bindgen_test]
    fn a_url_of_another_kind_or_with_a_password_is_refused_and_the_reason_is_told() {
        assert!(is_private_at("https://example.org/").unwrap_err().contains("its scheme is `https`"));
        assert!(is_private_at("no url at all").is_err());
        let error = is_private_at("wss://ann:secret@example.org/").unwrap_err();
        assert!(error.contains("bearer(token)") && !error.contains("secret"), "{error}");
    }
}
