//! The sending end of a channel.

use std::any::TypeId;
use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use rustc_hash::FxHashMap;
use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::{End, SendError, TrySendError};
use super::handle::{Handle, SenderHandle};
use super::item::Item;
use super::pipe::Pipe;
use super::scope::{self, Found};
use crate::block::raised::Raised;
use crate::block::shape::{self, CannotTravel, Subject};
use crate::call::here;
use crate::error::RemoteError;
use crate::util::lock::RwLock;
use crate::util::shown;
use crate::wire::codec::{Carriage, Written};
use crate::wire::frame::ITEM_HEAD;

/// The name under which a sender is serialized.
pub(crate) const SENDER: &str = "$distributed_scope::Sender";

/// The sending end of a [`channel`](super::channel) or a [`watch`](super::watch).
///
/// It is cheap to clone, and each clone sends to the same receiver. A block can capture it, which
/// takes a clone, or return it. It can also be anywhere inside a captured or returned value, and
/// inside an item of another channel. The receiver then gets the items of all senders, wherever
/// they are.
///
/// The receiver sees the end of the channel when one sender calls [`finish`](Self::finish).
/// Dropping all senders without that is an error for the receiver, and so is a block that fails
/// while it has one.
///
/// Only this library can serialize it. Other serializers get an error.
pub struct Sender<T> {
    handle: SenderHandle,
    carriage: OnceLock<&'static Result<Carriage, CannotTravel>>,
    items: PhantomData<fn(T)>,
}

impl<T> Sender<T> {
    pub(super) fn new(handle: SenderHandle) -> Self {
        Self { handle, carriage: OnceLock::new(), items: PhantomData }
    }

    fn pipe(&self) -> &Arc<Pipe> {
        self.handle.pipe()
    }

    /// Whether no more items are accepted: the receiver was dropped, the channel has ended, or the
    /// session with the receiver's peer is lost.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.pipe().is_closed()
    }

    /// Waits until no more items are accepted.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn closed(&self) {
        poll_fn(|cx| self.pipe().poll_closed(cx)).await;
    }

    pub(crate) fn poll_closed(&self, cx: &Context<'_>) -> Poll<()> {
        self.pipe().poll_closed(cx)
    }

    /// Says the end: the receiver gets all items that were sent before, and then `None`. Other
    /// senders of the channel send no more: they get [`SendError::Finished`].
    pub fn finish(self) {
        self.pipe().end(End::Finished);
    }

    /// Ends the channel with an error. The receiver gets all items that were sent before, and then
    /// a [`StreamError`](super::StreamError) of the kind
    /// [`Raised`](super::StreamErrorKind::Raised) with the error and its causes.
    pub fn fail(self, error: impl Into<Raised>) {
        self.end_with(error.into());
    }

    pub(super) fn end_with(&self, raised: Raised) {
        let context = here::current();
        let longest = context.as_ref().map_or(shown::LONGEST, |context| context.host.limits().max_error_text);
        let error = RemoteError::raised(raised, longest);
        let error = match context {
            Some(context) => context.host.disclosed(error),
            None => error,
        };
        self.pipe().end(End::Failed(Box::new(error)));
    }

    pub(super) fn end(&self, end: End) {
        self.pipe().end(end);
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Sender<T> {
    /// Sends an item. Waits while the receiver is behind by the capacity of the channel, or while
    /// the session has no room.
    ///
    /// It returns when the item is queued or on its way, and not when the receiver has it.
    ///
    /// # Errors
    ///
    /// If the item cannot be sent, or the channel accepts no more.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the item is not sent.
    pub fn send(&self, item: T) -> Sending<'_> {
        let encoded = self.encode(&item);
        Sending { pipe: self.pipe(), item: Some(encoded) }
    }

    /// Sends an item, and holds its thread until there is room: for threads that may wait, and for
    /// blocks with `#[block(blocking)]`. A page has no such thread, and does not have this.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    #[cfg(not(target_family = "wasm"))]
    pub fn send_blocking(&self, item: T) -> Result<(), SendError> {
        struct Parked(std::thread::Thread);
        impl std::task::Wake for Parked {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Arc::new(Parked(std::thread::current())).into();
        let (mut sending, mut cx) = (self.send(item), Context::from_waker(&waker));
        loop {
            if let Poll::Ready(sent) = Pin::new(&mut sending).poll(&mut cx) {
                return sent;
            }
            std::thread::park();
        }
    }

    /// Sends an item if there is room now.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] with the item if `send` would wait, or why the item is never sent.
    pub fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        match self.pipe().push(self.encode(&item)?)? {
            None => Ok(()),
            Some(_) => Err(TrySendError::Full(item)),
        }
    }

    fn encode(&self, item: &T) -> Result<Item, SendError> {
        encode(self.carriage.get_or_init(carriage_of::<T>), item)
    }

    /// Sends an item that was encoded by [`encode_item`].
    pub(crate) fn send_encoded(&self, item: Item) -> Sending<'_> {
        Sending { pipe: self.pipe(), item: Some(Ok(item)) }
    }
}

