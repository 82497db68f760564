//! A way to end a connection from outside of its own task, which a peer that does not read can hold up for good.

use std::net::Shutdown;
use std::sync::{Arc, Weak};

use actix::Recipient;
use actix::prelude::Message;
use distributed_scope_core::peer;
use socket2::{SockRef, Socket};
use tokio::net::TcpStream;

/// A second handle of a connection's socket, kept beside the connection.
#[derive(Clone, Debug)]
pub(crate) struct SocketHandle(Arc<Socket>);

impl SocketHandle {
    pub(crate) fn of(stream: &TcpStream) -> std::io::Result<Self> {
        Ok(Self(Arc::new(SockRef::from(stream).try_clone()?)))
    }

    pub(super) fn weak(&self) -> Weak<Socket> {
        Arc::downgrade(&self.0)
    }
}

/// To the session actor: the connection is dead, stop.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Killed;

/// Ends one connection.
pub(crate) struct Kill {
    socket: Option<Weak<Socket>>,
    actor: Recipient<Killed>,
}

impl Kill {
    pub(super) fn new(socket: Option<&SocketHandle>, actor: Recipient<Killed>) -> Self {
        Self { socket: socket.map(SocketHandle::weak), actor }
    }
}

impl peer::Kill for Kill {
    /// Shuts the socket down in both directions and stops the session actor. Does nothing if they are gone.
    fn now(self) {
        if let Some(socket) = self.socket.and_then(|socket| socket.upgrade()) {
            // It may be closed already, which is as good.
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.actor.do_send(Killed);
    }
}
