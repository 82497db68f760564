//! What follows a panic. On this target a panic ends the program: no more of it runs, though the page stays.
//!
//! So the console is told, and the connections are closed: then the calls that other peers made to this one end at once,
//! instead of when its sessions' windows have passed.

use std::cell::RefCell;
use std::panic::{set_hook, take_hook};
use std::sync::Once;

use distributed_scope_core::peer::Goodbye;
use web_sys::WebSocket;

use crate::socket::give_up;

thread_local! {
    static SOCKETS: RefCell<Vec<WebSocket>> = const { RefCell::new(Vec::new()) };
}

/// From now on this socket is closed when the program panics.
pub(crate) fn remember(socket: &WebSocket) {
    SOCKETS.with_borrow_mut(|sockets| sockets.push(socket.clone()));
}

pub(crate) fn forget(socket: &WebSocket) {
    SOCKETS.with_borrow_mut(|sockets| sockets.retain(|other| other != socket));
}

/// Puts the hook in place, once, before the one that is there.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let next = take_hook();
        set_hook(Box::new(move |info| {
            console_error_panic_hook::hook(info);
            let goodbye = Goodbye::internal("the program in the page panicked");
            SOCKETS.with(|sockets| {
                // It is borrowed if the panic is this module's own.
                if let Ok(sockets) = sockets.try_borrow() {
                    sockets.iter().for_each(|socket| give_up(socket, &goodbye));
                }
            });
            next(info);
        }));
    });
}