fn encode<T: Serialize>(carriage: &Result<Carriage, CannotTravel>, item: &T) -> Result<Item, SendError> {
    let carriage = carriage.as_ref().map_err(|reason| SendError::CannotTravel(reason.to_string()))?;
    let Written { codec, bytes, handles } = carriage.encode(ITEM_HEAD, item).map_err(SendError::Encode)?;
    Ok(Item::made(codec, bytes, handles))
}

/// Encodes a value that is written like a `T` and has no ends of channels. It can be sent on
/// several channels of `T`.
pub(crate) fn encode_item<T, R>(item: &R) -> Result<Item, SendError>
where
    T: Serialize + DeserializeOwned + 'static,
    R: Serialize,
{
    let item = encode(carriage_of::<T>(), item)?;
    if item.must_board() {
        return Err(SendError::CannotTravel("an item of a topic cannot have ends of channels".to_owned()));
    }
    Ok(item)
}

/// How items of a type are encoded. Looked at once in each process.
fn carriage_of<T: Serialize + DeserializeOwned + 'static>() -> &'static Result<Carriage, CannotTravel> {
    type Known = RwLock<Option<FxHashMap<TypeId, &'static Result<Carriage, CannotTravel>>>>;
    static KNOWN: Known = RwLock::new(None);
    let id = TypeId::of::<T>();
    if let Some(known) = KNOWN.read().as_ref().and_then(|known| known.get(&id)) {
        return known;
    }
    // A type's own code runs here, which may come back to here.
    let carriage = shape::of(&Subject::of::<T>()).carriage;
    // As many as there are types.
    KNOWN.write().get_or_insert_default().entry(id).or_insert_with(|| Box::leak(Box::new(carriage)))
}

/// The future of [`Sender::send`].
#[must_use = "an item is sent when this is awaited"]
pub struct Sending<'a> {
    pipe: &'a Arc<Pipe>,
    item: Option<Result<Item, SendError>>,
}

impl Future for Sending<'_> {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut item = match self.item.take() {
            Some(Ok(item)) => Some(item),
            Some(Err(error)) => return Poll::Ready(Err(error)),
            None => None,
        };
        let polled = self.pipe.poll_push(cx, &mut item);
        self.item = item.map(Ok);
        polled
    }
}

impl fmt::Debug for Sending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sending")
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), carriage: self.carriage.clone(), items: PhantomData }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("is_closed", &self.is_closed()).finish()
    }
}

/// What every serializer but ours gets.
pub(super) const NOT_HERE: &str = "an end of a channel can only be captured by a block, returned from one, or be \
    part of an item of another channel";

impl<T: Serialize + DeserializeOwned + 'static> Serialize for Sender<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match scope::add(|| Some(Handle::Sender(self.handle.clone()))) {
            Some(Ok(number)) => serializer.serialize_newtype_struct(SENDER, &number),
            Some(Err(_)) | None => Err(S::Error::custom(NOT_HERE)),
        }
    }
}

impl<'de, T: Serialize + DeserializeOwned + 'static> Deserialize<'de> for Sender<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = deserializer.deserialize_newtype_struct(SENDER, Number::<T>(PhantomData))?;
        match scope::take_sender(number) {
            Found::End(handle) => Ok(Self::new(handle)),
            Found::Dummy => Ok(Self::new(SenderHandle::new(Pipe::closed()))),
            Found::Nothing => Err(D::Error::custom(NOT_HERE)),
        }
    }
}

/// Reads the number of an end. A trace of the type sees the type of its items, too.
pub(super) struct Number<T>(pub(super) PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Number<T> {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an end of a channel")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<u32, D::Error> {
        u32::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<u32, A::Error> {
        let number = parts.next_element()?.unwrap_or_default();
        // An item that cannot be made up does not matter for the end.
        let _ = parts.next_element::<T>();
        Ok(number)
    }
}
