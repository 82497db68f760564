//! The open calls of a session, in both directions, and when the next of them is late.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::Violation;
use super::is_oversized;
use super::outbox::Outgoing;
use super::timed::Timed;
use crate::util::keyed_hash::Keyed;
use crate::util::sorted;
use crate::util::time::{Deadline, Moment};
use crate::wire::frame::{CallId, Framed, Invoke};

#[derive(Debug)]
pub(super) struct Calls<W> {
    /// The number of the next call that we make.
    next_out: u64,
    /// Our open calls, each with its waiter.
    open: Timed<W, FxBuildHasher>,
    /// Those of our calls that end with the connection, in order.
    bound: Vec<CallId>,
    /// The calls of the other side, which chooses their numbers.
    theirs: Timed<Theirs, Keyed>,
    /// How many of them are parked.
    parked: usize,
    /// How many of their blocks are detached, whether their calls are over or not.
    detached: usize,
    /// Calls of the other side that are over while their blocks still run, and whether those
    /// blocks are detached.
    outliving: HashMap<CallId, bool, Keyed>,
    /// A lower bound of all deadlines. It may be early, because calls that end do not move it: so
    /// a call costs a comparison.
    wake: Deadline,
}

#[derive(Debug)]
struct Theirs {
    stage: Stage,
    is_detached: bool,
    /// Its block can no longer be interrupted.
    is_uninterrupted: bool,
}

impl Theirs {
    /// Whether its block does not end with it.
    fn goes_on(&self) -> bool {
        (self.is_detached || self.is_uninterrupted) && self.stage == Stage::Running
    }
}

/// The progress of a call of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing of it ran.
    Parked,
    Running,
}

/// The calls whose deadline has passed.
#[derive(Debug, Default)]
pub(super) struct Late {
    pub(super) open: Vec<CallId>,
    pub(super) theirs: Vec<CallId>,
}

impl<W> Default for Calls<W> {
    fn default() -> Self {
        Self {
            next_out: 0,
            open: Timed::default(),
            bound: Vec::new(),
            theirs: Timed::default(),
            parked: 0,
            detached: 0,
            outliving: HashMap::default(),
            wake: Deadline::never(),
        }
    }
}

impl<W> Calls<W> {
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// How many calls of the other side are not over.
    pub(super) fn theirs(&self) -> usize {
        self.theirs.len()
    }

    /// How many blocks run for the other side or will, whether their calls are over or not.
    pub(super) fn blocks(&self) -> usize {
        self.theirs.len() + self.outliving.len()
    }

    /// How many of them are detached.
    pub(super) fn detached(&self) -> usize {
        self.detached
    }

    pub(super) fn running(&self) -> usize {
        self.theirs.len() - self.parked
    }

    pub(super) fn is_running(&self, call: CallId) -> bool {
        self.theirs.get(call).is_some_and(|(theirs, _)| theirs.stage == Stage::Running)
    }

    /// When [`late`](Self::late) is due.
    pub(super) fn wake(&self) -> Deadline {
        self.wake
    }

    /// Adds a call of ours. A bound call ends with the connection.
    pub(super) fn begin(&mut self, waiter: W, deadline: Deadline, is_bound: bool) -> CallId {
        let call = CallId(self.next_out);
        self.next_out += 1;
        self.open.insert(call, waiter, deadline);
        if is_bound {
            self.bound.push(call);
        }
        self.wake = self.wake.earlier(deadline);
        call
    }

    /// Removes a call of ours that is over.
    pub(super) fn end(&mut self, call: CallId) -> Option<W> {
        if let Ok(place) = self.bound.binary_search(&call) {
            self.bound.remove(place);
        }
        self.open.remove(call)
    }

    /// Our calls that end with the connection, in the order in which they were made.
    pub(super) fn bound(&self) -> Vec<CallId> {
        self.bound.clone()
    }

    /// A call that was queued, or that waited for a connection, has less time left than when it
    /// was made, and has to say so. Returns the frame that does, where another frame is needed.
    pub(super) fn with_what_is_left(
        &self,
        Outgoing { frame, is_begin }: &Outgoing,
        now: impl FnOnce() -> Moment,
    ) -> Option<Framed> {
        if !is_begin {
            return None;
        }
        let (call, told) = Invoke::told_deadline(frame.bytes())?;
        let deadline = self.open.get(call)?.1.moment()?;
        let left = deadline.millis_since(now());
        // Most calls go at once. Their frame is not copied only because a millisecond has just
        // begun.
        (left.saturating_add(1) < told).then(|| frame.with_bytes(Invoke::with_deadline(frame.bytes(), left)))
    }

    /// Frees capacity that the tables no longer need.
    pub(super) fn shrink(&mut self) {
        self.open.shrink();
        self.theirs.shrink();
        if is_oversized(self.bound.capacity(), self.bound.len()) {
            self.bound.shrink_to_fit();
        }
        if is_oversized(self.outliving.capacity(), self.outliving.len()) {
            self.outliving.shrink_to_fit();
        }
    }

