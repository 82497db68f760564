//! What a peer needs of the world it lives in.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::Notice;
use crate::util::time::Moment;

/// The world that a peer lives in. The Actix peer and the browser peer each have one.
///
/// A thread that can run blocks is called a *home*: it has an event loop for futures that are not
/// `Send`.
pub trait Platform: Send + Sync + Sized + 'static {
    /// A task that was spawned on a home.
    type Task: Task;

    /// What ends a connection from outside.
    type Kill: Kill;

    /// What [`sleep_until`](Self::sleep_until) gives.
    type Sleep: Future<Output = ()> + 'static;

    /// The time, measured from the origin that this process uses.
    fn now(&self) -> Moment;

    /// The time by a clock that goes on while the machine sleeps, since any origin. It may be set,
    /// forward or back.
    fn wall_clock(&self) -> Duration {
        self.now().since_origin()
    }

    /// Ends at this moment or soon after it. Called on a home.
    fn sleep_until(&self, moment: Moment) -> Self::Sleep;

    /// Ends at this moment, or earlier when a lost connection is worth another attempt: a laptop
    /// woke up, say. Called on a home.
    fn pause_until(&self, moment: Moment) -> Self::Sleep {
        self.sleep_until(moment)
    }

    /// The same before the first attempt, which is worth making before anybody notices the loss.
    /// Where timers may be a minute late, it does not wait for one.
    fn first_pause_until(&self, moment: Moment) -> Self::Sleep {
        self.pause_until(moment)
    }

    /// Ends when the platform is told that the machine or the page woke up, or that its network
    /// changed: an attempt to connect that is under way may hang then. Never, where nothing
    /// tells it; jumps of the clock are noticed without it. Called on a home.
    fn until_woken(&self) -> impl Future<Output = ()> + 'static {
        std::future::pending()
    }

    /// Runs a future to its end beside whatever else runs on this thread, which is a home.
    fn spawn_here(&self, task: impl Future<Output = ()> + 'static) -> Self::Task;

    /// Runs a future to its end on whatever thread. Called from any.
    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>);

    /// Runs a function where it may hold its thread. A platform with one thread runs it at once.
    /// Called on a home.
    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }

    /// Whether this thread is a home.
    fn is_home(&self) -> bool;

    /// Does something on the peer's own home. Called from any thread. If that home is no more,
    /// `work` is dropped.
    fn go_home(&self, work: impl FnOnce() + Send + 'static);

    /// Whether the running task may do some more work before it lets others run. Each yes uses up
    /// a little of what it may.
    fn may_go_on(&self) -> bool;

    /// 256 bits that cannot be guessed, for the id and the token of a session.
    fn random(&self) -> [u8; 32] {
        crate::util::random::random()
    }

    /// Tells the control plane, which hands the notice to its [`Roster`](super::Roster) after this
    /// has returned.
    fn tell(&self, notice: Notice<Self>);
}

/// A task that can be ended from any thread. It goes on when this is dropped.
pub trait Task: Send + 'static {
    /// Drops the task's future soon, if it has not ended.
    fn abort(&self);
}

/// Ends one connection, which may be stuck behind a peer that does not read. It does nothing when
/// it is dropped.
pub trait Kill: Send + 'static {
    /// Ends it, if it still is.
    fn now(self);
}
