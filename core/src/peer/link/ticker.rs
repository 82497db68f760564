//! The task that drives the timers of one session: deadlines, keepalive, the window in which a
//! session can be resumed.
//!
//! It is separate from the socket's own task, which may be blocked by a peer that does not read.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use crate::peer::{Goodbye, Link, Platform};

/// Ticks until the session is over.
///
/// Each session has one timer, whatever the number of its calls. The timer is set anew only when
/// something is due earlier. With equal timeouts, that is once per timeout and not once per call.
pub(in crate::peer) async fn tick<P: Platform>(link: Arc<Link<P>>) {
    let Ticking(link) = &Ticking(link);
    let mut sleep = pin!(None);
    let mut due = None;
    poll_fn(|cx| {
        loop {
            let Some(wake) = link.poll_tick(cx) else {
                return Poll::Ready(());
            };
            if due != Some(wake) {
                due = Some(wake);
                sleep.set(Some(link.shared().platform().sleep_until(wake)));
            }
            if sleep.as_mut().as_pin_mut().is_some_and(|sleep| sleep.poll(cx).is_pending()) {
                return Poll::Pending;
            }
            due = None;
        }
    })
    .await;
}

/// A session with a running timer. If this is dropped before the session is over, its event loop
/// has ended. No call would ever end by its deadline then, so all calls end now.
struct Ticking<P: Platform>(Arc<Link<P>>);

impl<P: Platform> Drop for Ticking<P> {
    fn drop(&mut self) {
        if self.0.is_alive() {
            self.0.close(Goodbye::away("the event loop of the session has ended"));
        }
    }
}
