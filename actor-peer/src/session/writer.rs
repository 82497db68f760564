//! The task that writes one connection: all that is ready, then one flush.

use std::future::poll_fn;
use std::rc::Rc;

use actix_http::ws::Message;
use distributed_scope_core::peer::Outgoing;
use futures_util::{Sink, SinkExt};

use super::reader::{Out, close_reason};

/// How writing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// The goodbye was sent, or there was nobody to say it to.
    Goodbye,
    /// The connection is lost.
    Lost,
}

/// Writes until the goodbye was sent or the connection is lost.
pub(super) async fn write<S: Sink<Message> + Unpin>(out: Rc<Out>, mut sink: S) -> Written {
    loop {
        let mut next = poll_fn(|cx| out.poll(cx)).await;
        loop {
            let sent = match next {
                Outgoing::Frame(frame) => sink.feed(Message::Binary(frame)).await,
                Outgoing::Pong(payload) => sink.feed(Message::Pong(payload)).await,
                Outgoing::Close(goodbye) => {
                    // The other side may be gone already; then there is nobody to say goodbye to.
                    let _ = sink.send(Message::Close(Some(close_reason(goodbye)))).await;
                    let _ = sink.close().await;
                    return Written::Goodbye;
                }
            };
            if sent.is_err() {
                return Written::Lost;
            }
            match out.try_next() {
                Some(more) => next = more,
                None => break,
            }
        }
        if sink.flush().await.is_err() {
            return Written::Lost;
        }
    }
}
