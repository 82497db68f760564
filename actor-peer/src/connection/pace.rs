//! Decides how many answers are collected before they are sent.
//!
//! Sending answers early lets the other side continue while the rest is computed, if a processor
//! is free. With 64 calls in flight, this nearly doubles the calls per second. If both sides
//! share a processor, or all are busy, it costs two more context switches per part and up to a
//! third of the throughput. A process cannot find out which case applies, and the case changes
//! over time. Therefore both ways are tried from time to time under load, and the faster one is
//! used. The measurements are in `benches/PERFORMANCE.md`.

use std::time::Duration;

use distributed_scope_core::Moment;

/// The number of answers that are sent while others are still computed.
const EARLY: usize = 16;

/// The number of answers in a trial, whose time is measured: two milliseconds if nothing else
/// limits them. Other events may disturb a trial. So there are two trials of each way,
/// alternating, and the shorter ones are compared.
const TRIAL: usize = 1024;

/// The number of trials of one way after which the other is tried.
const TRIALS_OF_ONE: u32 = 64;

/// The number of trials after which this may happen early, if the duration of a trial has
/// changed: for example, a scheduler has moved a process to another processor. It doubles each
/// time that the change was not caused by the way.
const TRIALS_BEFORE_DOUBT: u32 = 8;

/// Decides when the answers of one connection are sent.
#[derive(Debug)]
pub(super) struct Pace {
    way: Way,
    /// The number of trials of this way since the other was tried.
    trials: u32,
    /// The number of them after which a change of their duration is a reason to try the other
    /// way.
    patience: u32,
    /// The duration of a trial of this way when it was chosen; `None` if not measured.
    usual: Option<Duration>,
    /// The number of consecutive trials that took clearly longer.
    slow: u32,
    comparison: Option<Comparison>,
    trial: Trial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// After a few answers.
    Early,
    /// After the last pending answer.
    AtOnce,
}

#[derive(Clone, Copy, Debug, Default)]
struct Trial {
    began: Option<Moment>,
    answers: usize,
    /// The number of answers that were not alone, so that the time of sending makes a difference.
    together: usize,
}

/// A comparison of the two ways.
#[derive(Debug)]
struct Comparison {
    /// The previous way.
    before: Way,
    /// The shortest trial of each way.
    early: Duration,
    at_once: Duration,
    /// The number of remaining trials.
    left: u32,
}

impl Comparison {
    /// Starts with the duration of the first of four trials.
    fn begin(way: Way, took: Duration) -> Self {
        let mut comparison = Self { before: way, early: Duration::MAX, at_once: Duration::MAX, left: 4 };
        comparison.add(way, took);
        comparison
    }

    fn add(&mut self, way: Way, took: Duration) {
        let shortest = match way {
            Way::Early => &mut self.early,
            Way::AtOnce => &mut self.at_once,
        };
        *shortest = took.min(*shortest);
        self.left -= 1;
    }

    /// The better way, and the duration of its trial.
    fn better(&self) -> (Way, Duration) {
        // It has to be clearly better, because it uses more processor time in any case.
        if self.early < self.at_once / 8 * 7 { (Way::Early, self.early) } else { (Way::AtOnce, self.at_once) }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            way: Way::AtOnce,
            trials: 0,
            patience: TRIALS_BEFORE_DOUBT,
            usual: None,
            slow: 0,
            comparison: None,
            trial: Trial::default(),
        }
    }
}

impl Pace {
    /// Whether this number of answers should be sent before there are more.
    pub(super) fn is_enough(&self, answers: usize) -> bool {
        self.way == Way::Early && answers >= EARLY
    }

    /// Records the number of answers that were sent together. The clock is read once per trial.
    pub(super) fn sent(&mut self, answers: usize, now: impl FnOnce() -> Moment) {
        self.trial.answers += answers;
        if answers >= EARLY {
            self.trial.together += answers;
        }
        if self.trial.answers >= TRIAL {
            let now = now();
            let trial = std::mem::replace(&mut self.trial, Trial { began: Some(now), ..Trial::default() });
            if let Some(began) = trial.began {
                self.ended(&trial, now.since(began));
            }
        }
    }

