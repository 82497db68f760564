//! A call that is under way.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_channel::oneshot;

use crate::channel::handle::Handles;
use crate::error::{ErrorKind, Ran, RemoteError};
use crate::wire::codec::Codec;
use crate::wire::encoded::Encoded;
use crate::wire::frame::CallId;

/// An encoded result.
#[derive(Clone, Debug)]
pub struct Payload {
    /// How it is encoded.
    pub codec: Codec,
    /// Its bytes. Those of a result that is to be sent have [`HEAD`](crate::wire::frame::HEAD)
    /// bytes of room before it.
    pub bytes: Encoded,
    /// The ends of channels in it. Those of a result that is to be sent have their table behind
    /// it.
    pub handles: Handles,
}

/// How a call ended.
pub type Ending = Result<Payload, RemoteError>;

/// Whatever carries calls and can give one up.
pub trait Carrier: Send + Sync {
    /// The caller has stopped waiting for this call.
    fn cancel(&self, call: CallId);
}

/// A call that is under way. Dropping it cancels the call.
pub enum Pending {
    /// It has ended already.
    Ended(Option<Ending>),
    /// A session or the executor has it.
    Carried(Carried),
    /// It waits for a session, and goes on from there.
    Waiting(Pin<Box<dyn Future<Output = Ending> + Send>>),
}

impl Pending {
    /// A call that has ended before it was sent.
    #[must_use]
    pub fn ended(ending: Ending) -> Self {
        Self::Ended(Some(ending))
    }
}

/// A call that a carrier has taken, and the means to cancel it.
pub struct Carried {
    reply: oneshot::Receiver<Ending>,
    carrier: Arc<dyn Carrier>,
    call: CallId,
    open: bool,
}

impl Carried {
    /// A call that `carrier` knows as `call` and whose end comes through `reply`.
    #[must_use]
    pub fn new(carrier: Arc<dyn Carrier>, call: CallId, reply: oneshot::Receiver<Ending>) -> Self {
        Self { reply, carrier, call, open: true }
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        if self.open {
            self.carrier.cancel(self.call);
        }
    }
}

impl Future for Pending {
    type Output = Ending;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ending> {
        match &mut *self {
            // The call keeps the panic of a second poll to itself; see `Call::poll`.
            Self::Ended(ending) => ending.take().map_or(Poll::Pending, Poll::Ready),
            Self::Carried(carried) => {
                let reply = ready!(Pin::new(&mut carried.reply).poll(cx));
                carried.open = false;
                // A sender that was dropped without a word belonged to a task that is no more.
                let gone = |_| Err(RemoteError::new(ErrorKind::Disconnected, Ran::Maybe));
                Poll::Ready(reply.unwrap_or_else(gone))
            }
            Self::Waiting(waiting) => waiting.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended(_) => "Ended",
            Self::Carried(_) => "Carried",
            Self::Waiting(_) => "Waiting",
        })
    }
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carried").field("call", &self.call).field("open", &self.open).finish_non_exhaustive()
    }
}