    pub(super) fn was_made(&self, call: CallId) -> bool {
        call.0 < self.next_out
    }

    /// Adds a call of the other side. Calls need not arrive in the order of their numbers: a small
    /// call passes a large one, and a call that was cancelled before it was sent never arrives.
    /// The numbers of frames ensure that no call arrives twice; here it only has to be clear which
    /// call a reply or a cancel is for.
    pub(super) fn start(
        &mut self,
        call: CallId,
        deadline: Deadline,
        is_detached: bool,
    ) -> Result<(), Violation> {
        if self.theirs.get(call).is_some() || !self.outliving.is_empty() && self.outliving.contains_key(&call)
        {
            return Err(Violation::CallTwice(call.0));
        }
        let theirs = Theirs { stage: Stage::Running, is_detached, is_uninterrupted: false };
        self.theirs.insert(call, theirs, deadline);
        self.detached += usize::from(is_detached);
        self.wake = self.wake.earlier(deadline);
        Ok(())
    }

    /// The block of a call of the other side begins, and cannot be interrupted until
    /// [`ended`](Self::ended). Returns false if the call is over, unless it is detached.
    pub(super) fn begin_uninterrupted(&mut self, call: CallId) -> bool {
        let running = self.theirs.get_mut(call).filter(|(theirs, _)| theirs.stage == Stage::Running);
        match running {
            Some((theirs, _)) => theirs.is_uninterrupted = true,
            None => return self.outliving.contains_key(&call),
        }
        true
    }

    /// A call of the other side that began has to wait.
    pub(super) fn park(&mut self, call: CallId) {
        if let Some((theirs, _)) = self.theirs.get_mut(call) {
            self.parked += usize::from(theirs.stage == Stage::Running);
            theirs.stage = Stage::Parked;
        }
    }

    /// Resumes a parked call of the other side and returns its deadline. `None` if the call is
    /// over.
    pub(super) fn unpark(&mut self, call: CallId) -> Option<Deadline> {
        let theirs = self.theirs.get_mut(call);
        let (theirs, deadline) = theirs.filter(|(theirs, _)| theirs.stage == Stage::Parked)?;
        self.parked -= 1;
        theirs.stage = Stage::Running;
        Some(*deadline)
    }

    /// A call of the other side is over. Returns its progress; `None` if it was over already.
    pub(super) fn stop(&mut self, call: CallId) -> Option<Stage> {
        let Theirs { stage, is_detached, .. } = self.theirs.remove(call)?;
        self.parked -= usize::from(stage == Stage::Parked);
        self.detached -= usize::from(is_detached);
        Some(stage)
    }

    /// The same for a call that no longer waits for its block. A block that is detached or
    /// uninterrupted continues, until [`ended`](Self::ended).
    pub(super) fn abandon(&mut self, call: CallId) -> Option<Stage> {
        let (theirs, _) = self.theirs.get(call)?;
        if theirs.goes_on() {
            self.outliving.insert(call, theirs.is_detached);
            self.detached += usize::from(theirs.is_detached);
        }
        self.stop(call)
    }

    /// The block of a call that was already over has ended.
    pub(super) fn ended(&mut self, call: CallId) {
        if !self.outliving.is_empty() {
            self.detached -= usize::from(self.outliving.remove(&call).unwrap_or(false));
        }
    }

    /// The calls that are late at `now`.
    pub(super) fn late(&mut self, now: Moment) -> Late {
        if !self.wake.has_passed(now) {
            return Late::default();
        }
        let mut late = Late { open: self.open.late(now), theirs: self.theirs.late(now) };
        self.wake = self.open.next().earlier(self.theirs.next());
        // What happens depends on what came, and not on this process.
        sorted::by_key(&mut late.theirs, |call| *call);
        late
    }

    /// Our open calls, and the running calls of the other side.
    pub(super) fn take_all(&mut self) -> (Vec<(CallId, W)>, Vec<CallId>) {
        self.wake = Deadline::never();
        let open = self.open.take().collect();
        (self.parked, self.detached) = (0, 0);
        self.bound.clear();
        self.outliving.clear();
        let running = self.theirs.take().filter(|(_, theirs)| theirs.stage == Stage::Running);
        let mut running: Vec<_> = running.map(|(call, _)| call).collect();
        sorted::by_key(&mut running, |call| *call);
        (open, running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_small_again_after_many_calls() {
        let mut calls = Calls::default();
        let numbers: Vec<_> = (0..10_000).map(|_| calls.begin((), Deadline::never(), false)).collect();
        for call in &numbers {
            calls.start(*call, Deadline::never(), true).expect("it is new");
            calls.abandon(*call);
        }
        calls.shrink();
        assert!(calls.open.capacity() >= 10_000 && calls.outliving.capacity() >= 10_000);
        for call in numbers {
            calls.end(call);
            calls.ended(call);
        }
        calls.shrink();
        let capacities = [calls.open.capacity(), calls.theirs.capacity(), calls.outliving.capacity()];
        assert!(capacities.iter().all(|capacity| *capacity < 64), "{capacities:?}");
    }
}
