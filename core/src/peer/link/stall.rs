//! Blocks that hold their thread, and calls that arrive meanwhile.
//!
//! While a block computes, nothing else runs on its thread. Many callers may give up in that time,
//! and their cancellations are queued behind their calls. So after a block has held a thread for
//! long, calls on that thread are delayed until everything that arrived is read. Then only calls
//! whose caller still waits begin. That costs a look at the clock for each call.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use super::state::Waiter;
use super::{Link, Turn};
use crate::block::Block;
use crate::error::{ErrorKind, Ran, RemoteError};
use crate::peer::{Platform, Shared};
use crate::session::Effect;
use crate::util::time::{Deadline, Moment};
use crate::wire::frame::{CallId, Invoke};

/// If a block holds its thread for this long, it is named in a warning.
const LONG: Duration = Duration::from_millis(250);

/// For this long after that, what is read may have arrived while the thread was held.
const CATCH_UP: Duration = Duration::from_secs(1);

thread_local! {
    /// The latest moment that this thread knows of.
    static LATEST: Cell<Moment> = Cell::new(Moment::default());
    /// Until when a block has held this thread.
    static HELD: Cell<Option<Moment>> = const { Cell::new(None) };
}

/// The time on this thread is at least this moment.
pub(super) fn know(moment: Moment) {
    if moment > LATEST.get() {
        LATEST.set(moment);
    }
}

/// A call of this block was decoded, and polled once. Nothing else has happened on this thread
/// since its latest known moment.
pub(in crate::peer) fn polled<P: Platform>(shared: &Shared<P>, block: &Block) {
    let now = shared.now();
    let held = now.since(LATEST.replace(now));
    if held >= LONG {
        note(shared, block, held, now);
    }
}

/// A call of this block was polled, which took this long.
#[cold]
fn note<P: Platform>(shared: &Shared<P>, block: &Block, held: Duration, now: Moment) {
    HELD.set(Some(now));
    if let Some(left_out) = shared.lines().held_threads.next(now) {
        tracing::warn!(
            %block, ?held, left_out,
            "a block held its thread, and with it all sessions of that thread: write `#[block(blocking)]` before it, which runs it on the blocking \
             pool; if it has to await, move what computes into `web::block`"
        );
    }
}

/// Polls a block that had to wait.
pub(in crate::peer) fn watched<P: Platform, T>(
    shared: &Shared<P>,
    block: &Block,
    poll: impl FnOnce() -> Poll<T>,
) -> Poll<T> {
    know(shared.now());
    let result = poll();
    polled(shared, block);
    result
}

impl<P: Platform> Link<P> {
    /// Returns the effect if it can be performed now, and not only when everything is read.
    pub(super) fn unless_held_up(&self, arrived: Moment, effect: Effect<Waiter>) -> Option<Effect<Waiter>> {
        know(arrived);
        match HELD.get() {
            None => Some(effect),
            Some(held) => self.unless_just_held(held, arrived, effect),
        }
    }

    #[cold]
    fn unless_just_held(
        &self,
        held: Moment,
        arrived: Moment,
        effect: Effect<Waiter>,
    ) -> Option<Effect<Waiter>> {
        if arrived.since(held) > CATCH_UP {
            HELD.set(None);
        } else if matches!(effect, Effect::Run(..)) && Turn::is_of(self) {
            self.state.lock().held_up.push(effect);
            self.is_held_up.store(true, Ordering::Relaxed);
            return None;
        }
        Some(effect)
    }

    pub(in crate::peer) fn is_held_up(&self) -> bool {
        self.is_held_up.load(Ordering::Relaxed)
    }

    /// Everything that arrived is read. Runs the delayed calls whose deadline has not passed and
    /// that were not cancelled.
    pub(in crate::peer) fn caught_up(self: &Arc<Self>) {
        if !self.is_held_up() {
            return;
        }
        self.is_held_up.store(false, Ordering::Relaxed);
        let now = self.shared.now();
        for effect in self.with(|state| std::mem::take(&mut state.held_up)) {
            match effect {
                Effect::Run(Invoke { call, .. }, deadline) if !self.may_begin(call, deadline, now) => {}
                effect => self.perform(effect),
            }
        }
    }

    fn may_begin(&self, call: CallId, deadline: Deadline, now: Moment) -> bool {
        self.with(|state| {
            let is_late = deadline.has_passed(now);
            if is_late && state.session.is_running(call) {
                state.session.reply(call, Err(RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Never)));
            }
            !is_late && state.session.is_running(call)
        })
    }
}
