//! The session actor: reads one connection, and hands on what comes in.
//!
//! It never runs the code of a block in its own turn unguarded: see `executor`.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use actix_http::ws::{CloseCode, CloseReason, Message, ProtocolError};
use distributed_scope_core::frame::Hello;
use distributed_scope_core::session::Effect;
use distributed_scope_core::{PeerId, Reject};
use futures_channel::oneshot;
use futures_util::{Sink, Stream};

use super::incoming::{Assembler, Incoming};
use super::link::{Link, Waiter};
use super::writer;
use crate::actor::{Join, Joined, Leave};
use crate::executor;

/// What both kinds of session actor are made of.
#[derive(Debug)]
pub(super) struct Reader {
    link: Arc<Link>,
    assembler: Assembler,
    /// Whoever dialled waits here to learn how that went.
    opened: Option<oneshot::Sender<Result<PeerId, Reject>>>,
}

/// What a session actor has to do after an incoming message.
pub(super) enum Next {
    Read,
    /// Ask the peer actor whether this peer may join, and tell the reader.
    Ask(Hello),
    Stop,
}

impl Reader {
    pub(super) fn new(link: Arc<Link>, opened: Option<oneshot::Sender<Result<PeerId, Reject>>>) -> Self {
        let assembler = Assembler::new(link.shared().limits().message);
        Self { link, assembler, opened }
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    pub(super) fn handshake_limit(&self) -> Duration {
        self.link.shared().limits().handshake
    }

    pub(super) fn read(&mut self, incoming: Result<Incoming, ProtocolError>) -> Next {
        let message = match incoming {
            Ok(Incoming::Binary(message)) => message,
            Ok(Incoming::Part(item)) => match self.assembler.add(item) {
                Ok(Some(message)) => message,
                Ok(None) => return Next::Read,
                Err(error) => return self.broken(CloseCode::Size, &error),
            },
            Ok(Incoming::Ping(payload)) => {
                self.link.pong(payload);
                return Next::Read;
            }
            Ok(Incoming::Pong) => return Next::Read,
            Ok(Incoming::Text) => {
                return self.broken(CloseCode::Unsupported, &"it sent a text message");
            }
            Ok(Incoming::Close) => return Next::Stop,
            Err(error @ ProtocolError::Overflow) => return self.broken(CloseCode::Size, &error),
            Err(ProtocolError::Io(error)) => {
                tracing::debug!(peer = %self.link.shared().id(), %error, "connection lost");
                return Next::Stop;
            }
            Err(error) => return self.broken(CloseCode::Protocol, &error),
        };
        match self.link.receive(message) {
            Ok(None) => Next::Read,
            Ok(Some(effect)) => self.perform(effect),
            Err(violation) => self.broken(CloseCode::Protocol, &violation),
        }
    }

    fn perform(&mut self, effect: Effect<Waiter>) -> Next {
        match effect {
            Effect::Run(invoke, deadline) => executor::run_for_session(&self.link, invoke, deadline),
            Effect::Decide(hello) | Effect::Opened(hello) => return Next::Ask(hello),
            Effect::Rejected(reject) => {
                self.tell(Err(reject));
                return Next::Stop;
            }
            effect @ (Effect::Complete(..) | Effect::Abort(_)) => self.link.perform(effect),
        }
        Next::Read
    }

    /// The peer actor has decided about the other side.
    pub(super) fn decided(&mut self, peer: PeerId, verdict: Result<(), Reject>) -> Next {
        match verdict {
            Ok(()) => {
                self.link.admit();
                self.link.shared().actor().do_send(Joined { peer });
                tracing::info!(peer = %self.link.shared().id(), remote = %peer, "session open");
                self.tell(Ok(peer));
                Next::Read
            }
            Err(reject) => {
                tracing::warn!(peer = %self.link.shared().id(), remote = %peer, %reject, "session refused");
                self.link.reject(reject.clone());
                self.tell(Err(reject));
                Next::Stop
            }
        }
    }

    /// The other side took too long to introduce itself.
    pub(super) fn late(&mut self) -> Next {
        if self.link.is_open() || self.link.is_gone() {
            return Next::Read;
        }
        self.link.reject(Reject::Late);
        self.tell(Err(Reject::Late));
        Next::Stop
    }

    fn tell(&mut self, result: Result<PeerId, Reject>) {
        if let Some(opened) = self.opened.take() {
            // Whoever dialled may not wait any longer.
            let _ = opened.send(result);
        }
    }

    fn broken(&self, code: CloseCode, error: &dyn std::fmt::Display) -> Next {
        let (local, remote) = (self.link.shared().id(), self.link.remote());
        tracing::warn!(peer = %local, remote = ?remote, %error, "the other side broke the protocol");
        self.link.close(CloseReason { code, description: Some(error.to_string()) });
        Next::Stop
    }

    pub(super) fn stopped(&self) {
        self.link.gone();
        if let Some(remote) = self.link.remote() {
            tracing::info!(peer = %self.link.shared().id(), %remote, "session closed");
            self.link.shared().actor().do_send(Leave { peer: remote, link: Arc::clone(&self.link) });
        }
    }
}

/// The session actor on a stream and a sink of messages: on the server by actix-ws, on the client by awc.
#[derive(Debug)]
pub(super) struct SessionActor(Reader);

impl SessionActor {
    pub(super) fn start<M, S>(reader: Reader, stream: M, sink: S)
    where
        M: Stream<Item = Result<Incoming, ProtocolError>> + 'static,
        S: Sink<Message> + Unpin + 'static,
    {
        Self::create(|ctx| {
            let write = writer::write(Arc::clone(reader.link()), sink);
            let actor = ctx.address();
            actix_rt::spawn(async move {
                write.await;
                actor.do_send(Written);
            });
            ctx.add_stream(stream);
            ctx.run_later(reader.handshake_limit(), |actor, ctx| {
                let next = actor.0.late();
                actor.go_on(next, ctx);
            });
            Self(reader)
        });
    }

    fn go_on(&self, next: Next, ctx: &mut Context<Self>) {
        match next {
            Next::Read => {}
            Next::Stop => ctx.stop(),
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

impl Actor for SessionActor {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        self.0.stopped();
    }
}

/// The writer has said goodbye, or has found nobody to say it to.
#[derive(Message)]
#[rtype(result = "()")]
struct Written;

impl Handler<Written> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: Written, ctx: &mut Self::Context) {
        // What the other side still has on its way is read, so that our goodbye is not lost to a reset.
        ctx.run_later(self.0.handshake_limit(), |_, ctx| ctx.stop());
    }
}

impl StreamHandler<Result<Incoming, ProtocolError>> for SessionActor {
    fn handle(&mut self, incoming: Result<Incoming, ProtocolError>, ctx: &mut Self::Context) {
        let next = self.0.read(incoming);
        self.go_on(next, ctx);
    }
}
