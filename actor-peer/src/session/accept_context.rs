//! The server's end on the `WebsocketContext` of actix-web-actors, for apps that are still there.
//!
//! It drives the same session. actix-web-actors is deprecated in favour of actix-ws, and polls an actor only while the
//! socket takes data, so `actix-ws` is the default.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll;

use actix::prelude::*;
use actix_http::ws::{CloseReason, Message as WsMessage, ProtocolError};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{WebsocketContext, WsResponseBuilder};
use bytes::Bytes;
use distributed_scope_core::Reject;
use distributed_scope_core::frame::SUBPROTOCOL;
use futures_util::stream;

use super::actor::{Next, Reader};
use super::frame_guard::{self, payload::guarded_payload};
use super::incoming::Incoming;
use super::link::{Link, Output};
use super::upgrade::{self, Served};
use super::writer::Timer;
use crate::actor::Join;

/// Answers a request to a peer's path with a session.
pub(crate) async fn accept(
    request: HttpRequest,
    body: web::Payload,
    served: web::Data<Served>,
) -> actix_web::Result<HttpResponse> {
    upgrade::check(&request)?;
    let link = Link::accept(served.0.clone());
    let limit = link.shared().limits().message;
    let body = guarded_payload(&request, body, frame_guard::limit(limit))?;
    tracing::debug!(peer = %link.shared().id(), from = ?request.peer_addr(), "connection accepted");
    WsResponseBuilder::new(ContextSession(Reader::new(link, None)), &request, body)
        .protocols(&[SUBPROTOCOL])
        .frame_size(limit)
        .start()
}

/// The session actor in a `WebsocketContext`, which reads and writes the socket itself.
struct ContextSession(Reader);

/// Something to write.
enum Outgoing {
    Frame(Bytes),
    Pong(Bytes),
    Close(CloseReason),
}

impl ContextSession {
    fn go_on(&self, next: Next, ctx: &mut WebsocketContext<Self>) {
        match next {
            Next::Read => {}
            Next::Stop => {
                self.0.stopped();
                // The stream of what is to be written ends the context, after the goodbye.
            }
            Next::Ask(hello) => {
                let peer = hello.peer;
                self.0.link().set_remote(peer);
                let ask = self.0.link().shared().actor().send(Join { peer, link: Arc::clone(self.0.link()) });
                ask.into_actor(self)
                    .map(move |verdict, actor, ctx| {
                        let next = actor.0.decided(peer, verdict.unwrap_or(Err(Reject::GoingAway)));
                        actor.go_on(next, ctx);
                    })
                    .wait(ctx);
            }
        }
    }
}

impl Actor for ContextSession {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.add_stream(outgoing(Arc::clone(self.0.link())));
        ctx.run_later(self.0.handshake_limit(), |actor, ctx| {
            let next = actor.0.late();
            actor.go_on(next, ctx);
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.0.stopped();
    }
}

impl StreamHandler<Result<WsMessage, ProtocolError>> for ContextSession {
    fn handle(&mut self, incoming: Result<WsMessage, ProtocolError>, ctx: &mut Self::Context) {
        let next = self.0.read(incoming.map(Incoming::from).map_err(frame_guard::unwrap_oversize));
        self.go_on(next, ctx);
    }
}

impl StreamHandler<Outgoing> for ContextSession {
    fn handle(&mut self, outgoing: Outgoing, ctx: &mut Self::Context) {
        match outgoing {
            Outgoing::Frame(frame) => ctx.binary(frame),
            Outgoing::Pong(payload) => ctx.pong(&payload),
            Outgoing::Close(reason) => ctx.close(Some(reason)),
        }
    }

    // Ends with the goodbye; the default `finished` stops the actor.
}

/// What is to be written, as a stream that the context polls; deadlines pass in it too.
fn outgoing(link: Arc<Link>) -> impl Stream<Item = Outgoing> {
    let mut frames = VecDeque::new();
    let mut timer = Timer::default();
    let mut is_closed = false;
    stream::poll_fn(move |cx| {
        loop {
            if let Some(frame) = frames.pop_front() {
                return Poll::Ready(Some(Outgoing::Frame(frame)));
            }
            if is_closed {
                return Poll::Ready(None);
            }
            match link.poll_output(cx, &mut frames) {
                Output::Frames { pong: Some(pong) } => return Poll::Ready(Some(Outgoing::Pong(pong))),
                Output::Frames { pong: None } => {}
                Output::Close(reason) => {
                    is_closed = true;
                    return Poll::Ready(Some(Outgoing::Close(reason)));
                }
                Output::Idle(wake) => match timer.poll(wake, cx) {
                    Poll::Ready(()) => link.tick(),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    })
}
