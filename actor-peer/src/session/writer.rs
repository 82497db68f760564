//! The task that writes one session's frames: all that are ready, then one flush.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use actix_http::ws::Message;
use bytes::Bytes;
use distributed_scope_core::Moment;
use futures_util::{Sink, SinkExt};
use tokio::time::Sleep;

use super::link::{Link, Output};
use crate::clock;

/// Writes until the session is closed or the connection is lost.
pub(super) async fn write<S: Sink<Message> + Unpin>(link: Arc<Link>, mut sink: S) {
    let mut frames = VecDeque::new();
    let mut timer = Timer::default();
    loop {
        let sent = match next(&link, &mut frames, &mut timer).await {
            Output::Frames { pong } => send(&mut sink, pong, &mut frames).await,
            Output::Close(reason) => {
                // The other side may be gone already; then there is nobody to say goodbye to.
                let _ = sink.send(Message::Close(Some(reason))).await;
                let _ = sink.close().await;
                return;
            }
            Output::Idle(_) => continue,
        };
        if sent.is_err() {
            return link.gone();
        }
    }
}

async fn send<S: Sink<Message> + Unpin>(
    sink: &mut S,
    pong: Option<Bytes>,
    frames: &mut VecDeque<Bytes>,
) -> Result<(), S::Error> {
    if let Some(pong) = pong {
        sink.feed(Message::Pong(pong)).await?;
    }
    while let Some(frame) = frames.pop_front() {
        sink.feed(Message::Binary(frame)).await?;
    }
    sink.flush().await
}

/// Waits for something to write, and lets the session's deadlines pass meanwhile.
async fn next(link: &Link, frames: &mut VecDeque<Bytes>, timer: &mut Timer) -> Output {
    poll_fn(|cx| {
        loop {
            match link.poll_output(cx, frames) {
                Output::Idle(wake) => match timer.poll(wake, cx) {
                    Poll::Ready(()) => link.tick(),
                    Poll::Pending => return Poll::Pending,
                },
                output => return Poll::Ready(output),
            }
        }
    })
    .await
}

/// One timer for all deadlines of a session. It is set anew only when an earlier deadline turns up, which with
/// equal timeouts is once per timeout and not once per call.
#[derive(Default)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    set_for: Option<Moment>,
}

impl Timer {
    pub(super) fn poll(&mut self, wake: Option<Moment>, cx: &mut std::task::Context<'_>) -> Poll<()> {
        let Some(moment) = wake else {
            self.set_for = None;
            return Poll::Pending;
        };
        if self.set_for != wake {
            let instant = clock::instant(moment).into();
            match &mut self.sleep {
                Some(sleep) => sleep.as_mut().reset(instant),
                None => self.sleep = Some(Box::pin(tokio::time::sleep_until(instant))),
            }
            self.set_for = wake;
        }
        let poll = self.sleep.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx));
        if poll.is_ready() {
            self.set_for = None;
        }
        poll
    }
}
