//! Whether a connection is alive: says something when we were quiet for long, notices when the
//! other side was.
//!
//! On the way of every frame it only sets a flag; it looks at the time sixteen times per span of
//! silence. Where these looks are late, as the timers of a page are that nobody looks at, whatever
//! comes in makes a side speak that was quiet for long.

use std::time::Duration;

use super::Dead;
use super::probe::{Answer, LATE, Probe};
use crate::limits::Limits;
use crate::util::time::Moment;

const CHECKS_PER_SPAN: u32 = 16;

/// While calls wait and nothing was heard for this long, the other side is asked whether it is
/// there; and while what was sent is not acknowledged for this long, whether it has that.
const PING_AFTER: Duration = Duration::from_millis(2_500);

/// And if nothing was heard or acknowledged for so long after that, the connection is dead.
const ANSWER_WITHIN: Duration = Duration::from_millis(2_000);

/// How long a connection has to show that it is alive when somebody else wants the place of its
/// peer and has proved that it may: a little less than the second in which a peer takes over its
/// own dead session.
const TAKEOVER: Duration = Duration::from_millis(800);

/// A peer that takes a connection for dead sooner than this is not reassured any more often for
/// that: otherwise it could make us look and speak a thousand times a second, only by saying so.
const SHORTEST_SILENCE: Duration = Duration::from_millis(100);

/// Nor is one whose span of silence is so many times shorter than ours: what it asks for is in
/// proportion to what we ask for.
const MOST_TIMES_SHORTER: u32 = 60;

#[derive(Debug)]
pub(super) struct Health {
    interval: Duration,
    next_check: Moment,
    /// After so many checks without a word from them, the connection is dead.
    silence: u32,
    /// After so many checks without a word from us, they are told that we live.
    quiet: u32,
    /// After so many checks in which they took less than `least` although something waited, the
    /// connection is dead.
    stall: u32,
    /// In bytes.
    least: usize,
    /// The same for the span between two checks.
    least_per_check: usize,
    heard: bool,
    /// How many bytes came since the last check.
    came: usize,
    /// The other side acknowledged something since the last check.
    acked: bool,
    sent: bool,
    /// How many bytes they took since the last check: of numbered frames that were sent or
    /// acknowledged.
    taken: usize,
    /// How many they took in the checks that are counted below.
    progress: usize,
    checks_unheard: u32,
    checks_unsent: u32,
    checks_stalled: u32,
    /// In how many checks nothing was heard while calls waited.
    checks_awaited: u32,
    /// In how many checks nothing was acknowledged while something that was sent waited for that.
    checks_unacked: u32,
    /// After how many of either the other side is asked, and the connection is dead.
    ping: u32,
    unanswered: u32,
    /// The shortest that `unanswered` is.
    soonest: u32,
    probe: Probe,
    /// Whoever was quiet for this long answers when something comes in.
    answer_after: Duration,
    /// When we last said something, at the earliest, and whether we did since the last look.
    spoke: Moment,
    has_spoken: bool,
    /// Not before this moment have we been quiet for so long.
    speak_from: Moment,
    /// When it was last looked, or something came in.
    looked: Moment,
}

/// What waits when a connection is checked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waits {
    /// Something waits to be sent.
    pub(super) output: bool,
    /// Calls wait for the other side, and for nothing that takes long on a slow line.
    pub(super) calls: bool,
    /// So many bytes were sent and not acknowledged.
    pub(super) unacked: usize,
    /// Large messages are among these, of which whole chunks are acknowledged.
    pub(super) chunks: bool,
    /// Something is on its way, in either direction, that may be large.
    pub(super) slow: bool,
}

/// What a check found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Check {
    /// It was due; otherwise nothing was looked at.
    pub(super) was_due: bool,
    pub(super) say_something: bool,
    /// The other side is to be asked whether it is there.
    pub(super) ping: bool,
    /// They took nothing since the last check although something waited.
    pub(super) stalled: bool,
    pub(super) dead: Option<Dead>,
}

