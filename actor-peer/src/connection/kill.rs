//! A way to end a connection from outside of its own task, which a peer that does not read can
//! hold up for good.

use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use distributed_scope_core::peer;
use futures_util::task::AtomicWaker;
use socket2::{SockRef, Socket};
use tokio::net::TcpStream;

/// A second handle of a connection's socket, kept beside the connection.
#[derive(Clone, Debug)]
pub(crate) struct SocketHandle(Arc<Socket>);

impl SocketHandle {
    pub(crate) fn of(stream: &TcpStream) -> std::io::Result<Self> {
        Ok(Self(Arc::new(SockRef::from(stream).try_clone()?)))
    }

    /// Where the connection leads to.
    pub(super) fn peer_addr(&self) -> Option<SocketAddr> {
        self.0.peer_addr().ok()?.as_socket()
    }

    pub(super) fn weak(&self) -> Weak<Socket> {
        Arc::downgrade(&self.0)
    }
}

/// Tells the task of a connection, from any thread, that the connection is dead.
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

    /// The task has ended. Its waker would keep its memory for as long as a [`Kill`] is there.
    pub(super) fn forget_task(&self) {
        drop(self.task.take());
    }

    /// Ready when it was told.
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
    /// Resets the connection, shuts the socket down in both directions and stops the connection's
    /// task. Does nothing if they are gone.
    fn now(self) {
        if let Some(socket) = self.socket.and_then(|socket| socket.upgrade()) {
            // By a reset, which the other side gets although what was sent before it is lost on
            // the way,
            // where an orderly end would wait behind that.
            let _ = socket.set_linger(Some(Duration::ZERO));
            // It may be closed already, which is as good.
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.stop.tell();
    }
}
