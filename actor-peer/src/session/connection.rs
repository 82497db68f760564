//! One connection: from its handshake, through the session that it carries, to its goodbye.
//!
//! It is read by a session actor and written by a writer, both on one thread.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use actix::Recipient;
use actix_http::ws::{CloseCode, CloseReason, ProtocolError};
use bytes::Bytes;
use distributed_scope_core::frame::{Introduction, Resume, SessionId, Token};
use distributed_scope_core::session::MAX_FRAME;
use distributed_scope_core::{Reject, handshake};
use futures_channel::oneshot;

use super::incoming::{Assembler, Incoming, close_code};
use super::kill::{Kill, Killed, SocketHandle};
use super::link::{Epoch, Link, Output, Room};
use crate::actor::{Admitted, Join};
use crate::peer::Shared;

/// What whoever dialled learns.
pub(super) type Opened = oneshot::Sender<Result<Arc<Link>, Reject>>;

/// One connection, as its actor sees it.
pub(super) struct Connection {
    shared: Arc<Shared>,
    assembler: Assembler,
    stage: Stage,
    out: Rc<Out>,
    socket: Option<SocketHandle>,
}

enum Stage {
    /// We accepted, and wait for a hello.
    Accepting,
    /// We dialled, and wait for the answer; perhaps to go on with a session.
    Dialling {
        old: Option<Arc<Link>>,
        opened: Option<Opened>,
    },
    /// The peer actor decides.
    Deciding,
    Carrying {
        link: Arc<Link>,
        epoch: Epoch,
    },
    Over,
}

/// What a session actor has to do after an incoming message.
pub(super) enum Next {
    Read,
    /// Ask the peer actor, and pass its answer to [`Connection::decided`].
    Ask(Box<Join>, Asked),
    /// Read nothing more until this session has room.
    Pause(Arc<Link>),
    Stop,
}

/// What was asked.
pub(super) enum Asked {
    Accepting { received: Option<u64> },
    Dialling { opened: Option<Opened> },
}

impl Connection {
    pub(super) fn accepted(shared: Arc<Shared>, socket: Option<SocketHandle>) -> Self {
        Self::new(shared, socket, Stage::Accepting)
    }

    /// A connection that we made, to go on with `old` if there is one.
    pub(super) fn dialled(
        shared: Arc<Shared>,
        socket: Option<SocketHandle>,
        old: Option<Arc<Link>>,
        opened: Opened,
    ) -> Self {
        let resume = old.as_ref().and_then(|link| link.resume());
        let hello = handshake::hello(shared.introduction(), resume);
        let connection = Self::new(shared, socket, Stage::Dialling { old, opened: Some(opened) });
        connection.out.push(hello);
        connection
    }

    fn new(shared: Arc<Shared>, socket: Option<SocketHandle>, stage: Stage) -> Self {
        Self { shared, assembler: Assembler::new(MAX_FRAME), stage, out: Rc::default(), socket }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What its writer takes.
    pub(super) fn out(&self) -> &Rc<Out> {
        &self.out
    }

    /// Takes one thing that came in.
    pub(super) fn read(
        &mut self,
        incoming: Result<Incoming, ProtocolError>,
        me: impl FnOnce() -> Recipient<Killed>,
    ) -> Next {
        let message = match incoming {
            Ok(Incoming::Binary(message)) => message,
            Ok(Incoming::Part(item)) => match self.assembler.add(item) {
                Ok(Some(message)) => message,
                Ok(None) => return Next::Read,
                Err(error) => return self.broken(error.close_code(), &error),
            },
            Ok(Incoming::Ping(payload)) => {
                self.out.pong(payload);
                return Next::Read;
            }
            Ok(Incoming::Pong) => return Next::Read,
            Ok(Incoming::Text) => return self.broken(CloseCode::Unsupported, &"it sent a text message"),
            Ok(Incoming::Close) => {
                if let Stage::Carrying { link, epoch } = &self.stage {
                    link.closed_by_them(*epoch);
                }
                return Next::Stop;
            }
            Err(error) => match close_code(&error) {
                Some(code) => return self.broken(code, &error),
                // The connection is lost; the session is told by `stopped`.
                None => return Next::Stop,
            },
        };
        if let Stage::Carrying { link, epoch } = &self.stage {
            return match link.receive(*epoch, message) {
                Ok(Room::Free) => Next::Read,
                Ok(Room::None) => Next::Pause(Arc::clone(link)),
                Err(violation) => self.broken(CloseCode::Protocol, &violation),
            };
        }
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Accepting => match handshake::accept(self.shared.introduction(), message) {
                Ok(Ok(hello)) => {
                    self.stage = Stage::Deciding;
                    let received = hello.resume.map(|resume| resume.received);
                    self.ask(hello.from, None, hello.resume, Asked::Accepting { received }, me())
                }
                Ok(Err(reject)) => self.reject(&reject),
                Err(violation) => self.broken(CloseCode::Protocol, &violation),
            },
            Stage::Dialling { old, opened } => {
                match handshake::dialled(self.shared.introduction(), message) {
                    Ok(Ok(welcome)) => {
                        if let (Some(received), Some(old)) = (welcome.resumed, &old) {
                            return self.go_on(Arc::clone(old), received, opened, me());
                        }
                        if let Some(old) = old {
                            old.close(reason(CloseCode::Normal, "the other side no longer has the session"));
                        }
                        self.stage = Stage::Deciding;
                        let ticket = Some((welcome.session, welcome.token));
                        self.ask(welcome.from, ticket, None, Asked::Dialling { opened }, me())
                    }
                    Ok(Err(reject)) => {
                        tell(opened, Err(reject));
                        Next::Stop
                    }
                    Err(violation) => self.broken(CloseCode::Protocol, &violation),
                }
            }
            Stage::Deciding => {
                self.broken(CloseCode::Protocol, &"it did not wait for the answer to its hello")
            }
            Stage::Carrying { .. } | Stage::Over => Next::Read,
        }
    }

