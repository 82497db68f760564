//! The session actor: reads one connection, and hands on what comes in.
//!
//! It never runs the code of a block in its own turn unguarded: see `core/src/peer/executor.rs`.

use actix::prelude::*;
use actix_http::ws::Message as WsMessage;
use actix_rt::task::JoinHandle;
use distributed_scope_core::Reject;
use futures_util::{Sink, Stream};

use super::batches::{Arrived, Received, Unread};
use super::kill::Killed;
use super::reader::{Next, Reader};
use super::writer::{self, Written};
use crate::actor::Ask;

/// The session actor on a stream and a sink of messages: on the server by actix-ws, on the client by awc.
pub(super) struct SessionActor {
    reader: Reader,
    unread: Unread,
    writer: Option<JoinHandle<()>>,
}

impl SessionActor {
    pub(super) fn start<M, S>(reader: Reader, stream: M, sink: S)
    where
        M: Stream<Item = Received> + 'static,
        S: Sink<WsMessage> + Unpin + 'static,
    {
        Self::create(|ctx| {
            let write = writer::write(reader.out().clone(), sink);
            let actor = ctx.address();
            let writer = actix_rt::spawn(async move {
                let written = write.await;
                actor.do_send(HasWritten(written));
            });
            let unread = Unread::default();
            ctx.add_stream(unread.fill(stream));
            ctx.run_later(reader.shared().limits().handshake, |actor, ctx| {
                let next = actor.reader.late();
                actor.go_on(next, ctx);
            });
            if let Some(left) = reader.time_left() {
                ctx.run_later(left, |actor, ctx| actor.reader.expire(ctx.address().recipient()));
            }
            Self { reader, unread, writer: Some(writer) }
        });
    }

    /// Reads what has arrived, up to something that has to be waited for.
    fn read(&mut self, ctx: &mut Context<Self>) {
        while let Some(received) = self.unread.next() {
            match self.reader.read(received, || ctx.address().recipient()) {
                Next::Read => {}
                next => return self.go_on(next, ctx),
            }
        }
    }

    fn go_on(&mut self, next: Next, ctx: &mut Context<Self>) {
        match next {
            Next::Read => self.read(ctx),
            Next::Stop => ctx.stop(),
            Next::Pause(link) => {
                link.until_room().into_actor(self).map(|(), actor, ctx| actor.read(ctx)).wait(ctx);
            }
            Next::Ask(join, asked) => {
                let ask = self.reader.shared().platform().actor().send(Ask(*join));
                ask.into_actor(self)
                    .map(move |verdict, actor, ctx| {
                        let verdict = verdict.unwrap_or(Err(Reject::GoingAway));
                        let next = actor.reader.decided(verdict, asked);
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
        let limit = self.reader.shared().limits().handshake;
        let Some(writer) = self.writer.take() else { return };
        self.reader.stopped();
        // The goodbye must not hang on a peer that takes nothing.
        actix_rt::spawn(async move {
            let abort = writer.abort_handle();
            if tokio::time::timeout(limit, writer).await.is_err() {
                abort.abort();
            }
        });
    }
}

impl StreamHandler<Arrived> for SessionActor {
    fn handle(&mut self, Arrived: Arrived, ctx: &mut Self::Context) {
        self.read(ctx);
    }
}

/// The writer has ended.
#[derive(Message)]
#[rtype(result = "()")]
struct HasWritten(Written);

impl Handler<HasWritten> for SessionActor {
    type Result = ();

    fn handle(&mut self, HasWritten(written): HasWritten, ctx: &mut Self::Context) {
        match written {
            // What the other side still has on its way is read, so that our goodbye is not lost to a reset.
            Written::Goodbye => {
                ctx.run_later(self.reader.shared().limits().handshake, |_, ctx| ctx.stop());
            }
            Written::Lost => ctx.stop(),
        }
    }
}

impl Handler<Killed> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: Killed, ctx: &mut Self::Context) {
        if let Some(writer) = &self.writer {
            writer.abort();
        }
        ctx.stop();
    }
}
