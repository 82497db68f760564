//! Ends a connection from outside its own task, which can be blocked indefinitely by a peer that
//! does not read.

use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use distributed_scope_core::peer;
use futures_util::task::AtomicWaker;
use socket2::{SockRef, Socket};
use tokio::net::TcpStream;

/// A second handle of the socket of a connection, kept with the connection.
#[derive(Clone, Debug)]
pub(crate) struct SocketHandle(Arc<Socket>);

impl SocketHandle {
    pub(crate) fn of(stream: &TcpStream) -> std::io::Result<Self> {
        Ok(Self(Arc::new(SockRef::from(stream).try_clone()?)))
    }

    /// The address of the other side.
    pub(super) fn peer_addr(&self) -> Option<SocketAddr> {
        self.0.peer_addr().ok()?.as_socket()
    }

    pub(super) fn weak(&self) -> Weak<Socket> {
        Arc::downgrade(&self.0)
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
    stop: Arc<Stop>,
}

impl Kill {
    pub(super) fn new(socket: Option<&SocketHandle>, stop: &Arc<Stop>) -> Self {
        Self { socket: socket.map(SocketHandle::weak), stop: Arc::clone(stop) }
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
}
