//! The receiving end of a channel.

use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::{StreamError, StreamErrorKind};
use super::handle::{Handle, ReceiverHandle};
use super::item::Item;
use super::pipe::{Next, Pipe};
use super::scope::{self, Found};
use super::sender::{NOT_HERE, Number};
use crate::call::{here, host};
use crate::util::guard;
use crate::util::lock::Mutex;
use crate::wire::codec::SPARE;

/// The name under which a receiver is serialized.
pub(crate) const RECEIVER: &str = "$distributed_scope::Receiver";

/// The receiving end of a [`channel`](super::channel), a [`watch`](super::watch) or a
/// [stream](super::streamed).
///
/// It is a `futures::Stream` of `Result<T, StreamError>`, and has [`recv`](Self::recv). `None`
/// means that a sender has said the end. Anything else that ends the channel is a
/// [`StreamError`], after which there is nothing more.
///
/// Dropping it reaches the senders: their `send` fails, `closed()` returns, and a stream that was
/// [streamed](super::streamed) is dropped.
///
/// There is one receiver of a channel. A block that captures it takes it out: this one is empty
/// then, and a second capture of it is refused before anything is sent.
///
/// Only this library can serialize it. Other serializers get an error.
pub struct Receiver<T> {
    /// `None` if it was moved to another peer, or the stream is over.
    handle: Mutex<Option<Arc<ReceiverHandle>>>,
    received: u64,
    is_over: bool,
    /// [`Limits::max_decode_memory`](crate::Limits::max_decode_memory) of the peer, once it is
    /// known.
    memory: Option<usize>,
    idle_timeout: Option<Duration>,
    timer: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    items: PhantomData<fn() -> T>,
}

impl<T> Receiver<T> {
    pub(super) fn new(handle: Arc<ReceiverHandle>) -> Self {
        Self {
            handle: Mutex::new(Some(handle)),
            received: 0,
            is_over: false,
            memory: None,
            idle_timeout: None,
            timer: None,
            items: PhantomData,
        }
    }

    /// Ends the stream with [`StreamErrorKind::Idle`] when no item arrives for this long while the
    /// receiver waits for one. Without it a stream has no deadline.
    ///
    /// The receiver has to be used inside `peer.run(..)` or in a block, or in a process that has
    /// exactly one peer. Elsewhere there is no timeout.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    fn end(&mut self, error: StreamError) -> StreamError {
        self.is_over = true;
        self.timer = None;
        *self.handle.get_mut() = None;
        error
    }

    /// Whether nothing has arrived for as long as the idle timeout.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(timeout) = self.idle_timeout else { return Poll::Pending };
        if self.timer.is_none() {
            let host = here::current().map(|context| Arc::clone(&context.host)).or_else(host::sole);
            self.timer = host.map(|host| host.pause_until(host.now() + timeout));
        }
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<T: DeserializeOwned + 'static> Receiver<T> {
    /// The next item; `None` if a sender has said the end and all items were received.
    ///
    /// # Errors
    ///
    /// If the channel has ended in another way. All items that were sent before are received
    /// first. After an error it returns `None`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no item.
    pub async fn recv(&mut self) -> Result<Option<T>, StreamError> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, StreamError>> {
        if self.is_over {
            return Poll::Ready(Ok(None));
        }
        let Some(handle) = self.handle.get_mut() else {
            let moved = StreamError::new(StreamErrorKind::Moved, self.received);
            return Poll::Ready(Err(self.end(moved)));
        };
        match handle.pipe().poll_next(cx) {
            Poll::Ready(Next::Item(item)) => {
                self.timer = None;
                Poll::Ready(self.decode(item).map(Some))
            }
            Poll::Ready(Next::End(end)) => Poll::Ready(match StreamError::of_end(end, self.received) {
                Some(error) => Err(self.end(error)),
                None => {
                    self.is_over = true;
                    Ok(None)
                }
            }),
            Poll::Pending => {
                ready!(self.poll_idle(cx));
                let idle = StreamError::new(StreamErrorKind::Idle, self.received);
                Poll::Ready(Err(self.end(idle)))
            }
        }
    }

    fn decode(&mut self, mut item: Item) -> Result<T, StreamError> {
        let memory = *self.memory.get_or_insert_with(|| {
            here::current().map_or(SPARE, |context| context.host.limits().max_decode_memory)
        });
        let handles = item.take_handles();
        // A value from outside runs code of its type.
        let decoded = guard::run(|| {
            let _ends = scope::arriving(handles);
            item.codec().decode_within::<T>(memory, item.payload())
        });
        match decoded {
            Ok(Ok(value)) => {
                self.received += 1;
                Ok(value)
            }
            Ok(Err(error)) => Err(self.end(StreamError::decode(&error, self.received))),
            Err(_) => Err(self.end(StreamError::new(StreamErrorKind::Decode, self.received))),
        }
    }
}

impl<T: DeserializeOwned + 'static> Stream for Receiver<T> {
    type Item = Result<T, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx).map(Result::transpose)
    }
}

impl<T> Unpin for Receiver<T> {}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("received", &self.received).finish_non_exhaustive()
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Serialize for Receiver<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match scope::add(|| self.handle.lock().take().map(Handle::Receiver)) {
            Some(Ok(number)) => serializer.serialize_newtype_struct(RECEIVER, &number),
            Some(Err(_)) => Err(S::Error::custom(
                "this receiver was moved to another peer by an earlier capture; there is one receiver of a channel",
            )),
            None => Err(S::Error::custom(NOT_HERE)),
        }
    }
}

impl<'de, T: Serialize + DeserializeOwned + 'static> Deserialize<'de> for Receiver<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = deserializer.deserialize_newtype_struct(RECEIVER, Number::<T>(PhantomData))?;
        match scope::take_receiver(number) {
            Found::End(handle) => Ok(Self::new(handle)),
            Found::Dummy => Ok(Self::new(Arc::new(ReceiverHandle::new(Pipe::closed())))),
            Found::Nothing => Err(D::Error::custom(NOT_HERE)),
        }
    }
}
