//! Topics: a state, and the changes of it, for many subscribers. A library type on top of channels.
//!
//! | module | idea |
//! |---|---|
//! | here | publishing and subscribing |
//! | `log` | the newest items, encoded once for all subscribers |
//! | `follow` | a subscription that is renewed when it is lost |

mod follow;
mod log;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use self::follow::{Follow, follow};
use self::log::{Log, Read};
use crate::call::here::{self, Context, Scoped};
use crate::channel::sender::encode_item;
use crate::channel::{Receiver, SendError, Sender, channel};
use crate::util::time::Deadline;

/// The number of updates that are on their way to a subscriber at once.
const AHEAD: u32 = 32;

/// How many of the newest items a topic keeps unless it is told otherwise.
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
    shared: Arc<Shared<T, S>>,
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
}

/// What a subscriber of a [`Topic`] gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Update<T, S = ()> {
    /// The whole state. It contains all items that were published before.
    State(S),
    /// An item that was published.
    Item(T),
    /// This many items were missed, because the subscriber was slow. The state follows.
    Lagged(u64),
}

/// The same, to be written.
#[derive(Serialize)]
#[serde(rename = "Update")]
enum Written<'a, T, S> {
    State(&'a S),
    Item(&'a T),
    Lagged(u64),
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
        let inner = Mutex::new(Inner { state, log: Log::new(KEEP) });
        Self { shared: Arc::new(Shared { apply: Box::new(apply), inner }) }
    }

    /// Keeps this many of the newest items for subscribers that are behind, instead of 256.
    #[must_use]
    pub fn keep(self, items: usize) -> Self {
        self.shared.inner.lock().log.keep(items);
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
            let mut inner = self.shared.inner.lock();
            (self.shared.apply)(&mut inner.state, &item);
            inner.log.push(encoded)
        };
        wakers.into_iter().for_each(std::task::Waker::wake);
        Ok(())
    }

    /// Looks at the state.
    pub fn read<R>(&self, look: impl FnOnce(&S) -> R) -> R {
        look(&self.shared.inner.lock().state)
    }

    /// The number of subscribers.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        Arc::strong_count(&self.shared) - 1
    }

    /// A subscription, to be returned from a block.
    ///
    /// # Panics
    ///
    /// Outside of a block and of `peer.run(..)`, and in a block with `#[block(blocking)]`.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<Update<T, S>> {
        let context = here::expect("subscribe");
        let (sender, receiver) = channel(AHEAD);
        let pump = pump(Arc::clone(&self.shared), sender);
        let own = Context { deadline: Deadline::never(), ..(*context).clone() };
        let task: Pin<Box<dyn Future<Output = ()>>> = Box::pin(Scoped::new(Arc::new(own), pump));
        assert!(
            context.host.spawn_here(task),
            "`subscribe` was called in a block with `blocking`, or on a thread without an event loop"
        );
        receiver
    }
}

impl<T, S> Clone for Topic<T, S> {
    /// Another handle of the same topic.
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T, S> fmt::Debug for Topic<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").finish_non_exhaustive()
    }
}

/// Sends the state, and the items after it, until nobody receives them.
async fn pump<T, S>(shared: Arc<Shared<T, S>>, sender: Sender<Update<T, S>>)
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
            let mut inner = shared.inner.lock();
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
            }
        });
        let Some(item) = next.await else { return };
        let sent = match item {
            Ok(item) => sender.send_encoded(item).await,
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            return sender.fail(error);
        }
    }
}
