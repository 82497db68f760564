//! The open calls of a session, in both directions, and when the next of them is late.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::outbox::Outgoing;
use super::{Violation, is_oversized};
use crate::frame::{CallId, Framed, Invoke};
use crate::keyed_hash::Keyed;
use crate::time::{Deadline, Moment};

#[derive(Debug)]
pub(super) struct Calls<W> {
    /// The number of the next call that we make.
    next_out: u64,
    open: FxHashMap<CallId, OpenCall<W>>,
    /// How many of them end with the connection.
    bound: usize,
    /// The calls of the other side, which chooses their numbers.
    theirs: HashMap<CallId, Theirs, Keyed>,
    /// How many of them are parked.
    parked: usize,
    /// How many of them are detached.
    detached: usize,
    /// Calls of theirs that are over, and whose blocks go on.
    outliving: HashSet<CallId, Keyed>,
    /// No deadline lies before this one. It may be early, because calls that end do not move it: so a call costs
    /// a comparison, and the calls are looked through about once per timeout.
    wake: Deadline,
    /// They are not looked through again before this moment.
    rested: Moment,
}

/// So many of them are looked through for each microsecond between two looks: if each of many has a deadline of its own, all of them are
/// not looked through for each, and they end a little late instead: 65,536 of them by 4 ms.
const LOOKED_AT_PER_MICROSECOND: usize = 16;

#[derive(Debug)]
pub(super) struct OpenCall<W> {
    pub(super) waiter: W,
    deadline: Deadline,
    /// Whether it ends with the connection.
    is_bound: bool,
}

#[derive(Debug)]
struct Theirs {
    deadline: Deadline,
    stage: Stage,
    is_detached: bool,
}

impl Theirs {
    /// Whether its block does not end with it.
    fn goes_on(&self) -> bool {
        self.is_detached && self.stage == Stage::Running
    }
}

