//! Streams as results.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use futures_core::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::channel;
use super::error::{End, SendError};
use super::receiver::Receiver;
use super::sender::Sender;
use crate::block::raised::Raised;
use crate::call::here::{self, Context, Scoped};
use crate::error::ErrorKind;
use crate::util::guard::Guarded;
use crate::util::time::Deadline;

/// The number of items that a stream is ahead of its receiver.
const AHEAD: u32 = 32;

/// Makes a stream the result of a block, or a part of it.
///
/// The call ends when the stream begins, and the stream continues. The caller gets a [`Receiver`],
/// which is a stream of `Result<T, StreamError>`. If the caller drops it, `stream` is dropped. At
/// most 32 items are on their way at once.
///
/// `stream` runs on the thread of the block, in its context: `here` works in it, and calls that it
/// makes have the default deadline. It begins at once. It need not be `Send`.
///
/// ```no_run
/// # use distributed_scope_core::{streamed, Receiver};
/// # use futures_core::Stream;
/// # fn feed(symbol: String) -> impl Stream<Item = f64> + 'static { futures_util_stub() }
/// # fn futures_util_stub() -> Receiver2 { Receiver2 }
/// # struct Receiver2;
/// # impl Stream for Receiver2 {
/// #     type Item = f64;
/// #     fn poll_next(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Option<f64>> {
/// #         std::task::Poll::Ready(None)
/// #     }
/// # }
/// # fn in_a_block(symbol: String) -> Receiver<f64> {
/// // let mut prices = remote!(server, [symbol], { streamed(feed(symbol)) }).await?;
/// streamed(feed(symbol))
/// # }
/// ```
///
/// # Panics
///
/// Outside of a block and of `peer.run(..)`, and in a block with `#[block(blocking)]`, which has
/// no thread for it.
pub fn streamed<S>(stream: S) -> Receiver<S::Item>
where
    S: Stream + 'static,
    S::Item: Serialize + DeserializeOwned + 'static,
{
    pumped(stream, Ok)
}

/// The same for a stream of results. The first error ends it: the caller gets a
/// [`StreamError`](super::StreamError) of the kind [`Raised`](super::StreamErrorKind::Raised) with
/// the error and its causes.
///
/// # Panics
///
/// As [`streamed`].
pub fn try_streamed<S, T, E>(stream: S) -> Receiver<T>
where
    S: Stream<Item = Result<T, E>> + 'static,
    T: Serialize + DeserializeOwned + 'static,
    E: Into<Raised> + 'static,
{
    pumped(stream, |item| item.map_err(Into::into))
}

fn pumped<S, T>(stream: S, split: fn(S::Item) -> Result<T, Raised>) -> Receiver<T>
where
    S: Stream + 'static,
    T: Serialize + DeserializeOwned + 'static,
{
    let (sender, receiver) = channel(AHEAD);
    let last = sender.clone();
    let pump = Guarded::new(Box::pin(pump(stream, split, sender)));
    let task = async move {
        if pump.await.is_err() {
            tracing::error!("a stream panicked");
            last.end(End::failed(ErrorKind::Panicked));
        }
    };
    spawn_here("streamed", |_| task);
    receiver
}

/// Runs a task beside the block that runs on this thread, in its context and without its deadline.
///
/// # Panics
///
/// Outside of a block and of `peer.run(..)`, and on a thread without an event loop.
pub(crate) fn spawn_here<F>(what: &str, task: impl FnOnce(&Context) -> F)
where
    F: Future<Output = ()> + 'static,
{
    let Some(context) = here::current() else {
        panic!("`{what}` was called outside of a block and of `peer.run(..)`")
    };
    let own = Context { deadline: Deadline::never(), ..(*context).clone() };
    let task = task(&own);
    let task: Pin<Box<dyn Future<Output = ()>>> = Box::pin(Scoped::new(Arc::new(own), task));
    assert!(
        context.host.spawn_here(task),
        "`{what}` was called in a block with `blocking`, or on a thread without an event loop"
    );
}

/// Sends the items of a stream until it ends or its receiver is dropped.
async fn pump<S: Stream, T>(stream: S, split: fn(S::Item) -> Result<T, Raised>, sender: Sender<T>)
where
    T: Serialize + DeserializeOwned + 'static,
{
    let mut stream = pin!(stream);
    loop {
        let next = poll_fn(|cx| match sender.poll_closed(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => stream.as_mut().poll_next(cx).map(Some),
        });
        match next.await {
            None => return,
            Some(None) => return sender.finish(),
            Some(Some(item)) => match split(item) {
                Ok(item) => {
                    match sender.send(item).await {
                        Ok(()) => {}
                        Err(SendError::TooLarge { size, limit }) => {
                            return sender.end(End::failed(ErrorKind::TooLarge { size, limit }));
                        }
                        // If the receiver has left, this changes nothing.
                        Err(error) => return sender.end_with(Raised::from(error)),
                    }
                }
                Err(raised) => return sender.end_with(raised),
            },
        }
    }
}
