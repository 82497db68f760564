//! One connection between the bytes of its socket and its session: reads input, waits where
//! necessary, and produces output. The owner of the socket drives it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::ws::{Message, ProtocolError};
use bytes::BytesMut;
use distributed_scope_core::peer::{Admitted, Outgoing, Written};
use distributed_scope_core::{Moment, Reject};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::time::Sleep;

use super::incoming::Incoming;
use super::queue::Place;
use super::reader::{Asked, Next, Reader, close_reason};
use super::turn::{Left, Turn};
use super::wire::Wire;
use crate::actor::decide;
use crate::clock;
use crate::platform::Actix;

/// One connection without its socket.
pub(super) struct Conversation {
    reader: Reader,
    wire: Wire,
    reading: Reading,
    /// The timeout until the session is open.
    handshake: Option<Pin<Box<Sleep>>>,
    said_goodbye: bool,
    turn: Turn,
    /// Its place among the busy connections of its thread, while it queues.
    place: Option<Place>,
    /// When the current input was received; `None` if the clock was not read yet.
    arrived: Option<Moment>,
}

enum Reading {
    Goes,
    /// No input is read meanwhile.
    Waits(LocalBoxFuture<'static, Came>),
    Over,
}

/// The event that was waited for.
enum Came {
    Room,
    Verdict(Result<Admitted<Actix>, Reject>, Asked),
}

/// The current output of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// All of the output.
    All,
    /// A part of the output.
    Some,
    /// The final output.
    Goodbye,
}

impl Conversation {
    pub(super) fn new(reader: Reader, wire: Wire) -> Self {
        let limit = reader.shared().limits().handshake_timeout;
        Self {
            reader,
            wire,
            reading: Reading::Goes,
            handshake: Some(Box::pin(tokio::time::sleep(limit))),
            said_goodbye: false,
            turn: Turn::default(),
            place: None,
            arrived: None,
        }
    }

    /// The buffer to which received bytes are appended.
    pub(super) fn unread(&mut self) -> &mut BytesMut {
        self.arrived = None;
        self.wire.unread()
    }

    /// All input received so far was added.
    pub(super) fn caught_up(&self) {
        self.reader.caught_up();
    }

    /// The input has ended.
    pub(super) fn lost(&mut self) {
        self.stop();
    }

    /// Whether the connection must end now, without further output.
    pub(super) fn poll_killed(&self, cx: &Context<'_>) -> Poll<()> {
        self.reader.stop().poll(cx)
    }

    /// Handles the received input. Ready when all of it is handled and more can be accepted.
    /// Pending when another event has to come first, or it yields to other tasks.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_handshake(cx);
        if self.turn.has_to_queue(clock::now) {
            ready!(self.poll_place(cx));
        } else {
            self.place = None;
        }
        loop {
            match &mut self.reading {
                Reading::Over => return Poll::Pending,
                Reading::Waits(until) => {
                    let Poll::Ready(came) = until.poll_unpin(cx) else { return Poll::Pending };
                    self.reading = Reading::Goes;
                    // The rest could not be handled earlier, so its time starts here.
                    self.arrived = None;
                    if let Came::Verdict(verdict, asked) = came {
                        let next = self.reader.decided(verdict, asked);
                        self.follow(next);
                    }
                }
                Reading::Goes if self.wire.has_unread() && self.turn.is_over(clock::now) => {
                    return Poll::Pending;
                }
                Reading::Goes => {
                    let Some(incoming) = self.wire.next().transpose() else { return Poll::Ready(()) };
                    let known = self.arrived;
                    let arrived = *self.arrived.get_or_insert_with(clock::now);
                    // Input left by the previous turn arrived before this turn began.
                    self.turn.begin(|| known.map_or(arrived, |_| clock::now()));
                    let incoming = incoming.map(Incoming::from);
                    let bytes = incoming.as_ref().map_or(0, Incoming::size);
                    let next = self.reader.read(arrived, incoming);
                    self.follow(next);
                    self.turn.handled(bytes, self.reader.has_output());
                }
            }
        }
    }

    /// Whether it may go on, which it has to queue for.
    fn poll_place(&mut self, cx: &Context<'_>) -> Poll<()> {
        if !self.place.get_or_insert_with(Place::take).is_called(cx) {
            return Poll::Pending;
        }
        self.place = None;
        self.turn.goes_on();
        self.reader.out().run_more();
        Poll::Ready(())
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) {
        let Some(limit) = &mut self.handshake else { return };
        if self.reader.is_introduced() {
            self.handshake = None;
        } else if limit.as_mut().poll(cx).is_ready() {
            self.handshake = None;
            let next = self.reader.late();
            self.follow(next);
        }
    }

    fn follow(&mut self, next: Next) {
        match next {
            Next::Read => {}
            Next::Stop => self.stop(),
            Next::Pause(link) => {
                self.reading = Reading::Waits(link.until_room().map(|()| Came::Room).boxed_local());
            }
            Next::Ask(join, asked) => {
                let deciding = decide(self.reader.shared(), join);
                let verdict = async move { Came::Verdict(deciding.await, asked) };
                self.reading = Reading::Waits(verdict.boxed_local());
            }
        }
    }

    /// The program ends, and the connection with it: the output from now on is final.
    pub(super) fn end(&mut self) {
        self.reading = Reading::Over;
        self.handshake = None;
        self.reader.ended();
    }

    fn stop(&mut self) {
        self.reading = Reading::Over;
        self.handshake = None;
        self.reader.stopped();
    }

    /// Appends pending output, up to the amount that should be sent at once.
    pub(super) fn write(&mut self, cx: &Context<'_>, out: &mut BytesMut) -> Result<Said, ProtocolError> {
        if self.said_goodbye {
            return Ok(Said::Goodbye);
        }
        let before = out.len();
        loop {
            let wire = &mut self.wire;
            let Poll::Ready(outgoing) = self.reader.out().poll_write(cx, |frame| wire.put(frame, out)) else {
                return Ok(Said::All);
            };
            match outgoing {
                Outgoing::Frame(Written { at_once }) if out.len() - before >= at_once => {
                    return Ok(Said::Some);
                }
                Outgoing::Frame(_) => {}
                Outgoing::Pong(payload) => self.wire.encode(Message::Pong(payload), out)?,
                Outgoing::Close(goodbye) => {
                    self.said_goodbye = true;
                    self.wire.encode(Message::Close(Some(close_reason(goodbye))), out)?;
                    return Ok(Said::Goodbye);
                }
            }
        }
    }

    /// Wakes another task than this one to write pending output.
    #[cfg(not(feature = "actix-web-actors"))]
    pub(super) fn wake_writer(&self) {
        if self.reader.has_output() {
            self.reader.out().wake();
        }
    }

    /// Ends a turn. Other tasks run; remaining input is handled after that.
    pub(super) fn rest(&mut self, cx: &Context<'_>, out: &mut BytesMut) {
        if self.reader.out().has_waiting() {
            self.turn.use_share();
        }
        match self.turn.end(clock::now) {
            Left::Nothing => {}
            Left::Input => cx.waker().wake_by_ref(),
            Left::Queues => {
                self.place.get_or_insert_with(Place::take).is_called(cx);
            }
        }
        self.wire.rest(out);
    }

    /// The timeout of a handshake and of a close.
    pub(super) fn patience(&self) -> Duration {
        self.reader.shared().limits().handshake_timeout
    }
}
