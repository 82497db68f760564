//! Whether the page's Content-Security-Policy forbids a connection. A browser says so in an event
//! of the page, and not in one of the socket.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::EventListener;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::EventTarget;

/// So much of a policy is told.
const LONGEST: usize = 300;

/// Looks for violations, for as long as it is there.
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
                // Of a URL that is no page's, some browsers say the scheme alone.
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

/// A text that a JavaScript object has under this name.
pub(crate) fn text(object: &JsValue, name: &str) -> Option<String> {
    js_sys::Reflect::get(object, &name.into()).ok()?.as_string()
}