    fn ask(
        &self,
        them: Introduction,
        ticket: Option<(SessionId, Token)>,
        resume: Option<Resume>,
        asked: Asked,
        me: Recipient<Killed>,
    ) -> Next {
        let kill = Kill::new(self.socket.as_ref(), me);
        Next::Ask(Box::new(Join { them, ticket, resume, kill }), asked)
    }

    /// The peer actor has decided.
    pub(super) fn decided(
        &mut self,
        verdict: Result<Admitted, Reject>,
        asked: Asked,
        me: Recipient<Killed>,
    ) -> Next {
        match (verdict, asked) {
            (Ok(Admitted::New(link)), asked) => {
                let epoch = link.epoch();
                match asked {
                    Asked::Accepting { .. } => self.welcome(&link, None),
                    Asked::Dialling { opened } => tell(opened, Ok(Arc::clone(&link))),
                }
                self.carry(link, epoch);
                Next::Read
            }
            (Ok(Admitted::Resumed(link)), Asked::Accepting { received }) => {
                let kill = Kill::new(self.socket.as_ref(), me);
                match link.attach(received.unwrap_or_default(), kill) {
                    Ok(epoch) => {
                        let received = link.resume().map(|resume| resume.received);
                        self.welcome(&link, received);
                        self.carry(link, epoch);
                        Next::Read
                    }
                    Err(lost) => {
                        link.close(reason(CloseCode::Normal, &lost.to_string()));
                        self.reject(&Reject::Lost)
                    }
                }
            }
            (Ok(Admitted::Resumed(_)), Asked::Dialling { opened }) => {
                debug_assert!(false, "a dialler asks for new sessions only");
                drop(opened);
                Next::Stop
            }
            (Err(reject), asked) => {
                if let Asked::Dialling { opened } = asked {
                    tell(opened, Err(reject.clone()));
                }
                self.reject(&reject)
            }
        }
    }

    /// The other side still has our session, and so many of our frames.
    fn go_on(
        &mut self,
        link: Arc<Link>,
        received: u64,
        opened: Option<Opened>,
        me: Recipient<Killed>,
    ) -> Next {
        match link.attach(received, Kill::new(self.socket.as_ref(), me)) {
            Ok(epoch) => {
                tell(opened, Ok(Arc::clone(&link)));
                self.carry(link, epoch);
                Next::Read
            }
            Err(lost) => {
                link.close(reason(CloseCode::Normal, &lost.to_string()));
                tell(opened, Err(Reject::Lost));
                self.reject(&Reject::Lost)
            }
        }
    }

    fn welcome(&self, link: &Link, resumed: Option<u64>) {
        let window = self.shared.limits().resume;
        self.out.push(handshake::welcome(self.shared.introduction(), link.ticket(), window, resumed));
    }

    fn carry(&mut self, link: Arc<Link>, epoch: Epoch) {
        tracing::info!(peer = %self.shared.id(), remote = %link.remote(), connection = ?epoch, "session open");
        self.out.carry(Arc::clone(&link), epoch);
        self.shared.actor().do_send(crate::actor::Joined { peer: link.remote() });
        self.stage = Stage::Carrying { link, epoch };
    }