    fn ended(&mut self, trial: &Trial, took: Duration) {
        if let Some(comparison) = &mut self.comparison {
            comparison.add(self.way, took);
            match comparison.left {
                0 => self.decide(),
                _ => self.way = self.way.other(),
            }
            return;
        }
        let makes_a_difference = self.way == Way::Early || trial.together * 2 >= trial.answers;
        if !makes_a_difference {
            return;
        }
        self.trials += 1;
        let is_worth_trying = self.usual.is_none_or(|usual| {
            self.slow = if took * 4 > usual * 5 { self.slow + 1 } else { 0 };
            self.trials >= if self.slow > 1 { self.patience } else { TRIALS_OF_ONE }
        });
        if is_worth_trying {
            self.comparison = Some(Comparison::begin(self.way, took));
            self.way = self.way.other();
        }
    }

    fn decide(&mut self) {
        let Some(comparison) = self.comparison.take() else { return };
        let (better, took) = comparison.better();
        self.patience = match better != comparison.before || self.usual.is_none() {
            true => TRIALS_BEFORE_DOUBT,
            false => (self.patience * 2).min(TRIALS_OF_ONE),
        };
        (self.way, self.usual, self.trials, self.slow) = (better, Some(took), 0, 0);
    }
}

impl Way {
    fn other(self) -> Self {
        match self {
            Self::Early => Self::AtOnce,
            Self::AtOnce => Self::Early,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection with `together` concurrent calls, on which each trial takes this many
    /// microseconds.
    struct Played {
        pace: Pace,
        now: Moment,
    }

    impl Played {
        fn new() -> Self {
            Self { pace: Pace::default(), now: Moment::default() }
        }

        /// Simulates trials, and returns in how many of them answers were sent early.
        fn trials(&mut self, count: u32, together: usize, early: u64, at_once: u64) -> u32 {
            (0..count)
                .filter(|_| {
                    let is_early = self.pace.is_enough(EARLY);
                    self.now = self.now + Duration::from_micros(if is_early { early } else { at_once });
                    let answers = if is_early { together.min(EARLY) } else { together };
                    (0..TRIAL.div_ceil(answers)).for_each(|_| self.pace.sent(answers, || self.now));
                    is_early
                })
                .count() as u32
        }
    }

    #[test]
    fn the_way_that_takes_less_time_is_found_and_the_other_tried_now_and_then() {
        let mut played = Played::new();
        played.trials(5, 64, 5_000, 8_000);
        assert_eq!(played.trials(670, 64, 5_000, 8_000), 650);
        played.trials(80, 64, 8_000, 6_000);
        assert_eq!(played.trials(670, 64, 8_000, 6_000), 20, "and when that changes, it is found, too");
    }

    #[test]
    fn when_a_trial_takes_longer_than_before_the_other_way_is_tried_soon() {
        let mut played = Played::new();
        // Both processes on one processor at first.
        assert_eq!(played.trials(13, 64, 7_500, 6_500), 2);
        assert_eq!(played.trials(20, 64, 5_200, 10_000), 17, "and then each on its own");
        assert_eq!(played.trials(20, 64, 9_000, 6_500), 3, "and on one again");
    }

    #[test]
    fn a_trial_in_which_something_else_happened_decides_nothing() {
        for disturbed in 0..5 {
            let mut played = Played::new();
            for trial in 0..5 {
                let more = if trial == disturbed { 10_000 } else { 0 };
                played.trials(1, 64, 7_500 + more, 6_500 + more);
            }
            assert_eq!(played.trials(60, 64, 7_500, 6_500), 0);
        }
    }

    #[test]
    fn a_time_that_changes_all_the_time_is_soon_no_reason_to_try() {
        let mut played = Played::new();
        let at_once = |n| if n % 6 < 3 { 5_000 } else { 8_000 };
        let tried: u32 = (0..1000).map(|n| played.trials(1, 64, 9_000, at_once(n))).sum();
        assert!((25..45).contains(&tried), "{tried}");
    }

    #[test]
    fn a_little_less_time_is_not_worth_it() {
        let mut played = Played::new();
        played.trials(5, 64, 7_500, 8_000);
        assert_eq!(played.trials(670, 64, 7_500, 8_000), 20);
    }

    #[test]
    fn nothing_is_tried_where_few_calls_come_at_once() {
        let mut played = Played::new();
        assert_eq!(played.trials(100, 1, 1, 1_000_000), 0);
        assert_eq!(played.trials(100, EARLY - 1, 1, 1_000_000), 0);
    }

    #[test]
    fn the_clock_is_asked_once_in_a_trial() {
        let mut pace = Pace::default();
        let mut asked = 0;
        for _ in 0..10 * TRIAL {
            pace.sent(1, || {
                asked += 1;
                Moment::default()
            });
        }
        assert_eq!(asked, 10);
    }
}
