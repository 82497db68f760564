//! Whether a connection is alive: sends a keepalive after a quiet time, and detects that the other
//! side was silent.
//!
//! While frames flow, only a flag is set for each frame. The time is checked sixteen times per
//! span of silence. In a background page, timers are late, and so are these checks. Then every
//! arriving frame makes a side send something if it was quiet for long.

use std::time::Duration;

use super::Dead;
use super::probe::{Answer, LATE, Probe};
use crate::limits::Limits;
use crate::util::time::{Moment, micros};

const CHECKS_PER_SPAN: u32 = 16;

/// While calls wait and nothing was heard for this long, the other side is probed. While sent data
/// is not acknowledged for this long, it is asked for an acknowledgement.
const PING_AFTER: Duration = Duration::from_millis(2_500);

/// If nothing was heard or acknowledged for this long after that, the connection is dead.
const ANSWER_WITHIN: Duration = Duration::from_millis(2_000);

/// How long a connection has to show that it is alive when another peer claims the place of its
/// peer and has proved that it may. It is a little less than the second in which a peer takes over
/// its own dead session.
const TAKEOVER: Duration = Duration::from_millis(800);

/// A lower bound on the other side's span of silence. For a peer with a shorter span, keepalives
/// are not sent more often: otherwise it could make us check and send a thousand times a second,
/// only by announcing that span.
const SHORTEST_SILENCE: Duration = Duration::from_millis(100);

/// The same bound relative to our own span of silence: the other side's span counts as at least
/// ours divided by this.
const MOST_TIMES_SHORTER: u32 = 60;

#[derive(Debug)]
pub(super) struct Health {
    interval: Duration,
    next_check: Moment,
    /// After this many checks without anything from the other side, the connection is dead.
    silence: u32,
    /// After this many checks without anything from us, a keepalive is sent.
    quiet: u32,
    /// After this many checks in which the other side took less than `least` while output was
    /// pending, the connection is dead.
    stall: u32,
    /// In bytes.
    least: usize,
    /// The same for the span between two checks.
    least_per_check: usize,
    heard: bool,
    /// The number of bytes received since the last check.
    came: usize,
    /// The other side acknowledged something since the last check.
    acked: bool,
    /// A numbered frame or an acknowledgement arrived since the last check.
    arrived: bool,
    sent: bool,
    /// The number of bytes that the other side took since the last check: of numbered frames that
    /// were sent or acknowledged.
    taken: usize,
    /// The number of bytes that it took in the checks that are counted below.
    progress: usize,
    checks_unheard: u32,
    checks_unsent: u32,
    checks_stalled: u32,
    /// The number of checks in which nothing was heard while calls waited.
    checks_awaited: u32,
    /// The number of checks in which nothing was acknowledged while sent data waited for that.
    checks_unacked: u32,
    /// After `ping` checks of either kind the other side is asked. After `unanswered` checks the
    /// connection is dead.
    ping: u32,
    unanswered: u32,
    /// The smallest value of `unanswered`.
    soonest: u32,
    probe: Probe,
    /// If this side was quiet for this long, it answers when something arrives.
    answer_after: Duration,
    /// The earliest moment at which we may last have sent something, and whether we sent since the
    /// last look.
    spoke: Moment,
    has_spoken: bool,
    /// Before this moment, we have certainly not been quiet for so long.
    speak_from: Moment,
    /// The last time at which a check ran or something arrived.
    looked: Moment,
}

/// What is pending when a connection is checked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waits {
    /// Output is pending.
    pub(super) output: bool,
    /// Calls wait for the other side, and for nothing that takes long on a slow line.
    pub(super) calls: bool,
    /// The number of bytes that were sent and not acknowledged.
    pub(super) unacked: usize,
    /// These include large messages, which are acknowledged in whole chunks.
    pub(super) chunks: bool,
    /// Something that may be large is in flight, in either direction.
    pub(super) slow: bool,
}

/// The result of a check.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Check {
    /// The check was due; otherwise nothing was examined.
    pub(super) was_due: bool,
    pub(super) say_something: bool,
    /// The other side has to be probed.
    pub(super) ping: bool,
    /// The other side took nothing since the last check although output was pending.
    pub(super) stalled: bool,
    pub(super) dead: Option<Dead>,
}

