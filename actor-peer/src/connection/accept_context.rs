//! The server end on the `WebsocketContext` of actix-web-actors, for apps that still use it.
//!
//! It drives the same connection. It is not the default, because actix-web-actors is deprecated
//! and polls an actor only while the socket accepts data. An answer there waits for up to fifteen
//! later blocks, for as long as they run.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use actix::prelude::*;
use actix_http::ws::{Message as WsMessage, ProtocolError};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{WebsocketContext, WsResponseBuilder};
use distributed_scope_core::frame::SUBPROTOCOL;
use distributed_scope_core::peer::Outgoing;
use distributed_scope_core::session::MAX_FRAME;
use futures_util::stream;

use super::accept_outdated;
use super::guarded_payload::{guarded_payload, unwrap_oversize};
use super::incoming::Incoming;
use super::reader::{Connection, Next, Out, Reader, close_reason};
use super::upgrade::{self, Arrival, Served};
use crate::actor::decide;
use crate::clock;

/// Answers a request to the path of a peer with a session.
pub(crate) async fn accept(
    request: HttpRequest,
    body: web::Payload,
    served: web::Data<Served>,
) -> actix_web::Result<HttpResponse> {
    let visitor = match upgrade::check(&request, &served.0).await? {
        Arrival::Visitor(visitor) => visitor,
        Arrival::Outdated { offered, place } => {
            return accept_outdated::answer(&request, body.into_inner(), &served.0, offered, place);
        }
    };
    let body = guarded_payload(&request, body, MAX_FRAME)?;
    let principal = visitor.principal.clone();
    let connection = Connection::accepted(served.0.clone(), visitor).writes_after_reading();
    tracing::debug!(peer = %connection.shared().id(), from = ?request.peer_addr(), "connection accepted");
    let reader = Reader::new(connection, upgrade::socket(&request)).known_as(principal.as_ref());
    WsResponseBuilder::new(ContextSession { reader, catches_up: false }, &request, body)
        .protocols(&[SUBPROTOCOL])
        .frame_size(MAX_FRAME)
        .start()
}

/// The context does not report when all received data is read. After this delay it is assumed.
const CATCH_UP: Duration = Duration::from_millis(10);

/// The session actor in a `WebsocketContext`, which reads and writes the socket itself.
struct ContextSession {
    reader: Reader,
    /// Calls that arrived while a block occupied this thread are waiting.
    catches_up: bool,
}

impl ContextSession {
    fn go_on(&mut self, next: Next, ctx: &mut WebsocketContext<Self>) {
        match next {
            Next::Read => {}
            // The remaining output ends with the close frame, and that ends the context.
            Next::Stop => self.reader.stopped(),
            Next::Pause(link) => link.until_room().into_actor(self).wait(ctx),
            Next::Ask(join, asked) => {
                decide(self.reader.shared(), join)
                    .into_actor(self)
                    .map(move |verdict, actor, ctx| {
                        let next = actor.reader.decided(verdict, asked);
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
        ctx.add_stream(outgoing(Rc::clone(self.reader.out())));
        let stop = Arc::clone(self.reader.stop());
        ctx.spawn(poll_fn(move |cx| stop.poll(cx)).into_actor(self).map(|(), _, ctx| ctx.stop()));
        ctx.run_later(self.reader.shared().limits().handshake_timeout, |actor, ctx| {
            let next = actor.reader.late();
            actor.go_on(next, ctx);
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.reader.stopped();
    }
}

impl StreamHandler<Result<WsMessage, ProtocolError>> for ContextSession {
    fn handle(&mut self, incoming: Result<WsMessage, ProtocolError>, ctx: &mut Self::Context) {
        let next = self.reader.read(clock::now(), incoming.map(Incoming::from).map_err(unwrap_oversize));
        self.go_on(next, ctx);
        if self.reader.has_output() {
            self.reader.out().wake();
        }
        if self.reader.is_held_up() && !std::mem::replace(&mut self.catches_up, true) {
            ctx.run_later(CATCH_UP, |actor, _| {
                actor.catches_up = false;
                actor.reader.caught_up();
            });
        }
    }
}

impl StreamHandler<Outgoing> for ContextSession {
    fn handle(&mut self, outgoing: Outgoing, ctx: &mut Self::Context) {
        match outgoing {
            Outgoing::Frame(frame) => ctx.binary(frame.into_bytes()),
            Outgoing::Pong(payload) => ctx.pong(&payload),
            Outgoing::Close(goodbye) => ctx.close(Some(close_reason(goodbye))),
        }
    }

    // Ends with the close frame; the default `finished` stops the actor.
}

/// The output, as a stream that the context polls.
fn outgoing(out: Rc<Out>) -> impl Stream<Item = Outgoing> {
    let mut is_closed = false;
    stream::poll_fn(move |cx| {
        if is_closed {
            return Poll::Ready(None);
        }
        out.poll(cx).map(|outgoing| {
            is_closed = matches!(outgoing, Outgoing::Close(_));
            Some(outgoing)
        })
    })
}
