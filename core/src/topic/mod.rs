//! Topics: a state, and the changes of it, for many subscribers. A library type on top of
//! channels.
//!
//! | module | idea |
//! |---|---|
//! | here | publishing and subscribing |
//! | `update` | what a subscriber gets |
//! | `log` | the newest items, encoded once for all subscribers |
//! | `follow` | a subscription that is renewed when it is lost |

mod follow;
mod log;
mod update;

use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Poll, Waker};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::follow::{Follow, follow};
use self::log::{Log, Read};
pub use self::update::Update;
use self::update::Written;
use crate::channel::sender::encode_item;
use crate::channel::streamed::spawn_here;
use crate::channel::{Receiver, SendError, Sender, channel};
use crate::util::lock::Mutex;

/// The number of updates that are on their way to a subscriber at once.
const AHEAD: u32 = 32;

/// How many of the newest items a topic keeps by default.
const KEEP: usize = 256;

/// A state and its changes, for many subscribers.
///
/// A peer gets it as data, and a distributed function of the program subscribes. So the program
/// decides who may subscribe, with `require` or `authorize` as for any block.
///
/// ```
/// use distributed_scope_core::{Receiver, Topic, Update};
/// use std::collections::HashMap;
///
/// type Prices = Topic<(String, u32), HashMap<String, u32>>;
///
/// let prices = Prices::with_state(HashMap::new(), |all, (name, price)| {
///     all.insert(name.clone(), *price);
/// });
/// prices.publish(("tea".to_owned(), 3))?;
/// # Ok::<_, distributed_scope_core::SendError>(())
/// // Peer::builder(id).data(prices)
/// //
/// // #[distributed]
/// // async fn prices(server: PeerId) -> Result<Receiver<Update<(String, u32), HashMap<String, u32>>>, RemoteError> {
/// //     remote!(server, [], { here::data::<Prices>()?.subscribe() }).await
/// // }
/// ```
///
/// A subscriber gets [`Update::State`] first, and then each item that was published after it
/// exactly once, in the same order as all others. Publishing does not wait: if a subscriber is
/// behind by more than the topic [keeps](Self::keep), it gets [`Update::Lagged`] and the state
/// anew, and others are not affected.
pub struct Topic<T, S = ()> {
    owner: Arc<Owner<T, S>>,
}

/// What the handles of a topic share. Subscriptions end with it.
struct Owner<T, S>(Arc<Shared<T, S>>);

impl<T, S> Drop for Owner<T, S> {
    fn drop(&mut self) {
        let wakers = self.0.inner.lock().log.close();
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Changes a state by an item.
type Apply<T, S> = Box<dyn Fn(&mut S, &T) + Send + Sync>;

struct Shared<T, S> {
    apply: Apply<T, S>,
    inner: Mutex<Inner<S>>,
}

struct Inner<S> {
    state: S,
    log: Log,
    subscribers: usize,
}

impl<T> Topic<T>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// A topic without a state: for events.
    #[must_use]
    pub fn new() -> Self {
        Self::with_state((), |(), _| {})
    }
}

impl<T> Default for Topic<T>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<T, S> Topic<T, S>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    S: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// A topic with a state, which `apply` changes by each item that is published. `apply` runs
    /// under the lock of the topic and must not use it.
    #[must_use]
    pub fn with_state(state: S, apply: impl Fn(&mut S, &T) + Send + Sync + 'static) -> Self {
        let inner = Mutex::new(Inner { state, log: Log::new(KEEP), subscribers: 0 });
        Self { owner: Arc::new(Owner(Arc::new(Shared { apply: Box::new(apply), inner }))) }
    }

    fn shared(&self) -> &Arc<Shared<T, S>> {
        &self.owner.0
    }

    /// Keeps this many of the newest items for subscribers that are behind, instead of 256.
    #[must_use]
    pub fn keep(self, items: usize) -> Self {
        self.shared().inner.lock().log.keep(items);
        self
    }

    /// Publishes an item. It is encoded once for all subscribers. This does not wait for any of
    /// them.
    ///
    /// # Errors
    ///
    /// If the item cannot be encoded. The state is not changed then.
    pub fn publish(&self, item: T) -> Result<(), SendError> {
        let encoded = encode_item::<Update<T, S>, _>(&Written::<T, S>::Item(&item))?;
        let wakers = {
            let mut inner = self.shared().inner.lock();
            (self.shared().apply)(&mut inner.state, &item);
            inner.log.push(encoded)
        };
        wakers.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Looks at the state.
    pub fn read<R>(&self, look: impl FnOnce(&S) -> R) -> R {
        look(&self.shared().inner.lock().state)
    }

    /// The number of subscribers.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.shared().inner.lock().subscribers
    }

    /// A subscription, to be returned from a block.
    ///
    /// It ends when the last handle of the topic is dropped. It is cancelled when the peer begins
    /// to drain, so that the subscriber can subscribe elsewhere.
    ///
    /// # Panics
    ///
    /// Outside of a block and of `peer.run(..)`, and in a block with `#[block(blocking)]`.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<Update<T, S>> {
        let (sender, receiver) = channel(AHEAD);
        let subscription = Subscription::new(Arc::clone(self.shared()));
        spawn_here("Topic::subscribe", |context| {
            let is_draining = Arc::clone(&context.host);
            let mut draining = Box::pin(async move { is_draining.draining().wait().await });
            let mut pump = Box::pin(pump(subscription, sender));
            poll_fn(move |cx| match draining.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => pump.as_mut().poll(cx),
            })
        });
        receiver
    }
}

impl<T, S> Clone for Topic<T, S> {
    /// Another handle of the same topic.
    fn clone(&self) -> Self {
        Self { owner: Arc::clone(&self.owner) }
    }
}

impl<T, S> fmt::Debug for Topic<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").finish_non_exhaustive()
    }
}

/// A subscriber, which is counted.
struct Subscription<T, S>(Arc<Shared<T, S>>);

impl<T, S> Subscription<T, S> {
    fn new(shared: Arc<Shared<T, S>>) -> Self {
        shared.inner.lock().subscribers += 1;
        Self(shared)
    }
}

impl<T, S> Drop for Subscription<T, S> {
    fn drop(&mut self) {
        self.0.inner.lock().subscribers -= 1;
    }
}

/// Sends the state, and the items after it, until the receiver is dropped.
async fn pump<T, S>(subscription: Subscription<T, S>, sender: Sender<Update<T, S>>)
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    S: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let mut position = None;
    loop {
        // The state and the position are taken under one lock.
        let next = poll_fn(|cx| {
            if sender.poll_closed(cx).is_ready() {
                return Poll::Ready(None);
            }
            let mut inner = subscription.0.inner.lock();
            let Some(at) = position else {
                position = Some(inner.log.end());
                let state = encode_item::<Update<T, S>, _>(&Written::<T, S>::State(&inner.state));
                return Poll::Ready(Some(state));
            };
            match inner.log.read(at, cx) {
                Read::Item(item) => {
                    position = Some(at + 1);
                    Poll::Ready(Some(Ok(item)))
                }
                Read::Lagged(missed) => {
                    position = None;
                    Poll::Ready(Some(encode_item::<Update<T, S>, _>(&Written::<T, S>::Lagged(missed))))
                }
                Read::Nothing => Poll::Pending,
                Read::Over => Poll::Ready(None),
            }
        });
        let Some(item) = next.await else { return sender.finish() };
        let sent = match item {
            Ok(item) => sender.send_encoded(item).await,
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            return sender.fail(error);
        }
    }
}