impl Health {
    /// `theirs` is the span of silence after which the other side considers the connection dead.
    pub(super) fn new(limits: &Limits, theirs: Duration, now: Moment) -> Self {
        let Limits { idle_timeout: ours, write_timeout: write_stall, min_write_rate: write_rate, .. } =
            *limits;
        let theirs = theirs.max(SHORTEST_SILENCE).max(ours / MOST_TIMES_SHORTER);
        let interval = (ours.min(theirs).min(write_stall) / CHECKS_PER_SPAN).max(Duration::from_millis(1));
        let checks =
            |span: Duration| u32::try_from(micros(span).div_ceil(micros(interval))).unwrap_or(u32::MAX);
        let soonest = checks(PING_AFTER) + checks(ANSWER_WITHIN);
        Self {
            interval,
            next_check: now + interval,
            silence: checks(ours),
            quiet: (checks(theirs) / 2).max(1),
            stall: checks(write_stall),
            least: least(write_rate, write_stall),
            least_per_check: least(write_rate, interval),
            heard: true,
            came: 0,
            acked: false,
            arrived: false,
            sent: true,
            taken: 0,
            progress: 0,
            checks_unheard: 0,
            checks_unsent: 0,
            checks_stalled: 0,
            checks_awaited: 0,
            checks_unacked: 0,
            ping: checks(PING_AFTER),
            unanswered: soonest,
            soonest,
            probe: Probe::default(),
            answer_after: theirs / 4,
            spoke: now,
            has_spoken: true,
            speak_from: now,
            looked: now,
        }
    }

    /// Starts again for a new connection.
    pub(super) fn begin(&mut self, now: Moment) {
        self.next_check = now + self.interval;
        (self.heard, self.sent) = (true, true);
        (self.taken, self.progress) = (0, 0);
        (self.checks_unheard, self.checks_unsent, self.checks_stalled) = (0, 0, 0);
        (self.came, self.acked, self.arrived) = (0, false, false);
        (self.checks_awaited, self.checks_unacked) = (0, 0);
        self.probe.end();
        self.spoke = now;
    }

    /// The connection may have died unnoticed. Returns true if the other side has to be probed: it
    /// was not, and may answer now. `is_slow` says that something large is in flight, which may
    /// arrive before the answer.
    pub(super) fn probe(&mut self, now: Moment, is_slow: bool) -> bool {
        self.listen();
        let within = self.interval * if is_slow { self.stall } else { self.unanswered - self.ping };
        self.probe.ask(now, within)
    }

    /// Another peer claims the place of the other side, which has to send something soon.
    pub(super) fn challenge(&mut self, now: Moment) {
        self.listen();
        self.probe.hurry(now, TAKEOVER);
    }

    /// Whether the other side was asked to send something, and did not.
    pub(super) fn is_asked(&self) -> bool {
        self.probe.wake().is_some() && !self.heard
    }

    /// Counts what is heard from now on.
    fn listen(&mut self) {
        if std::mem::take(&mut self.heard) {
            (self.checks_unheard, self.checks_awaited) = (0, 0);
        }
    }

    /// The number of checks in the span in which at least [`least`](Self::least) bytes have to be
    /// taken.
    pub(super) fn stall(&self) -> u32 {
        self.stall
    }

    /// Whether anything was heard between the last two checks.
    pub(super) fn was_heard(&self) -> bool {
        self.checks_unheard == 0
    }

    /// The number of bytes that have to be taken in [`stall`](Self::stall) checks.
    pub(super) fn least(&self) -> usize {
        self.least
    }

    /// The longest time until the connection is considered dead if nothing more is heard.
    pub(super) fn silent_in(&self, now: Moment) -> Duration {
        let checks = self.silence.saturating_sub(self.checks_unheard).saturating_add(1);
        self.next_check.since(now) + self.interval.saturating_mul(checks)
    }

    /// Counts received bytes. Returns true if this side was quiet for so long that it has to send
    /// something: a quarter of the span after which the other side considers us dead.
    pub(super) fn heard(&mut self, now: Moment, bytes: usize) -> bool {
        self.heard = true;
        self.came = self.came.saturating_add(bytes);
        self.look(now);
        now >= self.speak_from && self.is_time_to_speak(now)
    }

    /// We may have sent something since `speak_from` was computed. It is not computed anew for
    /// each message.
    #[cold]
    fn is_time_to_speak(&mut self, now: Moment) -> bool {
        self.speak_from = self.spoke + self.answer_after;
        now >= self.speak_from
    }

    /// Reading is paused, so nothing can be heard.
    pub(super) fn cannot_hear(&mut self) {
        self.heard = true;
    }

    /// The time of sending is only known with this precision, so that sending needs no clock.
    fn look(&mut self, now: Moment) {
        if std::mem::take(&mut self.has_spoken) {
            self.spoke = self.looked;
        }
        self.looked = now;
    }

    pub(super) fn acknowledged(&mut self) {
        (self.acked, self.arrived) = (true, true);
    }

    /// A numbered frame arrived.
    pub(super) fn arrived(&mut self) {
        self.arrived = true;
    }

    pub(super) fn sent(&mut self) {
        (self.sent, self.has_spoken) = (true, true);
    }

    pub(super) fn took(&mut self, bytes: usize) {
        self.taken = self.taken.saturating_add(bytes);
    }

    pub(super) fn wake(&self) -> Moment {
        match self.probe.wake() {
            Some(until) if !self.heard => self.next_check.min(until),
            _ => self.next_check,
        }
    }

