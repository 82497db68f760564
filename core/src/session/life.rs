//! The passing of time for a session, and its end.

use rustc_hash::FxHashSet;

use super::health::Waits;
use super::parked::Parked;
use super::waiting::WaitingCalls;
use super::{Dead, Effect, READ_WHEN_STALLED, Session, State};
use crate::channel::error::End;
use crate::error::{ErrorKind, Ran, RemoteError};
use crate::util::time::{Deadline, Moment};

impl<W> Session<W> {
    /// The moment by which [`tick`](Self::tick) is due. It may be early.
    #[must_use]
    pub fn wake(&self) -> Option<Moment> {
        let connection = match self.state {
            State::Attached => self.health.wake(),
            State::Welcomed(until) | State::Detached(until) => until,
            State::Closed => return None,
        };
        Deadline::at(connection).earlier(self.calls.wake()).moment()
    }

    /// Processes the passing of time. Ends the calls whose deadline has passed in both directions,
    /// sends keepalives, detects a dead connection, and ends the session when its resume window
    /// has passed.
    pub fn tick(&mut self, now: Moment) -> Vec<Effect<W>> {
        match self.state {
            State::Closed => return Vec::new(),
            State::Detached(until) if until <= now => {
                let mut effects = self.close_as(&End::disconnected());
                effects.push(Effect::Expired);
                return effects;
            }
            State::Welcomed(_) | State::Detached(_) | State::Attached => {}
        }
        // Errors of late calls join the queue below, and the other side has had no chance to take
        // them yet.
        let is_full = self.is_full();
        let mut effects = Vec::new();
        let late = self.calls.late(now);
        for call in late.open {
            if let Some((waiter, ran)) = self.give_up(call) {
                let error = RemoteError::new(ErrorKind::DeadlineExceeded, ran);
                effects.push(Effect::Complete(waiter, Err(error)));
            }
        }
        for call in late.theirs {
            let is_running = self.calls.is_running(call);
            let ran = if is_running { Ran::Maybe } else { Ran::Never };
            self.give_up_theirs(call, Err(RemoteError::new(ErrorKind::DeadlineExceeded, ran)));
            effects.extend(is_running.then_some(Effect::Abort(call)));
        }
        if let State::Welcomed(until) = self.state
            && until <= now
        {
            effects.push(Effect::DropConnection(Dead::Unheard));
        }
        if self.is_attached() {
            if is_full {
                // Next to nothing is read at present, so nothing may be heard. Whether the other
                // side takes what we send is checked instead.
                self.health.cannot_hear();
            }
            let mut waits = self.waits();
            if is_full {
                // Acknowledgements are not read either.
                waits.unacked = 0;
            }
            let check = self.health.check(now, waits);
            if check.ping {
                (self.must_speak, self.must_ping) = (true, true);
            }
            // On a slow line, we acknowledge what has arrived of a large message before the other
            // side considers us stuck.
            self.must_speak |= check.say_something || check.was_due && self.must_acknowledge();
            if is_full {
                self.inbox.rest();
            } else if check.was_due && self.health.was_heard() {
                self.inbox.check(self.health.stall(), self.health.least());
            }
            self.checks_left = self.checks_left.saturating_sub(u8::from(check.was_due));
            if check.stalled {
                self.allowance = READ_WHEN_STALLED;
            }
            effects.extend(check.dead.map(Effect::DropConnection));
            if check.was_due {
                self.calls.shrink();
                self.outbox.shrink();
                self.parked.shrink();
                self.waiting.shrink();
            }
        }
        effects
    }

    fn waits(&self) -> Waits {
        Waits {
            output: self.outbox.has_next() || self.outbox.queued() > 0,
            calls: self.is_awaited(),
            unacked: self.outbox.unacknowledged(),
            chunks: self.outbox.has_chunks(),
            slow: self.is_slow(),
        }
    }

    /// Whether the other side should receive an acknowledgement although nothing else is sent. A
    /// large part is acknowledged at once, and anything after two checks, so that the other side
    /// does not have to ask.
    fn must_acknowledge(&mut self) -> bool {
        let is_owed = self.inbox.owes_word();
        let was_owed = std::mem::replace(&mut self.owes_word, is_owed);
        self.inbox.owes_word_of_a_chunk() || is_owed && was_owed
    }

    /// Whether calls of ours wait, and for nothing that takes long on a slow line. In that case
    /// silence is meaningful.
    fn is_awaited(&self) -> bool {
        self.calls.open() > 0 && !self.is_slow()
    }

    /// Whether something that may be large is in flight.
    fn is_slow(&self) -> bool {
        self.outbox.has_next() || self.outbox.has_chunks() || self.inbox.arriving() > 0
    }

    /// The connection may have died unnoticed, because this machine slept or its network changed.
    /// Asks the other side, which has 2 to 3 s to answer; longer if something large is in flight.
    /// The next [`tick`](Self::tick) is [due](Self::wake) then.
    pub fn probe(&mut self, now: Moment) {
        if self.is_attached() && !self.is_full() && self.health.probe(now, self.is_slow()) {
            (self.must_speak, self.must_ping) = (true, true);
        }
    }

    /// Ends the session: open calls end as disconnected, running blocks are dropped.
    pub fn close(&mut self) -> Vec<Effect<W>> {
        self.close_as(&End::disconnected())
    }

    /// The same where one side ends in an orderly way: channels end as cancelled.
    pub(crate) fn close_orderly(&mut self) -> Vec<Effect<W>> {
        self.close_as(&End::failed(ErrorKind::Cancelled))
    }

    /// The same; channels get this end.
    fn close_as(&mut self, end: &End) -> Vec<Effect<W>> {
        if !self.is_alive() {
            return Vec::new();
        }
        self.state = State::Closed;
        let unsent: FxHashSet<_> = self.outbox.unsent_calls().chain(self.waiting.calls()).collect();
        let (open, running) = self.calls.take_all();
        // Ends of channels of a call that was not sent can be sent by the next session, which the
        // end of the call begins.
        let channels = self.channels.close(end, &|call| unsent.contains(&call));
        let mut effects: Vec<_> = channels.into_iter().map(Effect::Channel).collect();
        for (call, waiter) in open {
            let ran = if unsent.contains(&call) { Ran::Never } else { Ran::Maybe };
            effects.push(Effect::Complete(waiter, Err(RemoteError::new(ErrorKind::Disconnected, ran))));
        }
        effects.extend(running.into_iter().map(Effect::Abort));
        self.outbox.clear();
        self.inbox.clear();
        self.parked = Parked::default();
        self.waiting = WaitingCalls::default();
        effects
    }
}
