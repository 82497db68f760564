//! How much may happen in a second.

use std::time::Duration;

use crate::util::time::Moment;

/// A token bucket: as many as a second's worth at once, and so many per second in the long run.
///
/// It takes the time as an argument and keeps one word: the moment at which the bucket is full
/// again.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    /// One token comes in so many nanoseconds, for many come in one microsecond; nothing if none
    /// ever comes.
    interval: Option<u64>,
    /// In nanoseconds since the origin.
    full_at: u64,
}

const SECOND: u64 = 1_000_000_000;

impl TokenBucket {
    /// A full bucket.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self { interval: SECOND.checked_div(per_second.into()), full_at: 0 }
    }

    /// Takes a token, if there is one. Time that goes backwards brings none.
    #[must_use]
    pub fn take(&mut self, now: Moment) -> bool {
        let Some(interval) = self.interval else { return false };
        let now = nanos(now);
        let full_at = self.full_at.max(now).saturating_add(interval);
        let is_there = full_at - now <= SECOND;
        if is_there {
            self.full_at = full_at;
        }
        is_there
    }

    /// Takes a token, if so many in a hundred are left after that: for those who come second.
    #[must_use]
    pub fn take_leaving(&mut self, now: Moment, percent: u64) -> bool {
        let has_room =
            self.full_at.saturating_sub(nanos(now)) <= SECOND / 100 * 100_u64.saturating_sub(percent);
        has_room && self.take(now)
    }

    /// Takes so many tokens more, or all that there are.
    pub fn charge(&mut self, now: Moment, count: u64) {
        let Some(interval) = self.interval else { return };
        let now = nanos(now);
        let full_at = self.full_at.max(now).saturating_add(interval.saturating_mul(count));
        self.full_at = full_at.min(now.saturating_add(SECOND)).max(self.full_at);
    }

    /// Whether it has been full for so long that a new one is as good.
    #[must_use]
    pub fn is_full(&self, now: Moment) -> bool {
        self.full_at <= nanos(now)
    }

    /// When there is a token again.
    #[must_use]
    pub fn wait(&self, now: Moment) -> Duration {
        let interval = self.interval.unwrap_or(SECOND);
        let there_at = self.full_at.saturating_add(interval);
        Duration::from_nanos(there_at.saturating_sub(nanos(now).saturating_add(SECOND)))
    }
}

/// Since the origin. They are enough for five centuries.
fn nanos(moment: Moment) -> u64 {
    u64::try_from(moment.since_origin().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Moment {
        Moment::after_origin(Duration::from_micros(micros))
    }

    fn taken(bucket: &mut TokenBucket, now: Moment) -> usize {
        (0..1000).take_while(|_| bucket.take(now)).count()
    }

    #[test]
    fn a_seconds_worth_may_be_taken_at_once_and_one_more_may_not() {
        let mut bucket = TokenBucket::new(10);
        assert_eq!(taken(&mut bucket, at(0)), 10);
        assert_eq!(taken(&mut bucket, at(99_999)), 0);
        assert_eq!(bucket.wait(at(99_000)), Duration::from_millis(1));
        assert_eq!(taken(&mut bucket, at(100_000)), 1);
        assert_eq!(taken(&mut bucket, at(350_000)), 2);
        assert_eq!(taken(&mut bucket, at(60_000_000)), 10, "it does not fill beyond its size");
    }

    #[test]
    fn time_that_goes_backwards_brings_nothing() {
        let mut bucket = TokenBucket::new(10);
        assert_eq!(taken(&mut bucket, at(5_000_000)), 10);
        assert_eq!(taken(&mut bucket, at(1_000_000)), 0);
    }

    #[test]
    fn some_are_left_for_those_who_come_first() {
        let mut bucket = TokenBucket::new(100);
        let second = (0..1000).take_while(|_| bucket.take_leaving(at(0), 25)).count();
        assert!((75..=76).contains(&second), "{second}");
        assert_eq!(taken(&mut bucket, at(0)), 100 - second);
        assert!(!bucket.take_leaving(at(10_000), 25) && bucket.take(at(10_000)));
    }

    #[test]
    fn charge_takes_what_there_is_and_makes_no_debts() {
        let mut bucket = TokenBucket::new(10);
        bucket.charge(at(0), 4);
        assert_eq!(taken(&mut bucket, at(0)), 6);
        bucket.charge(at(0), 1_000_000);
        assert_eq!(taken(&mut bucket, at(99_000)), 0);
        assert_eq!(taken(&mut bucket, at(100_000)), 1);
    }

    #[test]
    fn none_per_second_is_none_and_many_are_not_held_up() {
        assert_eq!(taken(&mut TokenBucket::new(0), at(9)), 0);
        assert_eq!(taken(&mut TokenBucket::new(u32::MAX), at(9)), 1000);
    }
}
