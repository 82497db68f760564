//! Detects that the Content-Security-Policy of the page forbids a connection. A browser reports
//! this in an event of the page, not of the socket.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::EventListener;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::EventTarget;

/// The maximum length of a policy in an error.
const LONGEST: usize = 300;

/// Records violations during its lifetime.
pub(crate) struct Policy {
    violated: Rc<RefCell<Option<String>>>,
    _listener: Option<EventListener>,
}

impl Policy {
    pub(crate) fn watch() -> Self {
        let violated = Rc::<RefCell<_>>::default();
        let seen = Rc::clone(&violated);
        let global = js_sys::global().dyn_into::<EventTarget>().ok();
        let listener = global.map(|global| {
            EventListener::new(&global, "securitypolicyviolation", move |event| {
                // For a URL that is not `http(s)`, some browsers report only the scheme.
                let is_socket = text(event, "blockedURI").is_some_and(|blocked| blocked.starts_with("ws"));
                if is_socket && text(event, "effectiveDirective").is_some_and(|name| name == "connect-src") {
                    let policy = text(event, "originalPolicy").unwrap_or_default();
                    seen.replace(Some(policy.chars().take(LONGEST).collect()));
                }
            })
        });
        Self { violated, _listener: listener }
    }

    /// The policy that forbids a WebSocket, if one does.
    pub(crate) fn violated(&self) -> Option<String> {
        self.violated.take()
    }
}

/// The string property of a JavaScript object with this name.
pub(crate) fn text(object: &JsValue, name: &str) -> Option<String> {
    js_sys::Reflect::get(object, &name.into()).ok()?.as_string()
}
