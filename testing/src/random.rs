//! Random numbers that follow from a seed.
//!
//! They are made here, and not by a library, so that a seed replays the same failures with every
//! version of every dependency. Nothing here has to be unpredictable.

use std::ops::Range;
use std::time::Duration;

/// SplitMix64.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// True about once in this many times; never for 0.
    pub(crate) fn one_in(&mut self, times: u32) -> bool {
        times > 0 && self.next().is_multiple_of(u64::from(times))
    }

    /// A duration in this range, in whole microseconds; the start of an empty range.
    pub(crate) fn within(&mut self, range: &Range<Duration>) -> Duration {
        let span = range.end.saturating_sub(range.start).as_micros();
        let span = u64::try_from(span).unwrap_or(u64::MAX);
        range.start + Duration::from_micros(self.next().checked_rem(span).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of seed 1234567, as the authors of SplitMix64 publish them: seeds in
    /// users' notes stay valid.
    #[test]
    fn numbers_stay_as_they_are() {
        let mut random = Random::new(1_234_567);
        let numbers = [random.next(), random.next(), random.next()];
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn ranges_are_kept() {
        let mut random = Random::new(7);
        let range = Duration::from_millis(1)..Duration::from_millis(3);
        assert!((0..1000).all(|_| range.contains(&random.within(&range))));
        assert_eq!(random.within(&(range.start..range.start)), range.start);
        assert!((0..1000).all(|_| !random.one_in(0)) && (0..1000).all(|_| random.one_in(1)));
    }
}
