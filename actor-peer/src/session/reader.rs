//! A connection as the actor that reads it sees it: what a WebSocket can bring, in terms of the session's connection.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix::Recipient;
use actix_http::ws::{CloseReason, ProtocolError};
use distributed_scope_core::Reject;
use distributed_scope_core::peer::{self, Admitted, Goodbye};
use distributed_scope_core::session::MAX_FRAME;

use super::incoming::{self, Assembler, Incoming, PartsError};
use super::kill::{Kill, Killed, SocketHandle};
use crate::platform::{Actix, Shared};

pub(super) type Asked = peer::Asked<Actix>;
pub(super) type Connection = peer::Connection<Actix>;
pub(super) type Next = peer::Next<Actix>;
pub(super) type Out = peer::Out<Actix>;

/// Reads one connection.
pub(super) struct Reader {
    connection: Connection,
    assembler: Assembler,
    socket: Option<SocketHandle>,
    expires: Option<SystemTime>,
}

impl Reader {
    pub(super) fn new(connection: Connection, socket: Option<SocketHandle>) -> Self {
        Self { connection, assembler: Assembler::new(MAX_FRAME), socket, expires: None }
    }

    /// The other side is known until this moment.
    pub(super) fn expiring(mut self, expires: Option<SystemTime>) -> Self {
        self.expires = expires;
        self
    }

    /// For how long the other side is known, if not for ever.
    pub(super) fn time_left(&self) -> Option<Duration> {
        // What lies in the past is over at once.
        self.expires.map(|expires| expires.duration_since(SystemTime::now()).unwrap_or_default())
    }

    /// What the other side was known by has expired: ends the connection. Without a goodbye, so that the session can go on if the
    /// other side comes back with something newer.
    pub(super) fn expire(&self, me: Recipient<Killed>) {
        tracing::info!(peer = %self.shared().id(), "connection dropped: what the other side was known by has expired");
        peer::Kill::now(Kill::new(self.socket.as_ref(), me));
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        self.connection.shared()
    }

    /// What its writer takes.
    pub(super) fn out(&self) -> &Rc<Out> {
        self.connection.out()
    }

    /// Takes one thing that came in.
    pub(super) fn read(
        &mut self,
        incoming: Result<Incoming, ProtocolError>,
        me: impl FnOnce() -> Recipient<Killed>,
    ) -> Next {
        let connection = &mut self.connection;
        let message = match incoming {
            Ok(Incoming::Binary(message)) => message,
            Ok(Incoming::Part(item)) => match self.assembler.add(item) {
                Ok(Some(message)) => message,
                Ok(None) => return Next::Read,
                Err(error) => return connection.broken(Goodbye::from(&error)),
            },
            Ok(Incoming::Ping(payload)) => {
                connection.out().pong(payload);
                return Next::Read;
            }
            Ok(Incoming::Pong) => return Next::Read,
            Ok(Incoming::Text) => return connection.broken(Goodbye::from(&PartsError::Text)),
            Ok(Incoming::Close) => return connection.closed(),
            Err(error) => match incoming::goodbye(&error) {
                Some(goodbye) => return connection.broken(goodbye),
                // The connection is lost; the session is told by `stopped`.
                None => return Next::Stop,
            },
        };
        connection.receive(message, || Kill::new(self.socket.as_ref(), me()))
    }

    /// The peer actor has decided.
    pub(super) fn decided(&mut self, verdict: Result<Admitted<Actix>, Reject>, asked: Asked) -> Next {
        self.connection.decided(verdict, asked)
    }

    /// The time for the handshake is over.
    pub(super) fn late(&mut self) -> Next {
        self.connection.late()
    }

    /// Nothing more will be read.
    pub(super) fn stopped(&mut self) {
        self.connection.stopped();
        self.socket = None;
    }
}

/// A goodbye as a close frame.
pub(super) fn close_reason(goodbye: Goodbye) -> CloseReason {
    let Goodbye { code, reason } = goodbye;
    CloseReason { code: code.into(), description: Some(reason).filter(|reason| !reason.is_empty()) }
}
