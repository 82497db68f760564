//! The task that lets time pass for one session: deadlines, keepalive, the window in which a connection may come back.
//!
//! It stands outside of the socket's own task, which may be stuck behind a peer that does not read.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use super::link::Link;
use crate::clock;

/// Ticks until the session is over.
///
/// There is one timer for a session, whatever the number of its calls. It is set anew only when something is due earlier,
/// which with equal timeouts is once per timeout and not once per call.
pub(super) async fn tick(link: Arc<Link>) {
    let mut sleep = pin!(tokio::time::sleep_until(Instant::now().into()));
    poll_fn(|cx| {
        loop {
            let Some(wake) = link.poll_tick(cx) else {
                return Poll::Ready(());
            };
            let wake = clock::instant(wake).into();
            if sleep.deadline() != wake || sleep.is_elapsed() {
                sleep.as_mut().reset(wake);
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await;
}
