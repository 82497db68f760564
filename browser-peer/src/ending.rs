//! How a program in a page ends: by a panic, or because the page is left.
//!
//! On this target a panic ends the program: no more of it runs, though the page stays. A page that
//! is left may be kept by the browser, to be shown again, and its connections with it. In both
//! cases they are closed at once: then the calls that other peers made to this one end
//! now, instead of when its sessions' windows have passed.

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
    /// Ends the session that it carries. A close frame does not: it may be a proxy's.
    last_frame: Option<Bytes>,
}

/// From now on this socket is closed when the program ends.
pub(crate) fn remember(socket: &WebSocket) {
    SOCKETS.with_borrow_mut(|sockets| sockets.push(Open { socket: socket.clone(), last_frame: None }));
}

/// This socket carries a session, which ends with this frame.
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

/// From now on both are seen to, once for the whole page.
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
            // If the page is shown again, it is told that its connections were closed, and makes
            // new ones.
            let leave = |_: &_| for_each(|socket| close(socket, &Goodbye::normal("the page was left")));
            EventListener::new(&window, "pagehide", leave).forget();
        }
    });
}

fn for_each(act: impl Fn(&WebSocket)) {
    SOCKETS.with(|sockets| {
        // It is borrowed if there was a panic in this module.
        if let Ok(sockets) = sockets.try_borrow() {
            for Open { socket, last_frame } in sockets.iter() {
                if let Some(last_frame) = last_frame {
                    // There is nobody left to tell.
                    let _ = send(socket, last_frame);
                }
                act(socket);
            }
        }
    });
}
