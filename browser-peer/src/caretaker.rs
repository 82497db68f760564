//! Applies the events of a page to its sessions. When the page wakes up, each session checks its
//! connection. When the page is left, each session ends.

use std::sync::Weak;

use distributed_scope_core::peer::Goodbye;
use gloo_events::EventListener;

use crate::platform::Shared;
use crate::wake_up::WakeUp;

/// Maintains the sessions of a peer for the lifetime of the peer.
pub(crate) async fn run(peer: Weak<Shared>) {
    let (left, mut wake_up) = (Weak::clone(&peer), WakeUp::listen());
    // The browser may keep the page and show it again. Its sockets are closed (see `ending`), and
    // calls that are made then belong to the next session.
    let _leaving = web_sys::window().map(|window| {
        EventListener::new(&window, "pagehide", move |_| {
            for link in left.upgrade().iter().flat_map(|shared| shared.routes().sessions()) {
                link.close(Goodbye::normal("the page was left"));
            }
        })
    });
    loop {
        wake_up.next().await;
        let Some(shared) = peer.upgrade() else { return };
        shared.routes().sessions().iter().for_each(|link| link.probe());
    }
}
