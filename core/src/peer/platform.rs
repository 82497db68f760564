//! The interface between a peer and its runtime.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use super::{Goodbye, Notice};
use crate::util::time::Moment;

/// The runtime of a peer. The Actix peer and the browser peer each implement one.
///
/// A thread that can run blocks is called a *home*: it has an event loop for futures that are not
/// `Send`.
pub trait Platform: Send + Sync + Sized + 'static {
    /// A handle of a task that was spawned on a home.
    type Task: Task;

    /// The handle that ends a connection from outside.
    type Kill: Kill;

    /// The future that [`sleep_until`](Self::sleep_until) returns.
    type Sleep: Future<Output = ()> + 'static;

    /// The time, measured from the origin that this process uses.
    fn now(&self) -> Moment;

    /// The time of a clock that also advances while the machine sleeps, since any origin. The
    /// clock may be set, forward or back.
    fn wall_clock(&self) -> Duration {
        self.now().since_origin()
    }

    /// Completes at this moment or soon after it. Called on a home.
    fn sleep_until(&self, moment: Moment) -> Self::Sleep;

    /// Completes at this moment, or earlier when a reconnect is worth an attempt: after a laptop
    /// woke up, for instance. Called on a home.
    fn pause_until(&self, moment: Moment) -> Self::Sleep {
        self.sleep_until(moment)
    }

    /// The same before the first attempt, which is worth making before a user notices the loss.
    /// Where timers may be a minute late, this does not wait for a timer.
    fn first_pause_until(&self, moment: Moment) -> Self::Sleep {
        self.pause_until(moment)
    }

    /// Completes when the platform learns that the machine or the page woke up, or that its
    /// network changed: a connection attempt in progress may hang then. If the platform gets no
    /// such events, it never completes; jumps of the clock are detected without it. Called on a
    /// home.
    fn until_woken(&self) -> impl Future<Output = ()> + 'static {
        std::future::pending()
    }

    /// Runs a future to completion concurrently with the other tasks of this thread, which is a
    /// home.
    fn spawn_here(&self, task: impl Future<Output = ()> + 'static) -> Self::Task;

    /// Runs a future to completion on any thread. Called from any thread.
    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>);

    /// Runs a function where it may block its thread. A platform with one thread runs it at once.
    /// Called on a home.
    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }

    /// Whether this thread is a home.
    fn is_home(&self) -> bool;

    /// Runs `work` on the peer's own home. Called from any thread. If that home no longer exists,
    /// `work` is dropped.
    fn go_home(&self, work: impl FnOnce() + Send + 'static);

    /// Whether the running task may do more work before it yields to others. Each `true` uses up
    /// some of its budget.
    fn may_go_on(&self) -> bool;

    /// 256 bits that cannot be guessed, for the id and the token of a session.
    fn random(&self) -> [u8; 32] {
        crate::util::random::random()
    }

    /// Sends a notice to the control plane, which passes it to its [`Roster`](super::Roster) after
    /// this has returned.
    fn tell(&self, notice: Notice<Self>);
}

/// A task that can be ended from any thread. It continues when this handle is dropped.
pub trait Task: Send + 'static {
    /// Drops the task's future soon, if it has not ended.
    fn abort(&self);
}

/// Ends one connection, which may be blocked by a peer that does not read. Dropping the handle
/// does nothing.
pub trait Kill: Send + 'static {
    /// Ends the connection, if it still exists.
    fn now(self);

    /// Writes the last frame of a session and a close frame, as far as that is possible at once
    /// and without the task of the connection, which may not run again. Called from any thread;
    /// every frame that was written before is complete.
    ///
    /// The default implementation does nothing: it is for connections whose task says goodbye
    /// itself.
    fn say(&self, last_frame: Bytes, goodbye: &Goodbye) {
        let _ = (last_frame, goodbye);
    }
}