impl Health {
    /// `theirs` is the span of silence after which the other side takes the connection for dead.
    pub(super) fn new(limits: &Limits, theirs: Duration, now: Moment) -> Self {
        let Limits { silence: ours, write_stall, write_rate, .. } = *limits;
        let theirs = theirs.max(SHORTEST_SILENCE).max(ours / MOST_TIMES_SHORTER);
        let interval = (ours.min(theirs).min(write_stall) / CHECKS_PER_SPAN).max(Duration::from_millis(1));
        let checks = |span: Duration| {
            u32::try_from(span.as_micros().div_ceil(interval.as_micros())).unwrap_or(u32::MAX)
        };
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

    /// A new connection.
    pub(super) fn begin(&mut self, now: Moment) {
        self.next_check = now + self.interval;
        (self.heard, self.sent) = (true, true);
        (self.taken, self.progress) = (0, 0);
        (self.checks_unheard, self.checks_unsent, self.checks_stalled) = (0, 0, 0);
        (self.came, self.acked) = (0, false);
        (self.checks_awaited, self.checks_unacked) = (0, 0);
        self.probe.end();
        self.spoke = now;
    }

    /// The connection may have died unnoticed. True if the other side is to be asked: it was not,
    /// and may answer now. `is_slow` says that something large is on its way, which may come
    /// before the answer.
    pub(super) fn probe(&mut self, now: Moment, is_slow: bool) -> bool {
        self.listen();
        let within = self.interval * if is_slow { self.stall } else { self.unanswered - self.ping };
        self.probe.ask(now, within)
    }

    /// Somebody else wants the place of the other side, which has to say something soon.
    pub(super) fn challenge(&mut self, now: Moment) {
        self.listen();
        self.probe.hurry(now, TAKEOVER);
    }

    /// Whether it was asked to say something, and did not.
    pub(super) fn is_asked(&self) -> bool {
        self.probe.wake().is_some() && !self.heard
    }

    /// From now on counts what is heard.
    fn listen(&mut self) {
        if std::mem::take(&mut self.heard) {
            (self.checks_unheard, self.checks_awaited) = (0, 0);
        }
    }

    /// How many checks are the span in which [`least`](Self::least) bytes are taken at least.
    pub(super) fn stall(&self) -> u32 {
        self.stall
    }

    /// Whether anything was heard between the last two checks.
    pub(super) fn was_heard(&self) -> bool {
        self.checks_unheard == 0
    }

    /// In bytes.
    pub(super) fn least(&self) -> usize {
        self.least
    }

    /// How long it takes at most until the connection is taken for dead if nothing more is heard.
    pub(super) fn silent_in(&self, now: Moment) -> Duration {
        let checks = self.silence.saturating_sub(self.checks_unheard).saturating_add(1);
        self.next_check.since(now) + self.interval.saturating_mul(checks)
    }

    /// So many bytes have come in. True if we were quiet for so long that it is time to speak: a
    /// quarter of the span after which the other side takes us for dead.
    pub(super) fn heard(&mut self, now: Moment, bytes: usize) -> bool {
        self.heard = true;
        self.came = self.came.saturating_add(bytes);
        self.look(now);
        now >= self.speak_from && self.is_time_to_speak(now)
    }

    /// We may have spoken since `speak_from` was found. It is not found anew for each message.
    #[cold]
    fn is_time_to_speak(&mut self, now: Moment) -> bool {
        self.speak_from = self.spoke + self.answer_after;
        now >= self.speak_from
    }

    /// Nothing is read, so nothing can be heard.
    pub(super) fn cannot_hear(&mut self) {
        self.heard = true;
    }

    /// When something was sent is not known any better than this, and nobody asks a clock for
    /// that.
    fn look(&mut self, now: Moment) {
        if std::mem::take(&mut self.has_spoken) {
            self.spoke = self.looked;
        }
        self.looked = now;
    }

    pub(super) fn acknowledged(&mut self) {
        self.acked = true;
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

    /// For how long nothing was said in either direction, to the length of a check.
    pub(super) fn idle(&self) -> Duration {
        match self.heard || self.sent {
            true => Duration::ZERO,
            false => self.interval.saturating_mul(self.checks_unheard.min(self.checks_unsent)),
        }
    }

    /// Whether the other side was asked for a word or an acknowledgement, which did not come.
    pub(super) fn is_suspicious(&self) -> bool {
        self.checks_awaited >= self.ping && !self.heard || self.checks_unacked >= self.ping && !self.acked
    }

    /// Counts the checks in which nothing was acknowledged. Gives the word that the connection is
    /// dead if there were too many.
    fn count_unacked(&mut self, waits: Waits) -> Option<Dead> {
        // A side that sends much may have no room to read in.
        let is_busy = std::mem::take(&mut self.came) >= self.least_per_check;
        let was_acked = std::mem::take(&mut self.acked);
        if waits.unacked == 0 || was_acked || is_busy {
            self.checks_unacked = 0;
            return None;
        }
        self.checks_unacked = self.checks_unacked.saturating_add(1);
        // A slow line needs time for what is on its way, and as long as one that carries large
        // messages
        // has.
        let carried = u32::try_from(waits.unacked / self.least_per_check).unwrap_or(u32::MAX);
        let patience = match waits.chunks {
            true => self.stall,
            false => self.unanswered.saturating_add(carried).min(self.stall),
        };
        (self.checks_unacked >= patience.max(self.unanswered)).then_some(Dead::Unacknowledged)
    }

    /// Looks at what happened since the last check. A late check counts as one: a machine that
    /// slept does not find all its peers dead. It asks them instead.
    pub(super) fn check(&mut self, now: Moment, waits: Waits) -> Check {
        if self.heard {
            self.probe.end();
        }
        let answer = self.probe.check(now);
        if answer == Answer::None {
            self.answered_late();
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

    /// Perhaps the line is slow, and something large comes before the answer: the next connection
    /// gets twice the time.
    fn answered_late(&mut self) {
        self.unanswered = self.ping.saturating_add((self.unanswered - self.ping).saturating_mul(2));
    }

    /// The check that is due every so often.
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
        if self.heard && (self.ping..=self.soonest).contains(&self.checks_awaited) {
            // It answers in time.
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

/// The bytes that this rate is in a span; one at least.
fn least(per_second: u32, span: Duration) -> usize {
    let bytes = span.as_millis().saturating_mul(per_second.into()) / 1000;
    usize::try_from(bytes).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests;
