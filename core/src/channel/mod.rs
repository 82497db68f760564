//! Channels whose ends travel as values, and streams as results.
//!
//! An end is captured by a block, returned from one, or part of an item of another channel. Its
//! items then go over the session, as numbered frames like all others: a lost connection neither
//! loses nor repeats one. Items are encoded when they are sent and decoded when they are received,
//! also where both ends are in one process.
//!
//! | module | idea |
//! |---|---|
//! | `sender`, `receiver` | the two ends, with the type of their items |
//! | `streamed` | a stream as the result of a block |
//! | `pipe`, `state`, `route` | the queue between the ends, and where they are |
//! | `handle` | ends without a type, and how they are counted |
//! | `source`, `line` | a remote sender; a session, as channels see it |
//! | `item` | an encoded item |
//! | `scope` | what ends do while a value is encoded or decoded |
//! | `blocks` | senders that a failing block drops |
//! | `error` | how a channel ends |

pub(crate) mod blocks;
pub(crate) mod error;
pub(crate) mod handle;
pub(crate) mod item;
pub(crate) mod line;
pub(crate) mod pipe;
pub(crate) mod receiver;
mod route;
pub(crate) mod scope;
pub(crate) mod sender;
pub(crate) mod source;
mod state;
pub(crate) mod streamed;

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::error::{SendError, StreamError, StreamErrorKind, TrySendError};
use self::handle::{ReceiverHandle, SenderHandle};
use self::pipe::Pipe;
pub use self::receiver::Receiver;
pub use self::sender::{Sender, Sending};
pub use self::streamed::{streamed, try_streamed};

/// Makes a channel. Its ends can be captured by blocks and returned from them.
///
/// The receiver may be behind by `capacity` items; a sender that is faster waits. A capacity of 0
/// counts as 1. In addition, at most [`Limits::channel_window`](crate::Limits::channel_window)
/// bytes and one item are on their way between two peers.
///
/// ```
/// # use distributed_scope_core::{SendError, StreamError, channel};
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let (progress, mut seen) = channel::<u32>(16);
/// // A block gets a clone of `progress`: remote!(server, [progress, files], { .. }).spawn()
/// progress.send(1).await?;
/// progress.finish();
/// while let Some(count) = seen.recv().await? {
///     println!("{count} files");
/// }
/// # Ok(()) }
/// ```
#[must_use]
pub fn channel<T>(capacity: u32) -> (Sender<T>, Receiver<T>) {
    ends(&Pipe::local(capacity, false))
}

/// Makes a channel of which only the newest item counts: for progress, prices, positions.
///
/// Sending never waits. An item that was not received yet is replaced by the next one, so the
/// receiver skips items when it is slower than the sender. It always gets the last one. `value` is
/// the first item.
///
/// # Errors
///
/// If `value` cannot be encoded.
pub fn watch<T>(value: T) -> Result<(Sender<T>, Receiver<T>), SendError>
where
    T: Serialize + DeserializeOwned + 'static,
{
    let (sender, receiver) = ends(&Pipe::local(1, true));
    match sender.try_send(value) {
        Ok(()) | Err(TrySendError::Full(_)) => Ok((sender, receiver)),
        Err(TrySendError::Send(error)) => Err(error),
    }
}

fn ends<T>(pipe: &Arc<Pipe>) -> (Sender<T>, Receiver<T>) {
    let sender = SenderHandle::new(Arc::clone(pipe));
    let receiver = ReceiverHandle::new(Arc::clone(pipe));
    (Sender::new(sender), Receiver::new(Arc::new(receiver)))
}
