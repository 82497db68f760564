//! Asks whether a connection is still alive that may have died unnoticed: while this machine
//! slept, or when its network changed.

use std::time::Duration;

use crate::util::time::Moment;

/// If a check runs this much later than it was due, the machine slept or the task was not
/// scheduled.
pub(super) const LATE: Duration = Duration::from_secs(2);

/// A question that is open until something is heard.
#[derive(Debug, Default)]
pub(super) struct Probe(Option<Asked>);

#[derive(Debug)]
struct Asked {
    until: Moment,
    within: Duration,
    is_repeated: bool,
}

/// What to do about an open question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// No question is open, or time is left.
    Wait,
    /// Time is up, but this machine could not have heard an answer: ask once more.
    AskAgain,
    /// The connection is dead.
    None,
}

impl Probe {
    /// Asks for an answer within this time. Returns false if a question is open already.
    pub(super) fn ask(&mut self, now: Moment, within: Duration) -> bool {
        let is_new = self.0.is_none();
        if is_new {
            self.0 = Some(Asked { until: now + within, within, is_repeated: false });
        }
        is_new
    }

    /// Asks for an answer within this time, whatever was asked before.
    pub(super) fn hurry(&mut self, now: Moment, within: Duration) {
        if !self.ask(now, within)
            && let Some(asked) = &mut self.0
        {
            asked.until = asked.until.min(now + within);
        }
    }

    /// Something was heard, or there is another connection.
    pub(super) fn end(&mut self) {
        self.0 = None;
    }

    pub(super) fn wake(&self) -> Option<Moment> {
        self.0.as_ref().map(|asked| asked.until)
    }

    /// Checks whether the time is up.
    pub(super) fn check(&mut self, now: Moment) -> Answer {
        let Some(Asked { until, within, is_repeated }) = self.0.take_if(|asked| asked.until <= now) else {
            return Answer::Wait;
        };
        if is_repeated || now.since(until) < LATE {
            return Answer::None;
        }
        self.0 = Some(Asked { until: now + within, within, is_repeated: true });
        Answer::AskAgain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHIN: Duration = Duration::from_secs(3);

    fn at(seconds: u64) -> Moment {
        Moment::after_origin(Duration::from_secs(seconds))
    }

    #[test]
    fn unanswered_probe_ends_in_time() {
        let mut probe = Probe::default();
        assert!(probe.ask(at(10), WITHIN));
        assert!(!probe.ask(at(12), WITHIN), "the first one counts");
        assert_eq!(probe.check(at(12)), Answer::Wait);
        assert_eq!(probe.check(at(13)), Answer::None);
        assert_eq!(probe.check(at(14)), Answer::Wait, "it is told once");
        assert!(probe.ask(at(20), WITHIN));
        probe.end();
        assert_eq!(probe.check(at(30)), Answer::Wait);
    }

    /// A machine that slept again before an answer could arrive asks once more, and then gives up.
    #[test]
    fn late_look_asks_once_more() {
        let mut probe = Probe::default();
        probe.ask(at(10), WITHIN);
        assert_eq!(probe.check(at(60)), Answer::AskAgain);
        assert_eq!(probe.check(at(120)), Answer::None);
    }
}
