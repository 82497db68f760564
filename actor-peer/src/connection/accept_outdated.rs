//! Answers a client of another protocol version: upgrades the request, reports our version in the
//! close frame, and closes.
//!
//! A browser does not tell a page why an upgrade was rejected, but it reports the close code and
//! reason.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use actix_http::body::{BodySize, MessageBody};
use actix_http::ws::{self, CloseReason, Frame, Message};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::{Bytes, BytesMut};
use distributed_scope_core::auth::Holding;
use distributed_scope_core::frame::{OUTDATED, SUBPROTOCOL};
use distributed_scope_core::session::MAX_FRAME;
use futures_util::StreamExt;
use tokio::time::Sleep;

use super::wire::Wire;
use crate::platform::Shared;

/// Upgrades the request with the subprotocol that it offers, and closes the connection. A browser
/// fails a connection without one of its own subprotocols.
pub(super) fn answer(
    request: &HttpRequest,
    payload: Payload,
    shared: &Shared,
    offered: String,
    place: Holding,
) -> actix_web::Result<HttpResponse> {
    let mut response = ws::handshake(request.head())?;
    let (peer, from) = (shared.id(), request.peer_addr());
    // After an update these arrive in bursts with the same content.
    static IS_KNOWN: AtomicBool = AtomicBool::new(false);
    if IS_KNOWN.swap(true, Ordering::Relaxed) {
        tracing::debug!(%peer, ?from, offered, "connection of another protocol version closed");
    } else {
        tracing::info!(%peer, ?from, offered, "connection of another protocol version closed; the next ones are logged at debug");
    }
    response.insert_header((header::SEC_WEBSOCKET_PROTOCOL, offered));
    let (mut wire, mut goodbye) = (Wire::server(MAX_FRAME), BytesMut::new());
    let reason =
        format!("{SUBPROTOCOL} is what this server speaks: update the older side, or reload the page");
    let close = Message::Close(Some(CloseReason { code: OUTDATED.into(), description: Some(reason) }));
    wire.encode(close, &mut goodbye).map_err(actix_web::error::ErrorInternalServerError)?;
    // A client that does not answer the close frame is dropped after this.
    let time_limit = Box::pin(tokio::time::sleep(shared.limits().handshake_timeout));
    let body = Farewell { goodbye: Some(goodbye.freeze()), payload, wire, time_limit, _place: place };
    Ok(HttpResponse::from(response.message_body(body)?.map_into_boxed_body()))
}

/// A response body that is a close frame and then waits for the close frame of the other side. A
/// connection that is closed with unread input may be reset, and the close frame lost.
struct Farewell {
    goodbye: Option<Bytes>,
    payload: Payload,
    wire: Wire,
    time_limit: Pin<Box<Sleep>>,
    _place: Holding,
}

impl MessageBody for Farewell {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        if let Some(goodbye) = self.goodbye.take() {
            return Poll::Ready(Some(Ok(goodbye)));
        }
        if self.time_limit.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        loop {
            match self.wire.next() {
                Ok(Some(Frame::Close(_))) | Err(_) => return Poll::Ready(None),
                // Sent before it has read our close frame.
                Ok(Some(_)) => {}
                Ok(None) => match ready!(self.payload.poll_next_unpin(cx)) {
                    Some(Ok(bytes)) => self.wire.unread().extend_from_slice(&bytes),
                    Some(Err(_)) | None => return Poll::Ready(None),
                },
            }
        }
    }
}