    /// For how long the connection has been idle in both directions, with the precision of one
    /// check.
    pub(super) fn idle(&self) -> Duration {
        match self.heard || self.sent {
            true => Duration::ZERO,
            false => self.interval.saturating_mul(self.checks_unheard.min(self.checks_unsent)),
        }
    }

    /// Whether the other side was asked for a frame or an acknowledgement that did not arrive.
    pub(super) fn is_suspicious(&self) -> bool {
        self.checks_awaited >= self.ping && !self.heard || self.checks_unacked >= self.ping && !self.acked
    }

    /// Counts the checks in which nothing was acknowledged. Returns that the connection is dead if
    /// there were too many.
    fn count_unacked(&mut self, waits: Waits) -> Option<Dead> {
        // A side that sends much may be unable to read at the same time.
        let is_busy = std::mem::take(&mut self.came) >= self.least_per_check;
        let was_acked = std::mem::take(&mut self.acked);
        if waits.unacked == 0 || was_acked || is_busy {
            self.checks_unacked = 0;
            return None;
        }
        self.checks_unacked = self.checks_unacked.saturating_add(1);
        // A slow line needs time for what is in flight. The time is at most that of a line that
        // carries large messages.
        let carried = u32::try_from(waits.unacked / self.least_per_check).unwrap_or(u32::MAX);
        let patience = match waits.chunks {
            true => self.stall,
            false => self.unanswered.saturating_add(carried).min(self.stall),
        };
        (self.checks_unacked >= patience.max(self.unanswered)).then_some(Dead::Unacknowledged)
    }

    /// Evaluates what happened since the last check. A late check counts as one: a machine that
    /// slept does not consider all its peers dead. It probes them instead.
    pub(super) fn check(&mut self, now: Moment, waits: Waits) -> Check {
        if self.heard {
            self.probe.end();
        }
        let answer = self.probe.check(now);
        if answer == Answer::None {
            // This says nothing about the next connection: the machine slept, or its network
            // changed. While something large is in flight, the other side had more time.
            return Check { dead: Some(Dead::Unanswered), ..Check::default() };
        }
        if now < self.next_check {
            return Check { ping: answer == Answer::AskAgain, ..Check::default() };
        }
        let is_late = now.since(self.next_check) >= LATE;
        let mut check = self.regular(now, waits);
        check.ping |=
            answer == Answer::AskAgain || is_late && check.dead.is_none() && self.probe(now, waits.slow);
        check
    }

    /// The line may be slow, and something large arrives before the answer. The next connection
    /// gets twice the time.
    fn answered_late(&mut self) {
        self.unanswered = self.ping.saturating_add((self.unanswered - self.ping).saturating_mul(2));
    }

    /// The check that is due at each interval.
    fn regular(&mut self, now: Moment, waits: Waits) -> Check {
        self.next_check = now + self.interval;
        self.look(now);
        let count = |happened: &mut bool, checks: &mut u32| {
            *checks = if std::mem::take(happened) { 0 } else { checks.saturating_add(1) };
            *checks
        };
        let taken = std::mem::take(&mut self.taken);
        self.progress = self.progress.saturating_add(taken);
        if waits.output && self.progress < self.least {
            self.checks_stalled = self.checks_stalled.saturating_add(1);
        } else {
            (self.checks_stalled, self.progress) = (0, 0);
        }
        let is_prompt = self.checks_awaited.max(self.checks_unacked) <= self.soonest;
        if std::mem::take(&mut self.arrived) && is_prompt {
            // What was waited for arrives in time, so the line is not slow.
            self.unanswered = self.soonest;
        }
        self.checks_awaited =
            if self.heard || !waits.calls { 0 } else { self.checks_awaited.saturating_add(1) };
        let unacked = self.count_unacked(waits);
        let unheard = count(&mut self.heard, &mut self.checks_unheard);
        let unsent = count(&mut self.sent, &mut self.checks_unsent);
        let dead = if unheard >= self.silence {
            Some(Dead::Silent)
        } else if self.checks_awaited >= self.unanswered {
            self.answered_late();
            Some(Dead::Unanswered)
        } else if unacked.is_some() {
            self.answered_late();
            unacked
        } else if self.checks_stalled >= self.stall {
            Some(Dead::Stalled)
        } else {
            None
        };
        Check {
            was_due: true,
            say_something: unsent >= self.quiet,
            ping: self.checks_awaited == self.ping || self.checks_unacked == self.ping,
            stalled: waits.output && taken == 0,
            dead,
        }
    }
}

/// The number of bytes that this rate gives in a span; at least one.
fn least(per_second: u32, span: Duration) -> usize {
    let bytes = (micros(span) / 1000).saturating_mul(per_second.into()) / 1000;
    usize::try_from(bytes).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests;
