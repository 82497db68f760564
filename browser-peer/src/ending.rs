//! How a program in a page ends: by a panic, or because the page is left.
//!
//! On this target, a panic ends the program: no more of its code runs, although the page remains.
//! The browser may keep a page that is left, to show it again, and its connections too. In both
//! cases the connections are closed at once. The calls that other peers made to this one then end
//! now, instead of after the resume windows of their sessions.

use std::cell::RefCell;
use std::panic::{set_hook, take_hook};
use std::sync::Once;

use bytes::Bytes;
use distributed_scope_core::peer::Goodbye;
use gloo_events::EventListener;
use web_sys::WebSocket;

use crate::socket::{close, give_up, send};

thread_local! {
    static SOCKETS: RefCell<Vec<Open>> = const { RefCell::new(Vec::new()) };
}

struct Open {
    socket: WebSocket,
    /// Ends the session of the connection. A close frame alone does not, because it may come from
    /// a proxy.
    last_frame: Option<Bytes>,
}

/// Registers this socket to be closed when the program ends.
pub(crate) fn remember(socket: &WebSocket) {
    SOCKETS.with_borrow_mut(|sockets| sockets.push(Open { socket: socket.clone(), last_frame: None }));
}

/// Records that this socket has a session, which ends with this frame.
pub(crate) fn carries(socket: &WebSocket, last_frame: Bytes) {
    SOCKETS.with_borrow_mut(|sockets| {
        if let Some(open) = sockets.iter_mut().find(|open| open.socket == *socket) {
            open.last_frame = Some(last_frame);
        }
    });
}

pub(crate) fn forget(socket: &WebSocket) {
    SOCKETS.with_borrow_mut(|sockets| sockets.retain(|other| other.socket != *socket));
}

/// Installs the handlers of both cases, once for the whole page.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let next = take_hook();
        set_hook(Box::new(move |info| {
            console_error_panic_hook::hook(info);
            let goodbye = Goodbye::internal("the program in the page panicked");
            for_each(|socket| give_up(socket, &goodbye));
            next(info);
        }));
        if let Some(window) = web_sys::window() {
            // If the page is shown again, it receives the close events of its connections, and
            // makes new ones.
            let leave = |_: &_| for_each(|socket| close(socket, &Goodbye::normal("the page was left")));
            EventListener::new(&window, "pagehide", leave).forget();
        }
    });
}

fn for_each(act: impl Fn(&WebSocket)) {
    SOCKETS.with(|sockets| {
        // It is borrowed if this module panicked.
        if let Ok(sockets) = sockets.try_borrow() {
            for Open { socket, last_frame } in sockets.iter() {
                if let Some(last_frame) = last_frame {
                    // There is no one left to notify.
                    let _ = send(socket, last_frame);
                }
                act(socket);
            }
        }
    });
}
