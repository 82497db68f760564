//! Lines of the log that others can cause: a few of each kind per second, and how many were left
//! out.
//!
//! A line for each frame that a peer sends fills a disk for a byte each. What is logged here
//! says enough with the first ones.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::util::lock::Mutex;
use crate::util::time::Moment;
use crate::util::token_bucket::TokenBucket;

/// So many lines of one kind per second, and as many at once.
const PER_SECOND: u32 = 10;

/// One kind of line.
#[derive(Debug)]
pub struct Seldom(Mutex<State>);

#[derive(Debug)]
struct State {
    bucket: TokenBucket,
    left_out: u64,
}

impl Default for Seldom {
    fn default() -> Self {
        Self(Mutex::new(State { bucket: TokenBucket::new(PER_SECOND), left_out: 0 }))
    }
}

impl Seldom {
    /// Whether a line is to be logged now, and how many were left out since the last one.
    #[must_use]
    pub fn next(&self, now: Moment) -> Option<u64> {
        let mut state = self.0.lock();
        if state.bucket.take(now) {
            return Some(std::mem::take(&mut state.left_out));
        }
        state.left_out += 1;
        None
    }
}

/// One kind of line where there is no clock: the first, the second, the fourth time and so on.
#[derive(Debug, Default)]
pub(crate) struct Doubling(AtomicU64);

impl Doubling {
    /// It happened once more; how often it has happened, if a line is to be logged now.
    pub(crate) fn again(&self) -> Option<u64> {
        let times = self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        times.is_power_of_two().then_some(times)
    }
}

/// The kinds of lines of a peer that others can cause as often as they like.
#[derive(Debug, Default)]
pub struct Lines {
    /// `authorize` panicked.
    pub panics: Seldom,
    /// A block held its thread for long.
    pub held_threads: Seldom,
    /// A call was refused.
    pub refused_calls: Seldom,
    /// A session was refused.
    pub refused_sessions: Seldom,
    /// A request was not upgraded.
    pub refused_upgrades: Seldom,
    /// Violations of the protocol.
    pub violations: Seldom,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn lines_are_few_and_say_how_many_are_missing() {
        let (seldom, at) = (Seldom::default(), |seconds| Moment::after_origin(Duration::from_secs(seconds)));
        assert_eq!((0..1000).filter_map(|_| seldom.next(at(5))).collect::<Vec<_>>(), [0; 10]);
        assert_eq!(seldom.next(at(6)), Some(990));
        assert_eq!(seldom.next(at(6)), Some(0));
    }

    #[test]
    fn lines_without_a_clock_are_further_and_further_apart() {
        let doubling = Doubling::default();
        let logged: Vec<_> = (0..20).filter_map(|_| doubling.again()).collect();
        assert_eq!(logged, [1, 2, 4, 8, 16]);
    }
}
