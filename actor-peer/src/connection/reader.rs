//! A connection from the view of the task that reads its socket: WebSocket input, in terms of the
//! connection of the session.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use actix_http::ws::{CloseReason, ProtocolError};
use actix_rt::task::JoinHandle;
use distributed_scope_core::frame::{OUTDATED, VERSION, protocol_version};
use distributed_scope_core::peer::{self, Admitted, Goodbye};
use distributed_scope_core::session::MAX_FRAME;
use distributed_scope_core::{Moment, Principal, Reject};

use super::expiry;
use super::incoming::{self, Assembler, Incoming, PartsError};
use super::kill::{Kill, SocketHandle, Stop};
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
    stop: Arc<Stop>,
    expiry: Option<JoinHandle<()>>,
    /// The protocol version of the other side, if it closed because of a version mismatch.
    other_version: Rc<Cell<Option<u16>>>,
}

impl Reader {
    pub(super) fn new(connection: Connection, socket: Option<SocketHandle>) -> Self {
        let (assembler, stop) = (Assembler::new(MAX_FRAME), Arc::default());
        Self { connection, assembler, socket, stop, expiry: None, other_version: Rc::default() }
    }

    /// The shared cell with the protocol version of the other side, if it closes because of a
    /// version mismatch.
    pub(super) fn other_version(&self) -> Rc<Cell<Option<u16>>> {
        Rc::clone(&self.other_version)
    }

    /// The other side is authenticated as `principal`, possibly until a moment at which the
    /// connection ends. It ends without a close frame, so that the session can resume if the
    /// other side reconnects with a newer credential.
    pub(super) fn known_as(mut self, principal: Option<&Principal>) -> Self {
        if let Some(expires) = principal.and_then(Principal::expires) {
            let (kill, peer) = (self.kill(), self.shared().id());
            self.expiry = Some(actix_rt::spawn(async move {
                expiry::until(expires).await;
                tracing::info!(%peer, "connection dropped: the credential of the other side has expired");
                peer::Kill::now(kill);
            }));
        }
        self
    }

    fn kill(&self) -> Kill {
        Kill::new(self.socket.as_ref(), &self.stop)
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        self.connection.shared()
    }

    /// Whether the handshake needs no more input of the other side.
    pub(super) fn is_introduced(&self) -> bool {
        self.connection.is_introduced()
    }

    /// The output for its writer.
    pub(super) fn out(&self) -> &Rc<Out> {
        self.connection.out()
    }

    /// The signal that the connection is dead.
    pub(super) fn stop(&self) -> &Arc<Stop> {
        &self.stop
    }

    /// Whether output may be pending.
    pub(super) fn has_output(&self) -> bool {
        self.connection.has_output()
    }

    /// Handles one message that was received at this moment.
    pub(super) fn read(&mut self, arrived: Moment, incoming: Result<Incoming, ProtocolError>) -> Next {
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
            Ok(Incoming::Close(reason)) => {
                self.other_version.set(reason.and_then(|reason| outdated(&reason)));
                return connection.closed();
            }
            Err(error) => match incoming::goodbye(&error) {
                Some(goodbye) => return connection.broken(goodbye),
                // The connection is lost; `stopped` notifies the session.
                None => return Next::Stop,
            },
        };
        connection.receive(arrived, message, || Kill::new(self.socket.as_ref(), &self.stop))
    }

    /// All received input is read.
    pub(super) fn caught_up(&self) {
        self.connection.caught_up();
    }

    /// Whether calls wait until all received input is read.
    #[cfg(feature = "actix-web-actors")]
    pub(super) fn is_held_up(&self) -> bool {
        self.connection.is_held_up()
    }

    /// The peer actor has decided.
    pub(super) fn decided(&mut self, verdict: Result<Admitted<Actix>, Reject>, asked: Asked) -> Next {
        self.connection.decided(verdict, asked)
    }

    /// The handshake has timed out.
    pub(super) fn late(&mut self) -> Next {
        self.connection.late()
    }

    /// The program ends, and the connection with it.
    pub(super) fn ended(&mut self) {
        self.connection.ended();
    }

    /// No more input will be read.
    pub(super) fn stopped(&mut self) {
        self.connection.stopped();
        self.socket = None;
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.connection.stopped();
        self.stop.forget_task();
        if let Some(expiry) = self.expiry.take() {
            expiry.abort();
        }
    }
}

/// The other protocol version that a close frame names.
fn outdated(CloseReason { code, description }: &CloseReason) -> Option<u16> {
    let version = description.as_deref().filter(|_| u16::from(*code) == OUTDATED).and_then(protocol_version);
    version.filter(|version| *version != VERSION)
}

/// The close frame of a goodbye.
pub(super) fn close_reason(goodbye: Goodbye) -> CloseReason {
    let Goodbye { code, reason } = goodbye;
    CloseReason { code: code.into(), description: Some(reason).filter(|reason| !reason.is_empty()) }
}