    fn reject(&mut self, reject: &Reject) -> Next {
        tracing::warn!(peer = %self.shared.id(), %reject, "session refused");
        if !matches!(self.stage, Stage::Carrying { .. }) {
            self.out.push(handshake::reject(reject.clone()));
        }
        self.stage = Stage::Over;
        self.out.goodbye(reason(CloseCode::Policy, &reject.to_string()));
        Next::Stop
    }

    /// The other side took too long to introduce itself.
    pub(super) fn late(&mut self) -> Next {
        match &mut self.stage {
            Stage::Accepting => self.reject(&Reject::Late),
            Stage::Dialling { opened, .. } => {
                tell(opened.take(), Err(Reject::Late));
                self.reject(&Reject::Late)
            }
            Stage::Deciding | Stage::Carrying { .. } | Stage::Over => Next::Read,
        }
    }

    fn broken(&mut self, code: CloseCode, error: &dyn std::fmt::Display) -> Next {
        tracing::warn!(peer = %self.shared.id(), %error, "the other side broke the protocol");
        let reason = reason(code, &error.to_string());
        self.out.goodbye(reason.clone());
        if let Stage::Carrying { link, .. } = std::mem::replace(&mut self.stage, Stage::Over) {
            link.close(reason);
        }
        Next::Stop
    }

    /// Nothing more will be read.
    pub(super) fn stopped(&mut self) {
        if let Stage::Carrying { link, epoch } = std::mem::replace(&mut self.stage, Stage::Over) {
            link.detach(epoch);
        }
        self.out.goodbye(reason(CloseCode::Normal, ""));
        self.socket = None;
    }
}

fn tell(opened: Option<Opened>, result: Result<Arc<Link>, Reject>) {
    if let Some(opened) = opened {
        // Whoever dialled may not wait any longer.
        let _ = opened.send(result);
    }
}

pub(super) fn reason(code: CloseCode, text: &str) -> CloseReason {
    CloseReason { code, description: Some(text.to_owned()).filter(|text| !text.is_empty()) }
}

/// What a connection has to send: its own frames, and those of the session that it carries.
#[derive(Default)]
pub(super) struct Out(RefCell<OutState>);

#[derive(Default)]
struct OutState {
    /// Those of the handshake.
    frames: VecDeque<Bytes>,
    /// The last ping that was not answered yet; an older one needs no answer of its own.
    pong: Option<Bytes>,
    carried: Option<(Arc<Link>, Epoch)>,
    goodbye: Option<CloseReason>,
    writer: Option<Waker>,
}

/// The next thing to send.
pub(super) enum Outgoing {
    Frame(Bytes),
    Pong(Bytes),
    /// The last one.
    Close(CloseReason),
}

impl Out {
    fn push(&self, frame: Bytes) {
        self.change(|out| out.frames.push_back(frame));
    }

    fn pong(&self, payload: Bytes) {
        self.change(|out| out.pong = Some(payload));
    }

    fn carry(&self, link: Arc<Link>, epoch: Epoch) {
        self.change(|out| out.carried = Some((link, epoch)));
    }

    fn goodbye(&self, reason: CloseReason) {
        self.change(|out| {
            out.goodbye.get_or_insert(reason);
        });
    }

    fn change(&self, change: impl FnOnce(&mut OutState)) {
        let mut out = self.0.borrow_mut();
        change(&mut out);
        if let Some(writer) = out.writer.take() {
            writer.wake();
        }
    }

    /// The next thing to send, in order; the writer is woken when there is one.
    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<Outgoing> {
        let mut out = self.0.borrow_mut();
        if let Some(frame) = out.frames.pop_front() {
            return Poll::Ready(Outgoing::Frame(frame));
        }
        if let Some(payload) = out.pong.take() {
            return Poll::Ready(Outgoing::Pong(payload));
        }
        if let Some((link, epoch)) = &out.carried {
            match link.poll_output(*epoch, cx) {
                Poll::Ready(Output::Frame(frame)) => return Poll::Ready(Outgoing::Frame(frame)),
                Poll::Ready(Output::Close(reason)) => {
                    out.carried = None;
                    out.goodbye.get_or_insert(reason);
                }
                Poll::Pending => {}
            }
        }
        if let Some(reason) = &out.goodbye {
            return Poll::Ready(Outgoing::Close(reason.clone()));
        }
        if !out.writer.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            out.writer = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}
