//! Ends a connection from outside its own task, which can be blocked indefinitely by a peer that
//! does not read.

use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::ws::Message;
use bytes::{Bytes, BytesMut};
use distributed_scope_core::frame::Framed;
use distributed_scope_core::peer::{self, Goodbye};
use distributed_scope_core::session::MAX_FRAME;
use futures_util::task::AtomicWaker;
use socket2::{SockRef, Socket};
use tokio::net::TcpStream;

use super::reader::close_reason;
use super::wire::Wire;

/// A second handle of the socket of a connection, kept with the connection.
#[derive(Clone, Debug)]
pub(crate) struct SocketHandle {
    socket: Arc<Socket>,
    is_plain_server: bool,
}

impl SocketHandle {
    pub(crate) fn of(stream: &TcpStream) -> std::io::Result<Self> {
        let socket = Arc::new(SockRef::from(stream).try_clone()?);
        Ok(Self { socket, is_plain_server: false })
    }

    /// This is the server's end, without TLS.
    pub(super) fn of_plain_server(self) -> Self {
        Self { is_plain_server: true, ..self }
    }

    /// The address of the other side.
    pub(super) fn peer_addr(&self) -> Option<SocketAddr> {
        self.socket.peer_addr().ok()?.as_socket()
    }

    pub(super) fn weak(&self) -> Weak<Socket> {
        Arc::downgrade(&self.socket)
    }
}

/// Notifies the task of a connection, from any thread, that the connection is dead.
#[derive(Debug, Default)]
pub(super) struct Stop {
    is_told: AtomicBool,
    task: AtomicWaker,
}

impl Stop {
    fn tell(&self) {
        self.is_told.store(true, Ordering::Release);
        self.task.wake();
    }

    /// The task has ended. Its waker would keep its memory alive while a [`Kill`] exists.
    pub(super) fn forget_task(&self) {
        drop(self.task.take());
    }

    /// Ready when it was notified.
    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        self.task.register(cx.waker());
        if self.is_told.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Ends one connection.
pub(crate) struct Kill {
    socket: Option<Weak<Socket>>,
    is_plain_server: bool,
    stop: Arc<Stop>,
}

impl Kill {
    pub(super) fn new(socket: Option<&SocketHandle>, stop: &Arc<Stop>) -> Self {
        Self {
            socket: socket.map(SocketHandle::weak),
            is_plain_server: socket.is_some_and(|socket| socket.is_plain_server),
            stop: Arc::clone(stop),
        }
    }
}

impl peer::Kill for Kill {
    /// Resets the connection, shuts down the socket in both directions, and stops the task of the
    /// connection. Does nothing if they have ended.
    fn now(self) {
        if let Some(socket) = self.socket.and_then(|socket| socket.upgrade()) {
            // A reset reaches the other side even if earlier data is lost in transit; an orderly
            // close would wait behind that data.
            let _ = socket.set_linger(Some(Duration::ZERO));
            // It may already be closed, which has the same result.
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.stop.tell();
    }

    /// Only at the server's end without TLS: the dialler's task sends its own goodbye, and TLS
    /// needs the state of its connection.
    fn say(&self, last_frame: Bytes, goodbye: &Goodbye) {
        let socket = self.socket.as_ref().filter(|_| self.is_plain_server).and_then(Weak::upgrade);
        let Some(socket) = socket else { return };
        let (mut wire, mut out) = (Wire::server(MAX_FRAME), BytesMut::new());
        wire.put(&Framed::from(last_frame), &mut out);
        if wire.encode(Message::Close(Some(close_reason(goodbye.clone()))), &mut out).is_ok() {
            // The handle does not block, as the socket does not. The program ends, so an error
            // has no consequence.
            let _ = socket.send(&out);
            let _ = socket.shutdown(Shutdown::Write);
        }
    }
}
