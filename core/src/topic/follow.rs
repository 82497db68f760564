//! A subscription that is renewed when it is lost.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::update::Update;
use crate::call::{here, host};
use crate::channel::{Receiver, StreamErrorKind};
use crate::error::{ErrorKind, Refusal, RemoteError};

/// The first pause before a subscription is renewed, and the longest one. Each is twice as long as
/// the one before.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Follows a topic of another peer: subscribes, and subscribes again when the subscription is
/// lost, for instance because that peer was restarted. Each subscription begins with
/// [`Update::State`].
///
/// `subscribe` makes the subscription: the program's distributed function.
///
/// ```no_run
/// # use distributed_scope_core::{Receiver, RemoteError, Update, follow};
/// # async fn prices() -> Result<Receiver<Update<u32>>, RemoteError> { std::future::pending().await }
/// # async fn f() -> Result<(), RemoteError> {
/// let mut updates = follow(|| prices());
/// loop {
///     match updates.next().await? {
///         Update::State(()) => println!("subscribed"),
///         Update::Item(price) => println!("{price}"),
///         Update::Lagged(missed) => println!("{missed} prices were missed"),
///     }
/// }
/// # }
/// ```
pub fn follow<F, Fut, T, S>(subscribe: F) -> Follow<F, T, S>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Receiver<Update<T, S>>, RemoteError>>,
{
    Follow { subscribe, receiver: None, pause: PAUSE }
}

/// A subscription that [`follow`] renews.
pub struct Follow<F, T, S = ()> {
    subscribe: F,
    receiver: Option<Receiver<Update<T, S>>>,
    pause: Duration,
}

impl<F, Fut, T, S> Follow<F, T, S>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Receiver<Update<T, S>>, RemoteError>>,
    T: DeserializeOwned + 'static,
    S: DeserializeOwned + 'static,
{
    /// The next update. Waits and subscribes again as long as the other peer cannot be reached.
    ///
    /// # Errors
    ///
    /// If the other peer refuses the subscription, or its block fails.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no update. A subscription that is being made is made anew.
    pub async fn next(&mut self) -> Result<Update<T, S>, RemoteError> {
        loop {
            if let Some(receiver) = &mut self.receiver {
                match receiver.recv().await {
                    Ok(Some(update)) => {
                        self.pause = PAUSE;
                        return Ok(update);
                    }
                    Err(error) if error.kind() == StreamErrorKind::Raised => {
                        return Err(error.into_remote());
                    }
                    // The topic or its peer has ended.
                    Ok(None) | Err(_) => {}
                }
                self.receiver = None;
                self.wait().await;
            }
            match (self.subscribe)().await {
                Ok(receiver) => self.receiver = Some(receiver),
                Err(error) if may_pass(&error) => self.wait().await,
                Err(error) => return Err(error),
            }
        }
    }

    async fn wait(&mut self) {
        let host = here::current().map(|context| std::sync::Arc::clone(&context.host)).or_else(host::sole);
        if let Some(host) = host {
            host.pause_until(host.now() + self.pause).await;
        }
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether the call may succeed later.
fn may_pass(error: &RemoteError) -> bool {
    match error.kind() {
        ErrorKind::Disconnected
        | ErrorKind::NotConnected
        | ErrorKind::DeadlineExceeded
        | ErrorKind::Cancelled => true,
        ErrorKind::Refused(refusal) => matches!(
            refusal,
            Refusal::GoingAway
                | Refusal::Overloaded(_)
                | Refusal::QueueFull(_)
                | Refusal::TooFast(_)
                | Refusal::Full(_)
        ),
        _ => false,
    }
}

impl<F, T, S> fmt::Debug for Follow<F, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").field("is_subscribed", &self.receiver.is_some()).finish_non_exhaustive()
    }
}
