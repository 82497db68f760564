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

/// So many are made in a trial, and their time taken: three to five milliseconds where nothing else limits them.
const TRIAL: usize = 2048;

/// After so many trials of one way there is one of the other.
const TRIALS_OF_ONE: u32 = 32;

/// After so many there may be one already, if what a trial takes has changed: a scheduler has moved a process to another processor, say. It
/// is twice as many each time that the change was not one of the way.
const TRIALS_BEFORE_DOUBT: u32 = 4;

/// When the answers of one connection are sent.
#[derive(Debug)]
pub(super) struct Pace {
    way: Way,
    /// How many trials of this way there were since the other was tried.
    trials: u32,
    /// After how many of them a change of what they take is a reason to try the other.
    patience: u32,
    /// How long a trial of this way took when it was chosen; not known before.
    usual: Option<Duration>,
    /// A trial of the other way is under way; so long took the last one of the way that is compared with it.
    compared: Option<Duration>,
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
        let patience = TRIALS_BEFORE_DOUBT;
        Self { way: Way::AtOnce, trials: 0, patience, usual: None, compared: None, trial: Trial::default() }
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
        if let Some(before) = self.compared.take() {
            return self.decide(before, took);
        }
        let makes_a_difference = self.way == Way::Early || trial.together * 2 >= trial.answers;
        if !makes_a_difference {
            return;
        }
        self.trials += 1;
        let is_worth_trying = self.usual.is_none_or(|usual| {
            let has_changed = took * 4 > usual * 5;
            self.trials >= if has_changed { self.patience } else { TRIALS_OF_ONE }
        });
        if is_worth_trying {
            self.compared = Some(took);
            self.way = self.way.other();
        }
    }

    /// The way before took so long, and this one so.
    fn decide(&mut self, before: Duration, took: Duration) {
        let (early, at_once) = match self.way {
            Way::Early => (took, before),
            Way::AtOnce => (before, took),
        };
        // It has to be clearly better, for it takes more of the processors in any case.
        let (better, usual) =
            if early * 8 < at_once * 7 { (Way::Early, early) } else { (Way::AtOnce, at_once) };
        let is_another = better == self.way;
        let was_known = self.usual.is_some();
        self.patience = match is_another || !was_known {
            true => TRIALS_BEFORE_DOUBT,
            false => (self.patience * 2).min(TRIALS_OF_ONE),
        };
        (self.way, self.usual, self.trials) = (better, Some(usual), 0);
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
    fn when_a_trial_takes_longer_than_before_the_other_way_is_tried_soon() {
        let mut played = Played::new();
        // Both processes on one processor at first.
        assert_eq!(played.trials(8, 64, 7_500, 6_500), 1);
        assert_eq!(played.trials(10, 64, 5_200, 10_000), 9, "and then each on its own");
        assert_eq!(played.trials(10, 64, 9_000, 6_500), 1, "and on one again");
    }

    #[test]
    fn a_time_that_changes_all_the_time_is_soon_no_reason_to_try() {
        let mut played = Played::new();
        let tried: u32 =
            (0..500).map(|n| played.trials(1, 64, 9_000, if n % 2 == 0 { 5_000 } else { 8_000 })).sum();
        assert!((15..25).contains(&tried), "{tried}");
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
