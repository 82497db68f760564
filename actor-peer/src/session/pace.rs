//! How many answers are made before they are sent.
//!
//! Answers that are sent early let the other side go on while the rest is made, if there is a processor for it: with 64 calls in flight, nearly
//! twice as many end in a second. Where both sides share one, or all are busy, the same costs two more switches for each
//! part, and up to a third of the throughput. Nothing tells a process which of the two it is in, and that changes; so it is tried
//! from time to time which way takes less time, where so much comes at once that it makes a difference. What was measured stands in
//! `benches/PERFORMANCE.md`.

use std::time::Duration;

use distributed_scope_core::Moment;

/// So many answers are sent while others are still made.
const EARLY: usize = 16;

/// So many are made in a trial, and their time taken: a hundredth of a second where nothing else limits them.
const TRIAL: usize = 4096;

/// After so many trials of one way there is one of the other.
const TRIALS_OF_ONE: u32 = 32;

/// When the answers of one connection are sent.
#[derive(Debug)]
pub(super) struct Pace {
    way: Way,
    /// How many trials there are before one of the other way; that one is under way if there is none left.
    left: u32,
    /// How long a trial of the way before took.
    before: Duration,
    trial: Trial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// After a few of them.
    Early,
    /// When there is nothing left to be answered.
    AtOnce,
}

#[derive(Clone, Copy, Debug, Default)]
struct Trial {
    began: Option<Moment>,
    answers: usize,
    /// How many of them were not alone, so that it makes a difference when they are sent.
    together: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { way: Way::AtOnce, left: 1, before: Duration::ZERO, trial: Trial::default() }
    }
}

impl Pace {
    /// Whether so many answers are to be sent before there are more.
    pub(super) fn is_enough(&self, answers: usize) -> bool {
        self.way == Way::Early && answers >= EARLY
    }

    /// So many answers were made before they were sent. The time is asked for once in a trial.
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
        if self.left > 0 {
            let makes_a_difference = self.way == Way::Early || trial.together * 2 >= trial.answers;
            if makes_a_difference {
                self.left -= 1;
            }
            if self.left == 0 {
                (self.before, self.way) = (took, self.way.other());
            }
            return;
        }
        let (early, at_once) = match self.way {
            Way::Early => (took, self.before),
            Way::AtOnce => (self.before, took),
        };
        // It has to be clearly better, for it takes more of the processors in any case.
        self.way = if early * 8 < at_once * 7 { Way::Early } else { Way::AtOnce };
        self.left = TRIALS_OF_ONE;
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

    /// A connection on which `together` calls come at once, and each trial takes so many microseconds.
    struct Played {
        pace: Pace,
        now: Moment,
    }

    impl Played {
        fn new() -> Self {
            Self { pace: Pace::default(), now: Moment::default() }
        }

        /// Plays trials, and says in how many of them answers were sent early.
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
        played.trials(4, 64, 5_000, 8_000);
        assert_eq!(played.trials(330, 64, 5_000, 8_000), 320);
        played.trials(40, 64, 8_000, 6_000);
        assert_eq!(played.trials(330, 64, 8_000, 6_000), 10, "and when that changes, it is found, too");
    }

    #[test]
    fn a_little_less_time_is_not_worth_it() {
        let mut played = Played::new();
        played.trials(4, 64, 7_500, 8_000);
        assert_eq!(played.trials(330, 64, 7_500, 8_000), 10);
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