/// How far a call of the other side has come.
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
            open: FxHashMap::default(),
            bound: 0,
            theirs: HashMap::default(),
            parked: 0,
            detached: 0,
            outliving: HashSet::default(),
            wake: Deadline::never(),
            rested: Moment::default(),
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
        self.detached + self.outliving.len()
    }

    pub(super) fn running(&self) -> usize {
        self.theirs.len() - self.parked
    }

    pub(super) fn is_running(&self, call: CallId) -> bool {
        self.theirs.get(&call).is_some_and(|theirs| theirs.stage == Stage::Running)
    }

    /// When [`late`](Self::late) is due.
    pub(super) fn wake(&self) -> Deadline {
        self.wake.not_before(self.rested)
    }

    /// A call of ours. One that is bound ends with the connection.
    pub(super) fn begin(&mut self, waiter: W, deadline: Deadline, is_bound: bool) -> CallId {
        let call = CallId(self.next_out);
        self.next_out += 1;
        self.open.insert(call, OpenCall { waiter, deadline, is_bound });
        self.bound += usize::from(is_bound);
        self.wake = self.wake.earlier(deadline);
        call
    }

    /// A call of ours is over.
    pub(super) fn end(&mut self, call: CallId) -> Option<OpenCall<W>> {
        let ended = self.open.remove(&call)?;
        self.bound -= usize::from(ended.is_bound);
        Some(ended)
    }

    /// Our calls that end with the connection, in the order in which they were made.
    pub(super) fn bound(&self) -> Vec<CallId> {
        if self.bound == 0 {
            return Vec::new();
        }
        let bound = self.open.iter().filter(|(_, open)| open.is_bound);
        let mut bound: Vec<_> = bound.map(|(call, _)| *call).collect();
        bound.sort_unstable();
        bound
    }

    /// A call that waited, for its turn or for a connection, has less time left than when it was made, and is to say so: gives the frame that
    /// does, where another one is needed.
    pub(super) fn with_what_is_left(
        &self,
        Outgoing { frame, is_begin }: &Outgoing,
        now: impl FnOnce() -> Moment,
    ) -> Option<Framed> {
        if !is_begin {
            return None;
        }
        let (call, told) = Invoke::told_deadline(frame.bytes())?;
        let deadline = self.open.get(&call)?.deadline.moment()?;
        let left = deadline.millis_since(now());
        // Most calls go at once. Their frame is not copied only because a millisecond has just begun.
        (left.saturating_add(1) < told).then(|| frame.with_bytes(Invoke::with_deadline(frame.bytes(), left)))
    }

    /// Gives back what the tables took when there were more calls.
    pub(super) fn shrink(&mut self) {
        if is_oversized(self.open.capacity(), self.open.len()) {
            self.open.shrink_to_fit();
        }
        if is_oversized(self.theirs.capacity(), self.theirs.len()) {
            self.theirs.shrink_to_fit();
        }
        if is_oversized(self.outliving.capacity(), self.outliving.len()) {
            self.outliving.shrink_to_fit();
        }
    }

    pub(super) fn was_made(&self, call: CallId) -> bool {
        call.0 < self.next_out
    }

    /// A call of theirs. They need not come in the order of their numbers: a small call passes a large one, and a call
    /// that was given up before it was sent never comes. That none comes twice is seen to by the numbers of frames; here
    /// it only has to be clear which call a reply or a cancel is for.
    pub(super) fn start(
        &mut self,
        call: CallId,
        deadline: Deadline,
        is_detached: bool,
    ) -> Result<(), Violation> {
        if self.theirs.contains_key(&call) || !self.outliving.is_empty() && self.outliving.contains(&call) {
            return Err(Violation::CallTwice(call.0));
        }
        self.theirs.insert(call, Theirs { deadline, stage: Stage::Running, is_detached });
        self.detached += usize::from(is_detached);
        self.wake = self.wake.earlier(deadline);
        Ok(())
    }

    /// A call of theirs that began has to wait.
    pub(super) fn park(&mut self, call: CallId) {
        if let Some(theirs) = self.theirs.get_mut(&call) {
            self.parked += usize::from(theirs.stage == Stage::Running);
            theirs.stage = Stage::Parked;
        }
    }

    /// A parked call of theirs goes on, with this deadline; nothing if it is over.
    pub(super) fn unpark(&mut self, call: CallId) -> Option<Deadline> {
        let theirs = self.theirs.get_mut(&call).filter(|theirs| theirs.stage == Stage::Parked)?;
        self.parked -= 1;
        theirs.stage = Stage::Running;
        Some(theirs.deadline)
    }

    /// A call of theirs is over; gives how far it came. Nothing if it was over already.
    pub(super) fn stop(&mut self, call: CallId) -> Option<Stage> {
        let Theirs { stage, is_detached, .. } = self.theirs.remove(&call)?;
        self.parked -= usize::from(stage == Stage::Parked);
        self.detached -= usize::from(is_detached);
        Some(stage)
    }

    /// The same of a call that does not wait for its block any longer. A detached block goes on, until [`ended`](Self::ended).
    pub(super) fn abandon(&mut self, call: CallId) -> Option<Stage> {
        let goes_on = self.theirs.get(&call)?.goes_on();
        if goes_on {
            self.outliving.insert(call);
        }
        self.stop(call)
    }

    /// The block of a call has ended that was over before.
    pub(super) fn ended(&mut self, call: CallId) {
        if !self.outliving.is_empty() {
            self.outliving.remove(&call);
        }
    }

    /// The calls that are late at `now`.
    pub(super) fn late(&mut self, now: Moment) -> Late {
        if !self.wake().has_passed(now) {
            return Late::default();
        }
        let looked_at = self.open.len() + self.theirs.len();
        self.rested = now + Duration::from_micros((looked_at / LOOKED_AT_PER_MICROSECOND) as u64);
        let open = self.open.iter().map(|(call, open)| (*call, open.deadline));
        let theirs = self.theirs.iter().map(|(call, theirs)| (*call, theirs.deadline));
        let mut wake = Deadline::never();
        let mut late = |(call, deadline): (CallId, Deadline)| {
            if deadline.has_passed(now) {
                return Some(call);
            }
            wake = wake.earlier(deadline);
            None
        };
        let mut late = Late {
            open: open.filter_map(&mut late).collect(),
            theirs: theirs.filter_map(&mut late).collect(),
        };
        // What happens depends on what came, and not on this process.
        late.theirs.sort_unstable();
        self.wake = wake;
        late
    }

    /// Our open calls, and those of theirs that run.
    pub(super) fn take_all(&mut self) -> (Vec<(CallId, W)>, Vec<CallId>) {
        self.wake = Deadline::never();
        let open = self.open.drain().map(|(call, open)| (call, open.waiter)).collect();
        (self.parked, self.detached, self.bound) = (0, 0, 0);
        self.outliving.clear();
        let running = self.theirs.drain().filter(|(_, theirs)| theirs.stage == Stage::Running);
        let mut running: Vec<_> = running.map(|(call, _)| call).collect();
        running.sort_unstable();
        (open, running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Moment {
        Moment::after_origin(Duration::from_micros(micros))
    }

    /// Lets `count` calls pass, each with a deadline of its own, 100 µs after that of the one before; gives how many were looked at in
    /// all, and by how much the latest one ended late.
    fn pass(count: u64) -> (usize, Duration) {
        let mut calls = Calls::default();
        let due = |n: u64| at(1_000_000 + 100 * n);
        let numbers: Vec<_> = (0..count).map(|n| calls.begin(due(n), Deadline::at(due(n)), false)).collect();
        let (mut looked_at, mut latest) = (0, Duration::ZERO);
        while calls.open() > 0 {
            looked_at += calls.open();
            let now = calls.wake().moment().expect("there are deadlines");
            for call in calls.late(now).open {
                let open = calls.end(call).expect("it is open");
                latest = latest.max(now.since(open.waiter));
            }
        }
        assert_eq!(numbers.len() as u64, count);
        (looked_at, latest)
    }

    #[test]
    fn many_calls_with_deadlines_of_their_own_are_looked_through_now_and_then_and_end_a_little_late() {
        let (looked_at, latest) = pass(40_000);
        // They last four seconds, in each microsecond of which so many may be looked at; one by one it would be 800 million.
        assert!(looked_at <= 4_000_000 * LOOKED_AT_PER_MICROSECOND + 40_000, "{looked_at}");
        assert!(latest <= Duration::from_micros(40_000 / LOOKED_AT_PER_MICROSECOND as u64), "{latest:?}");
    }

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

    #[test]
    fn a_few_calls_end_at_their_deadlines() {
        assert_eq!(pass(10).1, Duration::ZERO);
    }
}
